//! Ends of attempts that ran elsewhere: read one by one, written together, answered each by itself.

use super::Leasing;
use super::session::{Given, RemoteSession};
use crate::auth::Caller;
use crate::problem::Problem;
use ordinaut_core::job::JobState;
use ordinaut_core::lease::{Lease, Retries, SettledAttempt, Settlement, Token};
use ordinaut_core::target::ToldCall;
use ordinaut_core::worker::elsewhere::{RemoteEnd, Written};
use ordinaut_core::{JobError, Outcome};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;
use uuid::Uuid;

/// The end of an attempt.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EndOfAttempt)]
pub(crate) struct End {
    /// As its lease has it.
    token: String,
    outcome: EndOutcome,
    /// What the run keeps, 64 KiB at most.
    #[schema(value_type = Value)]
    #[serde(default)]
    output: Option<Box<RawValue>>,
    /// Why it did not succeed.
    #[serde(default)]
    #[schema(nullable = false)]
    error: Option<String>,
    /// Seconds until the job is due again: of `snoozed` and `waiting`, and of `failed` in place of
    /// its backoff.
    #[serde(default)]
    #[schema(nullable = false, minimum = 0)]
    after_seconds: Option<f64>,
    /// Seconds since the handler started.
    #[serde(default)]
    #[schema(nullable = false, minimum = 0)]
    ran_seconds: Option<f64>,
    /// The target that the handler called: of `unavailable`, `failed` and `succeeded`. Its breaker
    /// counts how the call went.
    #[serde(default)]
    #[schema(nullable = false)]
    target: Option<String>,
    /// The host of the target that was called; may be left out where it has one.
    #[serde(default)]
    #[schema(nullable = false)]
    host: Option<String>,
}

/// What became of the attempt, as its worker says.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EndOutcome {
    Succeeded,
    /// It is tried again, if it has attempts left.
    Failed,
    /// It is never tried again.
    Dead,
    /// It runs again after a time, without a failure.
    Snoozed,
    Cancelled,
    /// The worker stopped before it had ended: it is due at once, without a failure.
    Released,
    /// It waits for what a request to `/leases/waits` has begun.
    Waiting,
    /// Its `target` is not well, or takes no calls: the job waits for it, unspent.
    Unavailable,
}

/// What became of an end.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = EndAnswer)]
pub(crate) struct Answered {
    /// Null if the token cannot be read.
    job_id: Option<Uuid>,
    attempt: Option<i32>,
    status: EndStatus,
    /// How it was settled: a job that was asked to stop and would go on is `cancelled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    outcome: Option<Outcome>,
    /// Why it was refused: the lease holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<String>,
}

/// Whether an end was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EndStatus {
    Settled,
    /// The job waits for its target: no attempt is spent.
    Parked,
    /// Another attempt owns the job, or it has ended: nothing was written.
    LeaseLost,
    /// What it says cannot be accepted: nothing was written, and it may come again, mended.
    Refused,
}

/// An end that can be read.
struct Read {
    index: usize,
    token: Token,
    end: End,
}

impl Answered {
    fn new(token: Option<Token>, status: EndStatus) -> Self {
        let (job_id, attempt) = token.map(|token| (token.job_id, token.attempt)).unzip();
        Self { job_id, attempt, status, outcome: None, reason: None }
    }

    fn refused(token: Option<Token>, reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..Self::new(token, EndStatus::Refused) }
    }

    fn settled(token: Token, outcome: Outcome) -> Self {
        Self { outcome: Some(outcome), ..Self::new(Some(token), EndStatus::Settled) }
    }
}

impl Leasing {
    /// Writes the ends of attempts, and answers each by itself, in their order.
    pub(crate) async fn settle(&self, caller: &Caller, ends: &[Box<RawValue>]) -> Result<Vec<Answered>, Problem> {
        let mut answers: Vec<Option<Answered>> = vec![None; ends.len()];
        let (mut read, mut seen) = (Vec::with_capacity(ends.len()), HashSet::new());
        for (index, raw) in ends.iter().enumerate() {
            match read_end(raw) {
                Err((token, reason)) => answers[index] = Some(Answered::refused(token, reason)),
                Ok((token, _)) if !seen.insert(token) => {
                    answers[index] = Some(Answered::refused(Some(token), "another end of this request has its token"));
                }
                Ok((token, end)) => read.push(Read { index, token, end }),
            }
        }
        if !read.is_empty() {
            self.policies.refresh(&self.database).await?;
        }
        let held = self.held(caller, read.iter().map(|read| read.token), 0).await?;
        let (mut written, mut lost) = (Vec::new(), Vec::new());
        for Read { index, token, end } in read {
            let Some((session, given)) = held.get(&token) else {
                lost.push((index, token, end.outcome));
                continue;
            };
            let retries = session.retries(&given.lease);
            let outcome = end.outcome;
            if let Some(reason) = self.tell_of_call(&end, &session.agent).await? {
                answers[index] = Some(Answered::refused(Some(token), reason));
                continue;
            }
            let outputs = self.policies.output(&given.lease.kind);
            let attempt = end.attempt(&given.lease, retries);
            match attempt.map(|attempt| attempt.keeping(|output| outputs.of_output(output))) {
                Err(reason) => answers[index] = Some(Answered::refused(Some(token), reason)),
                Ok(attempt) => {
                    let Lease { kind, queue, limited, .. } = &given.lease;
                    let end = RemoteEnd::new(attempt, retries, kind.clone(), queue.clone(), *limited);
                    written.push((index, token, outcome, end));
                }
            }
        }
        let (places, ends): (Vec<_>, Vec<_>) =
            written.into_iter().map(|(index, token, outcome, end)| ((index, token, outcome), end)).unzip();
        for ((index, token, outcome), written) in places.into_iter().zip(self.ends.write(ends).await) {
            match written {
                Written::Settled(outcome) => answers[index] = Some(Answered::settled(token, outcome)),
                Written::Parked => answers[index] = Some(Answered::new(Some(token), EndStatus::Parked)),
                Written::Refused(reason) => {
                    answers[index] =
                        Some(Answered::refused(Some(token), format!("Postgres does not take it: {reason}")));
                    continue;
                }
                Written::LeaseLost => lost.push((index, token, outcome)),
                _ => return Err(Problem::internal()),
            }
            if let Some((session, _)) = held.get(&token) {
                session.settled([&token]);
            }
        }
        self.answer_lost(lost, &mut answers).await?;
        Ok(answers.into_iter().flatten().collect())
    }

    /// Tells the breaker of the target that the handler called; or why the end cannot be accepted.
    async fn tell_of_call(&self, end: &End, by: &str) -> Result<Option<String>, Problem> {
        let called = matches!(end.outcome, EndOutcome::Unavailable | EndOutcome::Failed | EndOutcome::Succeeded);
        let Some(target) = end.target.as_deref() else {
            let missing = end.outcome == EndOutcome::Unavailable || end.host.is_some();
            return Ok(missing.then(|| "target is missing: what the handler called".to_owned()));
        };
        if !called {
            return Ok(Some("target is for succeeded, failed and unavailable".to_owned()));
        }
        let took = Duration::try_from_secs_f64(end.ran_seconds.unwrap_or_default()).unwrap_or_default();
        let failed =
            (end.outcome != EndOutcome::Succeeded).then(|| end.error.as_deref().unwrap_or("the worker gave no reason"));
        let host = end.host.as_deref();
        let known = self.database.targets().tell(&ToldCall { target, host, by, failed, took }).await?;
        let nobody = || match host {
            Some(host) => format!("there is no target {target:?} with a host {host:?}"),
            None => format!("there is no target {target:?}"),
        };
        Ok((!known).then(nobody))
    }

    /// Whether the job of an end that says so waits since that end: its answer was lost.
    async fn was_parked(&self, token: Token) -> Result<bool, Problem> {
        let job = self.database.jobs().get(token.job_id).await?;
        let aside = |state| matches!(state, JobState::Parked | JobState::Waiting | JobState::Scheduled);
        Ok(job.is_some_and(|job| job.attempt == token.attempt && aside(job.state)))
    }

    /// Of ends whose lease holds no more: one that was written before is answered as it was.
    async fn answer_lost(
        &self,
        lost: Vec<(usize, Token, EndOutcome)>,
        answers: &mut [Option<Answered>],
    ) -> Result<(), Problem> {
        if lost.is_empty() {
            return Ok(());
        }
        let tokens: Vec<_> = lost.iter().map(|(_, token, _)| *token).collect();
        let before = self.links.run(async |leases| leases.settled_before(&tokens).await).await?;
        let before: HashMap<_, _> = before.iter().map(|end| ((end.job_id, end.attempt), end.outcome)).collect();
        for (index, token, outcome) in lost {
            if outcome == EndOutcome::Unavailable && self.was_parked(token).await? {
                answers[index] = Some(Answered::new(Some(token), EndStatus::Parked));
                continue;
            }
            let same = before.get(&(token.job_id, token.attempt)).filter(|before| outcome.may_become(**before));
            answers[index] = Some(match same {
                Some(before) => Answered::settled(token, *before),
                None => Answered::new(Some(token), EndStatus::LeaseLost),
            });
        }
        Ok(())
    }

    /// The leases of these tokens that are the caller's, with what it takes to settle them: as this
    /// process remembers them, or else as Postgres has them, which are those that hold. Arguments
    /// of more octets are not looked at.
    pub(crate) async fn held(
        &self,
        caller: &Caller,
        tokens: impl Iterator<Item = Token>,
        args: usize,
    ) -> Result<HashMap<Token, (Arc<RemoteSession>, Given)>, Problem> {
        let (mut sessions, mut held, mut unknown) = (HashMap::new(), HashMap::new(), Vec::new());
        for token in tokens {
            let session = match sessions.get(&token.session) {
                Some(session) => Option::clone(session),
                None => {
                    let session = self.session_of(token.session, caller).await?;
                    sessions.insert(token.session, session.clone());
                    session
                }
            };
            let Some(session) = session else { continue };
            match session.given(&token) {
                Some(given) => drop(held.insert(token, (session, given))),
                None => unknown.push(token),
            }
        }
        if !unknown.is_empty() {
            let found = self.links.run(async |leases| leases.reread(&unknown, args).await).await?;
            for lease in found {
                if let Some(Some(session)) = sessions.get(&lease.token.session) {
                    held.insert(lease.token, (session.clone(), Given::of(&lease)));
                }
            }
        }
        Ok(held)
    }
}

/// An end, or why it cannot be read.
fn read_end(raw: &RawValue) -> Result<(Token, End), (Option<Token>, String)> {
    #[derive(Deserialize)]
    struct Named {
        token: String,
    }
    let named = serde_json::from_str::<Named>(raw.get()).ok();
    let token = named.and_then(|named| named.token.parse::<Token>().ok());
    let end: End = serde_json::from_str(raw.get()).map_err(|error| (token, error.to_string()))?;
    let token = end.token.parse().map_err(|invalid| (None, format!("token {invalid}")))?;
    Ok((token, end))
}

impl End {
    /// What is written; or why it cannot be.
    fn attempt(self, lease: &Lease, retries: Retries) -> Result<SettledAttempt, String> {
        let seconds = |field: &str, seconds: f64| {
            Duration::try_from_secs_f64(seconds).map_err(|_| format!("{field} must be a number of seconds, 0 or more"))
        };
        let after = self.after_seconds.map(|after| seconds("after_seconds", after)).transpose()?;
        let needed = || after.ok_or("after_seconds is missing: how long the job is not due".to_owned());
        let error = |otherwise: &str| self.error.clone().unwrap_or_else(|| otherwise.to_owned());
        let result = match self.outcome {
            EndOutcome::Succeeded | EndOutcome::Released => Ok(()),
            EndOutcome::Failed => {
                let failed = JobError::retry(error("the worker gave no reason"));
                Err(after.into_iter().fold(failed, JobError::after))
            }
            EndOutcome::Dead => Err(JobError::fatal(error("the worker gave no reason"))),
            EndOutcome::Snoozed | EndOutcome::Waiting => Err(JobError::snooze(needed()?)),
            EndOutcome::Unavailable => Err(JobError::unavailable(self.target.clone().unwrap_or_default())),
            EndOutcome::Cancelled => Err(JobError::cancel(error("cancelled while the attempt ran"))),
        };
        let settlement = match self.outcome {
            EndOutcome::Released => Settlement::released(retries.failures),
            _ => Settlement::of(result, retries, rand::random()),
        };
        let mut attempt = SettledAttempt::of(lease, settlement);
        if let Some(ran) = self.ran_seconds {
            attempt = attempt.ran_for(seconds("ran_seconds", ran)?);
        }
        if self.outcome == EndOutcome::Waiting {
            attempt = attempt.waits();
        }
        if let (EndOutcome::Unavailable, Some(target)) = (self.outcome, self.target) {
            return Ok(attempt.waits_for_target(target));
        }
        match self.output {
            Some(output) => attempt.output(&output).map_err(|error| error.to_string()),
            None => Ok(attempt),
        }
    }
}

impl EndOutcome {
    /// Whether an end that says this may have been written as that.
    fn may_become(self, outcome: Outcome) -> bool {
        match self {
            Self::Succeeded => outcome == Outcome::Succeeded,
            Self::Failed => matches!(outcome, Outcome::Failed | Outcome::Dead | Outcome::Cancelled),
            Self::Dead => outcome == Outcome::Dead,
            Self::Unavailable => outcome == Outcome::Cancelled,
            Self::Snoozed | Self::Waiting => matches!(outcome, Outcome::Snoozed | Outcome::Cancelled),
            Self::Cancelled => outcome == Outcome::Cancelled,
            Self::Released => matches!(outcome, Outcome::Released | Outcome::Cancelled),
        }
    }
}
