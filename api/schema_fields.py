"""How the strict fields look in the schema, as far as drf-spectacular cannot tell from them."""

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension

from .fields import AMOUNT, MAX_AMOUNT, MAX_ID

ID = {"type": "integer", "format": "int64", "minimum": 1, "maximum": MAX_ID}


class AmountShape(OpenApiSerializerFieldExtension):
    """A decimal string; a body may hold a number instead."""

    target_class = "api.fields.AmountField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        """Return the schema of the direction."""
        if direction == "response":
            return {"type": "string", "format": "decimal", "pattern": r"^[0-9]+\.[0-9]{2}$", "examples": ["990.00"]}
        string = {"type": "string", "pattern": f"^(?:{AMOUNT.pattern})$", "examples": ["990.00"]}
        number = {"type": "number", "exclusiveMinimum": 0, "maximum": float(MAX_AMOUNT)}
        return {"oneOf": [string, number]}


class TidyTextShape(OpenApiSerializerFieldExtension):
    """Text without white space at its ends."""

    target_class = "api.fields.TidyTextField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        """Return the schema."""
        return {"type": "string", "pattern": r"^\S(?:[\s\S]*\S)?$"}


class StatesShape(OpenApiSerializerFieldExtension):
    """States separated by commas, as one string: not every client can join an array."""

    target_class = "api.queries.StatesParameter"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        """Return the schema, which knows the states."""
        state = f"(?:{'|'.join(self.target.states)})"
        return {"type": "string", "pattern": f"^{state}(?:,{state})*$", "examples": [",".join(self.target.states[:2])]}
