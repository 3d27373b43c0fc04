//! Erase: what jobs of one person, or of one tenant, were about.

use crate::client::Jobs;
use crate::db::contention::undisturbed;
use crate::error::Error;
use crate::error::InvalidField;
use crate::job::store::cancel::Called;
use serde::Serialize;
use uuid::Uuid;

/// Maximum number of jobs that one transaction erases.
const BATCH: i64 = 500;

/// Maximum number of times that jobs are looked for that others keep moving; each look has a new
/// snapshot.
const LOOKS: usize = 20;

/// Whose jobs are to be erased.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Erase {
    /// Those with this tag, such as `person:42`.
    Tag(String),
    /// Those of this tenant.
    Tenant(String),
}

/// What was erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Erased {
    /// Jobs of which nothing is left but that they were there, when, and how they ended.
    pub erased: i64,
    /// Number of these that were cancelled for it, because they still waited.
    pub cancelled: i64,
    /// Jobs that run, and were asked to stop: to be erased by another call, when they have ended.
    pub running: i64,
}

impl Jobs<'_> {
    /// Erases what jobs were about: arguments, tags, errors, outputs and dead letters. Those that
    /// wait are cancelled; those that run are asked to stop, and counted, to be erased when they
    /// have ended. Reads all jobs once; a job that is enqueued at the same time may be missed.
    /// After an error what was erased stays erased. Definitions of tasks are not touched.
    ///
    /// ```no_run
    /// # async fn forget(database: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use ordinaut_core::job::Erase;
    ///
    /// let done = database.jobs().erase(&Erase::Tag("person:42".to_owned())).await?;
    /// assert_eq!(done.running, 0, "again later");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if no job can have such a tag or tenant; [`Error::Database`] if Postgres
    /// refused a statement or could not be reached: what was erased before stays erased.
    pub async fn erase(self, whose: &Erase) -> Result<Erased, Error> {
        let (tag, tenant) = match whose {
            Erase::Tag(tag) => (Some(named("tag", tag)?), None),
            Erase::Tenant(tenant) => (None, Some(named("tenant", tenant)?)),
        };
        let (mut total, mut after) = (Erased::default(), None);
        loop {
            let ids: Vec<Uuid> = sqlx::query_scalar(self.client.sql(sql!("job/erase_found")))
                .bind(tag)
                .bind(tenant)
                .bind(after)
                .bind(BATCH)
                .fetch_all(self.client)
                .await?;
            let Some(last) = ids.last() else { break };
            after = Some(*last);
            self.erase_some(&ids, &mut total).await?;
        }
        sqlx::query(self.client.sql(sql!("job/erase_dead_letters")))
            .bind(tag)
            .bind(tenant)
            .execute(self.client)
            .await?;
        Ok(total)
    }

    async fn erase_some(self, ids: &[Uuid], total: &mut Erased) -> sqlx::Result<()> {
        let (erased, cancelled, running) = undisturbed(|| self.erase_once(ids)).await?;
        total.erased += erased;
        total.cancelled += cancelled;
        total.running += running;
        Ok(())
    }

    /// Numbers of jobs: erased, cancelled, running.
    async fn erase_once(self, ids: &[Uuid]) -> sqlx::Result<(i64, i64, i64)> {
        let mut tx = self.client.begin().await?;
        let (mut cancelled, mut running) = (0, 0);
        for _ in 0..LOOKS {
            let off = self.cancel_listed(Called::Jobs(ids), "erased", &mut tx).await?;
            cancelled += off.removed;
            // Those that run are asked again, and are the same.
            running = off.asked + off.left_over;
            if off.left_over == 0 {
                break;
            }
        }
        let erased: i64 =
            sqlx::query_scalar(self.client.sql(sql!("job/erase_blank"))).bind(ids).fetch_one(&mut *tx).await?;
        tx.commit().await?;
        Ok((erased, cancelled, running))
    }
}

fn named<'a>(field: &'static str, text: &'a str) -> Result<&'a str, InvalidField> {
    let reason = "must not be empty, and must not contain NUL".to_owned();
    if text.is_empty() || text.contains('\0') { Err(InvalidField { field, reason }) } else { Ok(text) }
}
