//! Sessions: open, renew, close; and which jobs a session was asked to stop.

use crate::client::Maintenance;
use crate::error::Error;
use crate::lease::session_counts::SessionCounts;
use crate::lease::session_profile::SessionProfile;
use crate::lease::store::Leases;
use std::time::Duration;
use uuid::Uuid;

/// Whether the leases of a session still hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a dead session must not go on with its jobs"]
pub enum Renewal {
    /// They do, for a whole lease from now.
    Held,
    /// The session was declared dead: its jobs run elsewhere.
    Dead,
}

/// A job of a session that somebody cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CancelAsked {
    /// The job.
    pub job_id: Uuid,
    /// The attempt that should stop.
    pub attempt: i32,
}

/// A job of a session that it was asked to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
#[non_exhaustive]
pub struct SessionNote {
    /// The job.
    pub job_id: Uuid,
    /// The attempt that runs.
    pub attempt: i32,
    /// True: it should stop. False: the job was given new parameters.
    pub cancel: bool,
    /// Whether it should stop because its progress has not changed for too long.
    pub stalled: bool,
}

/// A session as its row has it.
#[derive(Clone, Debug, sqlx::FromRow)]
#[non_exhaustive]
pub struct SessionStatus {
    /// Its worker's name.
    pub name: String,
    /// The queues that it serves.
    pub queues: Vec<String>,
    /// The kinds of jobs that it runs.
    pub kinds: Vec<String>,
    /// Maximum number of jobs that it runs at once.
    pub concurrency: i32,
    /// Number of attempts of a job that may fail where the job does not say it.
    pub max_attempts: i16,
    /// Time for which its leases hold unless it is renewed, in seconds.
    pub lease_seconds: f64,
    /// The agent that it leases jobs for; `None`: its jobs run where its process is.
    pub agent: Option<String>,
    /// What it has, of what jobs may ask of their worker.
    pub labels: Vec<String>,
    /// Whether its leases hold.
    pub alive: bool,
    /// Seconds for which they do, unless it is renewed.
    pub seconds_left: f64,
    /// Whether an operator drained its worker: it should claim nothing.
    pub drained: bool,
    /// Whether it asks to be told of every job at its commit.
    pub asks_to_be_told: bool,
}

impl Leases<'_> {
    /// Begins a session, and says its number: random, because what counts up may repeat after a
    /// failover.
    ///
    /// # Errors
    ///
    /// If Postgres refuses, or is not there.
    pub async fn open_session(self, profile: &SessionProfile) -> Result<i64, Error> {
        let session = rand::random_range(1..=i64::MAX);
        sqlx::query(self.sql(sql!("lease/session_open")))
            .bind(session)
            .bind(&profile.name)
            .bind(&profile.host)
            // The number of a process says nothing to a process elsewhere.
            .bind(if profile.agent.is_some() { 0 } else { std::process::id().cast_signed() })
            .bind(profile.program_version())
            .bind(&profile.queues)
            .bind(&profile.kinds)
            .bind(i32::try_from(profile.concurrency).unwrap_or(i32::MAX))
            .bind(profile.max_attempts)
            .bind(profile.lease.as_secs_f64())
            .bind(profile.agent.as_deref())
            .bind(profile.all_labels())
            .execute(self.executor)
            .await?;
        Ok(session)
    }

    /// Renews all leases of a session, and stores how many jobs it runs and what it counted. By the
    /// caller's own clock they hold for a lease from the moment *before* this was called.
    ///
    /// # Errors
    ///
    /// If Postgres refuses, or is not there: then the leases hold as long as they did.
    pub async fn renew(self, session: i64, running: usize, counts: &SessionCounts) -> Result<Renewal, Error> {
        let renewed: Option<i64> = sqlx::query_scalar(self.sql(sql!("lease/session_renew")))
            .bind(session)
            .bind(i32::try_from(running).unwrap_or(i32::MAX))
            .bind(counts.json())
            .fetch_optional(self.executor)
            .await?;
        Ok(if renewed.is_some() { Renewal::Held } else { Renewal::Dead })
    }

    /// How a session stands; `None`: there is none, or it ended so long ago that it is forgotten.
    ///
    /// # Errors
    ///
    /// If Postgres refuses, or is not there.
    pub async fn session(self, session: i64) -> Result<Option<SessionStatus>, Error> {
        let status = sqlx::query_as(self.sql(sql!("lease/session_status"))).bind(session);
        Ok(status.fetch_optional(self.executor).await?)
    }

    /// Adds to what is counted of all sessions, for attempts that were settled on behalf of
    /// sessions which several processes serve: none of them knows the sum that the row of a session
    /// keeps.
    ///
    /// # Errors
    ///
    /// If Postgres refuses, or is not there.
    pub async fn count(self, counts: &SessionCounts) -> Result<(), Error> {
        let counted = sqlx::query(self.sql(sql!("lease/session_count"))).bind(counts.json());
        counted.execute(self.executor).await?;
        Ok(())
    }

    /// The jobs that the session was asked to stop since this was asked last.
    ///
    /// # Errors
    ///
    /// If Postgres refuses, or is not there.
    pub async fn cancels(self, session: i64) -> Result<Vec<CancelAsked>, Error> {
        let notes = self.notes(session).await?.into_iter().filter(|note| note.cancel);
        Ok(notes.map(|note| CancelAsked { job_id: note.job_id, attempt: note.attempt }).collect())
    }

    /// The jobs that the session was asked to look at since this was asked last: to stop them, or
    /// because they were given [new parameters](Leases::attached).
    ///
    /// # Errors
    ///
    /// If Postgres refuses, or is not there.
    pub async fn notes(self, session: i64) -> Result<Vec<SessionNote>, Error> {
        let notes = sqlx::query_as(self.sql(sql!("lease/session_notes"))).bind(session);
        Ok(notes.fetch_all(self.executor).await?)
    }

    /// Says whether the session asks to be told of every job at its commit: it costs every enqueue
    /// a notification, so ask only while few jobs come.
    ///
    /// # Errors
    ///
    /// If Postgres refuses, or is not there.
    pub async fn ask_to_be_told(self, session: i64, asks: bool) -> Result<(), Error> {
        let told = sqlx::query(self.sql(sql!("lease/session_ask_to_be_told"))).bind(session).bind(asks);
        told.execute(self.executor).await?;
        Ok(())
    }

    /// Ends a session, with its last counts. Leases that it did not settle or give back are rescued
    /// at once.
    ///
    /// # Errors
    ///
    /// If Postgres refuses, or is not there: then it ends with its lease.
    pub async fn close_session(self, session: i64, counts: &SessionCounts) -> Result<(), Error> {
        let closed = sqlx::query(self.sql(sql!("lease/session_close"))).bind(session).bind(counts.json());
        closed.execute(self.executor).await?;
        Ok(())
    }
}

impl Maintenance<'_> {
    /// Drops rows of sessions that ended so long ago and hold nothing, and folds what they counted.
    pub(crate) async fn prune_sessions(self, ended_for: Duration) -> sqlx::Result<i64> {
        let pruned = sqlx::query_scalar(self.client.sql(sql!("lease/session_prune")))
            .bind(ended_for.as_secs_f64())
            .fetch_one(self.client)
            .await?;
        sqlx::query(self.client.sql(sql!("lease/session_fold"))).execute(self.client).await?;
        Ok(pruned)
    }
}
