//! Layers: what wraps every handler of a worker.

use crate::job::job_error::JobError;
use crate::worker::context::Context;
use crate::worker::decode::Args;
use crate::worker::handlers::Handler;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::panic::AssertUnwindSafe;

/// Wraps every handler of a worker, as middleware does: it sees the attempt before and its result
/// after, can change the result, and can refuse the attempt by not running the rest. See
/// [`Worker::layer`](crate::Worker::layer).
///
/// A panic of the handler comes out of [`Next::run`] as an error. An attempt that has to stop (its
/// time is over, its lease was lost, its worker ends) is dropped as a whole: a layer then runs
/// nothing but its destructors.
///
/// ```
/// use ordinaut_core::worker::{Layer, Next};
/// use ordinaut_core::{Context, JobError, Outcome};
/// use std::collections::BTreeMap;
/// use std::sync::{Arc, Mutex};
///
/// /// Counts outcomes by kind.
/// #[derive(Clone, Default)]
/// struct Counts(Arc<Mutex<BTreeMap<(String, Outcome), u64>>>);
///
/// impl<S: Send + Sync + 'static> Layer<S> for Counts {
///     async fn call(&self, context: &Context<S>, next: Next<'_, S>) -> Result<(), JobError> {
///         let result = next.run().await;
///         let outcome = result.as_ref().map_or_else(JobError::outcome, |()| Outcome::Succeeded);
///         *self.0.lock().unwrap().entry((context.kind().to_owned(), outcome)).or_default() += 1;
///         result
///     }
/// }
/// # fn worker(database: ordinaut_core::Client) {
///
/// let counts = Counts::default();
/// let worker = ordinaut_core::Worker::new(database, ()).layer(counts.clone());
/// # let _ = worker;
/// # }
/// ```
pub trait Layer<S>: Send + Sync + 'static {
    /// Runs an attempt: what comes before, `next.run().await`, and what comes after.
    fn call(&self, context: &Context<S>, next: Next<'_, S>) -> impl Future<Output = Result<(), JobError>> + Send;
}

/// What a layer wraps: the layers that were added after it, and the handler.
#[must_use = "without a call of run the handler does not run"]
pub struct Next<'a, S> {
    layers: &'a [Box<dyn DynLayer<S>>],
    handler: &'a Handler<S>,
    args: &'a Args<'a>,
    context: &'a Context<S>,
}

/// A layer whose future is boxed, so that layers of any type lie in one list.
pub(crate) trait DynLayer<S>: Send + Sync {
    fn call<'a>(&'a self, context: &'a Context<S>, next: Next<'a, S>) -> BoxFuture<'a, Result<(), JobError>>;
}

impl<S: Send + Sync + 'static, L: Layer<S>> DynLayer<S> for L {
    fn call<'a>(&'a self, context: &'a Context<S>, next: Next<'a, S>) -> BoxFuture<'a, Result<(), JobError>> {
        Box::pin(Layer::call(self, context, next))
    }
}

impl<S: Send + Sync + 'static> Next<'_, S> {
    /// Runs the rest: the next layer, or the handler. Arguments that the handler cannot decode are
    /// an error too.
    ///
    /// # Errors
    ///
    /// What the handler returned or panicked with, or what a layer below made of it.
    pub async fn run(self) -> Result<(), JobError> {
        match self.layers.split_first() {
            Some((layer, layers)) => layer.call(self.context, Next { layers, ..self }).await,
            None => {
                let handler = async { self.handler.run(self.args, self.context.clone()).await };
                let result = AssertUnwindSafe(handler).catch_unwind().await;
                result.unwrap_or_else(|panic| Err(JobError::panicked(&*panic)))
            }
        }
    }
}

/// The layers of a worker, the outermost first.
pub(crate) type Layers<S> = Vec<Box<dyn DynLayer<S>>>;

/// Runs a handler within layers. Without any it costs nothing beside the handler.
pub(crate) async fn run_within<S: Send + Sync + 'static>(
    layers: &[Box<dyn DynLayer<S>>],
    handler: &Handler<S>,
    args: &Args<'_>,
    context: &Context<S>,
) -> Result<(), JobError> {
    if layers.is_empty() {
        return handler.run(args, context.clone()).await;
    }
    Next { layers, handler, args, context }.run().await
}
