"""The private PostgreSQL, as root and as anybody else, in folders open and closed."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest

from dev import binaries, leftovers, postgres
from dev.environment import ROOT
from dev.processes import Children, User
from dev.say import Refusal

# Python and its modules may be out of the ordinary user's reach, so they are loaded first.
AS_ORDINARY_USER = """
import os, pathlib, sys
from dev import binaries, postgres
from dev.processes import Children
programs, home, uid, gid = sys.argv[1:]
os.setgroups([])
os.setgid(int(gid))
os.setuid(int(uid))
binaries.candidates = lambda: iter([pathlib.Path(programs)])
postgres.LOGS = pathlib.Path(home)
with Children() as children:
    print(postgres.Cluster(pathlib.Path(home) / "postgres").start(children))
    print(input())
"""


@pytest.fixture
def folder():
    """A folder that every user may enter; pytest's own is closed to others."""
    path = Path(tempfile.mkdtemp(prefix="postgres-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def test_it_keeps_its_data_over_a_restart_and_is_open_to_its_password_only(folder):
    for expected in (0, 1):
        with Children() as children:
            url = postgres.Cluster(folder / "postgres").start(children)
            with psycopg.connect(url) as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS kept (id int)")
                assert connection.execute("SELECT count(*) FROM kept").fetchone() == (expected,)
                connection.execute("INSERT INTO kept VALUES (1)")
                assert connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = user").fetchone() == (False,)
                assert connection.execute("SHOW fsync").fetchone() == ("on",)
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(url.replace(":", ":wrong", 2).replace(":wrong//", "://"))
    assert (folder / "postgres").stat().st_mode & 0o077 == 0
    assert (folder / "postgres" / "password").stat().st_mode & 0o077 == 0


def test_it_runs_as_an_ordinary_user(folder):
    user = binaries.server_user(folder / "new") or User(os.getuid(), os.getgid())
    os.chown(folder, user.uid, user.gid)
    programs, _ = binaries.find(user)
    command = [sys.executable, "-c", AS_ORDINARY_USER, *map(str, (programs, folder, user.uid, user.gid))]
    if os.getuid() != 0:
        command[2] = AS_ORDINARY_USER.replace("os.setgroups([])\n", "")
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        said = [process.stdout.readline(), process.stdout.readline()]
        with psycopg.connect(said[1].strip()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        process.communicate("done\n", timeout=20)
    assert process.returncode == 0


def test_a_note_of_a_process_that_is_a_strangers_now_is_removed_and_the_stranger_lives(folder):
    cluster = postgres.Cluster(folder / "postgres")
    with Children() as children:
        cluster.start(children)
    stranger = subprocess.Popen(["sleep", "60"])
    note = cluster.data / "postmaster.pid"
    note.write_text(f"{stranger.pid}\n{cluster.data}\n")
    with Children() as children:
        url = cluster.start(children)
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_server_on_the_same_data_is_ended_before_a_new_one_starts(folder):
    cluster = postgres.Cluster(folder / "postgres")
    with Children() as children:
        cluster.start(children)
        leftovers.end_postgres(cluster.data)
        assert cluster.server.process.wait(10) == 0


def test_each_test_run_has_an_empty_cluster_of_its_own_that_is_gone_afterwards():
    with Children() as children, postgres.for_tests(children) as first, postgres.for_tests(children) as second:
        assert first != second
        with psycopg.connect(first.replace("//billing:", "//postgres:")) as connection:
            assert connection.execute("SHOW fsync").fetchone() == ("off",)
            (data,) = connection.execute("SHOW data_directory").fetchone()
    assert not Path(data).parent.exists()


def test_another_server_at_the_port_is_noticed(folder):
    with Children() as children:
        cluster = postgres.Cluster(folder / "postgres")
        url = cluster.start(children)
        cluster.data = folder / "elsewhere"
        with pytest.raises(Refusal, match="Another PostgreSQL answers"):
            cluster.check_and_set_up(int(url.rpartition(":")[2].partition("/")[0]))


def test_without_any_postgresql_a_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setattr(binaries, "candidates", lambda: iter([]))
    with pytest.raises(Refusal, match="set DATABASE_URL"):
        binaries.find(None)
