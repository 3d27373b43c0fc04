//! The listener: hears hints for a worker.

use crate::backoff::Backoff;
use crate::client::Client;
use crate::db::connect_options::ConnectOptions;
use crate::db::connection_settings::Purpose;
use crate::db::pooler::Pooler;
use crate::db::timeout::answered;
use crate::failure::silence;
use crate::notify::store::hint;
use sqlx::PgPool;
use sqlx::postgres::{PgListener, PgNotification, PgPoolOptions};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

/// Who hears of a hint.
pub(crate) trait Hearer: Send + Sync {
    /// A hint of this name came.
    fn heard(&self, name: &str);

    /// Hints may have been missed.
    fn may_have_missed(&self);
}

pub(crate) type Hears = Arc<dyn Hearer>;

/// Whom to wake by the name in a hint.
impl Hearer for BTreeMap<String, Arc<Notify>> {
    fn heard(&self, name: &str) {
        if let Some(wake) = self.get(name) {
            wake.notify_one();
        }
    }

    fn may_have_missed(&self) {
        self.values().for_each(|wake| wake.notify_one());
    }
}

/// Behind a pooler in transaction mode LISTEN succeeds and nothing is ever heard. What is heard at
/// all is heard within milliseconds.
const SELF_TEST: Duration = Duration::from_secs(2);

const DEAF: &str = "LISTEN hears nothing: jobs are found by polling, and LISTEN is tried again. Where a pooler in transaction \
                    mode is in between, DATABASE_DIRECT_URL can name a way past it";

/// Time that connecting and asking may take.
const CONNECT: Duration = Duration::from_secs(10);

/// After a silence of this length it is asked whether anything is heard at all: a wire that
/// swallows everything does not break.
const QUIET: Duration = Duration::from_secs(30);

const RETRY: Backoff = Backoff::Exponential { base: Duration::from_secs(1), cap: Duration::from_secs(30) };

/// Between two tries after nothing was heard: whatever is in between is seldom taken away.
const RETRY_DEAF: Backoff = Backoff::Exponential { base: Duration::from_secs(10), cap: Duration::from_secs(300) };

pub(crate) struct Listener {
    pub(crate) database: Client,
    pub(crate) hears: Hears,
}

impl Listener {
    /// Listens until told to stop. Without hearing anything the worker polls, as it does anyway.
    pub(crate) async fn run(self, stop: CancellationToken) {
        stop.run_until_cancelled(self.listen_for_ever()).await;
    }

    async fn listen_for_ever(self) {
        let (mut failures, mut times_deaf) = (0, 0);
        loop {
            match self.listen(&mut failures, &mut times_deaf).await {
                Ok(Deaf) => {
                    // Said once: it is tried again as long as the process lives.
                    if times_deaf == 0 {
                        warn!("{DEAF}");
                    }
                    times_deaf += 1;
                    tokio::time::sleep(RETRY_DEAF.delay(times_deaf, rand::random_range(0.5..=1.0))).await;
                }
                Err(error) => {
                    debug!(%error, "could not listen, and will try again");
                    failures += 1;
                    // Only a connection that listens learns at once that Postgres crashed: what
                    // broke it may have broken the others of this process, which are not in use.
                    self.hears.may_have_missed();
                    tokio::time::sleep(RETRY.delay(failures, rand::random())).await;
                }
            }
        }
    }

    /// Passes on what is heard until the connection breaks, which is an error.
    async fn listen(&self, failures: &mut i16, times_deaf: &mut i16) -> sqlx::Result<Deaf> {
        let address = self.database.direct_address();
        // Each time anew, because an address may lead elsewhere by now. Through a pooler it would
        // be somebody else's connection that listens, and hears what it does not understand.
        if Pooler::is_at(address).await? {
            return Ok(Deaf);
        }
        let mut listener = connect(address).await?;
        let channel = self.database.schema().channel();
        answered(CONNECT, listener.listen(channel)).await?;
        if !self.is_heard(&mut listener).await? {
            answered(CONNECT, listener.unlisten_all()).await?;
            return Ok(Deaf);
        }
        info!("listening for notifications on channel \"{channel}\"");
        (*failures, *times_deaf) = (0, 0);
        // What was told before is not told again.
        self.hears.may_have_missed();
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
        self.hears.heard(notice.payload());
    }
}

/// A connection that does not listen by itself again when it breaks: what it would be connected to
/// is looked at first.
async fn connect(address: &ConnectOptions) -> sqlx::Result<PgListener> {
    let (found, connection) = answered(CONNECT, address.connect()).await?;
    drop(connection);
    let options = PgPoolOptions::new()
        .max_connections(1)
        .after_connect(|connection, _| Box::pin(async move { Purpose::PROCESS.set(connection).await }));
    let pool: PgPool = options.connect_lazy_with(found);
    let mut listener = answered(CONNECT, PgListener::connect_with(&pool)).await?;
    listener.eager_reconnect(false);
    Ok(listener)
}

/// Nothing that is told is heard here.
struct Deaf;

/// Whether a process that listens would hear what is told in this database.
pub(crate) async fn would_hear(database: &Client) -> sqlx::Result<bool> {
    let listener = Listener { database: database.clone(), hears: Arc::new(BTreeMap::<String, Arc<Notify>>::new()) };
    let address = database.direct_address();
    if Pooler::is_at(address).await? {
        return Ok(false);
    }
    let mut connection = connect(address).await?;
    answered(CONNECT, connection.listen(database.schema().channel())).await?;
    listener.is_heard(&mut connection).await
}
