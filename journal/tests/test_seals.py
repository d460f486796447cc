"""seal_journal and verify_journal: whatever is changed in what was sealed shows."""

import json
from hashlib import sha256
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from journal import seals
from journal.models import Event, Seal
from journal.tests.sessions import add_group, execute, sessions
from operations.commands import alone

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(seals, "CHUNK", 3)


def said(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def found_broken(*options):
    with pytest.raises(CommandError) as ended:
        said("verify_journal", *options)
    assert ended.value.returncode == 1
    return str(ended.value).splitlines()


def write(*names):
    for name in names:
        add_group(connection, name)


def sealed(*names):
    write(*names)
    said("seal_journal")
    return Seal.objects.order_by("id").last()


def tamper(table, sql, *given):
    """Do what only whoever owns the database can do."""
    execute(connection, f"ALTER TABLE {table} DISABLE TRIGGER USER")
    execute(connection, f"GRANT ALL ON {table} TO CURRENT_USER")
    try:
        execute(connection, sql, *given)
    finally:
        execute(connection, f"ALTER TABLE {table} ENABLE TRIGGER USER")
        execute(connection, f"REVOKE UPDATE, DELETE ON {table} FROM CURRENT_USER")


def tamper_event(sql, *given):
    tamper("journal_event", sql, *given)


def seq_of(name):
    return Event.objects.get(kind="group.created", after__name=name).seq


# --- Sealing


def test_a_seal_covers_what_is_settled_since_the_last_one():
    first = sealed("a", "b")
    second = sealed("c")
    assert (first.first_seq, first.previous_digest, first.last_seq) == (1, "0" * 64, seq_of("b"))
    assert (second.first_seq, second.last_seq, second.count) == (first.last_seq + 1, seq_of("c"), 1)
    assert second.previous_digest == first.digest
    assert "Every seal holds, 2 over" in said("verify_journal")


def test_it_says_what_it_sealed():
    sealed("a")
    write("b")
    assert said("seal_journal").startswith("Sealed: 1 event, ")
    assert said("seal_journal").strip() == "Nothing new to seal."


def test_it_says_the_same_in_json():
    sealed("a")
    write("b")
    told = json.loads(said("seal_journal", "--json"))
    last = Seal.objects.order_by("id").last()
    assert told == {
        "command": "seal_journal", "outcome": "done", "count": 1, "first_seq": last.first_seq,
        "last_seq": last.last_seq, "digest": last.digest,
    }  # fmt: skip
    assert json.loads(said("seal_journal", "--json")) == {"command": "seal_journal", "outcome": "done", "count": 0}


def test_a_dry_run_writes_nothing_and_foretells_the_digest():
    sealed("a")
    write("b")
    foretold = json.loads(said("seal_journal", "--dry-run", "--json"))
    assert Seal.objects.count() == 1
    assert "Dry run" in said("seal_journal", "--dry-run")
    assert json.loads(said("seal_journal", "--json"))["digest"] == foretold["digest"]


def test_what_is_not_settled_is_sealed_later():
    sealed("a")
    with sessions(2) as (slow, quick):
        slow.set_autocommit(False)
        add_group(slow, "b")
        add_group(quick, "c")
        assert said("seal_journal").strip() == "Nothing new to seal."
        slow.commit()
    assert Seal.objects.count() == 1
    assert json.loads(said("seal_journal", "--json"))["count"] == 2


def test_it_leaves_the_work_to_another_run():
    with sessions(1) as (other,):
        key = [seals_key()]
        execute(other, "SELECT pg_advisory_lock(%s, %s)", *key[0])
        assert "already running" in said("seal_journal")
    assert not Seal.objects.exists()


def seals_key():
    """Return the lock that `alone` takes for the command."""
    with alone("seal_journal") as held:
        assert held
        query = "SELECT classid::bigint, objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND pid = %s"
        pid = execute(connection, "SELECT pg_backend_pid()")[0][0]
        return [number - 2**32 if number >= 2**31 else number for number in execute(connection, query, pid)[0]]


def test_the_digest_does_not_depend_on_the_settings_of_the_session():
    write("a")
    seal = seals.next_seal()
    execute(connection, "SET timezone TO 'Asia/Tokyo'")
    execute(connection, "SET datestyle TO 'German'")
    execute(connection, "SET extra_float_digits TO 0")
    try:
        assert seals.digest_of(seal) == (seal.count, seal.digest)
    finally:
        connection.close()


def test_the_digest_is_what_anybody_can_compute_from_the_rows():
    execute(connection, "TRUNCATE journal_event")
    tamper_event(
        "INSERT INTO journal_event VALUES (5, '2026-01-31T09:12:44.101Z', 'payment.confirmed', 'payment', '31', 7, "
        """'user', 2, 'olga', 'admin', '5f1c', 'Зачем', '{"status": "pending"}', '{"amount": "990.00", "n": 1}')"""
    )
    count, digest = seals.digest_of(Seal(first_seq=1, last_seq=5, previous_digest=seals.BEGINNING))
    row = (
        '[5, "1769850764.101000", "payment.confirmed", "payment", "31", 7, "user", 2, "olga", "admin", "5f1c", '
        '"Зачем", {"status": "pending"}, {"n": 1, "amount": "990.00"}]'
    )
    chunk = sha256(sha256(row.encode()).digest()).hexdigest()
    whole = f'["{"0" * 64}", 1, 5, 1, "{sha256(chunk.encode()).hexdigest()}"]'
    assert (count, digest) == (1, sha256(whole.encode()).hexdigest())


# --- Verifying


def test_before_anything_is_sealed_there_is_nothing_wrong():
    assert "Nothing has been sealed yet" in said("verify_journal")


def test_what_came_since_the_last_seal_is_counted():
    sealed("a")
    write("b", "c")
    assert said("verify_journal").strip().endswith("2 are not sealed yet.")


@pytest.mark.parametrize(
    "change",
    [
        "kind = 'x'", "actor_name = 'x'", "user_id = 5", "at = at + interval '1 microsecond'", "reason = 'x'",
        """after = '{"name": "x"}'""", "object_id = '0'", "request_id = 'x'", "before = '[]'", "actor_id = 1",
    ],
)  # fmt: skip
def test_a_changed_row_breaks_its_seal_and_no_other(change):
    first, second = sealed("a", "b"), sealed("c", "d")
    assert first.digest != second.digest
    tamper_event(f"UPDATE journal_event SET {change} WHERE seq = %s", seq_of("c"))
    assert found_broken() == [f"Seal {second}: it was changed, or rows of it were."]


@pytest.mark.parametrize(("name", "which"), [("a", 0), ("d", 1)])
def test_a_missing_row_is_counted_at_the_end_as_well(name, which):
    broken = (sealed("a", "b"), sealed("c", "d"))[which]
    tamper_event("DELETE FROM journal_event WHERE seq = %s", seq_of(name))
    assert found_broken() == [f"Seal {broken}: 1 of its {broken.count} rows are missing."]


def test_a_row_put_into_a_gap_shows():
    with sessions(1) as (other,):
        other.set_autocommit(False)
        add_group(other, "never")
        other.rollback()
    seal = sealed("a")
    gap = seq_of("a") - 1
    tamper_event(
        "INSERT INTO journal_event SELECT (jsonb_populate_record(e, jsonb_build_object('seq', %s))).* "
        "FROM journal_event AS e WHERE seq = %s",
        gap, seq_of("a"),
    )  # fmt: skip
    assert found_broken() == [f"Seal {seal}: 1 rows were added to its {seal.count}."]


def test_a_seal_taken_out_leaves_a_gap():
    first, second, third = sealed("a"), sealed("b"), sealed("c")
    tamper("journal_seal", "DELETE FROM journal_seal WHERE id = %s", second.pk)
    assert found_broken() == [
        f"Seal {third}: there is a gap before it; the seal before it should end at {third.first_seq - 1}."
    ]
    assert first.last_seq < third.first_seq - 1


def test_a_changed_seal_shows():
    seal = sealed("a")
    tamper("journal_seal", "UPDATE journal_seal SET digest = %s", "f" * 64)
    assert found_broken() == [f"Seal {seal}: it was changed, or rows of it were."]


def test_every_broken_seal_has_its_line_in_json_too(capsys):
    sealed("a"), sealed("b"), sealed("c")
    tamper_event("UPDATE journal_event SET kind = 'x' WHERE seq IN (%s, %s)", seq_of("a"), seq_of("c"))
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("verify_journal", "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert (told["outcome"], told["seals"], len(told["broken"])) == ("broken", 3, 2)


# --- Against an export


def test_seals_are_exported_as_lines_and_verified_against(tmp_path):
    sealed("a"), sealed("b")
    file = tmp_path / "seals.jsonl"
    said("seal_journal", "--export", str(file))
    assert [json.loads(line)["last_seq"] for line in file.read_text().splitlines()] == [seq_of("a"), seq_of("b")]
    assert "Every seal holds, 2 over" in said("verify_journal", "--against", str(file))
    assert said("seal_journal", "--export", "-") == file.read_text()


def test_a_tail_cut_off_with_its_seals_shows_against_the_export(tmp_path):
    sealed("a")
    last = sealed("b")
    file = tmp_path / "seals.jsonl"
    said("seal_journal", "--export", str(file))
    tamper("journal_seal", "DELETE FROM journal_seal WHERE id = %s", last.pk)
    tamper_event("DELETE FROM journal_event WHERE seq >= %s", last.first_seq)
    assert "Every seal holds, 1 over" in said("verify_journal")
    assert found_broken("--against", str(file)) == [f"Seal {last}: it is in the file, and here no more."]


def test_seals_made_anew_over_changed_rows_show_against_the_export(tmp_path):
    seal = sealed("a")
    file = tmp_path / "seals.jsonl"
    said("seal_journal", "--export", str(file))
    tamper_event("UPDATE journal_event SET reason = 'x' WHERE seq = %s", seq_of("a"))
    execute(connection, "TRUNCATE journal_seal")
    said("seal_journal")
    assert "Every seal holds, 1 over" in said("verify_journal")
    assert found_broken("--against", str(file)) == [f"Seal {seal}: it is another one in the file."]


@pytest.mark.parametrize("content", ["x", "[]", '{"last_seq": 1}', None, "é"])
def test_a_file_that_is_no_export_is_said_so_with_exit_code_2(tmp_path, content):
    file = tmp_path / "seals.jsonl"
    if content is not None:
        file.write_text(content)
    with pytest.raises(CommandError) as ended:
        said("verify_journal", "--against", str(file))
    assert ended.value.returncode == 2
    assert str(file) in str(ended.value)


def test_an_export_that_cannot_be_written_is_said_so(tmp_path):
    with pytest.raises(CommandError, match="could not be written"):
        said("seal_journal", "--export", str(tmp_path / "nowhere" / "seals.jsonl"))
