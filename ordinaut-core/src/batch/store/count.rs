//! The statements by which the fold counts members, ends batches, and cancels what is left of them.

use crate::client::Batches;
use sqlx::PgConnection;
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
    /// Counts ends and new members; returns the batches that they are of, and which of these have
    /// members to be cancelled.
    pub(crate) async fn count(
        self,
        tx: &mut PgConnection,
        ends: &[(Uuid, String)],
        added: &[(Uuid, i64)],
    ) -> sqlx::Result<Vec<(Uuid, bool)>> {
        sqlx::query_as(self.client.sql(sql!("batch/count")))
            .bind(ends.iter().map(|(id, _)| *id).collect::<Vec<_>>())
            .bind(ends.iter().map(|(_, outcome)| &**outcome).collect::<Vec<_>>())
            .bind(added.iter().map(|(id, _)| *id).collect::<Vec<_>>())
            .bind(added.iter().map(|(_, n)| *n).collect::<Vec<_>>())
            .fetch_all(tx)
            .await
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
