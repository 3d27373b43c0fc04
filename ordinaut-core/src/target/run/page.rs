//! What a process knows of one target, and its calls of each host.

use crate::target::breaker::{Breaker, Verdict};
use crate::target::choice::{Candidate, Turns};
use crate::target::definition::Target;
use crate::target::run::turn::{Turn, TurnLine};
use crate::target::slow_start::SlowStart;
use crate::target::store::breaker::{Counted, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use uuid::Uuid;

/// Time for which what was read holds.
pub(crate) const FRESH: Duration = Duration::from_secs(1);

/// What a process knows of one target.
pub(crate) struct TargetPage {
    pub(crate) name: String,
    known: Mutex<Known>,
    /// One reads it at a time.
    pub(crate) reading: tokio::sync::Mutex<()>,
    /// A call has ended, or something else is known.
    pub(crate) changed: Notify,
    /// Calls that wait for a turn, of a target with limits.
    pub(crate) turns: TurnLine,
}

#[derive(Default)]
struct Known {
    read_at: Option<Instant>,
    target: Option<Arc<Target>>,
    hosts: Vec<KnownHost>,
    turns: Turns,
}

struct KnownHost {
    host: Arc<str>,
    weight: u16,
    breaker: Breaker,
    seen_at: Instant,
    calls: SlowStart,
    /// Calls that wait for their turn.
    waiting: u32,
    counted: Counted,
}

/// A host that may be called now. Dropped, the call is over.
pub(crate) struct Entry {
    pub(crate) page: Arc<TargetPage>,
    pub(crate) target: Arc<Target>,
    pub(crate) host: Arc<str>,
    /// This call tries the host.
    pub(crate) trial: Option<Uuid>,
    /// What a target with limits gave it.
    pub(crate) turn: Turn,
}

/// What is to be done about the hosts of a target.
pub(crate) enum Next {
    Call(Arc<str>),
    Try(Arc<str>),
    None { tried: bool },
}

impl TargetPage {
    pub(crate) fn new(name: &str) -> Self {
        let (known, reading, changed) = (Mutex::default(), tokio::sync::Mutex::default(), Notify::new());
        Self { name: name.to_owned(), known, reading, changed, turns: TurnLine::default() }
    }

    /// The target, if it was read within a second; the inner `None`: there is none.
    pub(crate) fn fresh(&self) -> Option<Option<Arc<Target>>> {
        let known = self.known();
        known.read_at.is_some_and(|at| at.elapsed() < FRESH).then(|| known.target.clone())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what was read, but for hosts of which more is known than when the look began.
    pub(crate) fn take(&self, read: Option<Read>, began: Instant) -> Option<Arc<Target>> {
        let mut known = self.known();
        known.read_at = Some(began);
        let mut before = std::mem::take(&mut known.hosts);
        for (host, weight, breaker) in read.iter().flat_map(|read| &read.hosts) {
            let found = before.iter().position(|known| *known.host == **host).map(|at| before.swap_remove(at));
            known.hosts.push(match found {
                Some(newer) if newer.seen_at > began => KnownHost { weight: *weight, ..newer },
                Some(older) => KnownHost { weight: *weight, breaker: *breaker, seen_at: began, ..older },
                None => KnownHost {
                    host: (**host).into(),
                    weight: *weight,
                    breaker: *breaker,
                    seen_at: began,
                    calls: SlowStart::default(),
                    waiting: 0,
                    counted: Counted::default(),
                },
            });
        }
        known.target = read.map(|read| Arc::new(read.target));
        let target = known.target.clone();
        drop(known);
        self.changed.notify_waiters();
        target
    }

    /// What was known before Postgres went away holds for another second.
    pub(crate) fn stale(&self, now: Instant) -> Option<Arc<Target>> {
        let mut known = self.known();
        let target = known.target.clone()?;
        known.read_at = Some(now);
        Some(target)
    }

    /// The host that is called next: the one that the call waits for, if that still takes calls.
    pub(crate) fn next(&self, target: &Target, tried: &[Arc<str>], waits_for: Option<&Arc<str>>) -> Next {
        let known = &mut *self.known();
        let now = Instant::now();
        let (mut candidates, mut were_tried) = (Vec::new(), false);
        for host in &known.hosts {
            let verdict = host.breaker.verdict(now.saturating_duration_since(host.seen_at));
            if tried.contains(&host.host) {
                were_tried |= verdict == Verdict::Call;
                continue;
            }
            match verdict {
                Verdict::Call => candidates.push(Candidate {
                    host: host.host.clone(),
                    weight: host.weight,
                    load: host.calls.under_way() + host.waiting,
                }),
                // Others would wait for longer than this one call may cost.
                Verdict::Try if waits_for.is_none() => return Next::Try(host.host.clone()),
                _ => {}
            }
        }
        if let Some(host) = waits_for.filter(|host| candidates.iter().any(|candidate| candidate.host == **host)) {
            return Next::Call(host.clone());
        }
        // What goes on after a host was not reached is nobody's turn.
        let first = candidates.first().map(|candidate| candidate.host.clone());
        let chosen = if tried.is_empty() { known.turns.next(target.strategy, &candidates) } else { first };
        chosen.map_or(Next::None { tried: were_tried }, Next::Call)
    }

    pub(crate) fn begin(&self, host: &str) -> bool {
        self.with(host, |known| known.calls.begin()).unwrap_or_default()
    }

    /// This process tries it: others of it leave it alone.
    pub(crate) fn tries(&self, host: &str) {
        self.with(host, |known| {
            known.calls.begin_anyway();
            known.breaker.opens_in = Some(Duration::MAX);
            known.seen_at = Instant::now();
        });
    }

    fn end(&self, host: &str) {
        self.with(host, |known| known.calls.end());
        self.changed.notify_waiters();
    }

    /// Whether others have to be told: calls have failed before.
    pub(crate) fn succeeded(&self, host: &str, took: Duration) -> bool {
        let tell = self.with(host, |known| {
            known.calls.succeeded();
            known.counted.calls += 1;
            known.counted.seconds += took.as_secs_f64();
            known.breaker.failures > 0
        });
        tell.unwrap_or_default()
    }

    pub(crate) fn failed(&self, host: &str) {
        self.with(host, |known| {
            known.calls.failed();
            known.counted.calls += 1;
            known.counted.failed += 1;
        });
    }

    pub(crate) fn is_closed(&self, host: &str) {
        self.with(host, |known| {
            known.breaker = known.breaker.closed();
            known.seen_at = Instant::now();
        });
        self.changed.notify_waiters();
    }

    pub(crate) fn sees(&self, host: &str, breaker: Breaker) {
        self.with(host, |known| {
            known.breaker = breaker;
            known.seen_at = Instant::now();
        });
        self.changed.notify_waiters();
    }

    /// The next call looks again.
    pub(crate) fn is_doubtful(&self) {
        self.known().read_at = None;
    }

    pub(crate) fn takes_calls(&self) -> bool {
        let known = self.known();
        known.hosts.iter().any(|host| host.breaker.verdict(host.seen_at.elapsed()) == Verdict::Call)
    }

    fn with<T>(&self, host: &str, change: impl FnOnce(&mut KnownHost) -> T) -> Option<T> {
        self.known().hosts.iter_mut().find(|known| *known.host == *host).map(change)
    }

    pub(crate) fn take_counted(&self) -> Vec<(String, String, Counted)> {
        let mut known = self.known();
        let some = known.hosts.iter_mut().filter(|host| host.counted.calls > 0);
        some.map(|host| (self.name.clone(), host.host.to_string(), std::mem::take(&mut host.counted))).collect()
    }

    pub(crate) fn put_back(&self, counted: &[(String, String, Counted)]) {
        for (_, host, back) in counted.iter().filter(|(target, ..)| *target == self.name) {
            self.with(host, |known| {
                known.counted.calls += back.calls;
                known.counted.failed += back.failed;
                known.counted.seconds += back.seconds;
            });
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.page.end(&self.host);
    }
}

/// A call that waits for its turn at a host.
pub(crate) struct Waits<'a> {
    page: &'a TargetPage,
    pub(crate) host: Option<Arc<str>>,
}

impl<'a> Waits<'a> {
    pub(crate) fn new(page: &'a TargetPage) -> Self {
        Self { page, host: None }
    }

    pub(crate) fn for_host(&mut self, host: &Arc<str>) {
        if self.host.as_ref() != Some(host) {
            self.leave();
            self.page.with(host, |known| known.waiting += 1);
            self.host = Some(host.clone());
        }
    }

    fn leave(&mut self) {
        if let Some(host) = self.host.take() {
            self.page.with(&host, |known| known.waiting = known.waiting.saturating_sub(1));
        }
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}
