//! The listener: hears hints for a worker.

use super::Hears;
use crate::store::address::Address;
use crate::store::database::Database;
use crate::store::enqueue::hint;
use crate::vocabulary::backoff::Backoff;
use sqlx::PgPool;
use sqlx::postgres::{PgListener, PgPoolOptions};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

/// Behind a pooler in transaction mode LISTEN succeeds and nothing is ever heard. What is heard at all is heard within
/// milliseconds.
const SELF_TEST: Duration = Duration::from_secs(2);

const DEAF: &str = "LISTEN hears nothing behind a pooler in transaction mode: jobs are found by polling; \
                    DATABASE_DIRECT_URL can name a way past it";

const RETRY: Backoff = Backoff::Exponential { base: Duration::from_secs(1), cap: Duration::from_secs(30) };

pub(crate) struct Listener {
    pub(crate) database: Database,
    /// Past any pooler, if somebody said so; else as the database says.
    pub(crate) listen_on: Option<Address>,
    pub(crate) hears: Hears,
}

impl Listener {
    /// Listens until told to stop. Without hearing anything the worker polls, as it does anyway.
    pub(crate) async fn run(self, stop: CancellationToken) {
        stop.run_until_cancelled(self.listen_for_ever()).await;
    }

    async fn listen_for_ever(self) {
        // Behind a pooler it would be somebody else's connection that listens, and hears what it does not understand.
        if self.listen_on.is_none() && !self.database.has_direct_way().await {
            warn!("{DEAF}");
            return;
        }
        let mut failures = 0;
        loop {
            match self.listen(&mut failures).await {
                Ok(Heard::Nothing) => {
                    warn!("{DEAF}");
                    return;
                }
                Err(error) => {
                    debug!(%error, "could not listen, and will try again");
                    failures += 1;
                    tokio::time::sleep(RETRY.delay(failures, rand::random())).await;
                }
            }
        }
    }

    async fn listen(&self, failures: &mut i16) -> sqlx::Result<Heard> {
        let address = self.listen_on.as_ref().unwrap_or_else(|| self.database.direct_address());
        let (found, connection) = address.connect().await?;
        drop(connection);
        let pool: PgPool = PgPoolOptions::new().max_connections(1).connect_lazy_with(found);
        let mut listener = PgListener::connect_with(&pool).await?;
        let channel = self.database.schema().channel();
        listener.listen(channel).await?;
        let test = format!("\u{1}{}", uuid::Uuid::new_v4());
        hint(self.database.schema(), std::slice::from_ref(&test), &self.database).await?;
        let heard = async {
            while let Some(notice) = listener.try_recv().await? {
                if notice.payload() == test {
                    return Ok(true);
                }
            }
            Ok::<_, sqlx::Error>(false)
        };
        match tokio::time::timeout(SELF_TEST, heard).await {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => return Err(sqlx::Error::WorkerCrashed),
            Ok(Err(error)) => return Err(error),
            Err(_) => return Ok(Heard::Nothing),
        }
        info!("listening for hints on channel \"{channel}\"");
        *failures = 0;
        // What was told before is not told again.
        self.hears.values().for_each(|wake| wake.notify_one());
        while let Some(notice) = listener.try_recv().await? {
            if let Some(wake) = self.hears.get(notice.payload()) {
                wake.notify_one();
            }
        }
        Err(sqlx::Error::WorkerCrashed)
    }
}

/// What the self-test showed.
enum Heard {
    Nothing,
}
