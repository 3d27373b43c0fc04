//! What a claim asks for.

use crate::lease::claim_floor::{ClaimFloors, Lane};
use crate::lease::portion::Portion;
use crate::placement::eligibility::{Eligibility, NONE};
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// Which jobs a claim takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Those that were lost twice, and no others: a process runs one of them at a time.
    Suspects,
    /// All others.
    Ordinary,
}

/// Where a statement begins to look in each lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scan {
    /// At the lane's floor.
    FromFloor,
    /// At the beginning of the lane, unless another worker does so now: a sweep, which finds what
    /// committed late.
    FromStart,
}

/// What a claim asks for: leases of jobs that no limit concerns.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClaimRequest<'a> {
    /// The session that holds the leases.
    pub session: i64,
    /// The number of the claim; it must not repeat within the session.
    pub nonce: i32,
    /// Queues and priorities, in the order in which they are looked at.
    pub lanes: &'a [Lane],
    /// Where the scan of each lane starts; `None`, or no floor for it: at the beginning.
    pub floors: Vec<Option<DateTime<Utc>>>,
    /// The kinds of jobs that can be run.
    pub kinds: &'a [Arc<str>],
    /// Maximum number of leases.
    pub limit: usize,
    /// Which jobs are taken.
    pub look: Look,
    /// Where the scan starts.
    pub scan: Scan,
    /// Arguments of more bytes do not come with the answer.
    pub inline_bytes: usize,
    /// What the session may claim beside the jobs that ask for nothing of their worker.
    pub eligibility: &'a Eligibility,
}

impl<'a> ClaimRequest<'a> {
    /// A claim of up to `limit` ordinary jobs, from the beginning of each lane. Its answer is
    /// bounded: large arguments are left out.
    pub fn new(session: i64, nonce: i32, lanes: &'a [Lane], kinds: &'a [Arc<str>], limit: usize) -> Self {
        Self {
            session,
            nonce,
            lanes,
            floors: vec![None; lanes.len()],
            kinds,
            limit,
            look: Look::Ordinary,
            scan: Scan::FromFloor,
            inline_bytes: Portion::inline_bytes(limit, None),
            eligibility: &NONE,
        }
    }

    /// Starts the scan of each lane at its floor.
    #[must_use]
    pub fn floors(mut self, floors: &ClaimFloors) -> Self {
        self.floors = floors.of_all(self.lanes);
        self
    }

    /// Starts the scan of each lane there.
    #[must_use]
    pub fn scan(mut self, scan: Scan) -> Self {
        self.scan = scan;
        self
    }

    /// Takes these jobs instead of ordinary ones.
    #[must_use]
    pub fn look(mut self, look: Look) -> Self {
        self.look = look;
        self
    }
}

/// All lanes of these queues, the most urgent first, and those of one priority in the order of the
/// queues.
pub fn lanes(queues: &[Arc<str>]) -> Vec<Lane> {
    (1..=9).flat_map(|priority| queues.iter().map(move |queue| (queue.clone(), priority))).collect()
}
