import argparse
import json
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from doctor.check import Check, quoted
from doctor.checks import BY_NAME, CHECKS
from doctor.models import Setting
from doctor.visits import Result, visit
from operations.commands import PlainCommand, moment_at

HOUR = 3600


class Command(PlainCommand):
    """Look over the books: nothing is changed unless it is asked for."""

    help = "Check what must hold between the rows of the books; exit with 1 where something is wrong."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take which checks, and what to do with them."""
        parser.add_argument("--only", metavar="NAME", action="append", help="Run this check alone; repeatable.")
        parser.add_argument("--at", metavar="DATE", help="Act as if it were that day, written YYYY-MM-DD.")
        parser.add_argument("--fix", action="store_true", help="Write down what is safe to write down, and look again.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object instead of lines.")
        parser.add_argument("--timeout", metavar="SECONDS", type=int, default=HOUR, help="Give up after so long.")
        parser.add_argument("--list", action="store_true", help="List the checks, and run none.")
        parser.add_argument("--explain", metavar="NAME", help="Say what a check means, how it looks and what to do.")

    def handle(self, *_args: Any, **options: Any) -> str | None:
        """Look, say what was found, and exit with 1 for errors."""
        if options["list"]:
            return table(CHECKS)
        if options["explain"]:
            return explained(named(options["explain"]))
        results, fixed = self.looked_over(options)
        if options["json"]:
            self.stdout.write(as_json(results, fixed))
        else:
            self.stdout.writelines(f"{line}\n" for line in in_words(results, fixed))
        if any(result.is_error for result in results):
            raise CommandError(summary(results), returncode=1)
        return None if options["json"] else summary(results)

    def looked_over(self, options: dict[str, Any]) -> tuple[list[Result], dict[str, str]]:
        """Run the checks, once more where something was fixed; return what was found, and what was fixed."""
        checks = [named(name) for name in options["only"]] if options["only"] else CHECKS
        moment, seconds = moment_at(options["at"]), options["timeout"]
        Setting.objects.keep()
        results = visit(checks, moment, seconds=seconds)
        fixed = fix(results) if options["fix"] else {}
        return (visit(checks, moment, seconds=seconds) if fixed else results), fixed


def named(name: str) -> Check:
    """Return the check; exit with 2 where there is none of the name."""
    if name not in BY_NAME:
        raise CommandError(f"There is no check {name!r}; doctor --list names them all.", returncode=2)
    return BY_NAME[name]


def fix(results: Iterable[Result]) -> dict[str, str]:
    """Fix what can be fixed safely of what was found; return what was done, by check."""
    return {each.check.name: each.check.fix() for each in results if each.count and each.check.fix}


def in_words(results: Iterable[Result], fixed: dict[str, str]) -> list[str]:
    """Return a line for what was fixed, for each check that found something, and for each finding that is shown."""
    lines = [f"fixed {name}: {said}" for name, said in fixed.items()]
    for result in results:
        if result.is_clean:
            continue
        lines.append(headline(result))
        lines += [f"    {finding}" for finding in result.findings]
        if result.left_out:
            lines.append(f"    and {result.left_out} more")
    return lines


def headline(result: Result) -> str:
    """Return the line of a check that found something, or could not be run."""
    check = result.check
    if result.failure:
        return f"error {check.name}: it could not be run: {result.failure}."
    return f"{check.severity} {check.name}: {result.count}. {check.title}."


def summary(results: list[Result]) -> str:
    """Return the last line."""
    errors = sum(result.is_error for result in results)
    warnings = sum(not result.is_clean and not result.is_error for result in results)
    if not errors and not warnings:
        return f"All is well: {len(results)} checks found nothing."
    more = " doctor --explain NAME says what to do."
    return f"{len(results)} checks: {errors} found errors, {warnings} found warnings.{more}"


def as_json(results: list[Result], fixed: dict[str, str]) -> str:
    """Return the same as one JSON object."""
    is_broken = any(result.is_error for result in results)
    told: dict[str, Any] = {"command": "doctor", "outcome": "errors" if is_broken else "done", "fixed": fixed}
    return json.dumps(told | {"checks": [result_as_data(result) for result in results]})


def result_as_data(result: Result) -> dict[str, Any]:
    """Return a result as JSON can hold it."""
    findings = [{"type": each.object_type, "id": each.object_id, "detail": each.detail} for each in result.findings]
    told = {"name": result.check.name, "severity": result.check.severity, "title": str(result.check.title)}
    return told | {"count": result.count, "failure": result.failure, "findings": findings}


def table(checks: Iterable[Check]) -> str:
    """Return the checks as a table, as it stands in docs/doctor.md."""
    rows = [f"| `{each.name}` | {each.severity} | {each.title}. {each.explanation} |" for each in checks]
    return "\n".join(["| check | severity | what it finds, and what must hold |", "| --- | --- | --- |", *rows])


def explained(check: Check) -> str:
    """Return all that is known of a check."""
    sql = check.sql.replace("%(zone)s", quoted(settings.BILLING_TIME_ZONE))
    sql = sql.replace("%(now)s", "now()").replace("%(today)s", "current_date")
    fixable = "\n--fix can do it." if check.fix else ""
    lines = [f"{check.name} ({check.severity}): {check.title}.", str(check.explanation), f"{check.remedy}{fixable}"]
    return "\n\n".join([*lines, sql.strip() or "It is computed by the program, not in SQL."])
