//! What rules look at: one statement a source, which answers what has at least the threshold.

use crate::alert::rule::StoredRule;
use crate::alert::severity::Severity;
use crate::alert::source::AlertSource;
use crate::client::Alerts;
use sqlx::PgConnection;

/// Maximum number of subjects that one source answers: more are no news.
const MOST: i64 = 1_000;

/// A subject, and the figure of it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Figure {
    pub(crate) subject: String,
    pub(crate) value: f64,
    pub(crate) detail: String,
}

/// A rule that holds of something.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) rule: String,
    pub(crate) source: AlertSource,
    pub(crate) subject: String,
    pub(crate) severity: Severity,
    pub(crate) value: f64,
    pub(crate) threshold: f64,
    pub(crate) detail: String,
    /// Seconds for which it has to hold.
    pub(crate) least: f64,
}

impl Figure {
    /// That a rule holds of it.
    pub(crate) fn of(&self, stored: &StoredRule) -> Seen {
        Seen {
            rule: stored.name.clone(),
            source: stored.rule.source,
            subject: self.subject.clone(),
            severity: stored.rule.severity,
            value: self.value,
            threshold: stored.rule.threshold,
            detail: self.detail.clone(),
            least: stored.rule.for_seconds,
        }
    }
}

impl Alerts<'_> {
    /// What has at least the figure `least` of a source. What is counted is counted to well above
    /// `most`.
    pub(crate) async fn figures(
        self,
        source: AlertSource,
        least: f64,
        most: f64,
        window: Option<u64>,
        db: &mut PgConnection,
    ) -> sqlx::Result<Vec<Figure>> {
        let window = window.map(|seconds| seconds as f64);
        let sql = match source {
            AlertSource::NodeLevel => sql!("alert/node_level"),
            AlertSource::Cpu | AlertSource::Memory | AlertSource::Disk => sql!("alert/node_use"),
            AlertSource::QueueDepth => sql!("alert/queue_depth"),
            AlertSource::QueueAge => sql!("alert/queue_age"),
            AlertSource::NoWorker => sql!("alert/no_worker"),
            AlertSource::FailureShare | AlertSource::KindFailureShare => sql!("alert/failure_share"),
            AlertSource::DeadLetters => sql!("alert/dead_letters"),
            AlertSource::LateJobs => sql!("alert/late_jobs"),
            AlertSource::BreakerOpen => sql!("alert/breaker_open"),
            AlertSource::LimitSaturated => sql!("alert/limit_saturated"),
            AlertSource::ScheduleLag => sql!("alert/schedule_lag"),
            AlertSource::RelayLag => sql!("alert/relay_lag"),
            AlertSource::FollowerLag => sql!("alert/follower_lag"),
            AlertSource::SnapshotAge => sql!("alert/snapshot_age"),
            AlertSource::Connections => sql!("alert/connections"),
        };
        let asked = sqlx::query_as(self.client.sql(sql)).bind(least);
        let asked = if source.about() == "installation" { asked } else { asked.bind(MOST) };
        let asked = match source {
            AlertSource::Cpu | AlertSource::Memory | AlertSource::Disk => asked.bind(source.as_str()),
            AlertSource::QueueDepth => asked.bind((most.min(1e8) * 2.0) as i64 + 1_000),
            AlertSource::FailureShare | AlertSource::KindFailureShare => {
                asked.bind(window).bind(source == AlertSource::KindFailureShare)
            }
            _ if source.has_window() => asked.bind(window),
            _ => asked,
        };
        asked.fetch_all(db).await
    }
}
