//! The statements of the fold.

use crate::batch::child::Child;
use crate::client::Batches;
use sqlx::PgConnection;
use std::collections::BTreeMap;
use std::time::Duration;
use uuid::Uuid;

/// A row of `followed_end`.
#[derive(Debug)]
pub(crate) struct Followed {
    /// The job, or the batch.
    pub(crate) id: Uuid,
    /// What the row says of it.
    pub(crate) word: String,
    pub(crate) n: i32,
}

#[derive(sqlx::FromRow)]
struct Taken {
    held: bool,
    job_id: Option<Uuid>,
    outcome: Option<String>,
    n: Option<i32>,
}

/// A [`Child`] in the order of its fields.
type ChildRow = (Uuid, i64, String, Option<Uuid>, Option<String>, bool, bool, bool);

impl Batches<'_> {
    /// Whether anything is to be folded.
    pub(crate) async fn has_to_fold(self) -> sqlx::Result<bool> {
        sqlx::query_scalar(self.client.sql(sql!("batch/waiting"))).fetch_one(self.client).await
    }

    /// Takes up to `limit` rows; `None`: somebody else folds.
    pub(crate) async fn take(self, tx: &mut PgConnection, limit: i64) -> sqlx::Result<Option<Vec<Followed>>> {
        let take = sqlx::query_as(self.client.sql(sql!("batch/take"))).bind(limit);
        let rows: Vec<Taken> = take.fetch_all(tx).await?;
        if rows.iter().any(|row| !row.held) {
            return Ok(None);
        }
        let followed = |Taken { job_id, outcome, n, .. }| Some(Followed { id: job_id?, word: outcome?, n: n? });
        Ok(Some(rows.into_iter().filter_map(followed).collect()))
    }

    /// Follows the parents of these children, and these jobs; those that have ended, and how, or
    /// `busy`.
    pub(crate) async fn follow(
        self,
        tx: &mut PgConnection,
        children: &[Uuid],
        parents: &[Uuid],
    ) -> sqlx::Result<Vec<(Uuid, String)>> {
        let follow = sqlx::query_as(self.client.sql(sql!("batch/follow"))).bind(children).bind(parents);
        follow.fetch_all(tx).await
    }

    /// Tells the jobs that wait for these of their ends, up to `limit` times.
    pub(crate) async fn resolve(
        self,
        tx: &mut PgConnection,
        ends: &BTreeMap<Uuid, String>,
        limit: i64,
    ) -> sqlx::Result<Vec<Child>> {
        let rows: Vec<ChildRow> = sqlx::query_as(self.client.sql(sql!("batch/resolve")))
            .bind(ends.keys().copied().collect::<Vec<_>>())
            .bind(ends.values().map(|outcome| &**outcome).collect::<Vec<_>>())
            .bind(limit)
            .fetch_all(tx)
            .await?;
        let child = |(child_id, ends, policy, failed, outcome, parked, held, last)| Child {
            child_id,
            ends,
            policy,
            failed,
            outcome,
            parked,
            held,
            last,
        };
        Ok(rows.into_iter().map(child).collect())
    }

    /// Lets these jobs wait to be run; returns their queues.
    pub(crate) async fn release(self, tx: &mut PgConnection, jobs: &[Uuid]) -> sqlx::Result<Vec<String>> {
        sqlx::query_scalar(self.client.sql(sql!("batch/release"))).bind(jobs).fetch_all(tx).await
    }

    /// Cancels these jobs, which wait, each for its reason.
    pub(crate) async fn give_up(self, tx: &mut PgConnection, jobs: &[(Uuid, String)]) -> sqlx::Result<()> {
        sqlx::query(self.client.sql(sql!("batch/give_up")))
            .bind(jobs.iter().map(|(id, _)| *id).collect::<Vec<_>>())
            .bind(jobs.iter().map(|(_, why)| &**why).collect::<Vec<_>>())
            .execute(tx)
            .await
            .map(drop)
    }

    /// Buries these jobs, which wait, each for its reason.
    pub(crate) async fn bury(self, tx: &mut PgConnection, jobs: &[(Uuid, String)]) -> sqlx::Result<()> {
        sqlx::query(self.client.sql(sql!("batch/bury")))
            .bind(jobs.iter().map(|(id, _)| *id).collect::<Vec<_>>())
            .bind(jobs.iter().map(|(_, why)| &**why).collect::<Vec<_>>())
            .execute(tx)
            .await
            .map(drop)
    }

    /// Asks the fold for something, after a while.
    pub(crate) async fn put_back(
        self,
        tx: &mut PgConnection,
        asked: &[(Uuid, &str)],
        wait: Duration,
    ) -> sqlx::Result<()> {
        sqlx::query(self.client.sql(sql!("batch/put_back")))
            .bind(asked.iter().map(|(id, _)| *id).collect::<Vec<_>>())
            .bind(asked.iter().map(|(_, word)| *word).collect::<Vec<_>>())
            .bind(wait.as_secs_f64())
            .execute(tx)
            .await
            .map(drop)
    }

    /// Puts off the row that would be taken first; the job or batch, and what was asked for it.
    pub(crate) async fn put_off(self, wait: Duration) -> sqlx::Result<Option<(Uuid, String)>> {
        let put_off = sqlx::query_as(self.client.sql(sql!("batch/put_off"))).bind(wait.as_secs_f64());
        put_off.fetch_optional(self.client).await
    }

    /// Forgets what jobs waited for that do not wait any more.
    pub(crate) async fn prune_dependencies(self) -> sqlx::Result<()> {
        sqlx::query(self.client.sql(sql!("batch/prune"))).execute(self.client).await.map(drop)
    }
}
