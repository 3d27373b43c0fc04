//! The listener: hears hints for a worker.

use super::Hears;
use crate::store::address::Address;
use crate::store::database::Database;
use crate::store::enqueue::hint;
use crate::store::failure::silence;
use crate::store::link::answered;
use crate::vocabulary::backoff::Backoff;
use sqlx::PgPool;
use sqlx::postgres::{PgListener, PgNotification, PgPoolOptions};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

/// Behind a pooler in transaction mode LISTEN succeeds and nothing is ever heard. What is heard at all is heard within
/// milliseconds.
const SELF_TEST: Duration = Duration::from_secs(2);

const DEAF: &str = "LISTEN hears nothing behind a pooler in transaction mode: jobs are found by polling; \
                    DATABASE_DIRECT_URL can name a way past it";

/// As long as connecting and asking may take.
const CONNECT: Duration = Duration::from_secs(10);

/// After so long a silence it is asked whether anything is heard at all: a wire that swallows everything does not break.
const QUIET: Duration = Duration::from_secs(30);

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
        let (found, connection) = answered(CONNECT, address.connect()).await?;
        drop(connection);
        let pool: PgPool = PgPoolOptions::new().max_connections(1).connect_lazy_with(found);
        let mut listener = answered(CONNECT, PgListener::connect_with(&pool)).await?;
        let channel = self.database.schema().channel();
        answered(CONNECT, listener.listen(channel)).await?;
        if !self.is_heard(&mut listener).await? {
            return Ok(Heard::Nothing);
        }
        info!("listening for hints on channel \"{channel}\"");
        *failures = 0;
        // What was told before is not told again.
        self.hears.values().for_each(|wake| wake.notify_one());
        loop {
            match tokio::time::timeout(QUIET, listener.try_recv()).await {
                Ok(notice) => self.pass_on(&notice?.ok_or(sqlx::Error::WorkerCrashed)?),
                Err(_) if self.is_heard(&mut listener).await? => {}
                Err(_) => return Err(silence(QUIET)),
            }
        }
    }

    /// Whether what is told on the channel is heard.
    async fn is_heard(&self, listener: &mut PgListener) -> sqlx::Result<bool> {
        let test = format!("\u{1}{}", uuid::Uuid::new_v4());
        let told = hint(self.database.schema(), std::slice::from_ref(&test), &self.database);
        answered(CONNECT, told).await?;
        let heard = async {
            loop {
                let notice = listener.try_recv().await?.ok_or(sqlx::Error::WorkerCrashed)?;
                if notice.payload() == test {
                    return Ok(true);
                }
                self.pass_on(&notice);
            }
        };
        tokio::time::timeout(SELF_TEST, heard).await.unwrap_or(Ok(false))
    }

    fn pass_on(&self, notice: &PgNotification) {
        if let Some(wake) = self.hears.get(notice.payload()) {
            wake.notify_one();
        }
    }
}

/// What the self-test showed.
enum Heard {
    Nothing,
}
