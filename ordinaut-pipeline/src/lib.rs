//! Pipelines: a job as a list of steps in a document, each of which calls something, waits, or
//! enqueues. What a document means is here, pure: it is read and checked where it comes in, and
//! rendered where it runs.

mod check;
mod document;
mod dry_run;
mod expression;
mod fault;
mod instant;
mod names;
mod query;
mod render;
mod template;

pub use check::check;
pub use document::{Each, OnFailure, Pipeline, Step, Uses};
pub use dry_run::{DryRun, DryStep, dry_run};
pub use fault::Fault;
pub use names::Names;
pub use query::Query;
pub use render::{Scope, nesting};

/// The kind of job that runs a pipeline.
pub const KIND: &str = "pipeline";
