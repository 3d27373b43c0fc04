//! The database at the start of a process: wait for it, and make its schema ready.

use crate::settings::database::DatabaseSettings;
use crate::store::database::Database;
use crate::store::failure::Consequence;
use crate::store::migrate::SchemaError;
use crate::vocabulary::error::Chain;
use backon::{ExponentialBuilder, Retryable};
use std::time::Duration;
use tracing::{info, warn};

/// Connects, brings the schema forward, and returns the pool. What can pass, or another person can mend, is waited
/// for, however long it takes; a schema that this binary cannot use is an error.
pub async fn open_database(settings: &DatabaseSettings, name: &str) -> Result<Database, SchemaError> {
    let patience = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(Duration::from_secs(5))
        .without_max_times();
    let open = || async {
        let direct = settings.connect_directly(name).await?;
        let migrated = direct.migrate().await;
        direct.pool().close().await;
        Ok((migrated?, settings.connect(name).await?))
    };
    let (migrated, database) = open
        .retry(patience)
        .when(may_pass)
        .notify(|error, after| {
            warn!("waiting for Postgres, looking again in {} ms: {}", after.as_millis(), Chain(error))
        })
        .await?;
    if migrated.from != migrated.to {
        info!("migrated schema \"{}\" from version {} to {}", settings.schema(), migrated.from, migrated.to);
    }
    Ok(database)
}

fn may_pass(error: &SchemaError) -> bool {
    error.failure().is_some_and(|kind| kind.at_start() == Consequence::Retry)
}
