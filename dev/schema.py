"""`docs/openapi.yaml`: written from the code by `make schema`, compared with it by `make lint`."""

import difflib
import itertools
import subprocess
import sys

from dev.environment import MANAGE, ROOT, offline
from dev.say import Refusal, say

WRITTEN = ROOT / "docs" / "openapi.yaml"
DIFFERENCES_SHOWN = 40


def main(arguments: list[str]) -> int:
    return check() if arguments[1:] == ["check"] else write()


def generate() -> str:
    command = [*MANAGE, "spectacular", "--validate", "--fail-on-warn"]
    made = subprocess.run(command, capture_output=True, check=False, cwd=ROOT, env=offline(), text=True)
    if made.returncode:
        raise Refusal(f"the schema cannot be made:\n{made.stderr.strip()}")
    return made.stdout


def write() -> int:
    WRITTEN.write_text(generate(), encoding="utf-8")
    say(f"Wrote {WRITTEN.relative_to(ROOT)}")
    return 0


def check() -> int:
    written = WRITTEN.read_text(encoding="utf-8") if WRITTEN.is_file() else ""
    made = generate()
    differences = list(difflib.unified_diff(written.splitlines(), made.splitlines(), "written", "code", lineterm=""))
    for line in itertools.islice(differences, DIFFERENCES_SHOWN):
        say(line)
    if differences:
        say(f"{WRITTEN.relative_to(ROOT)} is not what the code says ({len(differences)} lines). Run `make schema`.")
    return 1 if differences else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv))
    except Refusal as refusal:
        sys.exit(str(refusal))
