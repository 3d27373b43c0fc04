//! The claimer: takes leases for a session, on a connection of its own, and remembers where to
//! look.

use crate::client::Client;
use crate::db::dedicated_connection::DedicatedConnection;
use crate::error::Error;
use crate::failure::{FailureKind, is_too_much};
use crate::lease::claim_floor::ClaimFloors;
use crate::lease::claim_request::{ClaimRequest, Look, Scan, lanes};
use crate::lease::leased::Lease;
use crate::lease::portion::Portion;
use crate::lease::priority_ageing::Ageing;
use crate::lease::store::Leases;
use crate::lease::store::claim::Claimed;
use crate::lease::store::restart::AfterRestart;
use crate::lease::token::Token;
use crate::lease::weighted_round_robin::WeightedRoundRobin;
use crate::limit::run::limiter::Limiter;
use crate::limit::store::admission::AdmitRequest;
use crate::worker::cancellation::Stop;
use crate::worker::liveness;
use crate::worker::options::WorkerOptions;
use crate::worker::session::Session;
use crate::worker::strays::Strays;
use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::{info, warn};

/// Between two sweeps at least.
const SWEEP: Duration = Duration::from_millis(250);

/// A sweep may take a fiftieth of the time: it stays prompt where it is cheap.
const SWEEP_SHARE: u32 = 50;

/// A claim that takes longer found nobody who answers: so soon a wire that swallows everything is
/// noticed.
pub(crate) const CLAIM_TIMEOUT: Duration = Duration::from_secs(10);

/// Time for which nobody claims after Postgres was restarted or promoted, or lost its memory:
/// claims that were lost with it have handlers that run, and their workers need the time to notice.
const PAUSE_AFTER_RESTART: Duration = Duration::from_secs(2);

pub(crate) struct Claimer {
    link: DedicatedConnection,
    /// Its signs of life.
    pub(crate) pulse: liveness::Turns,
    turns: WeightedRoundRobin,
    kinds: Arc<[Arc<str>]>,
    /// Claims whose answer never came.
    strays: Strays,
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
    limiter: Limiter,
    poll_interval: Duration,
    /// Since when the Postgres that it was last connected to takes writes and has lost nothing.
    postgres_since: Option<DateTime<Utc>>,
    not_before: Instant,
    /// What the session was last said to do.
    asked_to_be_told: (i64, bool),
}

/// What is remembered of one of the two looks. A look for suspects comes between two ordinary
/// claims, and must not change what these remember: where their scans start, and whose turn it is.
#[derive(Default)]
struct Side {
    floors: ClaimFloors,
    /// Jobs that limits concern and those that none does go first in turn, so that neither takes
    /// all the room.
    limited_first: bool,
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
        Self {
            link: DedicatedConnection::new(database, &format!("ordinaut-claim/{name}"), patience),
            pulse,
            turns: WeightedRoundRobin::new(options.queues.iter().map(|served| (&*served.queue, served.weight))),
            kinds: kinds.iter().map(|kind| kind.as_str().into()).collect(),
            // The server gives up a claim after this, so that afterwards it cannot commit any more.
            strays: Strays::of_claims_given_up_after(patience),
            ordinary: Side::default(),
            suspects: Side::default(),
            portion: Portion::default(),
            too_much_at: None,
            sweep_at: Instant::now(),
            hint_is_open: false,
            ageing: Ageing::of(options.priority_ageing),
            limiter: Limiter::default(),
            poll_interval: options.poll_interval,
            postgres_since: None,
            not_before: Instant::now(),
            asked_to_be_told: (0, false),
        }
    }

    /// The number of leases to ask for, where `wanted` are wanted.
    pub(crate) fn portion(&self, wanted: usize) -> usize {
        self.portion.of(wanted)
    }

    /// Takes up to `limit` leases, and no suspects.
    pub(crate) async fn claim(&mut self, session: &Session, limit: usize) -> sqlx::Result<Vec<Lease>> {
        let queues = self.turns.next();
        self.claim_in(&queues, session, limit, Look::Ordinary).await
    }

    /// Takes one suspect, if there is one. There are few, and looking for one is no queue's turn.
    pub(crate) async fn claim_suspect(&mut self, session: &Session) -> sqlx::Result<Option<Lease>> {
        let queues = self.turns.all();
        Ok(self.claim_in(&queues, session, 1, Look::Suspects).await?.pop())
    }

    fn side(&mut self, look: Look) -> &mut Side {
        match look {
            Look::Suspects => &mut self.suspects,
            Look::Ordinary => &mut self.ordinary,
        }
    }

    async fn claim_in(
        &mut self,
        queues: &[Arc<str>],
        session: &Session,
        limit: usize,
        look: Look,
    ) -> sqlx::Result<Vec<Lease>> {
        self.hand_strays_back(session).await?;
        let limit = self.portion.of(limit);
        let mut lanes = lanes(queues);
        if let Some((ageing, last)) = self.ageing.zip(self.ordinary.floors.last()) {
            self.ordinary.floors.aged(&mut lanes, last, ageing);
        }
        let (kinds, ageing) = (self.kinds.clone(), self.ageing);
        let (nonce, sent) = (session.next_nonce(), Instant::now());
        let claim = ClaimRequest {
            scan: if sent >= self.sweep_at { Scan::FromStart } else { Scan::FromFloor },
            inline_bytes: Portion::inline_bytes(limit, self.too_much_at.map(|at| at.elapsed())),
            ..ClaimRequest::new(session.id, nonce, &lanes, &kinds, limit).look(look)
        };
        let side = self.side(look);
        side.limited_first = !side.limited_first;
        let limited_first = side.limited_first;
        let mut leases = Vec::new();
        let admit = AdmitRequest { ageing, ..AdmitRequest::of(&claim) };
        if limited_first {
            leases = self.admit(&admit).await?;
        }
        if leases.len() < limit {
            let floors = self.side(look).floors.of_all(&lanes);
            let claim = ClaimRequest { floors, limit: limit - leases.len(), ..claim };
            let others = self.take(&claim, sent).await;
            add_to(&mut leases, others)?;
        }
        if !limited_first && leases.len() < limit {
            let others = self.admit(&AdmitRequest { limit: limit - leases.len(), ..admit }).await;
            add_to(&mut leases, others)?;
        }
        if !leases.is_empty() {
            self.portion.carried();
        }
        // An answer after the end of its session is worth nothing: those jobs are rescued.
        Ok(if session.is_lost() { Vec::new() } else { leases })
    }

    /// Takes leases of jobs that no limit concerns.
    async fn take(&mut self, claim: &ClaimRequest<'_>, sent: Instant) -> sqlx::Result<Vec<Lease>> {
        let connected = self.link.is_connected();
        let asked = Sent { session: claim.session, nonce: claim.nonce, limit: claim.limit, at: sent, connected };
        let result = self.link.run(async |schema, to| Leases::on(schema, to).claim(claim).await).await;
        let Claimed { at, leases, limits } = self.answered(asked, result)?;
        let sweeps = claim.scan == Scan::FromStart;
        if claim.look == Look::Ordinary {
            if sweeps {
                self.sweep_at = Instant::now() + SWEEP.max(sent.elapsed() * SWEEP_SHARE);
            }
            if sweeps || !leases.is_empty() {
                self.hint_is_open = false;
            }
        }
        let claimed = leases.iter().map(|lease| (&*lease.queue, lease.priority, lease.run_at));
        self.side(claim.look).floors.learn(claim.lanes, at, claimed, leases.len() >= claim.limit);
        self.limiter.claimed(limits);
        Ok(leases)
    }

    /// Takes leases of jobs that limits concern.
    async fn admit(&mut self, request: &AdmitRequest<'_>) -> sqlx::Result<Vec<Lease>> {
        if !self.limiter.is_needed() {
            return Ok(Vec::new());
        }
        let (limiter, sent) = (&mut self.limiter, Instant::now());
        let result = self.link.run(async |schema, to| limiter.sift(Leases::on(schema, to), request).await).await;
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
                self.portion.failed(asked.limit);
                self.too_much_at = Some(Instant::now());
                warn!("the next claim asks for {} jobs, without their arguments", self.portion.of(asked.limit));
            }
        }
        result
    }

    /// Something ended, or came: there may be work, or room under limits.
    pub(crate) fn woken(&mut self) {
        self.hint_is_open = true;
        self.limiter.woken();
    }

    /// Time until the next look, if it should come sooner than somebody says so.
    pub(crate) fn next_in(&self) -> Option<Duration> {
        let sweep = self.hint_is_open.then(|| self.sweep_at.saturating_duration_since(Instant::now()));
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
        Some(self.not_before.saturating_duration_since(Instant::now())).filter(|pause| !pause.is_zero())
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
        let AfterRestart { writable_since: since, now, missing } = answer;
        for job_id in missing {
            warn!(job.id = %job_id, "Postgres no longer knows the lease of job {job_id}: stopping its handler");
            session.book.stop(job_id, Stop::Lose);
        }
        // Neither instant lies in the future of the other by more than a moment: the function that
        // tells them sees to it.
        let pause = PAUSE_AFTER_RESTART.saturating_sub((now - since).to_std().unwrap_or_default());
        self.not_before = Instant::now() + PAUSE_AFTER_RESTART.min(pause);
        if !pause.is_zero() {
            info!("Postgres was restarted or promoted, or crashed: the next claim is in {} ms", pause.as_millis());
        }
        let same = self.postgres_since.replace(since).is_none_or(|before| before == since);
        Ok(if same { Connected::Anew } else { Connected::AfterRestart })
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
            self.ordinary.floors.reset();
            self.suspects.floors.reset();
            self.limiter.reset();
            self.sweep_at = Instant::now();
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
