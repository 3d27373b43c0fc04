//! The database at the start of a process: wait for it, and make its schema ready.

use crate::settings::database::DatabaseSettings;
use backon::{ExponentialBuilder, Retryable};
use ordinaut_core::Client;
use ordinaut_core::Error;
use ordinaut_core::db::SchemaError;
use ordinaut_core::error::Consequence;
use ordinaut_core::program::{Chain, is_connection_limit};
use std::time::{Duration, Instant};
use tracing::{info, warn};

/// The same reason is said again after so long.
const SAY_EVERY: Duration = Duration::from_secs(10);

/// Connects, brings the schema forward, and returns the pool. What will pass, and what another
/// person can mend, is waited for, however long it takes: a Postgres that is not there or full, a
/// password that it refuses, rows that are hidden. An error is what only another configuration or
/// another binary mends.
pub async fn open_database(settings: &DatabaseSettings, name: &str) -> Result<Client, SchemaError> {
    let patience = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(Duration::from_secs(5))
        // Processes that start together come apart.
        .with_jitter()
        .without_max_times();
    let mut said = Said::default();
    let open = || try_to_open(settings, name);
    open.retry(patience)
        .when(is_waited_for)
        .notify(|error, _| {
            let text = sentence(error);
            if said.is_to_be_said(&text, Instant::now()) {
                warn!("waiting for Postgres: {text}");
            }
        })
        .await
}

/// One connection at a time: where Postgres allows few, another process may need the next.
async fn try_to_open(settings: &DatabaseSettings, name: &str) -> Result<Client, SchemaError> {
    let direct = settings.connect_directly(name).await?;
    let migrated = async {
        direct.must_be_usable().await?;
        direct.migrate().await
    };
    let migrated = migrated.await;
    direct.pool().close().await;
    let migrated = migrated?;
    if migrated.from != migrated.to {
        info!("migrated schema \"{}\" from version {} to {}", settings.schema(), migrated.from, migrated.to);
    }
    let database = settings.connect(name).await?;
    database.must_be_usable().await?;
    if let Some(doubt) = settings.zone_doubt(&database.time_zone().await?) {
        warn!("{doubt}");
    }
    Ok(database)
}

fn is_waited_for(error: &SchemaError) -> bool {
    matches!(error, SchemaError::Obstacle(_))
        || error.failure().is_some_and(|kind| kind.at_start() == Consequence::Retry)
}

/// What is wrong, in one line.
fn sentence(error: &SchemaError) -> String {
    let text = Chain(error).to_string();
    match error {
        SchemaError::Database(Error::Database(error)) if is_connection_limit(error) => {
            format!("Postgres allows no more connections (max_connections, the role's or the database's limit): {text}")
        }
        _ => text,
    }
}

/// What was said last, and when.
#[derive(Default)]
struct Said(Option<(String, Instant)>);

impl Said {
    fn is_to_be_said(&mut self, text: &str, now: Instant) -> bool {
        if self.0.as_ref().is_some_and(|(last, at)| last == text && now < *at + SAY_EVERY) {
            return false;
        }
        self.0 = Some((text.to_owned(), now));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_said_at_once_and_then_each_ten_seconds() {
        let (mut said, start) = (Said::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        let told: Vec<_> = [(0, "away"), (1, "away"), (2, "full"), (11, "full"), (12, "full")]
            .iter()
            .map(|&(seconds, text)| said.is_to_be_said(text, after(seconds)))
            .collect();
        assert_eq!(told, [true, false, true, false, true]);
    }
}
