"""Words for the person at the keyboard."""

import os
import re
import sys


class Refusal(Exception):
    """Something went wrong that a person can mend; the text says what it is and what to do."""


def say(text: str = "", *, end: str = "\n") -> None:
    """Print at once. A reader that went away (`make run | head`) must not keep us from cleaning up."""
    try:
        print(text, end=end, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complaint(output: str) -> str:
    """Return what a failed command complains about: the text of its last exception, or else its last lines."""
    found = re.findall(r"^[\w.]+(?:Error|Exception|ImproperlyConfigured): (.+)", output, re.MULTILINE)
    return found[-1] if found else last_lines(output)


def last_lines(output: str, count: int = 15) -> str:
    return "\n".join(output.strip().splitlines()[-count:])
