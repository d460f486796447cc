"""How drf-spectacular sees the routes: every error that can be, with the problem's shape."""

from drf_spectacular.openapi import AutoSchema


class ProblemSchema(AutoSchema):
    """Adds the problems that each operation can answer."""
