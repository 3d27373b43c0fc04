//! The book of targets: what a process knows of those that its handlers call, a second old at most.
//! While nothing fails it asks Postgres once a second for each target that is called, and writes
//! what it counted every ten.

use crate::client::Client;
use crate::db::timeout::answered;
use crate::loops::Loops;
use crate::target::definition::Target;
use crate::target::run::page::{Entry, FRESH, Next, TargetPage, Waits};
use crate::target::store::breaker::FailedCall;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{debug, warn};
use uuid::Uuid;

/// Between two writes of what was counted.
const COUNTED_EVERY: Duration = Duration::from_secs(10);

/// Longest wait for a statement.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);

/// What a call that tries a host has beside the time of the target, until another one may try it.
const TRIAL_MARGIN: Duration = Duration::from_secs(5);

/// What a process knows of targets.
pub(crate) struct TargetBook {
    client: Client,
    /// The worker's name.
    by: String,
    pages: Mutex<HashMap<String, Arc<TargetPage>>>,
    loops: Loops,
    counts: AtomicBool,
    stop: CancellationToken,
}

/// Whether a host may be called.
pub(crate) enum Entering {
    May(Entry),
    /// None takes calls now.
    Closed(Arc<Target>),
    /// Those that take calls were called.
    AllTried,
    /// There is no such target.
    Unknown,
}

impl TargetBook {
    pub(crate) fn new(client: &Client, by: &str, loops: &Loops) -> Self {
        let (pages, counts, stop) = (Mutex::default(), AtomicBool::new(false), loops.stop().child_token());
        Self { client: client.clone(), by: by.to_owned(), pages, loops: loops.clone(), counts, stop }
    }

    /// Its loop ends when this is dropped, with the worker.
    pub(crate) fn until_dropped(&self) -> DropGuard {
        self.stop.clone().drop_guard()
    }

    /// A host of a target that was not `tried`, once one may be called; waits while the process
    /// must not have another call of the host under way.
    pub(crate) async fn enter(self: &Arc<Self>, name: &str, tried: &[Arc<str>]) -> Result<Entering, sqlx::Error> {
        let page = self.page(name);
        let mut waits = Waits::new(&page);
        loop {
            let changed = page.changed.notified();
            tokio::pin!(changed);
            // Before it is looked at: what ends in between is heard.
            changed.as_mut().enable();
            let Some(target) = self.fresh(&page).await? else {
                self.pages().remove(name);
                return Ok(Entering::Unknown);
            };
            let entry = |host, trial| Entry { page: page.clone(), target: target.clone(), host, trial };
            match page.next(&target, tried, waits.host.as_ref()) {
                Next::None { tried: true } => return Ok(Entering::AllTried),
                Next::None { tried: false } => return Ok(Entering::Closed(target)),
                Next::Try(host) => {
                    if let Some(trial) = self.try_host(&page, &target, &host).await? {
                        return Ok(Entering::May(entry(host, Some(trial))));
                    }
                }
                Next::Call(host) => {
                    waits.for_host(&host);
                    if page.begin(&host) {
                        return Ok(Entering::May(entry(host, None)));
                    }
                    // What others write is looked at too.
                    tokio::time::timeout(FRESH, changed).await.ok();
                }
            }
        }
    }

    /// The target, not older than a second unless Postgres is away; `None`: there is none.
    async fn fresh(self: &Arc<Self>, page: &Arc<TargetPage>) -> Result<Option<Arc<Target>>, sqlx::Error> {
        if let Some(target) = page.fresh() {
            return Ok(target);
        }
        let _reading = page.reading.lock().await;
        if let Some(target) = page.fresh() {
            return Ok(target);
        }
        let began = Instant::now();
        match answered(STATEMENT_TIMEOUT, self.client.targets().read(&page.name)).await {
            Ok(read) => {
                if read.is_some() {
                    self.begin_to_count();
                }
                Ok(page.take(read, began))
            }
            // Handlers go on while Postgres is away.
            Err(error) => match page.stale(began) {
                Some(target) => {
                    warn!(%error, "could not look how the target {} is, and goes by what is known", page.name);
                    Ok(Some(target))
                }
                None => Err(error),
            },
        }
    }

    /// Asks whether this call may try a host.
    async fn try_host(&self, page: &TargetPage, target: &Target, host: &Arc<str>) -> Result<Option<Uuid>, sqlx::Error> {
        let (call, began) = (Uuid::new_v4(), Instant::now());
        let longest = target.timeout().saturating_add(TRIAL_MARGIN);
        let won = answered(STATEMENT_TIMEOUT, self.client.targets().try_host(&page.name, host, call, longest)).await?;
        if won.is_none() {
            // Somebody else does, or has.
            let read = answered(STATEMENT_TIMEOUT, self.client.targets().read(&page.name)).await?;
            page.take(read, began);
            return Ok(None);
        }
        page.tries(host);
        Ok(Some(call))
    }

    /// Tells all of a call that succeeded, if there is anything to tell.
    pub(crate) async fn succeeded(&self, entry: &Entry, took: Duration) {
        let tell = entry.page.succeeded(&entry.host, took) || entry.trial.is_some();
        if !tell {
            return;
        }
        let (name, host) = (&*entry.page.name, &entry.host);
        match answered(STATEMENT_TIMEOUT, self.client.targets().call_succeeded(name, host, entry.trial)).await {
            Ok(true) => entry.page.is_closed(host),
            Ok(false) => entry.page.is_doubtful(),
            Err(error) => {
                warn!(%error, "could not tell that {host} of the target {name} answers");
                entry.page.is_doubtful();
            }
        }
    }

    /// Tells all of a call that failed, and says whether a host of the target takes calls now.
    pub(crate) async fn failed(&self, entry: &Entry, reason: &str, asked: Option<Duration>) -> bool {
        let (name, host) = (&*entry.page.name, &*entry.host);
        entry.page.failed(host);
        let call = FailedCall { target: name, host, by: &self.by, reason, asked, trial: entry.trial };
        match answered(STATEMENT_TIMEOUT, self.client.targets().call_failed(&call)).await {
            Ok(Some(breaker)) => entry.page.sees(host, breaker),
            Ok(None) => entry.page.is_doubtful(),
            Err(error) => warn!(%error, "could not tell that a call of {host} of the target {name} failed"),
        }
        entry.page.takes_calls()
    }

    /// One page for a name, also for those that come at once. Names that nobody has put are
    /// forgotten when that is known.
    fn page(&self, name: &str) -> Arc<TargetPage> {
        self.pages().entry(name.to_owned()).or_insert_with(|| Arc::new(TargetPage::new(name))).clone()
    }

    fn begin_to_count(self: &Arc<Self>) {
        if !self.counts.swap(true, Ordering::AcqRel) {
            self.loops.spawn("targets", self.clone().count());
        }
    }

    async fn count(self: Arc<Self>) {
        while self.stop.run_until_cancelled(tokio::time::sleep(COUNTED_EVERY)).await.is_some() {
            self.write_counted().await;
        }
    }

    /// Writes what was counted since the last time.
    pub(crate) async fn write_counted(&self) {
        let pages: Vec<_> = self.pages().values().cloned().collect();
        let counted: Vec<_> = pages.iter().flat_map(|page| page.take_counted()).collect();
        if counted.is_empty() {
            return;
        }
        if let Err(error) = answered(STATEMENT_TIMEOUT, self.client.targets().add_counted(&counted)).await {
            debug!(%error, "could not add the calls of targets, and counts them later");
            pages.iter().for_each(|page| page.put_back(&counted));
        }
    }

    fn pages(&self) -> MutexGuard<'_, HashMap<String, Arc<TargetPage>>> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
