//! How deep the queues are and how many tasks there are. Counting reads every row of `due_work`:
//! what was counted serves others for a while.

use crate::auth::Caller;
use crate::cached::{Cached, fresh_for};
use crate::problem::Problem;
use chrono::{DateTime, Utc};
use ordinaut_core::Client;
use ordinaut_core::Error;
use ordinaut_core::db::Page;
use ordinaut_core::error::FailureKind;
use ordinaut_core::policy::StoredPolicy;
use ordinaut_core::queue::QueueStatus;
use ordinaut_core::task::TaskCount;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tracing::error;

/// Prometheus, its twin and a dashboard may all ask at once. Shorter than the usual 15 s between
/// two scrapes, so that each of one server's sees fresh numbers.
const FRESH: Duration = Duration::from_secs(10);

/// Number of jobs that are counted so quickly that nobody needs an old count.
const FEW: i64 = 50_000;

/// Maximum number of pages that are remembered: what differs between them comes from clients.
const MOST: usize = 500;

pub(crate) struct Depths {
    database: Client,
    /// An error is why Postgres did not answer.
    last: Cached<Result<Arc<Counted>, FailureKind>>,
    pages: Mutex<Pages>,
}

/// What was counted.
pub(crate) struct Counted {
    pub(crate) queues: Vec<QueueStatus>,
    pub(crate) tasks: Vec<TaskCount>,
    pub(crate) policies: Vec<StoredPolicy>,
}

/// A page of queues, and when they were counted.
#[derive(Clone)]
pub(crate) struct CountedPage {
    pub(crate) page: Page<QueueStatus, String>,
    pub(crate) at: DateTime<Utc>,
}

/// Pages that were counted while the settings of all queues were the same: a pause shows at once.
#[derive(Default)]
struct Pages {
    settings: String,
    counted: HashMap<Asked, Arc<Cached<Result<CountedPage, FailureKind>>>>,
}

/// What tells one page from another: who sees it, and where it begins and ends.
#[derive(PartialEq, Eq, Hash)]
struct Asked {
    tenant: Option<String>,
    queues: Option<Vec<String>>,
    limit: i64,
    after: Option<String>,
}

impl Depths {
    pub(crate) fn new(database: Client) -> Self {
        Self { database, last: Cached::default(), pages: Mutex::default() }
    }

    /// Every queue and all tasks, as they were at most 10 seconds ago.
    pub(crate) async fn counted(&self) -> Result<Arc<Counted>, Problem> {
        Ok(self.last.get(is_fresh, count(self.database.clone())).await?)
    }

    /// The same, or as they were at most a minute ago where there are many and counting takes long.
    pub(crate) async fn counted_soon(&self) -> Result<Arc<Counted>, Problem> {
        Ok(self
            .last
            .get_soon(|counted| are_many(&counted.queues), is_fresh_enough, count(self.database.clone()))
            .await?)
    }

    /// A page of queues that somebody sees: as they are, or as they were at most a minute ago where
    /// there are many jobs.
    pub(crate) async fn page(
        &self,
        caller: &Caller,
        limit: i64,
        after: Option<String>,
    ) -> Result<CountedPage, Problem> {
        let settings = caller.data.queues().settings_version().await?;
        let access = &caller.access;
        let asked = Asked { tenant: access.tenant.clone(), queues: access.queues.clone(), limit, after: after.clone() };
        let cached = self.cached(settings, asked);
        let data = caller.data.clone();
        let look = async move {
            let page = data.queues().list(limit, after.as_deref()).await.map_err(|error| told(&error))?;
            Ok(CountedPage { page, at: Utc::now() })
        };
        let fresh = |page: &Result<CountedPage, _>, took: Duration| match page {
            Ok(counted) if are_many(&counted.page) => fresh_for(took),
            _ => Duration::ZERO,
        };
        Ok(cached.get_soon(|counted| are_many(&counted.page), fresh, look).await?)
    }

    fn cached(&self, settings: String, asked: Asked) -> Arc<Cached<Result<CountedPage, FailureKind>>> {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        if pages.settings != settings || pages.counted.len() >= MOST {
            *pages = Pages { settings, counted: HashMap::new() };
        }
        pages.counted.entry(asked).or_default().clone()
    }
}

fn are_many(queues: &[QueueStatus]) -> bool {
    let jobs = |queue: &QueueStatus| queue.scheduled + queue.waiting + queue.running;
    queues.iter().map(jobs).sum::<i64>() > FEW
}

fn is_fresh(counted: &Result<Arc<Counted>, FailureKind>, _: Duration) -> Duration {
    if counted.is_ok() { FRESH } else { Duration::ZERO }
}

fn is_fresh_enough(counted: &Result<Arc<Counted>, FailureKind>, took: Duration) -> Duration {
    if counted.is_ok() { fresh_for(took).max(FRESH) } else { Duration::ZERO }
}

async fn count(database: Client) -> Result<Arc<Counted>, FailureKind> {
    let counted = async {
        Ok(Counted {
            queues: database.queues().all().await?,
            tasks: database.tasks().counts().await?,
            policies: database.policies().list().await?,
        })
    };
    counted.await.map(Arc::new).map_err(|error| told(&error))
}

fn told(error: &Error) -> FailureKind {
    error!(%error, "could not count jobs and tasks: {error}");
    error.kind()
}
