//! What workers read and write of breakers.

use crate::client::Targets;
use crate::db::fields::Fields;
use crate::target::breaker::Breaker;
use crate::target::definition::Target;
use crate::target::store::definition;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};
use std::time::Duration;
use uuid::Uuid;

/// A target, as those that call it read it.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) target: Target,
    /// Host, weight and breaker, in the order of the list.
    pub(crate) hosts: Vec<(String, u16, Breaker)>,
}

/// A call that failed.
#[derive(Debug)]
pub(crate) struct FailedCall<'a> {
    pub(crate) target: &'a str,
    pub(crate) host: &'a str,
    /// The worker.
    pub(crate) by: &'a str,
    pub(crate) reason: &'a str,
    /// Time for which the host asks not to be called.
    pub(crate) asked: Option<Duration>,
    pub(crate) trial: Option<Uuid>,
}

/// What was counted of a host.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Counted {
    pub(crate) calls: i64,
    pub(crate) failed: i64,
    /// Duration of those that succeeded.
    pub(crate) seconds: f64,
}

impl FromRow<'_, PgRow> for Breaker {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let fields = Fields::of(row);
        let waits = [fields.get("retry_in")?, fields.get("trial_left")?];
        Ok(Self::of(fields.word("state")?, fields.get("failures")?, fields.get("drained")?, waits))
    }
}

impl Targets<'_> {
    /// `None`: there is none of this name.
    pub(crate) async fn read(self, name: &str) -> sqlx::Result<Option<Read>> {
        let rows = sqlx::query(self.client.sql(sql!("target/read"))).bind(name).fetch_all(self.client).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let host = |row: &PgRow| {
            let weight: i32 = row.try_get("weight")?;
            Ok((row.try_get("host")?, u16::try_from(weight).unwrap_or(1), Breaker::from_row(row)?))
        };
        Ok(Some(Read { target: definition(first)?, hosts: rows.iter().map(host).collect::<sqlx::Result<_>>()? }))
    }

    /// The time that the call has, if it is the one that tries the host.
    pub(crate) async fn try_host(
        self,
        name: &str,
        host: &str,
        call: Uuid,
        longest: Duration,
    ) -> sqlx::Result<Option<f64>> {
        sqlx::query_scalar(self.client.sql(sql!("target/try")))
            .bind(name)
            .bind(host)
            .bind(call)
            .bind(longest.as_secs_f64())
            .fetch_optional(self.client)
            .await
    }

    /// The breaker after it; `None`: there is no such host any more.
    pub(crate) async fn call_failed(self, call: &FailedCall<'_>) -> sqlx::Result<Option<Breaker>> {
        sqlx::query_as(self.client.sql(sql!("target/failed")))
            .bind(call.target)
            .bind(call.host)
            .bind(call.by)
            .bind(call.reason)
            .bind(call.asked.map(|asked| asked.as_secs_f64()))
            .bind(call.trial)
            .fetch_optional(self.client)
            .await
    }

    /// Whether that changed the breaker: it is closed then, and no failure counts.
    pub(crate) async fn call_succeeded(self, name: &str, host: &str, trial: Option<Uuid>) -> sqlx::Result<bool> {
        let closed = sqlx::query(self.client.sql(sql!("target/succeeded"))).bind(name).bind(host).bind(trial);
        Ok(closed.fetch_optional(self.client).await?.is_some())
    }

    pub(crate) async fn add_counted(self, counted: &[(String, String, Counted)]) -> sqlx::Result<()> {
        sqlx::query(self.client.sql(sql!("target/add")))
            .bind(counted.iter().map(|(target, ..)| &**target).collect::<Vec<_>>())
            .bind(counted.iter().map(|(_, host, _)| &**host).collect::<Vec<_>>())
            .bind(counted.iter().map(|(.., counted)| counted.calls).collect::<Vec<_>>())
            .bind(counted.iter().map(|(.., counted)| counted.failed).collect::<Vec<_>>())
            .bind(counted.iter().map(|(.., counted)| counted.seconds).collect::<Vec<_>>())
            .execute(self.client)
            .await
            .map(drop)
    }
}
