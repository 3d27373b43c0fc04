//! The rows of webhooks, their secrets and deliveries.

pub(crate) mod delivery;

use crate::client::Webhooks;
use crate::db::page::Page;
use crate::error::Error;
use crate::webhook::error::WebhookError;
use crate::webhook::new_webhook::NewWebhook;
use crate::webhook::secret::{RANDOM, WebhookSecret};
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;
use std::time::Duration;
use uuid::Uuid;

/// A URL outside that is told of events.
#[derive(Clone, Debug, Serialize, FromRow)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Webhook {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Where it is told, by POST.
    pub url: String,
    /// Types of events that it wants; none: all.
    pub types: Vec<String>,
    /// Queues whose events it wants; none: all.
    pub queues: Vec<String>,
    /// Kinds whose events it wants; none: all.
    pub kinds: Vec<String>,
    /// The queue in which its deliveries wait.
    pub queue: String,
    /// The agent that created it.
    pub created_by: String,
    /// When it was created. It is told of no event before.
    pub created_at: DateTime<Utc>,
    /// Since when each delivery has failed.
    pub failing_since: Option<DateTime<Utc>>,
    /// Why the last delivery failed that did.
    pub last_error: Option<String>,
    /// Since when it is told nothing.
    pub disabled_at: Option<DateTime<Utc>>,
}

/// Where a delivery goes, and what signs it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Target {
    /// Where it is sent.
    pub url: String,
    /// The newest first; each signs.
    pub secrets: Vec<WebhookSecret>,
}

impl Webhooks<'_> {
    /// Makes a webhook with its first secret, which is in no other answer; `by` is who makes it.
    ///
    /// # Errors
    ///
    /// [`WebhookError::Invalid`] if a field cannot be accepted, [`WebhookError::Duplicate`] if
    /// there is a webhook of this name, [`WebhookError::Database`] if Postgres refused the
    /// statement or could not be reached.
    pub async fn create(self, webhook: &NewWebhook, by: &str) -> Result<(Webhook, WebhookSecret), WebhookError> {
        webhook.check()?;
        let secret = new_secret();
        let made: Option<Webhook> = sqlx::query_as(self.client.sql(sql!("webhook/create")))
            .bind(Uuid::now_v7())
            .bind(&webhook.name)
            .bind(secret.key())
            .bind(&webhook.url)
            .bind(&webhook.types)
            .bind(&webhook.queues)
            .bind(&webhook.kinds)
            .bind(&webhook.queue)
            .bind(by)
            .fetch_optional(self.client)
            .await?;
        made.map(|webhook| (webhook, secret)).ok_or(WebhookError::Duplicate)
    }

    /// Webhooks by name: up to `limit` of them, after the one that the last page ended with.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn list(self, limit: i64, after: Option<&str>) -> Result<Page<Webhook, String>, Error> {
        let list = sqlx::query_as(self.client.sql(sql!("webhook/list"))).bind(limit.saturating_add(1)).bind(after);
        let webhooks: Vec<Webhook> = list.fetch_all(self.client).await?;
        Ok(Page::of_one_more(webhooks, limit, |webhook| webhook.name.clone()))
    }

    /// One webhook; `None`: there is none of this name.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn get(self, name: &str) -> Result<Option<Webhook>, Error> {
        Ok(sqlx::query_as(self.client.sql(sql!("webhook/get"))).bind(name).fetch_optional(self.client).await?)
    }

    /// Deletes a webhook, and says whether there was one. Deliveries that wait go nowhere.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn delete(self, name: &str) -> Result<bool, Error> {
        let deleted: Option<Uuid> =
            sqlx::query_scalar(self.client.sql(sql!("webhook/delete"))).bind(name).fetch_optional(self.client).await?;
        Ok(deleted.is_some())
    }

    /// Lets a webhook be told again, of what happens from now on. `None`: there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn enable(self, name: &str) -> Result<Option<Webhook>, Error> {
        self.able(name, true).await
    }

    /// Tells a webhook nothing from now on; deliveries that wait go nowhere. `None`: there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn disable(self, name: &str) -> Result<Option<Webhook>, Error> {
        self.able(name, false).await
    }

    async fn able(self, name: &str, able: bool) -> Result<Option<Webhook>, Error> {
        let sql = self.client.sql(sql!("webhook/able"));
        Ok(sqlx::query_as(sql).bind(name).bind(able).fetch_optional(self.client).await?)
    }

    /// Gives a webhook a new secret; those that it has sign beside it for `overlap`. `None`: there
    /// is no such webhook.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn rotate(self, name: &str, overlap: Duration) -> Result<Option<WebhookSecret>, Error> {
        let secret = new_secret();
        let found: bool = sqlx::query_scalar(self.client.sql(sql!("webhook/rotate")))
            .bind(name)
            .bind(secret.key())
            .bind(overlap.as_secs_f64())
            .fetch_one(self.client)
            .await?;
        Ok(found.then_some(secret))
    }
}

fn new_secret() -> WebhookSecret {
    let mut random = [0; RANDOM];
    rand::Rng::fill(&mut rand::rng(), &mut random[..]);
    WebhookSecret::of(random)
}
