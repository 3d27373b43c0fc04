//! What the claims of a session remember: where to look next, how much to take, and whose turn it
//! is.

use crate::lease::claim_floor::{ClaimFloors, Lane};
use crate::lease::claim_request::{ClaimRequest, Look, Scan, lanes};
use crate::lease::portion::Portion;
use crate::lease::priority_ageing::Ageing;
use crate::lease::store::claim::Claimed;
use crate::lease::weighted_round_robin::WeightedRoundRobin;
use crate::placement::eligibility::Eligibility;
use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Between two sweeps at least.
const SWEEP: Duration = Duration::from_millis(250);

/// A sweep may take a fiftieth of the time: it stays prompt where it is cheap.
const SWEEP_SHARE: u32 = 50;

/// Time for which a session believes what it may claim beside the jobs that ask for nothing of
/// their worker.
const ELIGIBILITY: Duration = Duration::from_millis(500);

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
    /// What the session may claim beside the jobs that ask for nothing of their worker, when that
    /// was asked, and whether the last claim said that there is anything of the sort.
    eligibility: Arc<Eligibility>,
    eligible_at: Option<Instant>,
    placement: bool,
}

/// What is remembered of one of the two looks. A look for suspects comes between two ordinary
/// claims, and must not change what these remember: where their scans start, and whose turn it is.
#[derive(Debug, Default)]
struct Side {
    floors: ClaimFloors,
    /// Number of claims that were planned, and the last one of which something was learned.
    planned: u64,
    learned: u64,
}

/// Where jobs come from. They go first in turn, so that none takes all the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// Jobs that neither a limit concerns nor ask something of their worker.
    Plain,
    /// Jobs that wait for room of limits.
    Limited,
    /// Jobs that ask something of their worker.
    Placed,
}

impl Source {
    /// The order of the nth claim.
    fn of(nth: u64) -> [Self; 3] {
        match nth % 4 {
            0 => [Self::Placed, Self::Plain, Self::Limited],
            1 => [Self::Limited, Self::Plain, Self::Placed],
            2 => [Self::Plain, Self::Limited, Self::Placed],
            _ => [Self::Placed, Self::Limited, Self::Plain],
        }
    }
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
    /// Where jobs come from, in the order in which this claim asks for them.
    pub sources: [Source; 3],
    /// What the session may claim beside the jobs that ask for nothing of their worker.
    pub eligibility: Arc<Eligibility>,
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
        let eligibility = &*self.eligibility;
        ClaimRequest { floors, inline_bytes: self.inline_bytes, eligibility, ..request.scan(self.scan) }
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
            eligibility: Arc::default(),
            eligible_at: None,
            placement: false,
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
        let (kinds, ageing, eligibility) = (self.kinds.clone(), self.ageing, self.eligibility.clone());
        let side = self.side(look);
        side.planned += 1;
        let (floors, nth) = (side.floors.of_all(&lanes), side.planned);
        let (sources, sent) = (Source::of(nth), now);
        ClaimPlan { lanes, kinds, limit, look, ageing, sources, eligibility, floors, scan, inline_bytes, sent, nth }
    }

    /// What a claim found that asked for up to `limit` jobs.
    pub fn learn(&mut self, plan: &ClaimPlan, claimed: &Claimed, limit: usize, now: Instant) {
        let sweeps = plan.scan == Scan::FromStart;
        self.placement = claimed.placement;
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

    /// Whether it is time to ask what the session may claim beside the jobs that ask for nothing of
    /// their worker: before its first claim, and where there is anything of the sort now and then,
    /// or when something came.
    pub fn asks_for_eligibility(&self, now: Instant) -> bool {
        let Some(asked) = self.eligible_at else { return true };
        self.placement && (self.hint_is_open || now.duration_since(asked) >= ELIGIBILITY)
    }

    /// What it may claim beside them. Of a part that has grown jobs lie below the floors.
    pub fn is_eligible(&mut self, eligibility: Eligibility, now: Instant) {
        if eligibility.parts != self.eligibility.parts {
            self.doubt(now);
        }
        self.placement = eligibility.needed;
        self.eligible_at = Some(now);
        if eligibility != *self.eligibility {
            self.eligibility = Arc::new(eligibility);
        }
    }

    /// The kinds of jobs that can be run.
    pub fn kinds(&self) -> Arc<[Arc<str>]> {
        self.kinds.clone()
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
    use crate::placement::eligibility::Parts;

    fn at(milliseconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_000_000 + milliseconds).unwrap()
    }

    fn memory(now: Instant) -> ClaimMemory {
        ClaimMemory::new([("a", 1), ("b", 1)], [Arc::from("k")].into(), None, now)
    }

    fn nothing(milliseconds: i64) -> Claimed {
        Claimed { at: at(milliseconds), leases: Vec::new(), limits: false, placement: false }
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
    fn eligibility_is_asked_for_where_there_is_placement_and_a_changed_part_sweeps() {
        let now = Instant::now();
        let mut memory = memory(now);
        assert!(memory.asks_for_eligibility(now), "the first claim must not take what is another version's");
        memory.is_eligible(Eligibility::NONE, now);
        assert!(!memory.asks_for_eligibility(now + ELIGIBILITY));
        let first = memory.plan(Look::Ordinary, 10, now);
        memory.learn(&first, &Claimed { placement: true, ..nothing(0) }, 10, now);
        assert!(memory.asks_for_eligibility(now + ELIGIBILITY));
        memory.is_eligible(Eligibility { needed: true, ..Eligibility::NONE }, now);
        assert!(!memory.asks_for_eligibility(now));
        assert!(memory.asks_for_eligibility(now + ELIGIBILITY));
        memory.woken();
        assert!(memory.asks_for_eligibility(now), "what came may be of a demand");
        assert_eq!(memory.plan(Look::Ordinary, 10, now).scan, Scan::FromFloor);
        let parts = Parts { kinds: vec!["k".to_owned()], lowest: vec![0], highest: vec![63] };
        memory.is_eligible(Eligibility { needed: true, parts, ..Eligibility::NONE }, now);
        assert_eq!(memory.plan(Look::Ordinary, 10, now).scan, Scan::FromStart);
    }

    #[test]
    fn queues_and_sources_have_turns_and_a_look_for_suspects_takes_none() {
        let now = Instant::now();
        let mut memory = memory(now);
        let first = |plan: &ClaimPlan| (plan.lanes[0].0.to_string(), plan.sources[0]);
        let one = first(&memory.plan(Look::Ordinary, 10, now));
        memory.plan(Look::Suspects, 1, now);
        let mut others = (0..3).map(|_| first(&memory.plan(Look::Ordinary, 10, now))).collect::<Vec<_>>();
        assert_ne!(one.0, others[0].0);
        assert_eq!(first(&memory.plan(Look::Ordinary, 10, now)), one);
        others.push(one);
        for source in [Source::Plain, Source::Limited, Source::Placed] {
            assert!(others.iter().any(|(_, first)| *first == source), "{source:?} is never first");
        }
    }
}
