"""Enqueues in the caller's transaction: the job exists once that commits, and never if it does not.

Calls the function `ordinaut.enqueue` (docs/sql.md) on a connection of psycopg 3, or on a connection or session of
SQLAlchemy with any driver for Postgres. Nothing is committed here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypedDict, cast
from uuid import UUID

from ordinaut.json_text import encode
from ordinaut.new_job import Backoff, Placement, Unique, seconds

if TYPE_CHECKING:
    from psycopg import AsyncConnection as PsycopgAsyncConnection
    from psycopg import Connection as PsycopgConnection
    from sqlalchemy import Connection as AlchemyConnection
    from sqlalchemy.ext.asyncio import AsyncConnection as AlchemyAsyncConnection
    from sqlalchemy.ext.asyncio import AsyncSession
    from sqlalchemy.orm import Session, scoped_session
    from typing_extensions import Unpack

    AnyConnection = PsycopgConnection[Any] | AlchemyConnection | Session | scoped_session[Any]
    AnyAsyncConnection = PsycopgAsyncConnection[Any] | AlchemyAsyncConnection | AsyncSession


class SqlOptions(TypedDict, total=False):
    """Arguments of `ordinaut.enqueue` besides kind and args; those that are not given have its defaults."""

    queue: str
    priority: int
    run_at: datetime
    delay: float | timedelta
    max_attempts: int
    timeout: float | timedelta
    tags: Sequence[str]
    unique_key: str
    tenant: str
    backoff: Backoff
    unique_by: Unique
    traceparent: str
    placement: Placement


_TYPES = {
    "queue": "cast({} as text)",
    "priority": "cast({} as integer)",
    "run_at": "cast({} as timestamptz)",
    "delay": "make_interval(secs => cast({} as double precision))",
    "max_attempts": "cast({} as integer)",
    "timeout": "make_interval(secs => cast({} as double precision))",
    "tags": "cast({} as text[])",
    "unique_key": "cast({} as text)",
    "tenant": "cast({} as text)",
    "backoff": "cast({} as jsonb)",
    "unique_by": "cast({} as jsonb)",
    "traceparent": "cast({} as text)",
    "placement": "cast({} as jsonb)",
}
"""How the statement names the type of each argument: drivers differ in what they tell Postgres of a value."""


def enqueue(
    connection: AnyConnection, kind: str, args: Any = None, *, schema: str = "ordinaut", **options: Unpack[SqlOptions]
) -> UUID:
    """Enqueues a job in the transaction that the connection or session is in. Its id, or that of the job that holds
    its unique key. Faults are the driver's errors, and begin with the argument's name."""
    if _is_psycopg(connection):
        statement, values = _statement("%({})s", schema, kind, args, dict(options))
        # A cursor of its own: the connection's may give rows of another shape.
        with cast("PsycopgConnection[Any]", connection).cursor(row_factory=_tuple_row()) as cursor:
            row = cursor.execute(statement, values).fetchone()
        return _id(row)
    statement, values = _statement(":{}", schema, kind, args, dict(options))
    return _id(cast("AlchemyConnection", connection).execute(_text(statement), values).fetchone())


async def enqueue_async(
    connection: AnyAsyncConnection,
    kind: str,
    args: Any = None,
    *,
    schema: str = "ordinaut",
    **options: Unpack[SqlOptions],
) -> UUID:
    """As `enqueue`, on an asynchronous connection or session."""
    if _is_psycopg(connection):
        statement, values = _statement("%({})s", schema, kind, args, dict(options))
        async with cast("PsycopgAsyncConnection[Any]", connection).cursor(row_factory=_tuple_row()) as cursor:
            await cursor.execute(statement, values)
            row = await cursor.fetchone()
        return _id(row)
    statement, values = _statement(":{}", schema, kind, args, dict(options))
    found = await cast("AlchemyAsyncConnection", connection).execute(_text(statement), values)
    return _id(found.fetchone())


def _statement(
    parameter: str, schema: str, kind: str, args: Any, options: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    """The statement and its values, with parameters as the driver writes them."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", schema):
        raise ValueError(f"schema {schema!r} must be letters, digits and underscores")
    if unknown := options.keys() - _TYPES.keys():
        raise TypeError(f"ordinaut.enqueue has no argument {', '.join(sorted(unknown))}")
    given = {name: value for name, value in options.items() if value is not None}
    parts = ["kind", "args", *given]
    types = {"kind": "cast({} as text)", "args": "cast({} as jsonb)", **_TYPES}
    listed = ", ".join(f"{name} => {types[name].format(parameter.format(name))}" for name in parts)
    values = {"kind": kind, "args": encode({} if args is None else args).decode()}
    values |= {name: _value(name, value) for name, value in given.items()}
    return f'select "{schema}".enqueue({listed})', values


def _value(name: str, value: Any) -> Any:
    if name in ("delay", "timeout"):
        return seconds(value)
    if name in ("backoff", "unique_by", "placement"):
        return encode(value).decode()
    return list(value) if name == "tags" else value


def _is_psycopg(connection: object) -> bool:
    # By the name of the class' module, so that neither package has to be there.
    return any(base.__module__.split(".")[0] == "psycopg" for base in type(connection).__mro__)


def _tuple_row() -> Any:
    from psycopg.rows import tuple_row

    return tuple_row


def _text(statement: str) -> Any:
    from sqlalchemy import text

    return text(statement)


def _id(row: Any) -> UUID:
    # One row, whatever the function does: it answers or raises.
    return UUID(str(row[0]))
