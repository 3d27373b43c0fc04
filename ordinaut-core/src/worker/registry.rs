//! Handlers by kind.

use super::args::Args;
use super::context::Context;
use crate::job::Job;
use crate::vocabulary::backoff::Backoff;
use crate::vocabulary::error::JobError;
use futures_util::future::BoxFuture;
use std::collections::BTreeMap;
use std::sync::Arc;

type Run<S> = dyn Fn(&Args<'_>, Context<S>) -> BoxFuture<'static, Result<(), JobError>> + Send + Sync;

/// A function that does one kind of job, behind the decoding of its arguments.
pub(super) struct Handler<S> {
    pub(super) backoff: Option<Backoff>,
    run: Box<Run<S>>,
}

pub(super) struct Registry<S> {
    handlers: BTreeMap<&'static str, Arc<Handler<S>>>,
}

impl<S> Default for Registry<S> {
    fn default() -> Self {
        Self { handlers: BTreeMap::new() }
    }
}

impl<S: Send + Sync + 'static> Registry<S> {
    pub(super) fn add<J, F, R>(&mut self, handler: F)
    where
        J: Job,
        F: Fn(J, Context<S>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        let run = move |args: &Args<'_>, context| -> BoxFuture<'static, Result<(), JobError>> {
            match args.decode::<J>() {
                Ok(job) => Box::pin(handler(job, context)),
                Err(error) => Box::pin(std::future::ready(Err(error))),
            }
        };
        let handler = Arc::new(Handler { backoff: J::BACKOFF, run: Box::new(run) });
        assert!(self.handlers.insert(J::KIND, handler).is_none(), "two handlers for jobs of kind {:?}", J::KIND);
    }

    pub(super) fn get(&self, kind: &str) -> Option<Arc<Handler<S>>> {
        self.handlers.get(kind).cloned()
    }

    pub(super) fn kinds(&self) -> Vec<String> {
        self.handlers.keys().map(|kind| (*kind).to_owned()).collect()
    }
}

impl<S> Handler<S> {
    pub(super) fn run(&self, args: &Args<'_>, context: Context<S>) -> BoxFuture<'static, Result<(), JobError>> {
        (self.run)(args, context)
    }
}
