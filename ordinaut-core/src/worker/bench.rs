//! The bench: runners take leases from the buffer, run their handlers, and hand the ends in to be
//! written.

use crate::client::Client;
use crate::job::outcome::Outcome;
use crate::lease::leased::Lease;
use crate::lease::settled_attempt::Reply;
use crate::notify::notifier;
use crate::target::run::book::TargetBook;
use crate::worker::attempt::Attempt;
use crate::worker::handlers::Handlers;
use crate::worker::kept_policies::KeptPolicies;
use crate::worker::layer::Layers;
use crate::worker::options::WorkerOptions;
use crate::worker::prefetch_buffer::PrefetchBuffer;
use crate::worker::quarantine::Quarantine;
use crate::worker::reporter::Reporter;
use crate::worker::session::Session;
use crate::worker::settler::SettleRequest;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::{Notify, mpsc, oneshot};

/// What the runners share.
pub(crate) struct Bench<S> {
    pub(crate) state: Arc<S>,
    /// For handlers that settle themselves or keep a checkpoint.
    pub(crate) database: Arc<Client>,
    /// Writes what handlers say of themselves.
    pub(crate) reporter: Arc<Reporter>,
    /// What the process knows of targets.
    pub(crate) targets: Arc<TargetBook>,
    /// Ends a wait of the claimer.
    pub(crate) wake: Arc<Notify>,
    /// Wakes the folder.
    pub(crate) ended: Arc<Notify>,
    pub(crate) registry: Handlers<S>,
    pub(crate) layers: Layers<S>,
    pub(crate) options: Arc<WorkerOptions>,
    pub(crate) policies: Arc<KeptPolicies>,
    pub(crate) shelf: Arc<PrefetchBuffer>,
    pub(crate) suspects: Quarantine,
    /// The session that leases are claimed under now.
    pub(crate) session: Mutex<Option<Arc<Session>>>,
}

impl<S: Send + Sync + 'static> Bench<S> {
    /// A runner: one of as many as jobs may run at once.
    pub(crate) async fn work(self: Arc<Self>, inbox: mpsc::Sender<SettleRequest>) {
        while let Some(lease) = self.shelf.take().await {
            let started = Instant::now();
            let (waiting, reply) = self.options.settle_before_next.then(oneshot::channel).unzip();
            self.perform(lease, &inbox, waiting).await;
            if let Some(reply) = reply {
                // An error is that nothing was handed in: the lease was lost.
                reply.await.ok();
            }
            self.shelf.done(started.elapsed());
        }
    }

    /// Runs a job and hands its end in to be written. Nothing is handed in if its lease was lost.
    pub(crate) async fn perform(
        &self,
        lease: Lease,
        inbox: &mpsc::Sender<SettleRequest>,
        waiting: Option<oneshot::Sender<Reply>>,
    ) {
        let suspect = lease.suspect.then(|| lease.body.as_ref().ok().and_then(|body| body.timeout_seconds));
        let work = std::pin::pin!(async {
            // A lease of a session that is gone, or may be, is worth nothing.
            let holds = |session: &Arc<Session>| session.id == lease.token.session && session.book.holds();
            if let Some(session) = self.session().filter(holds) {
                self.perform_under(&session, lease, inbox, waiting).await;
            }
        });
        match suspect {
            Some(may_take) => self.suspects.run(may_take, work).await,
            None => work.await,
        }
    }

    async fn perform_under(
        &self,
        session: &Session,
        lease: Lease,
        inbox: &mpsc::Sender<SettleRequest>,
        waiting: Option<oneshot::Sender<Reply>>,
    ) {
        let (kind, queue, limited) = (lease.kind.clone(), lease.queue.clone(), lease.limited);
        let attempt = Attempt {
            handler: self.registry.get(&kind),
            layers: &self.layers,
            state: self.state.clone(),
            database: self.database.clone(),
            reporter: self.reporter.clone(),
            targets: self.targets.clone(),
            session,
            options: &self.options,
            kind_timeout: self.policies.timeout(&kind),
            outputs: self.policies.output(&kind),
            ended: &self.ended,
        };
        let retries = attempt.retries(&lease);
        let performed = match self.policies.put_off(&lease) {
            Some(put_off) => ControlFlow::Continue(put_off),
            None => attempt.perform(lease, retries).await,
        };
        match performed {
            ControlFlow::Continue(attempt) => {
                let book = session.book.clone();
                let waiting = waiting.into();
                let request = SettleRequest { attempt, retries, kind, queue, limited, book, waiting };
                // The settler goes last: it waits until every inbox is closed.
                inbox.send(request).await.ok();
            }
            ControlFlow::Break(reply) => {
                if reply != Reply::LeaseLost {
                    self.settled_itself(session, &queue, limited);
                }
                // A step may have stopped waiting.
                waiting.map(|waiting| waiting.send(reply).ok());
            }
        }
    }

    /// A handler has settled its attempt, in a transaction of its own.
    fn settled_itself(&self, session: &Session, queue: &Arc<str>, limited: bool) {
        session.book.ended(queue, Outcome::Succeeded, 1);
        if limited {
            // What waits for its room may have it, here and elsewhere.
            self.wake.notify_one();
            notifier::tell(&self.database, [&**queue]);
        }
    }

    pub(crate) fn session(&self) -> Option<Arc<Session>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_session(&self, session: Option<Arc<Session>>) {
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = session;
    }
}
