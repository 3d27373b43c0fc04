"""A producer against the real API, and what README shows."""

from __future__ import annotations

import re
import threading
import uuid
from pathlib import Path
from typing import Any

import pytest

from ordinaut import ApiError, Client, NewJob, Worker

from .conftest import eventually, setting
from .swallower import Swallower

pytestmark = pytest.mark.server

README = Path(__file__).parents[2] / "README.md"


def test_what_it_enqueues_it_finds() -> None:
    with Client(setting("JOBS_URL"), setting("JOBS_TOKEN")) as client:
        tag = str(uuid.uuid4())
        jobs = client.enqueue_many([NewJob(kind="echo", args={"n": n}, tags=[tag], queue="nobody") for n in range(3)])
        found = [job["id"] for job in client.jobs(tag=tag, limit=1)]
        assert found == sorted((job.id for job in jobs), reverse=True)
        assert [job["id"] for job in client.jobs(tag=tag, args={"n": 1})] == [jobs[1].id]
        assert client.cancel(jobs[0].id) == "now"
        assert client.result(jobs[0].id, timeout=5).outcome == "cancelled"
        assert client.publish("nobody.waits") == {"tasks": 0, "jobs": 0}
        with pytest.raises(ApiError) as refused:
            client.requeue(jobs[1].id)
        assert refused.value.status == 404


def test_an_answer_that_is_lost_doubles_no_job() -> None:
    proxy = Swallower(setting("JOBS_URL"), b'"id":')
    tag = str(uuid.uuid4())
    with Client(proxy.url, setting("JOBS_TOKEN")) as client:
        enqueued = client.enqueue("echo", tags=[tag], queue="nobody")
        assert proxy.swallowed.is_set()
        assert [job["id"] for job in client.jobs(tag=tag)] == [enqueued.id]
    proxy.close()


def test_the_readme_does_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    setting("DATABASE_URL")
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert len(blocks) == 3
    names: dict[str, Any] = {"__name__": "readme"}
    for block in blocks:
        exec(compile(block, str(README), "exec", dont_inherit=True), names)
    assert "422 priority priority must be" in capsys.readouterr().out
    worker, client = names["worker"], names["client"]
    assert isinstance(worker, Worker)
    thread = threading.Thread(target=worker.run)
    thread.start()
    assert client.result(names["enqueued"].id, timeout=30).output == "hello ann"
    fetched = client.enqueue("fetch", {"url": "http://x"}, queue="python")
    assert client.result(fetched.id, timeout=30).output == 8
    eventually(lambda: not list(client.jobs(queue="python", state="waiting")))
    worker.stop()
    thread.join(20)
    assert not thread.is_alive()
