"""Workers that are killed, frozen and told to stop, and answers that are lost. Both languages run the same cases."""

from __future__ import annotations

import signal
import time

import pytest

from .conftest import LEASE, Lab, eventually
from .swallower import Swallower

pytestmark = pytest.mark.server

SLACK = 5.0
"""Seconds that a scheduler may take to see that a lease is over, and another worker to claim."""


def test_a_killed_workers_job_runs_elsewhere_and_its_late_answer_is_refused(lab: Lab) -> None:
    job = lab.enqueue("hang", {"until": 1})
    first = lab.worker("first")
    token = first.next("began")["token"]
    lab.worker("second").process.poll()
    first.signal(signal.SIGKILL)
    killed_at = time.monotonic()
    result = lab.client.result(job, timeout=LEASE + 30)
    took = time.monotonic() - killed_at
    assert result.output == {"by": "second", "attempt": 2}, str(lab.client.job(job)["runs"])
    assert took <= LEASE + SLACK, f"it took {took:.1f} s"
    assert lab.settle(token)["status"] == "lease_lost"
    assert lab.outcomes(job) == ["lost", "succeeded"]


def test_a_frozen_workers_job_runs_elsewhere_and_it_comes_back_with_another_session(lab: Lab) -> None:
    job = lab.enqueue("hang", {"until": 1})
    first = lab.worker("first")
    token = first.next("began")["token"]
    first.signal(signal.SIGSTOP)
    frozen_at = time.monotonic()
    second = lab.worker("second")
    result = lab.client.result(job, timeout=LEASE + 30)
    took = time.monotonic() - frozen_at
    assert result.output == {"by": "second", "attempt": 2}, str(lab.client.job(job)["runs"])
    assert took <= LEASE + SLACK, f"it took {took:.1f} s"
    second.end()
    first.signal(signal.SIGCONT)
    assert first.next("stopped") == {"stopped": "lease_lost", "attempt": 1}
    assert lab.settle(token)["status"] == "lease_lost"
    next_job = lab.enqueue("hang", {"until": 0})
    again = lab.client.result(next_job, timeout=30)
    assert again.output == {"by": "first", "attempt": 1}, str(lab.client.job(next_job)["runs"])
    assert lab.outcomes(job) == ["lost", "succeeded"]


def test_a_lost_answer_of_a_claim_loses_no_job_and_costs_no_attempt(lab: Lab) -> None:
    proxy = Swallower(lab.url, b'"leases":[{')
    job = lab.enqueue("hang", {"until": 0})
    lab.worker("first", proxy.url)
    result = lab.client.result(job, timeout=30)
    proxy.close()
    assert proxy.swallowed.is_set()
    assert (result.output, lab.outcomes(job)) == ({"by": "first", "attempt": 1}, ["succeeded"])


def test_a_lost_answer_of_a_settle_changes_nothing(lab: Lab) -> None:
    proxy = Swallower(lab.url, b'"answers":[{')
    job = lab.enqueue("hang", {"until": 0})
    lab.worker("first", proxy.url)
    assert lab.client.result(job, timeout=30).attempt == 1
    assert proxy.swallowed.wait(30)
    later = lab.client.result(lab.enqueue("hang", {"until": 0}), timeout=30)
    proxy.close()
    assert (later.attempt, lab.outcomes(job)) == (1, ["succeeded"])


def test_sigterm_lets_handlers_end_and_gives_back_the_rest(lab: Lab) -> None:
    first = lab.worker("first")
    hanging, napping = lab.enqueue("hang", {"until": 1}), lab.enqueue("nap", {"seconds": 1})
    first.next("began")
    eventually(lambda: lab.client.job(napping)["state"] == "running")
    first.signal(signal.SIGTERM)
    first.next("ended")
    assert first.process.wait(20) == 0
    assert lab.outcomes(napping) == ["succeeded"]
    assert lab.outcomes(hanging) == ["released"]
    lab.worker("second")
    assert lab.client.result(hanging, timeout=30).output == {"by": "second", "attempt": 2}
    assert lab.client.job(hanging)["failures"] == 0


def test_a_cancel_reaches_the_handler(lab: Lab) -> None:
    first = lab.worker("first")
    job = lab.enqueue("hang", {"until": 1})
    first.next("began")
    assert lab.client.cancel(job) == "asked"
    assert first.next("stopped")["stopped"] == "cancelled"
    assert lab.client.result(job, timeout=30).outcome == "succeeded", "what it returns within its grace counts"


def test_a_time_limit_fails_the_attempt(lab: Lab) -> None:
    first = lab.worker("first")
    job = lab.enqueue("hang", {"until": 1}, timeout=0.5, max_attempts=1)
    assert first.next("stopped")["stopped"] == "timed_out"
    result = lab.client.result(job, timeout=30)
    assert (result.outcome, result.error) == ("dead", "timed out after 0.5 s")


def test_durable_work_goes_on_after_each_wait(lab: Lab) -> None:
    first = lab.worker("first")
    job = lab.enqueue("order", {"order": lab.queue})
    eventually(lambda: any(wait["kind"] == "event" for wait in lab.http.get(f"/jobs/{job}/steps").json()["waits"]))
    lab.client.publish("parcels.packed", {"parcel": 31}, key=lab.queue)
    eventually(lambda: any(wait["kind"] == "approval" for wait in lab.http.get(f"/jobs/{job}/steps").json()["waits"]))
    eventually(lambda: lab.http.post(f"/jobs/{job}/approve", json={"note": "as agreed"}).is_success)
    result = lab.client.result(job, timeout=60)
    assert result.output == ["r-1", "succeeded", {"parcel": 31}, "approved", "as agreed", True], result
    steps = lab.http.get(f"/jobs/{job}/steps").json()["steps"]
    assert {step["name"] for step in steps} >= {"charge", "a moment", "child", "packed", "ship"}
    lab.client.result(lab.enqueue("nap", {"seconds": 0}), timeout=30)
    first.signal(signal.SIGTERM)
    first.next("ended")
    assert [told for told in first.told if "charged" in told] == [{"charged": job}], "it charged once"


def test_what_a_handler_says_is_seen_while_it_runs_and_it_hears_of_new_parameters(lab: Lab) -> None:
    lab.worker("first")
    job = lab.enqueue("talk", {})
    shown = eventually(lambda: lab.http.get(f"/jobs/{job}").json().get("progress"))
    assert (shown["percent"], shown["note"], shown["counter"]) == (25.0, "talking", 3)
    assert shown["stalls_after_seconds"] == 60.0
    lines = eventually(lambda: lab.http.get(f"/jobs/{job}/logs").json()["lines"])
    assert [line["text"] for line in lines] == ["began"]
    given = lab.http.put(f"/jobs/{job}/attachments", json={"value": {"pace": 2}}).raise_for_status().json()
    assert given == {"n": 1, "running": True}
    assert lab.client.result(job, timeout=30).output == {"pace": 2}
    lines = lab.http.get(f"/jobs/{job}/logs").json()["lines"]
    assert [(line["text"], line["level"]) for line in lines] == [("began", "info"), ("was told", "warn")]
    assert lab.http.get(f"/jobs/{job}/output").json() == {"attempt": 1, "text": "once upon a time", "truncated": False}
