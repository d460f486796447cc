"""Medians, ranges and ratios; tables; what was kept."""

import pytest

from benchmarks.compare import kept
from benchmarks.compare.figures import Measured, Spread, percentile, ratios, spread
from benchmarks.compare.options import read
from benchmarks.compare.processor import Times, family, times
from benchmarks.compare.report import Table, compared, grown, ranged


def cell(count: int, *took: float, web: float | None = None) -> Measured:
    return Measured(count, 2.0, list(took), web)


def test_a_percentile_is_one_of_the_values():
    values = [float(value) for value in range(1, 101)]
    assert (percentile(values, 50), percentile(values, 99), percentile([7.0], 99)) == (50.0, 99.0, 7.0)
    assert percentile([], 50) is None


def test_a_cell_tells_its_rate_and_the_processor_time_of_a_request():
    measured = cell(100, 1.0, 3.0, web=0.5)
    assert (measured.rate, measured.p50, measured.web_ms, measured.database_ms) == (50.0, 1.0, 5.0, None)
    assert Measured(0, 0.0).rate == 0.0


def test_a_ratio_is_taken_round_by_round():
    ours, theirs = [cell(10), cell(40), cell(90)], [cell(10), cell(20), cell(30)]
    assert ratios(ours, theirs, "rate") == Spread(2.0, 1.0, 3.0)


def test_what_is_not_known_is_left_out():
    assert spread([None, 2.0, None]) == Spread(2.0, 2.0, 2.0)
    assert spread([None]) is None
    assert ratios([cell(1)], [cell(0)], "rate") is None
    assert ranged(None) == "–"


def test_the_ratios_stand_in_a_row_for_each_work_and_number_of_clients():
    results = {("confirm", 16, "a"): [cell(30)], ("confirm", 16, "b"): [cell(10)], ("active", 1, "a"): [cell(5)]}
    table = compared(results)
    assert [row[:3] for row in table.rows] == [["confirm", "16", "3.00 (3.00–3.00)"], ["list active", "1", "–"]]


def test_growth_is_the_ratio_to_the_smallest():
    results = {("active", 1, "10"): [cell(1, 2.0)], ("active", 1, "1000"): [cell(1, 3.0)]}
    table = grown(results, [10, 1000])
    assert table.head == ["work", "clients", "p50 ms at 10", "p50 ms at 1,000", "× at 1,000"]
    assert table.rows == [["list active", "1", "2.00", "3.00", "1.50 (1.50–1.50)"]]


def test_a_table_is_aligned_for_people_and_ruled_for_markdown():
    table = Table(["work", "req/s"], [["login", "7"]])
    assert table.aligned() == "work   req/s\nlogin      7"
    assert table.markdown() == "| work | req/s |\n| --- | ---: |\n| login | 7 |"


def test_a_fall_by_more_than_a_fifth_is_told_and_a_smaller_one_is_noise():
    then = {"active": 2.0, "confirm": 2.0}
    assert kept.fallen({"active": 1.61, "confirm": 5.0}, then) == []
    (sentence,) = kept.fallen({"active": 1.59, "confirm": 2.0}, then)
    assert sentence.startswith("list active is served at 1.59 × the twin's rate with 16 clients")
    assert len(kept.fallen({}, then)) == 2


def test_what_is_kept_is_read_again(tmp_path):
    file = tmp_path / "kept.json"
    assert kept.kept(file) == {}
    kept.keep({"active": 2.125}, file)
    assert kept.kept(file) == {"active": 2.125}


def test_the_throughput_of_a_check_is_the_median_ratio():
    results = {
        (work, 16, letter): [cell(count)] for work in ("active", "confirm") for letter, count in (("a", 9), ("b", 4))
    }
    assert kept.throughput(results) == {"active": 2.25, "confirm": 2.25}


def test_processor_time_is_read_of_a_process_whatever_its_name():
    assert times("12 (a ) b) S 7 1 1 0 -1 4194304 0 0 0 0 150 50 20 30 20 0", 100) == Times(7, 2.5)


def test_a_family_is_a_process_with_all_that_come_of_it():
    known = {2: Times(1, 0), 3: Times(2, 0), 4: Times(3, 0), 5: Times(1, 0)}
    assert family(2, known) == {2, 3, 4}


def test_a_check_is_short_and_takes_only_its_own_options(capsys):
    options = read("bench-check", ["--keep"])
    assert (options.works, options.clients, options.keep) == (("active", "confirm"), (16,), True)
    with pytest.raises(SystemExit):
        read("bench-check", ["--growth", "10"])
    assert "unrecognized arguments: --growth 10" in capsys.readouterr().err


def test_growth_is_measured_with_one_client_unless_said_otherwise():
    assert read("bench", ["--growth", "10000", "1000000"]).clients == (1,)
    assert read("bench", []).clients == (1, 16, 64)
