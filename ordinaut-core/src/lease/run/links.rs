//! Links: a few connections for the leases of many sessions, each looked at after it was made.

use crate::client::Client;
use crate::db::dedicated_connection::DedicatedConnection;
use crate::error::Error;
use crate::lease::claim_request::ClaimRequest;
use crate::lease::leased::Lease;
use crate::lease::restart_pause::RestartPause;
use crate::lease::store::Leases;
use crate::lease::store::claim::Claimed;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, SemaphorePermit};
use tracing::info;

/// A statement that takes longer found nobody who answers.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A few connections for the leases of many sessions, for a program that serves them: what is sent
/// over one of them takes a round trip, and over the pool three.
///
/// Claims are not durable. After a restart, a promotion or a crash of Postgres nobody claims over
/// these until it has taken writes for two seconds, as workers do: handlers whose leases were lost
/// have the time to stop. No claim goes over a connection that was not asked for this, so that none
/// can come too early.
#[derive(Debug)]
pub struct LeaseLinks {
    places: Semaphore,
    free: Mutex<Vec<DedicatedConnection>>,
    restart: Mutex<RestartPause>,
}

impl LeaseLinks {
    /// Up to `number` connections, which are made when they are needed; `name` is for people who
    /// look at Postgres' list of them.
    pub fn new(client: &Client, name: &str, number: usize) -> Self {
        let link = |_| DedicatedConnection::new(client, &format!("ordinaut-leases/{name}"), TIMEOUT);
        Self {
            places: Semaphore::new(number.max(1)),
            free: Mutex::new((0..number.max(1)).map(link).collect()),
            restart: Mutex::default(),
        }
    }

    /// Sends a statement over one of the connections, once one is free.
    ///
    /// # Errors
    ///
    /// Those of the statement; [`Error::Database`] if Postgres could not be reached.
    pub async fn run<T>(&self, statement: impl AsyncFnOnce(Leases<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let mut link = self.link().await?;
        Ok(link.run(async |schema, to| statement(Leases::on(schema, to)).await).await?)
    }

    /// As [`Leases::claim`]; `None`: Postgres was restarted, and nobody claims before [this
    /// pause](Self::pause) is over.
    ///
    /// # Errors
    ///
    /// As [`Leases::claim`].
    pub async fn claim(&self, request: &ClaimRequest<'_>) -> Result<Option<Claimed>, Error> {
        let mut link = self.link().await?;
        if self.pause().is_some() {
            return Ok(None);
        }
        Ok(Some(link.run(async |schema, to| Leases::on(schema, to).claim(request).await).await?))
    }

    /// As [`Leases::claim_placed`], after those that came back are set apart; none while nobody
    /// claims.
    ///
    /// # Errors
    ///
    /// As [`Leases::claim`].
    pub async fn claim_placed(&self, request: &ClaimRequest<'_>) -> Result<Vec<Lease>, Error> {
        if request.eligibility.satisfied.is_empty() || self.pause().is_some() {
            return Ok(Vec::new());
        }
        let mut link = self.link().await?;
        if self.pause().is_some() {
            return Ok(Vec::new());
        }
        link.run(async |schema, to| Leases::on(schema, to).set_apart_due().await).await?;
        if request.eligibility.demands.is_empty() {
            return Ok(Vec::new());
        }
        Ok(link.run(async |schema, to| Leases::on(schema, to).claim_placed(request).await).await?)
    }

    /// Time until the next claim may be made; `None`: now.
    pub fn pause(&self) -> Option<Duration> {
        self.restart().left(Instant::now())
    }

    /// One of the connections, which is there, and which Postgres was asked over since when it
    /// takes writes.
    pub(crate) async fn link(&self) -> sqlx::Result<Link<'_>> {
        let place = self.places.acquire().await.map_err(|_| sqlx::Error::PoolClosed)?;
        let taken = self.free().pop();
        let mut link = Link { of: self, link: Some(taken.ok_or(sqlx::Error::PoolClosed)?), _place: place };
        if !link.is_connected() {
            let after = link.run(async |schema, to| Leases::on(schema, to).after_restart(&[]).await).await?;
            let (pause, _) = self.restart().connected(&after, Instant::now());
            if !pause.is_zero() {
                info!("Postgres was restarted or promoted, or crashed: the next claim is in {} ms", pause.as_millis());
            }
        }
        Ok(link)
    }

    fn free(&self) -> MutexGuard<'_, Vec<DedicatedConnection>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn restart(&self) -> MutexGuard<'_, RestartPause> {
        self.restart.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that somebody uses; dropped, it is free for the next one.
pub(crate) struct Link<'a> {
    of: &'a LeaseLinks,
    link: Option<DedicatedConnection>,
    _place: SemaphorePermit<'a>,
}

impl Deref for Link<'_> {
    type Target = DedicatedConnection;

    fn deref(&self) -> &DedicatedConnection {
        self.link.as_ref().expect("it is there until it is dropped")
    }
}

impl DerefMut for Link<'_> {
    fn deref_mut(&mut self) -> &mut DedicatedConnection {
        self.link.as_mut().expect("it is there until it is dropped")
    }
}

/// Before its place is free again, so that the next one that gets the place finds it.
impl Drop for Link<'_> {
    fn drop(&mut self) {
        self.of.free().extend(self.link.take());
    }
}
