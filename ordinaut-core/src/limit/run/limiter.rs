//! The limiter: jobs that limits concern are set aside when they are due, and let in where there is
//! room.

use crate::client::Client;
use crate::db::schema::Schema;
use crate::error::Error;
use crate::lease::claim_floor::ClaimFloors;
use crate::lease::claim_request::Look;
use crate::lease::leased::Lease;
use crate::lease::run::links::LeaseLinks;
use crate::lease::store::Leases;
use crate::limit::admission;
use crate::limit::admission::Admission;
use crate::limit::fairness::Fairness;
use crate::limit::line::Line;
use crate::limit::store::admission::{AdmitRequest, admit, lines, lock};
use crate::limit::store::sift::SiftRequest;
use sqlx::{PgConnection, Postgres, Transaction};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Maximum number of jobs that one statement sets aside.
const JOBS: usize = 1000;

/// Time after which a caller without a poll interval of its own asks again where there is no room.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// Maximum number of lines that are looked at in one transaction, beside which nobody else lets
/// jobs in.
const LINES: usize = 500;

/// What a session remembers of jobs under limits: where it looks next, and whose turn it is. Losing
/// it costs one look at everything.
///
/// A claim passes by jobs that a limit concerns. After it, this lets in those of them that have
/// room:
///
/// ```no_run
/// use ordinaut_core::lease::{ClaimRequest, Lease};
/// use ordinaut_core::limit::{AdmitRequest, Limiter};
/// use ordinaut_core::{Client, Error};
///
/// # async fn all(client: &Client, limiter: &mut Limiter, request: &ClaimRequest<'_>) -> Result<Vec<Lease>, Error> {
/// let claimed = client.leases().claim(request).await?;
/// limiter.claimed(claimed.limits);
/// let mut leases = claimed.leases;
/// if leases.len() < request.limit {
///     let mut more = AdmitRequest::of(request);
///     more.limit -= leases.len();
///     match limiter.admit_all(client, &more).await {
///         Ok(let_in) => leases.extend(let_in),
///         // What was leased before the error must still run.
///         Err(error) if leases.is_empty() => return Err(error),
///         Err(error) => eprintln!("{error}"),
///     }
/// }
/// # Ok(leases)
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Limiter {
    /// Whether there are limits; the last claim said so.
    limits: bool,
    /// Where the next sift starts in each lane.
    floors: ClaimFloors,
    /// Whether anything is in a line, as far as is known.
    left: bool,
    /// The line whose turn was last.
    after: String,
    /// The same of suspects: a look for them comes between two turns of the others, and must not
    /// change whose is next.
    suspects_after: String,
    /// Who had turns.
    shares: Fairness,
    /// When there was no room, and how long to wait from then on unless something ends.
    no_room: Option<(Instant, Duration)>,
    /// There is more to do than one turn does.
    more: bool,
}

impl Limiter {
    /// Whether jobs may wait here.
    pub(crate) fn is_needed(&self) -> bool {
        self.limits
    }

    /// What a claim said: whether there are limits. Limits that appear are at work at once: nothing
    /// is known of their lines.
    pub fn claimed(&mut self, limits: bool) {
        if limits && !self.limits {
            *self = Self { limits, left: true, more: true, ..Self::default() };
        }
        self.limits = limits;
    }

    /// Something ended, or came: there may be room.
    pub fn woken(&mut self) {
        self.no_room = None;
        self.left = true;
    }

    /// Nothing that was remembered holds: after an error, and when Postgres was connected to anew.
    pub fn reset(&mut self) {
        self.floors.reset();
        self.woken();
    }

    /// Time until the next turn, if it should not wait for a poll.
    pub fn next_in(&self) -> Option<Duration> {
        if self.limits && self.more {
            return Some(Duration::ZERO);
        }
        self.no_room.filter(|_| self.limits && self.left).map(|(since, wait)| wait.saturating_sub(since.elapsed()))
    }

    /// Sets jobs aside that are due and that limits concern, also those that ask something of their
    /// worker.
    pub(crate) async fn sift_all(
        &mut self,
        schema: &Schema,
        db: &mut PgConnection,
        request: &AdmitRequest<'_>,
    ) -> sqlx::Result<()> {
        sift_placed(Leases::on(schema, &mut *db), request).await?;
        self.sift(Leases::on(schema, db), request).await
    }

    async fn sift(&mut self, leases: Leases<'_>, request: &AdmitRequest<'_>) -> sqlx::Result<()> {
        // The claim passes these jobs by: only here it is known how long the first of a lane has
        // waited.
        let mut lanes = request.lanes.to_vec();
        if let Some((ageing, last)) = request.ageing.zip(self.floors.last()) {
            self.floors.aged(&mut lanes, last, ageing);
        }
        let floors = self.floors.of_all(&lanes);
        let eligible = request.eligibility;
        let (kinds, scan, parts) = (request.kinds, request.scan, &eligible.parts);
        let sifting = SiftRequest { lanes: &lanes, floors, kinds, limit: JOBS, scan, parts };
        let sifted = leases.sift(&sifting).await?;
        let found = sifted.jobs.iter().map(|(queue, priority, run_at)| (&**queue, *priority, *run_at));
        self.floors.learn(&lanes, sifted.at, found, sifted.jobs.len() >= JOBS);
        self.more = sifted.jobs.len() >= JOBS;
        self.left = sifted.left;
        if !sifted.jobs.is_empty() {
            self.no_room = None;
        }
        Ok(())
    }

    /// Whether any may be let in now. A look for suspects has waited for its turn.
    pub(crate) fn has_turn(&self, look: Look) -> bool {
        self.left && (look == Look::Suspects || self.no_room.is_none_or(|(since, wait)| since.elapsed() >= wait))
    }

    /// Sets jobs aside that are due and that limits concern, and lets in those that have room.
    ///
    /// # Errors
    ///
    /// If Postgres refuses, or is not there. If no answer came, jobs may still have been let in:
    /// [`Leases::strays`] finds their leases.
    pub async fn admit_all(&mut self, client: &Client, request: &AdmitRequest<'_>) -> Result<Vec<Lease>, Error> {
        if !self.is_needed() {
            return Ok(Vec::new());
        }
        sift_placed(client.leases(), request).await?;
        self.sift(client.leases(), request).await?;
        if !self.has_turn(request.look) {
            return Ok(Vec::new());
        }
        let tx = client.begin_by_key().await?;
        Ok(self.admit(tx, client.schema(), request, ASK_AGAIN).await?)
    }

    /// As [`Limiter::admit_all`], over connections that a program keeps for its leases.
    ///
    /// # Errors
    ///
    /// As [`Limiter::admit_all`].
    pub async fn admit_over(&mut self, links: &LeaseLinks, request: &AdmitRequest<'_>) -> Result<Vec<Lease>, Error> {
        if !self.is_needed() || links.pause().is_some() {
            return Ok(Vec::new());
        }
        let mut link = links.link().await?;
        // It may have been made just now, by a Postgres that was restarted.
        if links.pause().is_some() {
            return Ok(Vec::new());
        }
        link.run(async |schema, to| self.sift_all(schema, to, request).await).await?;
        if !self.has_turn(request.look) {
            return Ok(Vec::new());
        }
        let admitted = link.run_in_tx(async |schema, tx| self.admit(tx, schema, request, ASK_AGAIN).await);
        Ok(admitted.await?)
    }

    /// Lets jobs in. `patience`: how long to wait before asking again where there is no room.
    pub(crate) async fn admit(
        &mut self,
        mut tx: Transaction<'_, Postgres>,
        schema: &Schema,
        request: &AdmitRequest<'_>,
        patience: Duration,
    ) -> sqlx::Result<Vec<Lease>> {
        lock(&mut tx, schema).await?;
        let after = if request.look == Look::Suspects { &self.suspects_after } else { &self.after };
        let mut seen = lines(&mut tx, schema, after, LINES, request).await?;
        let to_the_end = seen.lines.len() < LINES;
        if to_the_end && !after.is_empty() {
            let before = lines(&mut tx, schema, "", LINES - seen.lines.len(), request).await?;
            seen.at = seen.at.or(before.at);
            seen.lines.extend(before.lines.into_iter().take_while(|line| line.text <= *after));
        }
        if request.look == Look::Ordinary {
            self.shares.see(&seen.lines);
        }
        let admission = admission::admit(&seen.lines, request.limit, request.ageing, &self.shares);
        let leases = match seen.at {
            Some(at) if !admission.allowed.is_empty() => {
                let leases = admit(&mut tx, schema, &admission, at, request).await?;
                tx.commit().await?;
                leases
            }
            _ => {
                tx.rollback().await?;
                Vec::new()
            }
        };
        self.left = !seen.lines.is_empty();
        if request.look == Look::Suspects {
            let last = seen.lines.last().filter(|_| !to_the_end);
            self.suspects_after = last.map(|line| line.text.clone()).unwrap_or_default();
        } else {
            self.remember(&seen.lines, &admission, request.limit, to_the_end, patience);
        }
        Ok(leases)
    }

    fn remember(&mut self, lines: &[Line], admission: &Admission, wanted: usize, to_the_end: bool, patience: Duration) {
        let given: usize = admission.allowed.iter().map(|allowed| allowed.jobs).sum();
        let most = admission.allowed.iter().map(|allowed| allowed.jobs).max();
        let had_turn = |line: &&Line| admission.allowed.iter().any(|allowed| allowed.line == line.text);
        self.shares.had_turn(lines.iter().filter(had_turn));
        let is_last = |line: &&Line| {
            admission.allowed.iter().any(|allowed| allowed.line == line.text && Some(allowed.jobs) == most)
        };
        self.no_room = None;
        if given == wanted {
            self.after = lines.iter().rfind(is_last).map(|line| line.text.clone()).unwrap_or_default();
        } else if to_the_end {
            self.after.clear();
            let wait = admission.next_in.map_or(patience, |next| next.min(patience));
            self.no_room = Some((Instant::now(), wait));
        } else {
            // None of these goes on: look at the next ones at once.
            self.after = lines.last().map(|line| line.text.clone()).unwrap_or_default();
            self.more = true;
        }
    }
}

/// Sets jobs aside that ask something of their worker, which this one has, and that limits concern.
async fn sift_placed(leases: Leases<'_>, request: &AdmitRequest<'_>) -> sqlx::Result<()> {
    let demands = &request.eligibility.demands;
    if demands.is_empty() {
        return Ok(());
    }
    let queues: BTreeSet<&str> = request.lanes.iter().map(|(queue, _)| &**queue).collect();
    leases.sift_placed(demands, &queues.into_iter().collect::<Vec<_>>(), JOBS).await.map(drop)
}
