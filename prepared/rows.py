"""Writing one row by a statement that is compiled once: what `save(force_insert=…)` and `save(update_fields=…)` do.

No signal is sent, and nothing is written that was not named.
"""

from functools import cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection
from django.db.models import Field, Model
from django.db.models.sql import InsertQuery, UpdateQuery

from .queries import Argument, Statement


def insert(row: Model) -> None:
    """Insert the row, and read what the database made of it: its key, and generated columns."""
    statement, returned = insertion(type(row))
    values = written(row, stored_fields(type(row)), add=True)
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, statement.bound(values))
        for field, value in zip(returned, cursor.fetchone() or (), strict=True):
            setattr(row, field.attname, value)
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS


def update(row: Model, *names: str) -> None:
    """Write the named fields of the row; raise DatabaseError where there is no such row."""
    statement = change(type(row), names)
    fields = [column_of(type(row), name) for name in names]
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, statement.bound(written(row, fields, add=False) | {"pk": row.pk}))
        if cursor.rowcount != 1:
            raise DatabaseError(f"No {row._meta.verbose_name} {row.pk} was there to be changed.")


def take_over(row: Model, found: Model | None) -> None:
    """Have the row hold what was read of it just now, and forget its relations; raise DoesNotExist for None."""
    if found is None:
        raise type(row).DoesNotExist  # type: ignore[attr-defined]
    row._state.fields_cache.clear()
    for field in row._meta.concrete_fields:
        setattr(row, field.attname, getattr(found, field.attname))


def written(row: Model, fields: list[Any], *, add: bool) -> dict[str, Any]:
    """Return the values of the fields as the database takes them."""
    return {
        field.attname: field.get_db_prep_save(field.pre_save(row, add=add), connection=connection) for field in fields
    }


def column_of(model: type[Model], name: str) -> Any:
    """Return the field of this name."""
    return model._meta.get_field(name)


@cache
def stored_fields(model: type[Model]) -> list["Field[Any, Any]"]:
    """Return the fields that an insertion gives: all but what the database makes."""
    return [
        field for field in model._meta.concrete_fields if not field.generated and field is not model._meta.auto_field
    ]


@cache
def insertion(model: type[Model]) -> tuple[Statement, list["Field[Any, Any]"]]:
    """Return the statement that inserts a row of the model, and the fields that it returns."""
    fields, query = stored_fields(model), InsertQuery(model)
    blank = model(**{field.attname: Argument(field.attname) for field in fields})
    query.insert_values(fields, [blank], raw=True)
    compiler = query.get_compiler(connection=connection)
    returned = model._meta.db_returning_fields
    compiler.returning_fields = returned
    ((sql, parameters),) = compiler.as_sql()
    return Statement(sql, parameters), returned


@cache
def change(model: type[Model], names: tuple[str, ...]) -> Statement:
    """Return the statement that writes the named fields of a row."""
    query: Any = model._base_manager.filter(pk=Argument("pk")).query.chain(UpdateQuery)
    query.add_update_values({name: Argument(column_of(model, name).attname) for name in names})
    sql, parameters = query.get_compiler(connection=connection).as_sql()
    return Statement(sql, parameters)
