//! What can be typed about executors.

use super::Format;
use clap::{Args, Subcommand};

/// `executors`, and `executors show NAME`.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Executors {
    #[command(flatten)]
    pub(crate) format: Format,
    #[command(subcommand)]
    pub(crate) verb: Option<ExecutorVerb>,
}

#[derive(Subcommand)]
pub(crate) enum ExecutorVerb {
    /// Show the arguments and the output of an executor; with --json as JSON Schemas
    Show {
        /// Its name
        name: String,
        #[command(flatten)]
        format: Format,
    },
}
