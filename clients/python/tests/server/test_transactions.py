"""Enqueues in the caller's transaction, on the real database."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from ordinaut import ApiError, Client
from ordinaut.sql import enqueue, enqueue_async

from .conftest import setting

pytestmark = pytest.mark.server


@pytest.fixture
def client() -> Iterator[Client]:
    with Client(setting("JOBS_URL"), setting("JOBS_TOKEN")) as client:
        yield client


@pytest.fixture
def database() -> str:
    return setting("DATABASE_URL")


def exists(client: Client, job_id: uuid.UUID) -> bool:
    try:
        return client.job(str(job_id))["id"] == str(job_id)
    except ApiError as error:
        assert error.status == 404
        return False


OPTIONS: dict[str, Any] = {
    "queue": "nobody",
    "priority": 2,
    "delay": 3600,
    "max_attempts": 3,
    "timeout": 60,
    "tags": ["a", "b"],
    "backoff": {"kind": "fixed", "delay": 5},
    "unique_by": {"args": ["customer.id"]},
}


def test_psycopg(client: Client, database: str) -> None:
    args = {"customer": {"id": str(uuid.uuid4())}}
    with psycopg.connect(database) as connection:
        undone = enqueue(connection, "bill", args, **OPTIONS)
        connection.rollback()
        assert not exists(client, undone)
    with psycopg.connect(database, row_factory=dict_row) as connection:
        done = enqueue(connection, "bill", args, **OPTIONS)
        assert not exists(client, done), "before the commit"
        assert enqueue(connection, "bill", args, **OPTIONS) == done, "it is unique"
    job = client.job(str(done))
    assert (job["kind"], job["args"], job["queue"], job["priority"]) == ("bill", args, "nobody", 2)
    assert (job["max_attempts"], job["timeout"], job["tags"], job["state"]) == (3, 60.0, ["a", "b"], "scheduled")
    with psycopg.connect(database) as connection, pytest.raises(psycopg.Error, match="priority must be from 1"):
        enqueue(connection, "bill", priority=10)


def test_asynchronous_psycopg(client: Client, database: str) -> None:
    async def both() -> tuple[uuid.UUID, uuid.UUID]:
        async with await psycopg.AsyncConnection.connect(database) as connection:
            undone = await enqueue_async(connection, "bill", queue="nobody")
            await connection.rollback()
            return undone, await enqueue_async(connection, "bill", queue="nobody", delay=60)

    undone, done = asyncio.run(both())
    assert (exists(client, undone), exists(client, done)) == (False, True)


def test_sqlalchemy(client: Client, database: str) -> None:
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(database))
    with engine.connect() as connection:
        undone = [enqueue(connection, "bill", **OPTIONS | {"unique_by": None})]
        connection.rollback()
    with Session(engine) as session:
        undone.append(enqueue(session, "bill", {"a:b": ":c"}, queue="nobody"))
    with engine.begin() as connection:
        done = [enqueue(connection, "bill", {"a:b": ":c"}, queue="nobody")]
    with Session(engine) as session, session.begin():
        done.append(enqueue(session, "bill", tags=["x"], queue="nobody"))
    assert [exists(client, job) for job in undone + done] == [False, False, True, True]
    assert client.job(str(done[0]))["args"] == {"a:b": ":c"}
    engine.dispose()


def test_asynchronous_sqlalchemy(client: Client, database: str) -> None:
    async def both() -> tuple[uuid.UUID, uuid.UUID]:
        engine = create_async_engine(
            "postgresql+psycopg://", async_creator=lambda: psycopg.AsyncConnection.connect(database)
        )
        async with engine.connect() as connection:
            undone = await enqueue_async(connection, "bill", queue="nobody")
        async with AsyncSession(engine) as session, session.begin():
            done = await enqueue_async(session, "bill", queue="nobody", priority=1)
        await engine.dispose()
        return undone, done

    undone, done = asyncio.run(both())
    assert (exists(client, undone), exists(client, done)) == (False, True)
