"""What `make bench` does before it measures: the twin's environment and its server."""

import subprocess

import pytest

from dev import twin
from dev.environment import ROOT
from dev.say import Refusal


def test_the_twin_is_our_own_unless_another_is_named(tmp_path):
    for name in ("app.py", "requirements.txt"):
        (tmp_path / name).touch()
    assert twin.chosen("") == ROOT / "benchmarks" / "twin"
    assert twin.chosen(str(tmp_path)) == tmp_path


def test_a_folder_without_a_twin_is_refused(tmp_path):
    with pytest.raises(Refusal, match=r"TWIN names a folder without app\.py"):
        twin.chosen(str(tmp_path))


def test_the_twin_gets_the_database_by_its_own_driver(tmp_path):
    env = twin.server_environment(tmp_path, "postgresql://me:secret@127.0.0.1:5/twin")
    assert (env["DATABASE_URL"], env["PYTHONPATH"]) == (
        "postgresql+asyncpg://me:secret@127.0.0.1:5/twin",
        str(tmp_path),
    )


def test_another_pinned_file_is_another_environment():
    assert twin.fingerprint(b"fastapi==1") != twin.fingerprint(b"fastapi==2")


def test_every_package_of_the_twin_is_pinned_with_its_hash():
    text = (twin.OWN / "requirements.txt").read_text()
    pins = [line for line in text.splitlines() if "==" in line]
    assert len(pins) > 20
    assert all(line.endswith("\\") for line in pins)


@pytest.mark.parametrize("verb", ["bench", "bench-check"])
def test_a_word_that_it_does_not_know_is_told(verb):
    done = subprocess.run(
        ["make", verb, "ARGS=--wrong"], cwd=ROOT, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"}
    )
    assert done.returncode != 0
    assert "unrecognized arguments: --wrong" in done.stderr
