//! The audit: who changed what, and who was refused.

use crate::client::Audit;
use crate::db::page::Page;
use crate::error::Error;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};

/// A call that changed something, or would have.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct NewAuditEntry {
    /// The agent that called.
    pub actor: String,
    /// Method and route.
    pub action: String,
    /// The id or name that it was about.
    pub subject: Option<String>,
    /// The status that it was answered with.
    pub status: i16,
    /// What the caller gave as its reason.
    pub reason: Option<String>,
    /// The number of the request.
    pub request_id: Option<String>,
    /// What the subject was, as JSON.
    pub before: Option<String>,
    /// What it is now, as JSON.
    pub after: Option<String>,
    /// Where the call came from: an IP address, or `unix` for a socket of the machine.
    pub address: Option<String>,
}

impl NewAuditEntry {
    /// Of a call of an agent.
    pub fn new(actor: impl Into<String>, action: impl Into<String>, status: i16) -> Self {
        Self { actor: actor.into(), action: action.into(), status, ..Self::default() }
    }
}

/// An entry as it is stored.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct AuditEntry {
    /// Greater than that of every earlier entry.
    pub n: i64,
    /// When it was.
    pub at: DateTime<Utc>,
    /// The agent that called.
    pub actor: String,
    /// Method and route, such as `POST /tasks/{id}/pause`.
    pub action: String,
    /// The id or name that it was about.
    pub subject: Option<String>,
    /// The status that it was answered with.
    pub status: i16,
    /// What the caller gave as its reason.
    pub reason: Option<String>,
    /// The number of the request.
    pub request_id: Option<String>,
    /// What the subject was.
    #[cfg_attr(feature = "openapi", schema(value_type = Value))]
    pub before: Option<Box<RawValue>>,
    /// What it is now.
    #[cfg_attr(feature = "openapi", schema(value_type = Value))]
    pub after: Option<Box<RawValue>>,
    /// Where the call came from: an IP address, or `unix` for a socket of the machine.
    pub address: Option<String>,
}

/// Which entries to list.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct AuditFilter {
    /// Only entries before this one: the last of the page before.
    pub before: Option<i64>,
    /// Only this agent's.
    pub actor: Option<String>,
    /// Only calls of this method and route.
    pub action: Option<String>,
    /// Only calls about this id or name.
    pub subject: Option<String>,
    /// Only from this time on.
    pub since: Option<DateTime<Utc>>,
    /// Only before this time.
    pub until: Option<DateTime<Utc>>,
}

impl Audit<'_> {
    /// Adds entries, all or none.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use ordinaut_core::access::NewAuditEntry;
    ///
    /// let mut entry = NewAuditEntry::new("billing", "POST /queues/{name}/pause", 200);
    /// entry.subject = Some("invoices".to_owned());
    /// client.audit().record(&[entry]).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn record(self, entries: &[NewAuditEntry]) -> Result<(), Error> {
        fn column<'a, T>(entries: &'a [NewAuditEntry], field: impl Fn(&'a NewAuditEntry) -> T) -> Vec<T> {
            entries.iter().map(field).collect()
        }
        sqlx::query(self.client.sql(sql!("access/audit_record")))
            .bind(column(entries, |entry| &*entry.actor))
            .bind(column(entries, |entry| &*entry.action))
            .bind(column(entries, |entry| entry.subject.as_deref()))
            .bind(column(entries, |entry| entry.status))
            .bind(column(entries, |entry| entry.reason.as_deref()))
            .bind(column(entries, |entry| entry.request_id.as_deref()))
            .bind(column(entries, |entry| entry.before.as_deref()))
            .bind(column(entries, |entry| entry.after.as_deref()))
            .bind(column(entries, |entry| entry.address.as_deref()))
            .execute(self.client)
            .await?;
        Ok(())
    }

    /// Up to `limit` entries, the newest first.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use ordinaut_core::access::AuditFilter;
    ///
    /// let mut filter = AuditFilter::default();
    /// filter.actor = Some("billing".to_owned());
    /// for entry in client.audit().list(&filter, 100).await?.items {
    ///     println!("{} {} {:?}: {}", entry.at, entry.action, entry.subject, entry.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn list(self, filter: &AuditFilter, limit: i64) -> Result<Page<AuditEntry, i64>, Error> {
        let entries: Vec<AuditEntry> = sqlx::query_as(self.client.sql(sql!("access/audit_list")))
            .bind(limit.saturating_add(1))
            .bind(filter.before)
            .bind(&filter.actor)
            .bind(&filter.action)
            .bind(&filter.subject)
            .bind(filter.since)
            .bind(filter.until)
            .fetch_all(self.client)
            .await?;
        Ok(Page::of_one_more(entries, limit, |entry| entry.n))
    }
}

impl FromRow<'_, PgRow> for AuditEntry {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let json = |column: &str| -> sqlx::Result<Option<Box<RawValue>>> {
            let text: Option<String> = row.try_get(column)?;
            text.map(RawValue::from_string).transpose().map_err(|error| sqlx::Error::Decode(error.into()))
        };
        Ok(Self {
            n: row.try_get("n")?,
            at: row.try_get("at")?,
            actor: row.try_get("actor")?,
            action: row.try_get("action")?,
            subject: row.try_get("subject")?,
            status: row.try_get("status")?,
            reason: row.try_get("reason")?,
            request_id: row.try_get("request_id")?,
            before: json("before")?,
            after: json("after")?,
            address: row.try_get("address")?,
        })
    }
}
