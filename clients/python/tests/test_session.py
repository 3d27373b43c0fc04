"""A session holds as long as the worker's own clock says, and no longer."""

from __future__ import annotations

from typing import Any

import pytest

from ordinaut.worker import attempt as attempt_module
from ordinaut.worker import session as session_module
from ordinaut.worker.attempt import Attempt
from ordinaut.worker.end import End
from ordinaut.worker.lease import Lease
from ordinaut.worker.session import Session
from ordinaut.worker.stop import StopReason


class Time:
    """A clock that a test moves, and the ends that attempts wrote."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.ends: list[tuple[str, str]] = []
        for module in (session_module, attempt_module):
            monkeypatch.setattr(module, "now", lambda: self.now)

    def session(self) -> Session:
        return Session("1", 30.0, 10.0, self.now)

    def attempt(self, session: Session, token: str, limit: float = 100.0) -> Attempt:
        def settle(attempt: Attempt, end: End, ran_seconds: float) -> None:
            self.ends.append((attempt.lease.token, end.outcome))

        return Attempt(Lease(token=token, job_id=token, attempt=1, kind="k"), session, settle, limit)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    return Time(monkeypatch)


def test_without_a_heartbeat_everything_is_lost_before_the_lease_is_over_and_stays_so(time: Time) -> None:
    session = time.session()
    (attempt,) = session.enter(1, [time.attempt(session, "a")])
    time.now += 24
    assert session.holds()
    session.renewed(time.now - 5, 30)
    time.now += 19
    assert session.holds(), "the lease runs from when the heartbeat was sent"
    time.now += 1
    assert not session.holds() and attempt.order is StopReason.LEASE_LOST
    session.renewed(time.now, 30)
    assert not session.holds(), "an answer that comes late revives nothing"
    attempt.finish(End("succeeded"))
    assert time.ends == [] and session.report() == ([], 1)
    assert session.enter(2, [time.attempt(session, "b")]) == []


def test_a_token_is_reported_from_its_claim_to_the_answer_to_its_end(time: Time) -> None:
    session = time.session()
    assert session.report() == ([], 0)
    begun = session.enter(1, [time.attempt(session, "a"), time.attempt(session, "b")])
    assert session.report() == (["a", "b"], 1)
    begun[0].finish(End("succeeded"))
    assert session.report() == (["a", "b"], 1), "or the heartbeat would give back what is being settled"
    session.leave("a")
    assert session.report() == (["b"], 1)
    assert session.enter(2, [time.attempt(session, "b")]) == [], "a repeated claim brings what is known"
    assert session.report() == (["b"], 2)


def told(attempt: Attempt) -> list[Any]:
    calls: list[Any] = []
    attempt.begin(lambda: calls.append(attempt.order))
    return calls


def test_an_attempt_ends_once(time: Time) -> None:
    session = time.session()
    late, cancelled, ignoring = session.enter(1, [time.attempt(session, name, 5.0) for name in ("late", "c", "i")])
    heard = told(late)
    cancelled.stop(StopReason.CANCELLED)
    time.now += 4.9
    late.look(time.now)
    assert late.counts and heard == []
    cancelled.finish(End("succeeded"))
    time.now += 0.1
    late.look(time.now)
    assert not late.counts and heard == [StopReason.TIMED_OUT]
    late.finish(End("succeeded"))
    assert time.ends == [("c", "succeeded"), ("late", "failed")], "what a cancelled handler returns counts"
    ignoring.stop(StopReason.SHUTDOWN)
    ignoring.stop(StopReason.LEASE_LOST)
    assert time.ends[2:] == [("i", "released")]


def test_a_cancelled_handler_has_a_grace_and_the_order_outlives_an_earlier_one(time: Time) -> None:
    session = time.session()
    slow, lost = session.enter(1, [time.attempt(session, name) for name in ("slow", "lost")])
    for attempt in (slow, lost):
        attempt.stop(StopReason.CANCELLED)
    heard = told(slow)
    assert heard == [StopReason.CANCELLED], "also if it was told before it began"
    lost.stop(StopReason.LEASE_LOST)
    lost.stop(StopReason.CANCELLED)
    assert lost.order is StopReason.LEASE_LOST
    time.now += 5
    slow.look(time.now)
    lost.look(time.now)
    assert time.ends == [("slow", "cancelled")] and len(heard) == 2


def test_an_end_that_cannot_be_written_leaves_room_for_another(time: Time) -> None:
    session = time.session()
    ends: list[End] = []

    def settle(attempt: Attempt, end: End, ran_seconds: float) -> None:
        end.written(attempt.lease.token, ran_seconds)
        ends.append(end)

    attempt = Attempt(Lease(token="a", job_id="a", attempt=1, kind="k"), session, settle, 1.0)
    with pytest.raises(ValueError):
        attempt.finish(End("snoozed", after_seconds=float("nan")))
    attempt.finish(End("failed", error="it could not be written"))
    assert [end.outcome for end in ends] == ["failed"] and not attempt.counts
