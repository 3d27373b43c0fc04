//! The rules are evaluated: what holds is an alert, what has held for long enough fires, and what
//! does not hold any more is over.

use crate::alert::notice;
use crate::alert::record::Alert;
use crate::alert::rule::{AlertRule, StoredRule};
use crate::alert::source::AlertSource;
use crate::alert::store::source::{Figure, Seen};
use crate::client::Alerts;
use crate::error::Error;
use crate::job::enqueue_error::EnqueueError;
use crate::job::new_job::NewJob;
use crate::notify::notifier;
use sqlx::{Acquire, PgConnection};
use std::collections::BTreeMap;
use std::time::Duration;
use tracing::{info, warn};

/// What one statement finds for all rules that look at the same: its source, and the time that it
/// looks at.
type Group = (AlertSource, Option<u64>);

impl Alerts<'_> {
    /// Evaluates all rules, as a [`Scheduler`](crate::Scheduler) does every five seconds. False:
    /// another process is at it. Any number may call it at once.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused a statement or could not be reached; then nothing is
    /// changed.
    pub async fn evaluate(self) -> Result<bool, Error> {
        self.evaluate_after(Duration::ZERO).await
    }

    /// The same, unless that was done in the last `rest`.
    pub(crate) async fn evaluate_after(self, rest: Duration) -> Result<bool, Error> {
        let mut tx = self.client.begin_by_key().await?;
        // Held until the commit: what was looked at is not older than what another process has
        // written.
        if !self.take_turn(rest, &mut tx).await? {
            return Ok(false);
        }
        let (mut rules, mut unknown) = self.stored_rules(None, &mut *tx).await?;
        rules.retain(|stored| stored.rule.enabled);
        let seen = self.look(&rules, &mut unknown, &mut tx).await?;
        let mut told = Vec::new();
        if !seen.is_empty() {
            self.see(&seen, &mut tx).await?;
            for alert in self.fire(&seen, &mut tx).await? {
                warn!(alert.rule, alert.subject, "alert {} fires: {}", alert.rule, alert.summary());
            }
            told = self.untold(&mut tx).await?;
        }
        for alert in self.clear(&unknown, &seen, &mut tx).await? {
            info!(alert.rule, alert.subject, "alert {} about {} is over", alert.rule, alert.subject);
            if alert.told_at.is_some() && !alert.silenced {
                told.push(alert);
            }
        }
        let jobs = jobs(&rules, &told);
        if !jobs.is_empty() {
            self.client.in_tx(&mut tx).enqueue_many(&jobs).await.map_err(|error| match error {
                EnqueueError::Database(error) => error,
                other => Error::from(sqlx::Error::Encode(other.into())),
            })?;
        }
        tx.commit().await?;
        notifier::tell(self.client, jobs.iter().map(NewJob::queue_name));
        Ok(true)
    }

    /// What holds now. The names of rules of which that cannot be told are added to `unknown`.
    async fn look(
        self,
        rules: &[StoredRule],
        unknown: &mut Vec<String>,
        tx: &mut PgConnection,
    ) -> sqlx::Result<Vec<Seen>> {
        let mut groups: BTreeMap<Group, Vec<&StoredRule>> = BTreeMap::new();
        for stored in rules {
            // To the second: a longer time is none of what rules ask for.
            let window = stored.rule.seconds().map(|seconds| seconds as u64);
            groups.entry((stored.rule.source, window)).or_default().push(stored);
        }
        let mut seen = Vec::new();
        for ((source, window), rules) in groups {
            let least = rules.iter().map(|stored| stored.rule.threshold).fold(f64::INFINITY, f64::min);
            let most = rules.iter().map(|stored| stored.rule.threshold).fold(0.0, f64::max);
            // What one source cannot answer must keep none of the others from it.
            let mut point = tx.begin().await?;
            match self.figures(source, least, most, window, &mut point).await {
                Ok(figures) => {
                    point.commit().await?;
                    let of_rule = |stored: &&StoredRule| -> Vec<Seen> {
                        figures
                            .iter()
                            .filter(|figure| holds(&stored.rule, figure))
                            .map(|figure| figure.of(stored))
                            .collect()
                    };
                    seen.extend(rules.iter().flat_map(of_rule));
                }
                Err(error) => {
                    point.rollback().await?;
                    warn!(%error, "could not look at {source} for alerts; will retry");
                    unknown.extend(rules.iter().map(|stored| stored.name.clone()));
                }
            }
        }
        Ok(seen)
    }
}

fn holds(rule: &AlertRule, figure: &Figure) -> bool {
    figure.value >= rule.threshold && rule.subject.as_ref().is_none_or(|subject| *subject == figure.subject)
}

/// The jobs that tell of alerts. One that cannot be made keeps no other from it.
fn jobs(rules: &[StoredRule], told: &[Alert]) -> Vec<NewJob> {
    let mut made = Vec::new();
    for alert in told {
        let Some(stored) = rules.iter().find(|stored| stored.name == alert.rule) else { continue };
        let jobs = notice::jobs(alert, &stored.rule).map_err(|error| error.to_string());
        let checked = jobs.and_then(|jobs| {
            jobs.iter().try_for_each(NewJob::check).map_err(|invalid| invalid.to_string())?;
            Ok(jobs)
        });
        match checked {
            Ok(jobs) => made.extend(jobs),
            Err(reason) => warn!(alert.rule, "nobody is told of alert {}: {reason}", alert.id),
        }
    }
    made
}
