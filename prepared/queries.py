"""Queries compiled once: a queryset stays the one source of its SQL, and each call only binds values.

Django compiles a queryset anew each time it is used, which costs more than what PostgreSQL takes to answer. A function
that builds the queryset is called once with `Argument`s in place of values; what it compiles to is kept in the process,
never outside of it, so it cannot be older than the models.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, update_wrapper
from operator import itemgetter
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Expression, Model, QuerySet
from django.db.models.base import ModelState
from django.db.models.query import FlatValuesListIterable, ModelIterable, get_related_populators

# More than the routes can ask for in earnest; whoever plays with filters pushes out what was not asked for lately.
SHAPES = 512


class Argument(Expression):
    """A place in a query for a value that each call gives."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def __repr__(self) -> str:
        return f"Argument({self.name!r})"

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """Return the placeholder, and itself as what stands for the value."""
        return "%s", [self]


@dataclass(frozen=True)
class Statement:
    """SQL with its parameters, `Argument`s among them."""

    sql: str
    parameters: Sequence[Any]

    def bound(self, values: dict[str, Any]) -> list[Any]:
        """Return the parameters of one call."""
        return [values[each.name] if isinstance(each, Argument) else each for each in self.parameters]


@dataclass(frozen=True)
class Query:
    """A compiled queryset; `statement` is None where no row can meet its conditions."""

    statement: Statement | None
    read: Callable[[tuple[Any, ...]], Any]

    def rows(self, values: dict[str, Any]) -> list[Any]:
        """Return what the queryset would."""
        if self.statement is None:
            return []
        with connection.cursor() as cursor:
            cursor.execute(self.statement.sql, self.statement.bound(values))
            return [self.read(row) for row in cursor.fetchall()]


class Prepared:
    """A function from values to a queryset, which returns the queryset's rows; see `prepared`."""

    def __init__(self, build: Callable[..., QuerySet[Any]]) -> None:
        update_wrapper(self, build)
        self.build = build
        self.query = lru_cache(SHAPES)(self.compile)

    def __call__(self, *shape: Any, **values: Any) -> list[Any]:
        """Return the rows. `shape`, hashable, decides how the query looks; `values` are bound to it."""
        return self.query(shape, tuple(values)).rows(values)

    def first(self, *shape: Any, **values: Any) -> Any:
        """Return the first row, or None."""
        rows = self(*shape, **values)
        return rows[0] if rows else None

    def compile(self, shape: tuple[Any, ...], names: Iterable[str]) -> Query:
        """Build the queryset of this shape with an `Argument` for each name, and compile it."""
        return compiled(self.build(*shape, **{name: Argument(name) for name in names}))


def prepared(build: Callable[..., QuerySet[Any]]) -> Prepared:
    """Have the queryset that `build` returns compiled once for each shape of it: a decorator.

    Positional arguments of a call are the shape, and reach `build` as they are; keyword arguments are values, and reach
    it as `Argument`s, which can stand wherever an expression can. What depends on a value otherwise (is it None, how
    many are they) belongs into the shape.
    """
    return Prepared(build)


def compiled(rows: QuerySet[Any]) -> Query:
    """Return the queryset as a statement, and how its rows are read."""
    compiler = rows.query.get_compiler(connection=connection)
    try:
        sql, parameters = compiler.as_sql()
    except EmptyResultSet:
        return Query(None, tuple)
    if compiler.get_converters([column for column, _sql, _alias in compiler.select]):
        raise TypeError("A column that Django converts in Python cannot be read from a prepared query.")
    return Query(Statement(sql, parameters), reader(rows, compiler))


def made(model: type[Model], names: list[str], values: Iterable[Any]) -> Model:
    """Return an object of the model that holds what its row does; what Django asks for each is known to be right."""
    found = model.__new__(model)
    vars(found).update(zip(names, values, strict=True), _state=ModelState())
    found._state.adding, found._state.db = False, DEFAULT_DB_ALIAS
    return found


def reader(rows: QuerySet[Any], compiler: Any) -> Callable[[tuple[Any, ...]], Any]:
    """Return what makes an object, as `QuerySet` would, of one row of the cursor."""
    if rows._iterable_class is FlatValuesListIterable:
        return itemgetter(0)
    if rows._iterable_class is not ModelIterable:
        return tuple
    columns = compiler.klass_info["select_fields"]
    whole = slice(columns[0], columns[-1] + 1)
    names = [compiler.select[column][0].target.attname for column in columns]
    populators = get_related_populators(compiler.klass_info, compiler.select, DEFAULT_DB_ALIAS)  # type: ignore[call-arg]
    annotations = compiler.annotation_col_map.items()
    model = rows.model

    def read(row: tuple[Any, ...]) -> Any:
        found = made(model, names, row[whole])
        for populator in populators:
            populator.populate(row, found)
        for name, column in annotations:
            setattr(found, name, row[column])
        return found

    return read
