//! Settle: end attempts, each under its token.

use crate::error::Error;
use crate::job::outcome::Outcome;
use crate::lease::settled_attempt::{Reply, SettledAttempt};
use crate::lease::store::Leases;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

impl Leases<'_> {
    /// Writes the ends of attempts, each answered by itself, in the order in which they are given.
    /// It waits for rows that a claim of somebody else has just locked, so that each answer is
    /// final.
    ///
    /// # Errors
    ///
    /// If Postgres refuses, or is not there: then nothing was written. If what it refuses is an
    /// end's data ([`Error::kind`] says so), halve the batch until that end is alone, and settle it
    /// as failed with this reason.
    pub async fn settle(self, ends: &[impl AsRef<SettledAttempt>]) -> Result<Vec<Reply>, Error> {
        let settled = self.write_by_key(ends, LockedRows::Wait).await?.outcomes;
        Ok(settled.into_iter().map(|outcome| outcome.map_or(Reply::LeaseLost, Reply::Settled)).collect())
    }

    /// Writes the ends of attempts in the cheapest way: successes that have nothing more to say, if
    /// they are of one session and in the order of their jobs' ids, by place. It waits for nobody.
    /// `None` is no answer yet: the lease was lost, or the row has moved, or somebody has it
    /// locked; [`Leases::settle`] finds out.
    ///
    /// # Errors
    ///
    /// As [`Leases::settle`].
    pub async fn try_settle(self, ends: &[impl AsRef<SettledAttempt>]) -> Result<Vec<Option<Outcome>>, Error> {
        Ok(self.write(ends).await?.outcomes)
    }

    /// As [`Leases::try_settle`].
    pub(crate) async fn write(self, ends: &[impl AsRef<SettledAttempt>]) -> Result<Written, Error> {
        match by_place(ends) {
            Some(session) => self.write_by_place(session, ends).await,
            None => self.write_by_key(ends, LockedRows::PassBy).await,
        }
    }

    /// The same, and it finds rows that have moved.
    pub(crate) async fn write_by_key(
        self,
        ends: &[impl AsRef<SettledAttempt>],
        locked: LockedRows,
    ) -> Result<Written, Error> {
        let rows = sqlx::query_as(self.sql(sql!("lease/settle")))
            .bind(column(ends, |end| end.token.job_id))
            .bind(column(ends, |end| end.token.attempt))
            .bind(column(ends, |end| end.token.session))
            .bind(column(ends, |end| end.token.nonce))
            .bind(column(ends, |end| end.settlement.outcome.as_str()))
            .bind(column(ends, |end| end.settlement.again_in.map(|wait| wait.as_secs_f64())))
            .bind(column(ends, |end| end.settlement.failures))
            .bind(column(ends, |end| end.settlement.error.as_deref()))
            .bind(column(ends, |end| end.output.as_deref()))
            .bind(column(ends, ran_for_seconds))
            .bind(locked == LockedRows::Wait)
            .fetch_all(self.executor)
            .await?;
        written(ends, rows)
    }

    /// Sets the jobs of attempts aside whose targets take no calls; `None`: the lease was lost.
    pub(crate) async fn park(self, ends: &[impl AsRef<SettledAttempt>]) -> Result<(Vec<Option<Reply>>, bool), Error> {
        let rows: Vec<Alike> = sqlx::query_as(self.sql(sql!("lease/park")))
            .bind(column(ends, |end| end.token.job_id))
            .bind(column(ends, |end| end.token.attempt))
            .bind(column(ends, |end| end.token.session))
            .bind(column(ends, |end| end.token.nonce))
            .bind(column(ends, |end| end.unavailable.as_deref()))
            .fetch_all(self.executor)
            .await?;
        let (mut parked, mut rest) = (HashSet::with_capacity(ends.len()), Vec::new());
        for (word, jobs, attempts, followed) in rows {
            match &*word {
                "parked" => parked.extend(jobs.into_iter().zip(attempts)),
                // Asked to stop.
                _ => rest.push((word, jobs, attempts, followed)),
            }
        }
        let Written { outcomes, followed } = written(ends, rest)?;
        let reply = |(end, outcome): (&SettledAttempt, Option<Outcome>)| match outcome {
            Some(outcome) => Some(Reply::Settled(outcome)),
            None => parked.contains(&(end.token.job_id, end.token.attempt)).then_some(Reply::Parked),
        };
        let ends = ends.iter().map(AsRef::as_ref);
        Ok((ends.zip(outcomes).map(reply).collect(), followed))
    }

    async fn write_by_place(self, session: i64, ends: &[impl AsRef<SettledAttempt>]) -> Result<Written, Error> {
        let rows = sqlx::query_as(self.sql(sql!("lease/succeed")))
            .bind(column(ends, |end| end.place))
            .bind(column(ends, |end| end.token.job_id))
            .bind(column(ends, |end| end.token.attempt))
            .bind(column(ends, |end| end.token.nonce))
            .bind(session)
            .bind(column(ends, ran_for_seconds))
            .fetch_all(self.executor)
            .await?;
        written(ends, rows)
    }
}

/// What a statement has written.
pub(crate) struct Written {
    /// The outcome of each end that was written.
    pub(crate) outcomes: Vec<Option<Outcome>>,
    /// Whether somebody follows a job that ended: its end is to be folded.
    pub(crate) followed: bool,
}

/// What to do about rows that somebody else has locked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum LockedRows {
    Wait,
    /// They are missing from the answer too.
    PassBy,
}

/// The session of ends that can all be written by place.
fn by_place(ends: &[impl AsRef<SettledAttempt>]) -> Option<i64> {
    let session = ends.first()?.as_ref().token.session;
    let plain = |end: &SettledAttempt| end.is_plain_success() && end.token.session == session;
    let all = ends.iter().all(|end| plain(end.as_ref())) && ends.is_sorted_by_key(|end| end.as_ref().token.job_id);
    all.then_some(session)
}

/// Attempts that ended alike, as their event tells it: outcome, jobs and attempts; and whether
/// somebody follows a job that the statement ended.
type Alike = (String, Vec<Uuid>, Vec<i32>, bool);

fn written(ends: &[impl AsRef<SettledAttempt>], rows: Vec<Alike>) -> Result<Written, Error> {
    let (mut written, mut followed) = (HashMap::with_capacity(ends.len()), false);
    for (outcome, jobs, attempts, is_followed) in rows {
        followed |= is_followed;
        let outcome: Outcome = outcome.parse().map_err(|error: String| sqlx::Error::Decode(error.into()))?;
        written.extend(jobs.into_iter().zip(attempts).map(|attempt| (attempt, outcome)));
    }
    let outcome = |end: &SettledAttempt| written.get(&(end.token.job_id, end.token.attempt)).copied();
    Ok(Written { outcomes: ends.iter().map(|end| outcome(end.as_ref())).collect(), followed })
}

fn column<'a, A: AsRef<SettledAttempt>, T>(ends: &'a [A], field: impl Fn(&'a SettledAttempt) -> T) -> Vec<T> {
    ends.iter().map(|end| field(end.as_ref())).collect()
}

fn ran_for_seconds(end: &SettledAttempt) -> Option<f64> {
    end.ran_for.map(|time| time.as_secs_f64())
}
