"""The SQL by which a migration of any app has its table recorded: `migrations.RunSQL(*attach(...))`."""

from collections.abc import Sequence


def attach(
    table: str,
    object_type: str,
    *,
    key: str = "id",
    user: str = "",
    hidden: Sequence[str] = (),
    secret: Sequence[str] = (),
) -> tuple[str, str]:
    """Return the SQL that has every change of a row recorded, and the SQL that undoes it.

    `user` is the column that says whose row it is. A hidden column does not count as a change; of a secret one the
    journal says that it changed, and nothing more.
    """
    return trigger(table, "journal_record", object_type, key, user, ",".join(hidden), ",".join(secret))


def attach_right(table: str, holder: str, holder_column: str, *, right: str, right_column: str) -> tuple[str, str]:
    """Return the same for a table of who holds what: a user or group holds a permission, or belongs to a group."""
    return trigger(table, "journal_record_right", holder, holder_column, right, right_column)


def trigger(table: str, function: str, *arguments: str) -> tuple[str, str]:
    """Return the SQL that makes the trigger, and the SQL that drops it."""
    given = ", ".join(f"'{argument}'" for argument in arguments)
    made = f"CREATE TRIGGER {function} AFTER INSERT OR UPDATE OR DELETE ON {table}"
    return f"{made} FOR EACH ROW EXECUTE FUNCTION {function}({given});", f"DROP TRIGGER {function} ON {table};"
