//! Handlers by kind.

use super::context::Context;
use crate::job::Job;
use crate::vocabulary::backoff::Backoff;
use crate::vocabulary::error::JobError;
use futures_util::future::BoxFuture;
use std::collections::BTreeMap;
use std::sync::Arc;

type Run<S> = dyn Fn(&str, Context<S>) -> BoxFuture<'static, Result<(), JobError>> + Send + Sync;

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
        let run = move |args: &str, context| -> BoxFuture<'static, Result<(), JobError>> {
            match decode::<J>(args) {
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
    pub(super) fn run(&self, args: &str, context: Context<S>) -> BoxFuture<'static, Result<(), JobError>> {
        (self.run)(args, context)
    }
}

/// Arguments that do not decode never will: the job is dead at once, and the error names the field.
fn decode<J: Job>(args: &str) -> Result<J, JobError> {
    let mut reader = serde_json::Deserializer::from_str(args);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let field = match error.path().to_string() {
            path if path == "." => "args".to_owned(),
            path => format!("args.{path}"),
        };
        // The place is one in Postgres' own writing of the arguments, which nobody can look at.
        let (error, place) =
            (error.inner(), format!(" at line {} column {}", error.inner().line(), error.inner().column()));
        let reason = error.to_string();
        JobError::fatal(format!("{field} could not be decoded: {}", reason.strip_suffix(&place).unwrap_or(&reason)))
    })
}
