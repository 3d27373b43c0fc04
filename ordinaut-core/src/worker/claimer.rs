//! The claimer: takes leases for a session, on a connection of its own, and remembers where to
//! look.

use crate::client::Client;
use crate::db::dedicated_connection::DedicatedConnection;
use crate::error::Error;
use crate::failure::{FailureKind, is_too_much};
use crate::lease::claim_memory::{ClaimMemory, ClaimPlan, Source};
use crate::lease::claim_request::{ClaimRequest, Look};
use crate::lease::leased::Lease;
use crate::lease::priority_ageing::Ageing;
use crate::lease::restart_pause::RestartPause;
use crate::lease::store::Leases;
use crate::lease::token::Token;
use crate::limit::run::limiter::Limiter;
use crate::limit::store::admission::AdmitRequest;
use crate::worker::cancellation::Stop;
use crate::worker::liveness;
use crate::worker::options::WorkerOptions;
use crate::worker::session::Session;
use crate::worker::strays::Strays;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::{info, warn};

/// A claim that takes longer found nobody who answers: so soon a wire that swallows everything is
/// noticed.
pub(crate) const CLAIM_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) struct Claimer {
    link: DedicatedConnection,
    /// Its signs of life.
    pub(crate) pulse: liveness::Turns,
    memory: ClaimMemory,
    /// Claims whose answer never came.
    strays: Strays,
    limiter: Limiter,
    poll_interval: Duration,
    restart: RestartPause,
    /// What the session has, of what jobs may ask of their worker.
    labels: Arc<[String]>,
    /// What the session was last said to do.
    asked_to_be_told: (i64, bool),
}

/// A claim that was sent.
struct Sent {
    session: i64,
    nonce: i32,
    limit: usize,
    at: Instant,
    /// Over a connection that was there.
    connected: bool,
}

/// What the connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connected {
    /// The one that there was.
    Already,
    /// A new one to the Postgres that there was.
    Anew,
    /// A new one to a Postgres that was restarted, or to another one that was promoted: what is
    /// leased and not started may be leased by others too.
    AfterRestart,
}

impl Claimer {
    pub(crate) fn new(database: &Client, options: &WorkerOptions, kinds: &[String], pulse: liveness::Turns) -> Self {
        let (name, patience) = (&options.name, CLAIM_TIMEOUT.min(options.lease / 3));
        let queues = options.queues.iter().map(|served| (&*served.queue, served.weight));
        let kinds = kinds.iter().map(|kind| kind.as_str().into()).collect();
        Self {
            link: DedicatedConnection::new(database, &format!("ordinaut-claim/{name}"), patience),
            pulse,
            memory: ClaimMemory::new(queues, kinds, Ageing::of(options.priority_ageing), Instant::now()),
            // The server gives up a claim after this, so that afterwards it cannot commit any more.
            strays: Strays::of_claims_given_up_after(patience),
            limiter: Limiter::default(),
            poll_interval: options.poll_interval,
            restart: RestartPause::default(),
            labels: options.profile(Vec::new()).all_labels().into(),
            asked_to_be_told: (0, false),
        }
    }

    /// The number of leases to ask for, where `wanted` are wanted.
    pub(crate) fn portion(&self, wanted: usize) -> usize {
        self.memory.portion(wanted)
    }

    /// Takes up to `limit` leases, and no suspects.
    pub(crate) async fn claim(&mut self, session: &Session, limit: usize) -> sqlx::Result<Vec<Lease>> {
        self.claim_of(session, limit, Look::Ordinary).await
    }

    /// Takes one suspect, if there is one.
    pub(crate) async fn claim_suspect(&mut self, session: &Session) -> sqlx::Result<Option<Lease>> {
        Ok(self.claim_of(session, 1, Look::Suspects).await?.pop())
    }

    async fn claim_of(&mut self, session: &Session, limit: usize, look: Look) -> sqlx::Result<Vec<Lease>> {
        self.hand_strays_back(session).await?;
        self.ask_for_eligibility(session).await?;
        let plan = self.memory.plan(look, limit, Instant::now());
        let claim = plan.request(session.id, session.next_nonce());
        let admit = AdmitRequest { ageing: plan.ageing, ..AdmitRequest::of(&claim) };
        let mut leases = Vec::new();
        for source in plan.sources {
            let limit = plan.limit.saturating_sub(leases.len());
            if limit == 0 {
                break;
            }
            let more = match source {
                Source::Limited => self.admit(&AdmitRequest { limit, ..admit.clone() }).await,
                Source::Placed => self.take_placed(&ClaimRequest { limit, ..claim.clone() }).await,
                _ => self.take(&plan, &ClaimRequest { limit, ..claim.clone() }).await,
            };
            add_to(&mut leases, more)?;
        }
        if !leases.is_empty() {
            self.memory.carried();
        }
        // An answer after the end of its session is worth nothing: those jobs are rescued.
        Ok(if session.is_lost() { Vec::new() } else { leases })
    }

    /// Takes leases of jobs that no limit concerns.
    async fn take(&mut self, plan: &ClaimPlan, claim: &ClaimRequest<'_>) -> sqlx::Result<Vec<Lease>> {
        let (connected, at) = (self.link.is_connected(), Instant::now());
        let asked = Sent { session: claim.session, nonce: claim.nonce, limit: claim.limit, at, connected };
        let result = self.link.run(async |schema, to| Leases::on(schema, to).claim(claim).await).await;
        let claimed = self.answered(asked, result)?;
        self.memory.learn(plan, &claimed, claim.limit, Instant::now());
        self.limiter.claimed(claimed.limits);
        Ok(claimed.leases)
    }

    /// Asks what the session may claim beside the jobs that ask for nothing of their worker, where
    /// there is anything of the sort.
    async fn ask_for_eligibility(&mut self, session: &Session) -> sqlx::Result<()> {
        if !self.memory.asks_for_eligibility(Instant::now()) {
            return Ok(());
        }
        let (id, kinds, labels, running) = (session.id, self.memory.kinds(), self.labels.clone(), session.book.len());
        let eligibility = self.ask(async |leases| leases.eligibility(id, &kinds, &labels, running).await).await?;
        self.memory.is_eligible(eligibility, Instant::now());
        Ok(())
    }

    /// Takes leases of jobs that ask something of their worker.
    async fn take_placed(&mut self, claim: &ClaimRequest<'_>) -> sqlx::Result<Vec<Lease>> {
        if claim.eligibility.satisfied.is_empty() {
            return Ok(Vec::new());
        }
        self.ask(async |leases| leases.set_apart_due().await.map(drop)).await?;
        if claim.eligibility.demands.is_empty() {
            return Ok(Vec::new());
        }
        let (session, nonce, limit, at) = (claim.session, claim.nonce, claim.limit, Instant::now());
        let result = self.link.run(async |schema, to| Leases::on(schema, to).claim_placed(claim).await).await;
        self.answered(Sent { session, nonce, limit, at, connected: true }, result)
    }

    /// Takes leases of jobs that limits concern.
    async fn admit(&mut self, request: &AdmitRequest<'_>) -> sqlx::Result<Vec<Lease>> {
        if !self.limiter.is_needed() {
            return Ok(Vec::new());
        }
        let (limiter, sent) = (&mut self.limiter, Instant::now());
        let result = self.link.run(async |schema, to| limiter.sift_all(schema, to, request).await).await;
        self.noticed(result)?;
        if !self.limiter.has_turn(request.look) {
            return Ok(Vec::new());
        }
        let (limiter, pause) = (&mut self.limiter, self.poll_interval);
        let result = self.link.run_in_tx(async |schema, tx| limiter.admit(tx, schema, request, pause).await).await;
        let (session, nonce, limit) = (request.session, request.nonce, request.limit);
        self.answered(Sent { session, nonce, limit, at: sent, connected: true }, result)
    }

    /// Passes an answer on. A claim whose answer was lost may have been committed: its leases are
    /// looked for later.
    fn answered<T>(&mut self, asked: Sent, result: sqlx::Result<T>) -> sqlx::Result<T> {
        let result = self.noticed(result);
        if let Err(error) = &result {
            if FailureKind::of(error).may_be_done() {
                self.strays.add(asked.session, asked.nonce, asked.at);
            }
            // A server that could not be connected to says nothing of how much was asked for.
            if asked.connected && is_too_much(error) {
                let next = self.memory.too_much(asked.limit, Instant::now());
                warn!("the next claim asks for {next} jobs, without their arguments");
            }
        }
        result
    }

    /// Something ended, or came: there may be work, or room under limits.
    pub(crate) fn woken(&mut self) {
        self.memory.woken();
        self.limiter.woken();
    }

    /// Time until the next look, if it should come sooner than somebody says so.
    pub(crate) fn next_in(&self) -> Option<Duration> {
        let sweep = self.memory.sweep_in(Instant::now());
        sweep.into_iter().chain(self.limiter.next_in()).min()
    }

    /// Hands leases back whose handlers did not start. A failure leaves them to the end of the
    /// session.
    pub(crate) async fn give_back(&mut self, session: &Session, leases: &[Lease]) {
        if leases.is_empty() {
            return;
        }
        let tokens: Vec<_> = leases.iter().map(|lease| lease.token).collect();
        if let Err(error) = self.give_back_tokens(session.id, &tokens).await {
            warn!(%error, "could not give {} leases back: they end with the session", tokens.len());
        }
    }

    /// Asks to be told of every job at its commit, or not any more, if that has changed. It is said
    /// before the claim that follows: of what is enqueued after that claim's look it is told.
    pub(crate) async fn ask_to_be_told(&mut self, session: &Session, asks: bool) -> sqlx::Result<()> {
        if self.asked_to_be_told == (session.id, asks) {
            return Ok(());
        }
        self.ask(async |leases| leases.ask_to_be_told(session.id, asks).await).await?;
        self.asked_to_be_told = (session.id, asks);
        Ok(())
    }

    pub(crate) async fn close(&mut self) {
        self.link.close().await;
    }

    /// Time until the next claim may be made; `None`: now.
    pub(crate) fn pause(&self) -> Option<Duration> {
        self.restart.left(Instant::now())
    }

    /// Makes a connection if there is none. After a restart or promotion of Postgres it stops the
    /// handlers of leases that were lost with it, and [pauses](Self::pause) until every worker has
    /// had the time to do so. It looks after them too when the session had to connect again: one
    /// that was not used in that time may be broken as well.
    pub(crate) async fn connect(&mut self, session: &Session) -> sqlx::Result<Connected> {
        if session.was_cut() {
            self.link.abandon();
        }
        if self.link.is_connected() {
            return Ok(Connected::Already);
        }
        let tokens = session.book.tokens();
        let answer = self.ask(async |leases| leases.after_restart(&tokens).await).await?;
        for job_id in &answer.missing {
            warn!(job.id = %job_id, "Postgres no longer knows the lease of job {job_id}: stopping its handler");
            session.book.stop(*job_id, Stop::Lose);
        }
        let (pause, restarted) = self.restart.connected(&answer, Instant::now());
        if !pause.is_zero() {
            info!("Postgres was restarted or promoted, or crashed: the next claim is in {} ms", pause.as_millis());
        }
        Ok(if restarted { Connected::AfterRestart } else { Connected::Anew })
    }

    async fn hand_strays_back(&mut self, session: &Session) -> sqlx::Result<()> {
        let nonces = self.strays.due_for(session.id);
        if nonces.is_empty() {
            return Ok(());
        }
        let tokens = self.ask(async |leases| leases.strays(session.id, &nonces).await).await?;
        if !tokens.is_empty() {
            self.give_back_tokens(session.id, &tokens).await?;
            warn!("gave back {} jobs whose claim Postgres did not answer", tokens.len());
        }
        self.strays.were_looked_for();
        Ok(())
    }

    async fn give_back_tokens(&mut self, session: i64, tokens: &[Token]) -> sqlx::Result<()> {
        self.ask(async |leases| leases.give_back(session, tokens).await).await
    }

    async fn ask<T>(&mut self, statement: impl AsyncFnOnce(Leases<'_>) -> Result<T, Error>) -> sqlx::Result<T> {
        let result = self.link.run(async |schema, to| statement(Leases::on(schema, to)).await).await;
        self.noticed(result)
    }

    /// After an error nothing that was remembered holds, and the next claim sweeps.
    fn noticed<T>(&mut self, result: sqlx::Result<T>) -> sqlx::Result<T> {
        if result.is_err() {
            self.memory.doubt(Instant::now());
            self.limiter.reset();
        }
        self.pulse.goes_on();
        result
    }
}

/// Adds what a further claim took. What was leased before its error must still run, so that then
/// the error is only told.
pub(crate) fn add_to(leases: &mut Vec<Lease>, more: sqlx::Result<Vec<Lease>>) -> sqlx::Result<()> {
    match more {
        Ok(more) => leases.extend(more),
        Err(error) if leases.is_empty() => return Err(error),
        Err(error) => warn!(%error, "could not lease more jobs, and will try again"),
    }
    Ok(())
}
