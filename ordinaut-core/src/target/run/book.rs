//! The book of targets: what a process knows of those that its handlers call, a second old at most.
//! While nothing fails it asks Postgres once a second for each target that is called, and writes
//! what it counted every ten.

use crate::client::Client;
use crate::db::timeout::answered;
use crate::lease::token::Token;
use crate::loops::Loops;
use crate::target::definition::Target;
use crate::target::run::page::{Entry, FRESH, Next, TargetPage, Waits};
use crate::target::run::turn::{CallWithTurn, STATEMENT_TIMEOUT, Turn, give_all_back};
use crate::target::store::breaker::FailedCall;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{debug, warn};
use uuid::Uuid;

/// Between two writes of what was counted.
const COUNTED_EVERY: Duration = Duration::from_secs(10);

/// What a call that tries a host has beside the time of the target, until another one may try it.
pub(crate) const TRIAL_MARGIN: Duration = Duration::from_secs(5);

/// What a process knows of targets.
pub(crate) struct TargetBook {
    client: Client,
    /// The worker's name.
    by: String,
    pages: Mutex<HashMap<String, Arc<TargetPage>>>,
    loops: Loops,
    counts: AtomicBool,
    /// Turns of calls that ended.
    ended: mpsc::UnboundedSender<CallWithTurn>,
    /// Until something gives them back.
    to_give_back: Mutex<Option<mpsc::UnboundedReceiver<CallWithTurn>>>,
    stop: CancellationToken,
}

/// Whether a host may be called.
pub(crate) enum Entering {
    May(Entry),
    /// None takes calls now.
    Closed(Arc<Target>),
    /// Its limits leave no room.
    Full,
    /// Those that take calls were called.
    AllTried,
    /// There is no such target.
    Unknown,
}

impl TargetBook {
    pub(crate) fn new(client: &Client, by: &str, loops: &Loops) -> Self {
        let (pages, counts, stop) = (Mutex::default(), AtomicBool::new(false), loops.stop().child_token());
        let (ended, given_back) = mpsc::unbounded_channel();
        let (client, by, loops, to_give_back) =
            (client.clone(), by.to_owned(), loops.clone(), Mutex::new(Some(given_back)));
        Self { client, by, pages, loops, counts, ended, to_give_back, stop }
    }

    /// Its loops end when this is dropped, with the worker.
    pub(crate) fn until_dropped(&self) -> DropGuard {
        self.stop.clone().drop_guard()
    }

    /// A host of a target that was not `tried`, once one may be called; waits while the process
    /// must not have another call of the host under way, and for a turn of a target with limits,
    /// unless the call has one already.
    pub(crate) async fn enter(
        self: &Arc<Self>,
        name: &str,
        tried: &[Arc<str>],
        attempt: Token,
        mut turn: Option<Turn>,
    ) -> Result<Entering, sqlx::Error> {
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
            let entry = |host, trial, turn: Option<Turn>| {
                let (page, target, turn) = (page.clone(), target.clone(), turn.unwrap_or_default());
                Entering::May(Entry { page, target, host, trial, turn })
            };
            let next = page.next(&target, tried, waits.host.as_ref());
            if let Next::Call(host) = &next {
                waits.for_host(host);
            }
            if target.is_limited() && turn.is_none() && !matches!(next, Next::None { .. }) {
                self.begin_to_give_back();
                turn = page.turns.turn(&self.client, &target, attempt, &self.ended).await?;
                if turn.is_none() {
                    return Ok(Entering::Full);
                }
                // It may have waited, and the host may take no calls any more.
                continue;
            }
            match next {
                Next::None { tried: true } => return Ok(Entering::AllTried),
                Next::None { tried: false } => return Ok(Entering::Closed(target)),
                Next::Try(host) => {
                    if let Some(trial) = self.try_host(&page, &target, &host).await? {
                        return Ok(entry(host, Some(trial), turn));
                    }
                }
                Next::Call(host) => {
                    if page.begin(&host) {
                        return Ok(entry(host, None, turn));
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

    fn begin_to_give_back(self: &Arc<Self>) {
        let taken = self.to_give_back.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ended) = taken {
            let book = self.clone();
            self.loops.spawn("turns of targets", async move {
                let is_freed = |target: &str| book.page(target).turns.is_freed();
                book.stop.run_until_cancelled(give_all_back(&book.client, ended, is_freed)).await;
            });
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
