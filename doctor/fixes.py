"""What `--fix` may do: call the commands and verbs that write down what is true already."""

from io import StringIO

from django.core.management import call_command


def run(command: str) -> str:
    """Run a command; return what it said."""
    said = StringIO()
    call_command(command, stdout=said)
    return said.getvalue().strip()
