//! The statements by which the fold counts members, ends batches, and cancels what is left of them.

use crate::batch::tally::Tally;
use crate::client::Batches;
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// A batch that ends, with what it calls.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct EndedBatch {
    pub(crate) id: Uuid,
    pub(crate) state: String,
    pub(crate) cancelled: i64,
    pub(crate) on_success: Option<Uuid>,
    pub(crate) on_complete: Option<Uuid>,
}

/// What became of some members that were to be cancelled.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct StoppedSome {
    pub(crate) looked: i64,
    pub(crate) busy: i64,
    pub(crate) asked: i64,
}

impl Batches<'_> {
    /// Adds to the numbers of batches; returns them, and which of these have members to be
    /// cancelled.
    pub(crate) async fn count(
        self,
        tx: &mut PgConnection,
        tallies: &BTreeMap<Uuid, Tally>,
    ) -> sqlx::Result<Vec<(Uuid, bool)>> {
        let column = |number: fn(&Tally) -> i64| tallies.values().map(number).collect::<Vec<_>>();
        sqlx::query_as(self.client.sql(sql!("batch/count")))
            .bind(tallies.keys().copied().collect::<Vec<_>>())
            .bind(column(|tally| tally.added))
            .bind(column(|tally| tally.succeeded))
            .bind(column(|tally| tally.dead))
            .bind(column(|tally| tally.cancelled))
            .fetch_all(tx)
            .await
    }

    /// The batches of these jobs, as far as they are of one.
    pub(crate) async fn members(self, tx: &mut PgConnection, jobs: &[Uuid]) -> sqlx::Result<Vec<(Uuid, Uuid)>> {
        let (Some(first), Some(last)) = (jobs.iter().min(), jobs.iter().max()) else { return Ok(Vec::new()) };
        let members = sqlx::query_as(self.client.sql(sql!("batch/members"))).bind(jobs).bind(first).bind(last);
        members.fetch_all(tx).await
    }

    /// The jobs that these batches call.
    pub(crate) async fn called(self, tx: &mut PgConnection, batches: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
        sqlx::query_scalar(self.client.sql(sql!("batch/called"))).bind(batches).fetch_all(tx).await
    }

    /// Those of the batches of which all members have ended, and whether this transaction holds
    /// them.
    pub(crate) async fn over(self, tx: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<(Uuid, bool)>> {
        sqlx::query_as(self.client.sql(sql!("batch/over"))).bind(ids).fetch_all(tx).await
    }

    /// Ends batches that this transaction holds.
    pub(crate) async fn finish(self, tx: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<EndedBatch>> {
        sqlx::query_as(self.client.sql(sql!("batch/finish"))).bind(ids).fetch_all(tx).await
    }

    /// Cancels the next members of a batch.
    pub(crate) async fn stop(self, tx: &mut PgConnection, id: Uuid, limit: i64) -> sqlx::Result<StoppedSome> {
        sqlx::query_as(self.client.sql(sql!("batch/stop"))).bind(id).bind(limit).fetch_one(tx).await
    }
}
