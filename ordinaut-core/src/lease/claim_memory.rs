//! What the claims of a session remember: where to look next, how much to take, and whose turn it
//! is.

use crate::lease::claim_floor::{ClaimFloors, Lane};
use crate::lease::claim_request::{ClaimRequest, Look, Scan, lanes};
use crate::lease::portion::Portion;
use crate::lease::priority_ageing::Ageing;
use crate::lease::store::claim::Claimed;
use crate::lease::weighted_round_robin::WeightedRoundRobin;
use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Between two sweeps at least.
const SWEEP: Duration = Duration::from_millis(250);

/// A sweep may take a fiftieth of the time: it stays prompt where it is cheap.
const SWEEP_SHARE: u32 = 50;

/// What the claims of a session remember. Losing it costs one scan from the start.
///
/// Each claim is [planned](Self::plan), and what it found is [learned](Self::learn); claims may be
/// under way at the same time.
#[derive(Debug)]
pub struct ClaimMemory {
    turns: WeightedRoundRobin,
    kinds: Arc<[Arc<str>]>,
    ordinary: Side,
    /// The few jobs whose last attempt was lost, which ordinary claims pass over.
    suspects: Side,
    /// How much one claim takes.
    portion: Portion,
    /// When a claim was too much.
    too_much_at: Option<Instant>,
    sweep_at: Instant,
    /// A hint came, and nothing has been found since: what it was of may lie below the floors, as
    /// in a queue that was paused.
    hint_is_open: bool,
    /// What it takes to go before a level of priority.
    ageing: Option<Ageing>,
}

/// What is remembered of one of the two looks. A look for suspects comes between two ordinary
/// claims, and must not change what these remember: where their scans start, and whose turn it is.
#[derive(Debug, Default)]
struct Side {
    floors: ClaimFloors,
    /// Jobs that limits concern and those that none does go first in turn, so that neither takes
    /// all the room.
    limited_first: bool,
    /// Number of claims that were planned, and the last one of which something was learned.
    planned: u64,
    learned: u64,
}

/// A claim that is to be sent.
#[derive(Debug)]
#[non_exhaustive]
pub struct ClaimPlan {
    /// Queues and priorities, in the order in which they are looked at.
    pub lanes: Vec<Lane>,
    /// The kinds of jobs that can be run.
    pub kinds: Arc<[Arc<str>]>,
    /// Maximum number of leases.
    pub limit: usize,
    /// Which jobs are taken.
    pub look: Look,
    /// What waiting is worth, for jobs under limits.
    pub ageing: Option<Ageing>,
    /// Whether jobs under limits are let in before others are claimed.
    pub limited_first: bool,
    floors: Vec<Option<DateTime<Utc>>>,
    scan: Scan,
    inline_bytes: usize,
    sent: Instant,
    nth: u64,
}

impl ClaimPlan {
    /// The claim under a session and a number.
    pub fn request(&self, session: i64, nonce: i32) -> ClaimRequest<'_> {
        let floors = self.floors.clone();
        let request = ClaimRequest::new(session, nonce, &self.lanes, &self.kinds, self.limit).look(self.look);
        ClaimRequest { floors, inline_bytes: self.inline_bytes, ..request.scan(self.scan) }
    }
}

impl ClaimMemory {
    /// Nothing is known yet. The queues have turns by their weights.
    pub fn new<'a>(
        queues: impl IntoIterator<Item = (&'a str, u16)>,
        kinds: Arc<[Arc<str>]>,
        ageing: Option<Ageing>,
        now: Instant,
    ) -> Self {
        Self {
            turns: WeightedRoundRobin::new(queues),
            kinds,
            ordinary: Side::default(),
            suspects: Side::default(),
            portion: Portion::default(),
            too_much_at: None,
            sweep_at: now,
            hint_is_open: false,
            ageing,
        }
    }

    /// The number of leases to ask for, where `wanted` are wanted.
    pub fn portion(&self, wanted: usize) -> usize {
        self.portion.of(wanted)
    }

    /// The next claim, of up to `limit` jobs. A look for suspects is no queue's turn: there are
    /// few.
    pub fn plan(&mut self, look: Look, limit: usize, now: Instant) -> ClaimPlan {
        let limit = self.portion.of(limit);
        let queues = if look == Look::Suspects { self.turns.all() } else { self.turns.next() };
        let mut lanes = lanes(&queues);
        if let Some((ageing, last)) = self.ageing.zip(self.ordinary.floors.last()) {
            self.ordinary.floors.aged(&mut lanes, last, ageing);
        }
        let inline_bytes = Portion::inline_bytes(limit, self.too_much_at.map(|at| now.duration_since(at)));
        let scan = if now >= self.sweep_at { Scan::FromStart } else { Scan::FromFloor };
        let (kinds, ageing) = (self.kinds.clone(), self.ageing);
        let side = self.side(look);
        side.limited_first = !side.limited_first;
        side.planned += 1;
        let (floors, limited_first, nth) = (side.floors.of_all(&lanes), side.limited_first, side.planned);
        ClaimPlan { lanes, kinds, limit, look, ageing, limited_first, floors, scan, inline_bytes, sent: now, nth }
    }

    /// What a claim found that asked for up to `limit` jobs.
    pub fn learn(&mut self, plan: &ClaimPlan, claimed: &Claimed, limit: usize, now: Instant) {
        let sweeps = plan.scan == Scan::FromStart;
        if plan.look == Look::Ordinary {
            if sweeps {
                self.sweep_at = now + SWEEP.max(now.duration_since(plan.sent) * SWEEP_SHARE);
            }
            if sweeps || !claimed.leases.is_empty() {
                self.hint_is_open = false;
            }
        }
        let found = claimed.leases.iter().map(|lease| (&*lease.queue, lease.priority, lease.run_at));
        let side = self.side(plan.look);
        if plan.nth < side.learned {
            // A later claim was answered first: its time is the newer one.
            side.floors.lower(found);
            return;
        }
        side.learned = plan.nth;
        side.floors.learn(&plan.lanes, claimed.at, found, claimed.leases.len() >= limit);
    }

    /// A claim found jobs, and its answer came.
    pub fn carried(&mut self) {
        self.portion.carried();
    }

    /// A claim of this many jobs was too much; the answer is the size of the next one.
    pub fn too_much(&mut self, jobs: usize, now: Instant) -> usize {
        self.portion.failed(jobs);
        self.too_much_at = Some(now);
        self.portion.of(jobs)
    }

    /// After an error nothing that was remembered holds, and the next claim sweeps.
    pub fn doubt(&mut self, now: Instant) {
        self.ordinary.floors.reset();
        self.suspects.floors.reset();
        self.sweep_at = now;
    }

    /// There may be work.
    pub fn woken(&mut self) {
        self.hint_is_open = true;
    }

    /// Time until the next sweep, if it should not wait for a poll.
    pub fn sweep_in(&self, now: Instant) -> Option<Duration> {
        self.hint_is_open.then(|| self.sweep_at.saturating_duration_since(now))
    }

    fn side(&mut self, look: Look) -> &mut Side {
        match look {
            Look::Suspects => &mut self.suspects,
            Look::Ordinary => &mut self.ordinary,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_000_000 + milliseconds).unwrap()
    }

    fn memory(now: Instant) -> ClaimMemory {
        ClaimMemory::new([("a", 1), ("b", 1)], [Arc::from("k")].into(), None, now)
    }

    fn nothing(milliseconds: i64) -> Claimed {
        Claimed { at: at(milliseconds), leases: Vec::new(), limits: false }
    }

    #[test]
    fn an_answer_that_comes_late_does_not_look_like_a_clock_that_went_back() {
        let now = Instant::now();
        let mut memory = memory(now);
        let (first, second) = (memory.plan(Look::Ordinary, 10, now), memory.plan(Look::Ordinary, 10, now));
        memory.learn(&second, &nothing(2000), 10, now);
        let floors = memory.plan(Look::Ordinary, 10, now).floors;
        memory.learn(&first, &nothing(1000), 10, now);
        let after = memory.plan(Look::Ordinary, 10, now).floors;
        assert!(floors.iter().all(Option::is_some) && floors == after, "{after:?}");
    }

    #[test]
    fn a_sweep_comes_first_then_in_turn_and_at_once_after_an_error() {
        let now = Instant::now();
        let mut memory = memory(now);
        let first = memory.plan(Look::Ordinary, 10, now);
        assert_eq!(first.scan, Scan::FromStart);
        memory.learn(&first, &nothing(0), 10, now);
        assert_eq!(memory.plan(Look::Ordinary, 10, now).scan, Scan::FromFloor);
        assert_eq!(memory.plan(Look::Ordinary, 10, now + SWEEP).scan, Scan::FromStart);
        memory.doubt(now);
        let doubtful = memory.plan(Look::Ordinary, 10, now);
        assert_eq!((doubtful.scan, doubtful.floors[0]), (Scan::FromStart, None));
    }

    #[test]
    fn queues_and_jobs_under_limits_have_turns_and_a_look_for_suspects_takes_none() {
        let now = Instant::now();
        let mut memory = memory(now);
        let first = |plan: &ClaimPlan| (plan.lanes[0].0.to_string(), plan.limited_first);
        let one = first(&memory.plan(Look::Ordinary, 10, now));
        memory.plan(Look::Suspects, 1, now);
        let two = first(&memory.plan(Look::Ordinary, 10, now));
        assert!(one.0 != two.0 && one.1 != two.1, "{one:?} {two:?}");
        assert_eq!(first(&memory.plan(Look::Ordinary, 10, now)), one);
    }
}
