//! The rows of rules.

use crate::alert::error::AlertError;
use crate::alert::rule::{AlertRule, StoredRule};
use crate::client::Alerts;
use crate::error::{Error, InvalidField};
use crate::name;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgExecutor;
use sqlx::types::Json;
use tracing::warn;

/// Maximum number of rules: all of them are evaluated every five seconds.
const MOST_RULES: i64 = 200;

#[derive(sqlx::FromRow)]
struct Row {
    name: String,
    rule: Value,
    set_at: DateTime<Utc>,
    set_by: Option<String>,
}

impl Row {
    /// Else its name: a newer version has written what this one cannot read, which must stop no
    /// other.
    fn read(self) -> Result<StoredRule, String> {
        let Self { name, rule, set_at, set_by } = self;
        match AlertRule::from_json(rule) {
            Ok(rule) => Ok(StoredRule { name, rule, set_at, set_by }),
            Err(error) => {
                warn!("the alert rule {name} is not evaluated here: it cannot be read: {error}");
                Err(name)
            }
        }
    }
}

impl Alerts<'_> {
    /// All rules, by name: 200 at most, without those that only a newer version can read.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn rules(self) -> Result<Vec<StoredRule>, Error> {
        Ok(self.stored_rules(None, self.client).await?.0)
    }

    /// A rule; `None`: there is none of this name.
    ///
    /// # Errors
    ///
    /// As [`Alerts::rules`](crate::client::Alerts::rules).
    pub async fn rule(self, name: &str) -> Result<Option<StoredRule>, Error> {
        if name::check(name).is_err() {
            return Ok(None);
        }
        Ok(self.stored_rules(Some(name), self.client).await?.0.pop())
    }

    /// Those that this version can read, and the names of the others.
    pub(crate) async fn stored_rules<'e>(
        self,
        name: Option<&str>,
        db: impl PgExecutor<'e>,
    ) -> sqlx::Result<(Vec<StoredRule>, Vec<String>)> {
        let rows: Vec<Row> = sqlx::query_as(self.client.sql(sql!("alert/rules"))).bind(name).fetch_all(db).await?;
        let (mut read, mut unreadable) = (Vec::new(), Vec::new());
        for row in rows {
            match row.read() {
                Ok(stored) => read.push(stored),
                Err(name) => unreadable.push(name),
            }
        }
        Ok((read, unreadable))
    }

    /// Puts a rule, in place of the one of this name. Schedulers go by it within five seconds.
    ///
    /// # Errors
    ///
    /// [`AlertError::Invalid`] names the field that cannot be accepted.
    pub async fn put_rule(self, name: &str, rule: &AlertRule) -> Result<StoredRule, AlertError> {
        let invalid = |reason: &str| InvalidField { field: "name", reason: reason.to_owned() };
        name::check(name).map_err(invalid)?;
        if name.contains('/') {
            return Err(invalid("must not contain \"/\"").into());
        }
        rule.check()?;
        let put: Option<Row> = sqlx::query_as(self.client.sql(sql!("alert/rule_put")))
            .bind(name)
            .bind(Json(rule))
            .bind(self.client.agent())
            .bind(MOST_RULES)
            .fetch_optional(self.client)
            .await?;
        let too_many = || invalid(&format!("is one too many: there are {MOST_RULES} rules"));
        Ok(put.and_then(|row| row.read().ok()).ok_or_else(too_many)?)
    }

    /// Lets a rule be looked at, or not: its alerts are over then. `None`: there is none of this
    /// name.
    ///
    /// # Errors
    ///
    /// As [`Alerts::rules`](crate::client::Alerts::rules).
    pub async fn switch_rule(self, name: &str, enabled: bool) -> Result<Option<StoredRule>, Error> {
        if name::check(name).is_err() {
            return Ok(None);
        }
        let switched: Option<Row> = sqlx::query_as(self.client.sql(sql!("alert/rule_switch")))
            .bind(name)
            .bind(enabled)
            .bind(self.client.agent())
            .fetch_optional(self.client)
            .await?;
        Ok(switched.and_then(|row| row.read().ok()))
    }

    /// Deletes a rule, and says whether there was one. Its alerts are over within five seconds, and
    /// nobody is told of that by jobs.
    ///
    /// # Errors
    ///
    /// As [`Alerts::rules`](crate::client::Alerts::rules).
    pub async fn delete_rule(self, name: &str) -> Result<bool, Error> {
        if name::check(name).is_err() {
            return Ok(false);
        }
        let deleted = sqlx::query(self.client.sql(sql!("alert/rule_delete"))).bind(name).execute(self.client).await?;
        Ok(deleted.rows_affected() > 0)
    }
}
