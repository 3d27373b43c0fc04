//! One claim of a session: suspects, jobs under limits and all others, as a worker of the library
//! takes them.

use super::Leasing;
use super::session::{Claimed, RemoteSession};
use ordinaut_core::Error;
use ordinaut_core::lease::{ClaimPlan, ClaimRequest, Lease, Look, Source, Token};
use ordinaut_core::limit::AdmitRequest;
use ordinaut_core::worker::elsewhere::RemoteEnd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tracing::warn;

/// Arguments of more octets are not read together with others.
const FETCHED_TOGETHER: usize = 256 * 1024;

/// What the arguments of one answer take together: jobs beyond that go back, and the next claim has
/// them. One job always comes.
const ANSWER: usize = 8 * 1024 * 1024;

/// What a claim asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// The client's number of the claim, and the nonce of its leases.
    pub(crate) claim: i32,
    pub(crate) max: usize,
    /// Whether it may bring a suspect.
    pub(crate) suspects: bool,
    /// It was sent before, perhaps to another process.
    pub(crate) again: bool,
}

/// What a claim found, and when the next is worth it if nobody says so.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) leases: Vec<Lease>,
    pub(crate) next_in: Option<Duration>,
}

impl Leasing {
    /// Leases for a session. The same number again brings the same leases again, those that still
    /// hold.
    pub(super) async fn claim(&self, session: &RemoteSession, wanted: Wanted) -> Result<Found, Error> {
        // Before anything is leased: if they cannot be read, nothing is.
        self.policies.refresh(&self.database).await?;
        let Some(claim) = session.claim(wanted.claim) else { return Ok(Found::default()) };
        // One that is sent again waits for the first.
        let mut claim = claim.lock().await;
        let mut leases = self.claimed_before(session, wanted, &mut claim).await?;
        let mut next_in = None;
        if leases.is_empty() {
            let found = self.claim_anew(session, wanted).await;
            if found.is_err() {
                claim.doubtful = true;
            }
            let found = found?;
            (leases, next_in) = (found.leases, found.next_in);
        }
        self.put_off(session, &mut leases).await;
        self.complete(session, &mut leases).await?;
        claim.tokens = leases.iter().map(|lease| lease.token).collect();
        session.give(&leases);
        Ok(Found { leases, next_in })
    }

    /// Ends attempts that must not begin, outside the allowed hours of their kinds; and gives the
    /// others the time that their kinds say.
    async fn put_off(&self, session: &RemoteSession, leases: &mut Vec<Lease>) {
        let mut ends = Vec::new();
        leases.retain(|lease| {
            let Some(end) = self.policies.put_off(lease) else { return true };
            let (kind, queue) = (lease.kind.clone(), lease.queue.clone());
            ends.push(RemoteEnd::new(end, session.retries(lease), kind, queue, lease.limited));
            false
        });
        for lease in &mut *leases {
            lease.may_take(self.policies.timeout(&lease.kind));
        }
        if !ends.is_empty() {
            // One that was not written holds its lease until the session looks for strays.
            self.ends.write(ends).await;
        }
    }

    /// What an earlier request with this number has brought.
    async fn claimed_before(
        &self,
        session: &RemoteSession,
        wanted: Wanted,
        claim: &mut Claimed,
    ) -> Result<Vec<Lease>, Error> {
        let mut tokens = std::mem::take(&mut claim.tokens);
        if tokens.is_empty() && (std::mem::take(&mut claim.doubtful) || wanted.again) {
            // What commits after this look is found as a lease that runs nowhere.
            tokens = self.links.run(async |leases| leases.strays(session.id, &[wanted.claim]).await).await?;
        }
        if tokens.is_empty() {
            return Ok(Vec::new());
        }
        self.links.run(async |leases| leases.reread(&tokens, FETCHED_TOGETHER / tokens.len()).await).await
    }

    async fn claim_anew(&self, session: &RemoteSession, wanted: Wanted) -> Result<Found, Error> {
        let mut leases = Vec::new();
        if wanted.suspects && session.may_take_a_suspect() {
            leases = self.claim_of(session, wanted.claim, 1, Look::Suspects).await?.leases;
        }
        let mut next_in = None;
        if leases.len() < wanted.max {
            match self.claim_of(session, wanted.claim, wanted.max - leases.len(), Look::Ordinary).await {
                Ok(more) => {
                    leases.extend(more.leases);
                    next_in = more.next_in;
                }
                Err(error) if leases.is_empty() => return Err(error),
                // What was leased before the error must still run.
                Err(error) => warn!(%error, "could not lease more jobs"),
            }
        }
        Ok(Found { leases, next_in })
    }

    async fn claim_of(&self, session: &RemoteSession, nonce: i32, limit: usize, look: Look) -> Result<Found, Error> {
        self.ask_for_eligibility(session).await?;
        let plan = session.memory().plan(look, limit, Instant::now());
        let found = self.carry_out(session, nonce, &plan).await;
        let mut memory = session.memory();
        match &found {
            Ok(found) if !found.leases.is_empty() => memory.carried(),
            Ok(_) => {}
            Err(error) => {
                memory.doubt(Instant::now());
                if error.is_too_much() {
                    memory.too_much(plan.limit, Instant::now());
                }
            }
        }
        found
    }

    /// Asks what the session may claim beside the jobs that ask for nothing of their worker, where
    /// there is anything of the sort.
    async fn ask_for_eligibility(&self, session: &RemoteSession) -> Result<(), Error> {
        let kinds = {
            let memory = session.memory();
            if !memory.asks_for_eligibility(Instant::now()) {
                return Ok(());
            }
            memory.kinds()
        };
        let (id, labels, running) = (session.id, &session.labels, session.running());
        let eligibility = self.links.run(async |leases| leases.eligibility(id, &kinds, labels, running).await).await?;
        session.memory().is_eligible(eligibility, Instant::now());
        Ok(())
    }

    async fn carry_out(&self, session: &RemoteSession, nonce: i32, plan: &ClaimPlan) -> Result<Found, Error> {
        let mut claim = plan.request(session.id, nonce);
        let mut admit = AdmitRequest::of(&claim);
        admit.ageing = plan.ageing;
        let (mut leases, mut next_in) = (Vec::new(), None);
        for source in plan.sources {
            let left = plan.limit - leases.len().min(plan.limit);
            if left == 0 {
                break;
            }
            (admit.limit, claim.limit) = (left, left);
            let more = match source {
                Source::Limited => self.admit(session, &admit, &mut next_in).await,
                Source::Placed => self.links.claim_placed(&claim).await,
                _ => self.take(session, plan, &claim).await,
            };
            match more {
                Ok(more) => leases.extend(more),
                Err(error) if leases.is_empty() => return Err(error),
                // What was leased before the error must still run.
                Err(error) => warn!(%error, "could not lease more jobs"),
            }
        }
        let sweep = session.memory().sweep_in(Instant::now());
        Ok(Found { leases, next_in: sweep.into_iter().chain(next_in).min() })
    }

    /// Takes leases of jobs that no limit concerns.
    async fn take(
        &self,
        session: &RemoteSession,
        plan: &ClaimPlan,
        claim: &ClaimRequest<'_>,
    ) -> Result<Vec<Lease>, Error> {
        let Some(claimed) = self.links.claim(claim).await? else { return Ok(Vec::new()) };
        session.memory().learn(plan, &claimed, claim.limit, Instant::now());
        if session.limits.swap(claimed.limits, Ordering::Relaxed) != claimed.limits {
            session.limiter.lock().await.claimed(claimed.limits);
        }
        Ok(claimed.leases)
    }

    /// Takes leases of jobs that limits concern.
    async fn admit(
        &self,
        session: &RemoteSession,
        request: &AdmitRequest<'_>,
        next_in: &mut Option<Duration>,
    ) -> Result<Vec<Lease>, Error> {
        if !session.limits.load(Ordering::Relaxed) {
            return Ok(Vec::new());
        }
        let mut limiter = session.limiter.lock().await;
        if session.limiter_woken.swap(false, Ordering::Relaxed) {
            limiter.woken();
        }
        let admitted = limiter.admit_over(&self.links, request).await;
        if admitted.is_err() {
            limiter.reset();
        }
        *next_in = limiter.next_in();
        admitted
    }

    /// Fetches the arguments that the claim left out. Jobs beyond what one answer takes go back.
    async fn complete(&self, session: &RemoteSession, leases: &mut Vec<Lease>) -> Result<(), Error> {
        let (mut bytes, mut fits) = (0_usize, 0);
        for lease in &*leases {
            bytes = bytes.saturating_add(lease.bytes());
            if bytes > ANSWER && fits > 0 {
                break;
            }
            fits += 1;
        }
        let beyond: Vec<Token> = leases.drain(fits..).map(|lease| lease.token).collect();
        self.give_back(session.id, &beyond).await?;
        let mut some = Vec::new();
        for lease in leases.iter_mut().filter(|lease| lease.left_out.is_some()) {
            let together: usize = some.iter().map(|lease: &&mut Lease| lease.bytes()).sum();
            if !some.is_empty() && together + lease.bytes() > FETCHED_TOGETHER {
                self.fetch(&mut some).await?;
            }
            some.push(lease);
        }
        self.fetch(&mut some).await
    }

    /// Arguments that alone cannot be read are the job's own fault: it is settled with that reason.
    async fn fetch(&self, some: &mut Vec<&mut Lease>) -> Result<(), Error> {
        let wanted = std::mem::take(some);
        let jobs: Vec<_> = wanted.iter().map(|lease| lease.token.job_id).collect();
        if jobs.is_empty() {
            return Ok(());
        }
        match self.links.run(async |leases| leases.fetch_args(&jobs).await).await {
            Ok(mut args) => {
                for lease in wanted {
                    let found = args.remove(&lease.token.job_id);
                    lease.complete(found.ok_or_else(|| "the job's own row is gone".to_owned()));
                }
                Ok(())
            }
            Err(error) if error.is_too_much() && wanted.len() > 1 => {
                for lease in wanted {
                    Box::pin(self.fetch(&mut vec![lease])).await?;
                }
                Ok(())
            }
            Err(error) if error.is_too_much() => {
                for lease in wanted {
                    lease.complete(Err(format!("could not read its arguments: {error}")));
                }
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// As [`Self::claim`], and it goes on when its caller does not: leases whose caller has gone go
    /// back at once.
    pub(super) async fn claim_for(
        self: &Arc<Self>,
        session: &Arc<RemoteSession>,
        wanted: Wanted,
    ) -> Result<Found, Error> {
        let (tell, told) = tokio::sync::oneshot::channel();
        let (leasing, claiming) = (self.clone(), session.clone());
        tokio::spawn(async move {
            let found = leasing.claim(&claiming, wanted).await;
            if let Err(Ok(unheard)) = tell.send(found) {
                let tokens: Vec<_> = unheard.leases.iter().map(|lease| lease.token).collect();
                claiming.settled(&tokens);
                if let Err(error) = leasing.give_back(claiming.id, &tokens).await {
                    warn!(%error, "could not give {} jobs back: a look finds them", tokens.len());
                }
            }
        });
        // A task that panicked tells nothing.
        told.await.unwrap_or_else(|_| Err(Error::from(sqlx::Error::WorkerCrashed)))
    }
}
