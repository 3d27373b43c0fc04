//! Handlers by kind.

use crate::backoff::Backoff;
use crate::job::Job;
use crate::job::job_error::JobError;
use crate::worker::context::Context;
use crate::worker::decode::Args;
use futures_util::future::BoxFuture;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

type Run<S> = dyn Fn(&Args<'_>, Context<S>) -> BoxFuture<'static, Result<(), JobError>> + Send + Sync;

/// A function that does one kind of job, behind the decoding of its arguments.
pub(crate) struct Handler<S> {
    pub(crate) backoff: Option<Backoff>,
    /// Time after which a job is stalled, and whether it is cancelled then.
    pub(crate) stalls: Option<(Duration, bool)>,
    run: Box<Run<S>>,
}

pub(crate) struct Handlers<S> {
    handlers: BTreeMap<&'static str, Arc<Handler<S>>>,
}

impl<S> Default for Handlers<S> {
    fn default() -> Self {
        Self { handlers: BTreeMap::new() }
    }
}

impl<S: Send + Sync + 'static> Handlers<S> {
    pub(crate) fn add<J, F, R, T>(&mut self, handler: F)
    where
        J: Job,
        F: Fn(J, Context<S>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<T, JobError>> + Send + 'static,
        T: Serialize + 'static,
    {
        let run = move |args: &Args<'_>, context: Context<S>| -> BoxFuture<'static, Result<(), JobError>> {
            match args.decode::<J>() {
                Ok(job) => context.keep_output_of(|context| handler(job, context)),
                Err(error) => Box::pin(std::future::ready(Err(error))),
            }
        };
        let stalls = J::STALLS_AFTER.map(|after| (after, J::CANCEL_STALLED));
        let handler = Arc::new(Handler { backoff: J::BACKOFF, stalls, run: Box::new(run) });
        for kind in [J::KIND].iter().chain(J::ALIASES) {
            assert!(self.handlers.insert(kind, handler.clone()).is_none(), "two handlers for jobs of kind {kind:?}");
        }
    }

    pub(crate) fn get(&self, kind: &str) -> Option<Arc<Handler<S>>> {
        self.handlers.get(kind).cloned()
    }

    pub(crate) fn kinds(&self) -> Vec<String> {
        self.handlers.keys().map(|kind| (*kind).to_owned()).collect()
    }
}

impl<S> Handler<S> {
    pub(crate) fn run(&self, args: &Args<'_>, context: Context<S>) -> BoxFuture<'static, Result<(), JobError>> {
        (self.run)(args, context)
    }
}
