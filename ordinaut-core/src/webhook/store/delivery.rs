//! Deliveries: made for events, attempted, listed, made again.

use crate::client::Webhooks;
use crate::db::page::Page;
use crate::error::Error;
use crate::webhook::delivery::{Delivery, WebhookDelivery};
use crate::webhook::secret::WebhookSecret;
use crate::webhook::store::{Target, Webhook};
use serde_json::value::RawValue;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection, Row};
use std::time::Duration;
use uuid::Uuid;

/// A webhook whose deliveries have all failed for this long is disabled.
const PATIENCE: Duration = Duration::from_secs(5 * 86_400);

impl Webhooks<'_> {
    /// Where the deliveries of a webhook go now; `None`: it is disabled or deleted.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn target(self, webhook: Uuid) -> Result<Option<Target>, Error> {
        let target: Option<(String, Vec<Vec<u8>>)> =
            sqlx::query_as(self.client.sql(sql!("webhook/target"))).bind(webhook).fetch_optional(self.client).await?;
        let target =
            target.map(|(url, secrets)| Target { url, secrets: secrets.into_iter().map(WebhookSecret::of).collect() });
        Ok(target)
    }

    /// Keeps what became of an attempt to deliver: an error, or none. A webhook whose deliveries
    /// have all failed for five days is disabled.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn attempted(self, webhook: Uuid, error: Option<&str>) -> Result<(), Error> {
        sqlx::query(self.client.sql(sql!("webhook/attempted")))
            .bind(webhook)
            .bind(error)
            .bind(PATIENCE.as_secs_f64())
            .execute(self.client)
            .await?;
        Ok(())
    }

    /// Deliveries of a webhook, the newest events first: up to `limit`, before the event that the
    /// last page ended with.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn deliveries(
        self,
        webhook: &Webhook,
        limit: i64,
        before: Option<i64>,
    ) -> Result<Page<Delivery, i64>, Error> {
        let list = sqlx::query_as(self.client.sql(sql!("webhook/deliveries"))).bind(webhook.id);
        let found: Vec<Delivery> = list.bind(limit.saturating_add(1)).bind(before).fetch_all(self.client).await?;
        Ok(Page::of_one_more(found, limit, |delivery| delivery.n))
    }

    /// Delivers an event once more, by a new job. `None`: it was not delivered to this webhook, or
    /// the job that did so is past its retention.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn redeliver(self, name: &str, n: i64) -> Result<Option<Uuid>, Error> {
        self.redeliver_as(Uuid::now_v7(), name, n).await
    }

    /// The same by a job with this id: repeated after an answer that was lost, it is done once.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn redeliver_as(self, job_id: Uuid, name: &str, n: i64) -> Result<Option<Uuid>, Error> {
        let told: Option<(Uuid, String, Option<String>)> = sqlx::query_as(self.client.sql(sql!("webhook/delivered")))
            .bind(name)
            .bind(n)
            .fetch_optional(self.client)
            .await?;
        let Some((webhook, queue, Some(args))) = told else { return Ok(None) };
        let Ok(delivery) = serde_json::from_str::<WebhookDelivery>(&args) else { return Ok(None) };
        let job = delivery.job(&queue).map_err(|error| sqlx::Error::Encode(error.into()))?.with_id(job_id);
        let mut tx = self.client.begin().await?;
        self.client.in_tx(&mut tx).enqueue(&job).await.map_err(|error| sqlx::Error::Encode(error.into()))?;
        self.keep_deliveries(&mut tx, &[(webhook, n, job_id)]).await?;
        tx.commit().await?;
        Ok(Some(job.id()))
    }

    /// The webhooks that are told of events.
    pub(crate) async fn wanting(self) -> sqlx::Result<Vec<Webhook>> {
        sqlx::query_as(self.client.sql(sql!("webhook/wanting"))).fetch_all(self.client).await
    }

    /// Keeps which jobs deliver which events.
    pub(crate) async fn keep_deliveries(self, tx: &mut PgConnection, new: &[(Uuid, i64, Uuid)]) -> sqlx::Result<()> {
        sqlx::query(self.client.sql(sql!("webhook/deliver")))
            .bind(new.iter().map(|(webhook, ..)| *webhook).collect::<Vec<_>>())
            .bind(new.iter().map(|(_, n, _)| *n).collect::<Vec<_>>())
            .bind(new.iter().map(|(.., job_id)| *job_id).collect::<Vec<_>>())
            .execute(tx)
            .await
            .map(drop)
    }

    /// Forgets deliveries that are older than this, and secrets that sign no more.
    pub(crate) async fn prune_deliveries(self, older: Duration) -> sqlx::Result<i64> {
        sqlx::query_scalar(self.client.sql(sql!("webhook/prune")))
            .bind(older.as_secs_f64())
            .fetch_one(self.client)
            .await
    }
}

impl FromRow<'_, PgRow> for Delivery {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let state: Option<String> = row.try_get("state")?;
        let answer: Option<Json<Box<RawValue>>> = row.try_get("answer")?;
        Ok(Self {
            n: row.try_get("n")?,
            job_id: row.try_get("job_id")?,
            at: row.try_get("at")?,
            // A word that this version does not know is of a newer one.
            state: state.and_then(|word| word.parse().ok()),
            attempt: row.try_get("attempt")?,
            error: row.try_get("error")?,
            answer: answer.map(|Json(answer)| answer),
        })
    }
}
