"""From the server's log to a script for pgbench."""

import pytest

from benchmarks.compare.statements import KEYS, PREFIX, Recorded, Script, names_of, sent
from dev.say import Refusal


def log(*entries: str) -> str:
    return "".join(f"{PREFIX}{entry}\n" for entry in entries)


def script(work: str, one: list[str], other: list[str], numbers=(100000001, 100000002)) -> list[str]:
    recorded = [Recorded(number, lines) for number, lines in zip(numbers, (one, other), strict=True)]
    return Script(["receipts", "payments"]).text(work, *recorded).splitlines()


def test_a_statement_is_read_with_all_its_lines():
    assert sent(log("LOG:  statement: SELECT 1,\n\t'two'", "LOG:  statement: COMMIT")) == ["SELECT 1,\n'two'", "COMMIT"]


def test_what_is_no_statement_is_left_out():
    assert sent(
        log("LOG:  checkpoint starting: wal", "LOG:  statement: ", "FATAL:  bye", "LOG:  statement: BEGIN")
    ) == ["BEGIN"]


def test_parameters_are_written_out_but_not_within_strings():
    entries = log(
        "LOG:  execute _pg3_0: SELECT '$1', $2, $10 FROM t WHERE a = $1",
        "DETAIL:  Parameters: $1 = 'it''s, $2 = 3', $2 = NULL, $10 = '7'",
    )
    assert sent(entries) == ["SELECT '$1', NULL, '7' FROM t WHERE a = 'it''s, $2 = 3'"]


def test_the_number_becomes_a_variable_wherever_it_stands_alone():
    lines = script(
        "confirm",
        ["SELECT 7 FROM t WHERE a = 100000001 AND b = '100000001' AND c = '1000000010'"],
        ["SELECT 7 FROM t WHERE a = 100000002 AND b = '100000002' AND c = '1000000010'"],
    )
    assert lines[-1] == "SELECT 7 FROM t WHERE a = :n AND b = :n AND c = '1000000010';"


def test_the_digest_of_the_users_token_becomes_the_number_too():
    digests = [next(name for name in names_of(number) if len(name) == 64) for number in (100000001, 100000002)]
    lines = script("checkout", *([f"SELECT '{digest}'"] for digest in digests))
    assert lines[-1] == "SELECT :n;"


def test_rows_that_can_be_used_once_are_numbered_and_others_drawn():
    assert script("confirm", ["SELECT 1"], ["SELECT 1"])[:2] == [
        "\\set i :i + 1",
        "\\set n :first + :client_id * :share + :i",
    ]
    assert script("active", ["SELECT 1"], ["SELECT 1"])[0].startswith("\\set n random(")


def test_a_key_that_an_insert_returned_is_kept_for_later():
    keys = [KEYS * 1 + 5, KEYS * 1 + 6]
    lines = script(
        "confirm", *(['INSERT INTO "receipts" (a) VALUES (1) RETURNING id', f"UPDATE x SET a = {key}"] for key in keys)
    )
    assert lines[-2:] == [
        'INSERT INTO "receipts" (a) VALUES (1) RETURNING id \\gset made0_',
        "UPDATE x SET a = :made0_id;",
    ]


def test_a_key_that_came_from_nowhere_is_refused():
    with pytest.raises(Refusal, match="A key of payments"):
        script("confirm", *([f"UPDATE x SET a = {KEYS * 2 + last}"] for last in (1, 2)))


def test_a_random_string_is_another_one_each_time_and_the_same_within_a_transaction():
    ones, others = "aB3_-aB3_-aB3_-aB3_-", "zB3_-aB3_-aB3_-aB3_-"
    lines = script("login", *([f"INSERT INTO x VALUES ('{text}')", f"SELECT '{text}'"] for text in (ones, others)))
    assert lines[1].startswith("\\set random0 random(")
    assert lines[-2:] == ["INSERT INTO x VALUES (:random0);", "SELECT :random0;"]


def test_instants_and_other_strings_stay_as_they_were_recorded():
    lines = script("confirm", ["SELECT '2026-11-25 07:24:19+00:00', 'a'"], ["SELECT '2026-11-25 07:24:20+00:00', 'b'"])
    assert lines[-1] == "SELECT '2026-11-25 07:24:19+00:00', 'a';"


def test_pgbench_sees_no_variable_within_a_string():
    assert script("confirm", ["SELECT '{\"a\":true}'::json"], ["SELECT '{\"a\":true}'::json"])[-1] == (
        "SELECT E'{\"a\"\\x3atrue}'::json;"
    )


def test_two_recordings_of_different_length_are_refused():
    with pytest.raises(Refusal, match="1 and 2"):
        script("confirm", ["SELECT 1"], ["SELECT 1", "SELECT 2"])
