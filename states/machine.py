"""A state machine as a table: which states a row is born in, and which step each verb takes.

The guards of the verbs, the triggers of PostgreSQL, `GET /api/state-machines` and the diagrams of the docs follow from
the one table.
"""

from dataclasses import dataclass
from typing import Any

from .guards import Guard, update_of


@dataclass(frozen=True)
class Step:
    """An edge of the table: from one state to another, and the verbs that take it."""

    source: str
    target: str
    verbs: tuple[str, ...]


@dataclass(frozen=True)
class Birth:
    """A state that a row may begin in, and the verbs that begin it; `only` narrows it, in SQL over NEW."""

    state: str
    verbs: tuple[str, ...]
    only: str = ""

    @property
    def condition(self) -> str:
        """The condition on a new row, in SQL."""
        return f"NEW.status = '{self.state}'" + (f" AND {self.only}" if self.only else "")


@dataclass(frozen=True)
class StateMachine:
    """The table of one model, whose column `status` holds the state."""

    name: str
    table: str
    births: tuple[Birth, ...]
    steps: tuple[Step, ...]

    @property
    def states(self) -> tuple[str, ...]:
        """Every state, those of birth first."""
        born = [birth.state for birth in self.births]
        return tuple(dict.fromkeys([*born, *(end for step in self.steps for end in (step.source, step.target))]))

    def allows(self, source: str, target: str) -> bool:
        """Tell whether there is a step from the one state to the other."""
        return any((step.source, step.target) == (source, target) for step in self.steps)

    def before(self, target: str) -> tuple[str, ...]:
        """Return the states from which a step leads to `target`."""
        return tuple(step.source for step in self.steps if step.target == target)

    def after(self, source: str) -> tuple[str, ...]:
        """Return the states to which a step leads from `source`."""
        return tuple(step.target for step in self.steps if step.source == source)

    def guards(self) -> list[Guard]:
        """Return what PostgreSQL refuses: rows born in another state, and every other step."""
        born = " OR ".join(f"({birth.condition})" for birth in self.births)
        steps = ",".join(f"{step.source} {step.target}" for step in self.steps)
        stepped = f"OLD.status <> NEW.status AND OLD.status || ' ' || NEW.status <> ALL ('{{{steps}}}')"
        return [
            Guard(f"{self.name}_birth", self.table, "INSERT", f"NOT ({born})", f"no {self.name} is born in this state"),
            Guard(
                f"{self.name}_transition",
                self.table,
                update_of(["status"]),
                stepped,
                f"the state of this {self.name} does not know this step",
            ),
        ]

    def as_data(self) -> dict[str, Any]:
        """Return the table as JSON can hold it."""
        return {
            "states": list(self.states),
            "births": [{"to": birth.state, "verbs": list(birth.verbs)} for birth in self.births],
            "transitions": [{"from": step.source, "to": step.target, "verbs": list(step.verbs)} for step in self.steps],
            "final": [state for state in self.states if not self.after(state)],
        }

    def diagram(self) -> str:
        """Return the table as a Mermaid diagram."""
        born = [f"    [*] --> {birth.state}: {', '.join(birth.verbs)}" for birth in self.births]
        steps = [f"    {step.source} --> {step.target}: {', '.join(step.verbs)}" for step in self.steps]
        final = [f"    {state} --> [*]" for state in self.as_data()["final"]]
        return "\n".join(["stateDiagram-v2", *born, *steps, *final])
