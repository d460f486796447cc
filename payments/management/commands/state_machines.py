import argparse
import json
from typing import Any

from operations.commands import PlainCommand
from payments.states import PAYMENT, REFUND
from subscriptions.states import SUBSCRIPTION

MACHINES = (PAYMENT, SUBSCRIPTION, REFUND)


class Command(PlainCommand):
    """Show which step each state knows; docs/states.md holds what this prints, and a test compares them."""

    help = "Print the tables of states as Mermaid diagrams, as docs/states.md holds them."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take the form."""
        parser.add_argument("--json", action="store_true", help="Print the tables as JSON instead.")

    def handle(self, *_args: Any, **options: Any) -> str:
        """Return the tables."""
        if options["json"]:
            return json.dumps({machine.name: machine.as_data() for machine in MACHINES})
        return "\n\n".join(f"```mermaid\n{machine.diagram()}\n```" for machine in MACHINES)
