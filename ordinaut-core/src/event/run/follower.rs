//! A follower: reads the log of events from its own stored place on, and moves the place in the
//! transaction in which it acts on what it read.

use crate::backoff::Backoff;
use crate::client::{Client, Events};
use crate::error::{Error, InvalidField};
use crate::event::record::Event;
use crate::name;
use sqlx::{PgConnection, Postgres, Transaction};
use std::convert::Infallible;
use std::error::Error as StdError;
use std::time::Duration;
use tracing::warn;

/// Maximum number of events in one batch if nothing else is said.
const BATCH: i64 = 500;

/// Before the next look when nothing is there to be read.
const LOOK: Duration = Duration::from_millis(100);

const RETRY: Backoff = Backoff::Exponential { base: Duration::from_millis(200), cap: Duration::from_secs(10) };

/// A consumer of the log of events that deals with each event once, whatever dies: its place in the
/// log is stored, and moves in the transaction in which it acts. Any number of processes may follow
/// under one name; one of them at a time is given a batch.
///
/// [`Events::follow`] is the short way. This is the same step by step.
///
/// # Examples
///
/// ```no_run
/// # async fn example(client: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
/// let mut follower = client.events().follower("invoices")?;
/// loop {
///     let Some(mut batch) = follower.next().await? else {
///         tokio::time::sleep(std::time::Duration::from_millis(200)).await;
///         continue;
///     };
///     let (events, tx) = batch.parts();
///     for event in events {
///         sqlx::query("insert into seen values ($1)").bind(event.n).execute(&mut *tx).await?;
///     }
///     batch.commit().await?;
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Follower {
    client: Client,
    name: String,
    limit: i64,
    from_start: bool,
    known: bool,
}

/// Events that a follower was given, and the transaction in which it deals with them. Dropped
/// without [`FollowerBatch::commit`], nothing has happened, and they are given again.
#[derive(Debug)]
pub struct FollowerBatch {
    name: String,
    events: Vec<Event>,
    missed: i64,
    tx: Transaction<'static, Postgres>,
    client: Client,
}

impl Events<'_> {
    /// Follows the log of events under a name: `handler` is called with each batch of events, in
    /// their order, and a transaction. What it writes there is committed together with the
    /// follower's place in the log, so that each event counts once, even if a process dies at any
    /// moment. If the handler fails, its transaction is rolled back, and it is called again with
    /// the same events after a pause.
    ///
    /// A new name begins with what happens after it was first used; [`Events::follower`] can begin
    /// with the first event that is kept. Events that retention has pruned before they were read
    /// are missing, and a warning in the log says so.
    ///
    /// It never ends by itself, and may be dropped at any moment. While Postgres does not answer,
    /// it waits and tries again.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client) -> Result<(), ordinaut_core::Error> {
    /// use ordinaut_core::event::EventType;
    ///
    /// client
    ///     .events()
    ///     .follow("count-dead", async |events, tx| {
    ///         let dead: usize =
    ///             events.iter().filter(|event| event.r#type == EventType::Dead).map(|event| event.jobs.len()).sum();
    ///         sqlx::query("update dead_jobs set n = n + $1").bind(dead as i64).execute(tx).await
    ///     })
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the name is empty, too long, or has a control character.
    pub async fn follow<R, E: Into<Box<dyn StdError + Send + Sync>>>(
        self,
        name: &str,
        handler: impl AsyncFnMut(&[Event], &mut PgConnection) -> Result<R, E>,
    ) -> Result<Infallible, Error> {
        Ok(self.follower(name)?.run(handler).await)
    }

    /// A follower, to be asked for one batch after the other.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the name is empty, too long, or has a control character.
    pub fn follower(self, name: &str) -> Result<Follower, Error> {
        name::check(name).map_err(|reason| InvalidField { field: "name", reason: reason.to_owned() })?;
        let client = self.client.clone();
        Ok(Follower { client, name: name.to_owned(), limit: BATCH, from_start: false, known: false })
    }
}

impl Follower {
    /// A new name begins with the first event that is kept, and not with the next that happens.
    #[must_use]
    pub fn from_start(mut self) -> Self {
        self.from_start = true;
        self
    }

    /// Maximum number of events in a batch, 500 if not said. Events that name many jobs come in
    /// smaller batches.
    #[must_use]
    pub fn batch(mut self, events: u16) -> Self {
        self.limit = i64::from(events.max(1));
        self
    }

    /// The next events, if there are any, and no other process deals with this follower's events.
    /// It does not wait for them.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused a statement or could not be reached.
    pub async fn next(&mut self) -> Result<Option<FollowerBatch>, Error> {
        let client = &self.client;
        if !self.known {
            client.events().begin_follower(&self.name, self.from_start).await?;
            self.known = true;
        }
        let mut tx = client.begin().await?;
        let Some(at) = client.events().hold_follower(&mut tx, &self.name).await? else {
            // Somebody may have forgotten it.
            self.known = false;
            return Ok(None);
        };
        let events = client.events().read(&mut *tx, at, self.limit).await?;
        let Some(first) = events.first() else { return Ok(None) };
        let missed = first.n - at - 1;
        if missed > 0 && at > 0 {
            warn!(
                follower = self.name,
                "{missed} events behind number {at} were pruned before {} read them", self.name
            );
        }
        Ok(Some(FollowerBatch { name: self.name.clone(), events, missed, tx, client: client.clone() }))
    }

    /// Deals with batch after batch.
    async fn run<R, E: Into<Box<dyn StdError + Send + Sync>>>(
        mut self,
        mut handler: impl AsyncFnMut(&[Event], &mut PgConnection) -> Result<R, E>,
    ) -> Infallible {
        let mut failures = 0;
        loop {
            let pause = match self.turn(&mut handler).await {
                Ok(true) => {
                    failures = 0;
                    continue;
                }
                Ok(false) => LOOK,
                Err(error) => {
                    warn!(%error, follower = self.name, "follower {} failed, and will try again", self.name);
                    failures += 1;
                    RETRY.delay(failures, rand::random())
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// One batch; whether there was one.
    async fn turn<R, E: Into<Box<dyn StdError + Send + Sync>>>(
        &mut self,
        handler: &mut impl AsyncFnMut(&[Event], &mut PgConnection) -> Result<R, E>,
    ) -> Result<bool, Box<dyn StdError + Send + Sync>> {
        let Some(mut batch) = self.next().await? else { return Ok(false) };
        let (events, tx) = batch.parts();
        handler(events, tx).await.map_err(Into::into)?;
        batch.commit().await?;
        Ok(true)
    }
}

impl FollowerBatch {
    /// The events, in their order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Number of events before these that retention had pruned before this follower read them.
    pub fn missed(&self) -> i64 {
        self.missed
    }

    /// The events, and the transaction in which to act on them.
    pub fn parts(&mut self) -> (&[Event], &mut PgConnection) {
        (&self.events, &mut self.tx)
    }

    /// Commits what was done in the transaction, and that these events were dealt with.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused or could not be reached. If the connection broke at
    /// the commit itself it may have been done: the next batch tells.
    pub async fn commit(mut self) -> Result<(), Error> {
        if let Some(last) = self.events.last() {
            self.client.events().move_follower(&mut self.tx, &self.name, last.n).await?;
        }
        Ok(self.tx.commit().await?)
    }
}
