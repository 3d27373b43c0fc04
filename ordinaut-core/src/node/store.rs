//! The statements of machines.

use crate::client::Nodes;
use crate::error::{Error, InvalidField};
use crate::name;
use crate::node::error::NodeError;
use crate::node::level::{NodeLevel, Usage};
use crate::node::report::NodeReport;
use crate::node::score::NodeScore;
use crate::node::threshold::NodeThresholds;
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use std::collections::BTreeMap;
use std::time::Duration;

/// A machine, as it was last told of.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Node {
    /// What was told last.
    #[serde(flatten)]
    pub report: NodeReport,
    /// The program that told it.
    pub reported_by: String,
    /// How healthy it is.
    pub level: NodeLevel,
    /// Why it is at this level, such as `disk=critical`.
    pub causes: Vec<String>,
    /// Since when it is at this level.
    pub level_since: DateTime<Utc>,
    /// When it was first heard of.
    pub first_seen: DateTime<Utc>,
    /// When it was last heard of.
    pub seen_at: DateTime<Utc>,
    /// Number of living workers on it.
    pub workers: i64,
    /// Number of jobs that they ran at their last renewals.
    pub running: i64,
    /// Maximum number of jobs that they run at once, without those that are drained.
    pub slots: i64,
    /// How good it is for the next job.
    pub score: NodeScore,
}

impl sqlx::FromRow<'_, PgRow> for Node {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let report = NodeReport {
            name: row.try_get("name")?,
            cores: row.try_get("cores")?,
            cpu: row.try_get("cpu")?,
            memory_total: row.try_get("memory_total")?,
            memory_used: row.try_get("memory_used")?,
            disk_total: row.try_get("disk_total")?,
            disk_used: row.try_get("disk_used")?,
            load: row.try_get("load")?,
            version: row.try_get("version")?,
            address: row.try_get("address")?,
            labels: row.try_get("labels")?,
        };
        let level = told(&row.try_get::<String, _>("level")?)?;
        let (running, slots) = (row.try_get("running")?, row.try_get("slots")?);
        let memory = 100.0 * report.memory_used as f32 / report.memory_total as f32;
        Ok(Self {
            score: NodeScore::of(report.cpu, memory, running, slots, level),
            report,
            reported_by: row.try_get("reported_by")?,
            level,
            causes: row.try_get("causes")?,
            level_since: row.try_get("level_since")?,
            first_seen: row.try_get("first_seen")?,
            seen_at: row.try_get("seen_at")?,
            workers: row.try_get("workers")?,
            running,
            slots,
        })
    }
}

/// What a scheduler looks at to tell the level of a machine.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Figures {
    pub(crate) name: String,
    cpu: f32,
    memory: f32,
    disk: f32,
    silent: f64,
    level: String,
    pub(crate) causes: Vec<String>,
    own: Option<Json<NodeThresholds>>,
    of_all: Option<Json<NodeThresholds>>,
}

impl Figures {
    pub(crate) fn usage(&self) -> Usage {
        Usage { cpu: self.cpu, memory: self.memory, disk: self.disk }
    }

    pub(crate) fn silent(&self) -> Duration {
        Duration::try_from_secs_f64(self.silent).unwrap_or(Duration::MAX)
    }

    pub(crate) fn level(&self) -> sqlx::Result<NodeLevel> {
        told(&self.level)
    }

    /// Its own thresholds, those of all, and then those of the settings.
    pub(crate) fn thresholds(&self, settings: &NodeThresholds) -> NodeThresholds {
        let none = NodeThresholds::default();
        let by_hand =
            |given: &Option<Json<NodeThresholds>>| given.as_ref().map_or(none.clone(), |Json(set)| set.clone());
        by_hand(&self.own).or(&by_hand(&self.of_all)).or(settings)
    }
}

fn told(word: &str) -> sqlx::Result<NodeLevel> {
    word.parse().map_err(|error: String| sqlx::Error::Decode(error.into()))
}

impl Nodes<'_> {
    /// Tells of a machine; `program` is who tells. To be said every half a minute, or more often.
    ///
    /// # Errors
    ///
    /// [`NodeError::Invalid`] names the field that cannot be accepted.
    pub async fn report(self, report: &NodeReport, program: &str) -> Result<(), NodeError> {
        report.check()?;
        sqlx::query(self.client.sql(sql!("node/report")))
            .bind(&report.name)
            .bind(report.cores)
            .bind(report.cpu)
            .bind(report.memory_total)
            .bind(report.memory_used)
            .bind(report.disk_total)
            .bind(report.disk_used)
            .bind(report.load)
            .bind(&report.version)
            .bind(&report.address)
            .bind(&report.labels)
            .bind(program)
            .execute(self.client)
            .await
            .map_err(Error::from)?;
        Ok(())
    }

    /// All machines, by name.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn list(self) -> Result<Vec<Node>, Error> {
        Ok(self.listed(None).await?)
    }

    /// A machine; `None`: nobody has told of it.
    ///
    /// # Errors
    ///
    /// As [`Nodes::list`](crate::client::Nodes::list).
    pub async fn get(self, name: &str) -> Result<Option<Node>, Error> {
        if name::check(name).is_err() {
            return Ok(None);
        }
        Ok(self.listed(Some(name)).await?.pop())
    }

    async fn listed(self, name: Option<&str>) -> sqlx::Result<Vec<Node>> {
        sqlx::query_as(self.client.sql(sql!("node/list"))).bind(name).fetch_all(self.client).await
    }

    /// The best machines for a job that requires these labels (`!` before a label: its absence):
    /// up to `count` of those that are neither offline nor critical and have a worker, the best
    /// first.
    ///
    /// # Errors
    ///
    /// As [`Nodes::list`](crate::client::Nodes::list).
    pub async fn recommend(self, labels: &[String], count: usize) -> Result<Vec<Node>, Error> {
        let fits = |node: &Node| {
            node.level <= NodeLevel::Warning
                && node.slots > 0
                && labels.iter().all(|label| match label.strip_prefix('!') {
                    Some(absent) => node.report.labels.iter().all(|had| had != absent),
                    None => node.report.labels.contains(label),
                })
        };
        let mut nodes = self.list().await?;
        nodes.retain(fits);
        nodes.sort_by(|one, other| other.score.total.total_cmp(&one.score.total));
        nodes.truncate(count);
        Ok(nodes)
    }

    /// Forgets a machine; false: there is none of this name. It comes again with its next report.
    ///
    /// # Errors
    ///
    /// As [`Nodes::list`](crate::client::Nodes::list).
    pub async fn delete(self, name: &str) -> Result<bool, Error> {
        if name::check(name).is_err() {
            return Ok(false);
        }
        let deleted = sqlx::query(self.client.sql(sql!("node/delete"))).bind(name).execute(self.client).await?;
        Ok(deleted.rows_affected() > 0)
    }

    /// The thresholds that were set by hand, by the name of the machine; those of all are at `*`.
    ///
    /// # Errors
    ///
    /// As [`Nodes::list`](crate::client::Nodes::list).
    pub async fn thresholds(self) -> Result<BTreeMap<String, NodeThresholds>, Error> {
        let rows: Vec<(String, Json<NodeThresholds>)> =
            sqlx::query_as(self.client.sql(sql!("node/thresholds_get"))).fetch_all(self.client).await?;
        Ok(rows.into_iter().map(|(node, Json(thresholds))| (node, thresholds)).collect())
    }

    /// Sets the thresholds of a machine, or of all (`*`). Schedulers go by them within five
    /// seconds.
    ///
    /// # Errors
    ///
    /// [`NodeError::Invalid`] names the field that cannot be accepted.
    pub async fn set_thresholds(self, node: &str, thresholds: &NodeThresholds) -> Result<(), NodeError> {
        name::check(node).map_err(|reason| InvalidField { field: "node", reason: reason.to_owned() })?;
        thresholds.check()?;
        sqlx::query(self.client.sql(sql!("node/thresholds_put")))
            .bind(node)
            .bind(Json(thresholds))
            .execute(self.client)
            .await
            .map_err(Error::from)?;
        Ok(())
    }

    /// Lets the thresholds of a machine, or of all (`*`), be what they were before anybody set
    /// them; false: nobody had.
    ///
    /// # Errors
    ///
    /// As [`Nodes::list`](crate::client::Nodes::list).
    pub async fn reset_thresholds(self, node: &str) -> Result<bool, Error> {
        if name::check(node).is_err() {
            return Ok(false);
        }
        let reset =
            sqlx::query(self.client.sql(sql!("node/thresholds_delete"))).bind(node).execute(self.client).await?;
        Ok(reset.rows_affected() > 0)
    }

    /// What each machine's level is to be told from.
    pub(crate) async fn figures(self) -> sqlx::Result<Vec<Figures>> {
        sqlx::query_as(self.client.sql(sql!("node/levels"))).fetch_all(self.client).await
    }

    /// Stores a level and why; false: another scheduler was first.
    pub(crate) async fn set_level(self, from: &Figures, to: NodeLevel, causes: &[String]) -> sqlx::Result<bool> {
        let changed = sqlx::query(self.client.sql(sql!("node/set_level")))
            .bind(&from.name)
            .bind(&from.level)
            .bind(&from.causes)
            .bind(to.as_str())
            .bind(causes);
        Ok(changed.fetch_optional(self.client).await?.is_some())
    }

    /// Forgets machines of which nobody has told for long.
    pub(crate) async fn prune(self, silent: Duration) -> sqlx::Result<u64> {
        let pruned = sqlx::query(self.client.sql(sql!("node/prune"))).bind(silent.as_secs_f64());
        Ok(pruned.execute(self.client).await?.rows_affected())
    }
}
