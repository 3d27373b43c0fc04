//! What can be typed about workers.

use super::Format;
use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum Worker {
    /// List workers
    List(Format),
    /// Show a worker, and the jobs that it runs
    Show(OneWorker),
    /// Stop leasing jobs, also after a restart of the worker; running jobs end
    Drain(OneWorker),
    /// Lease jobs again
    Undrain(OneWorker),
}

#[derive(clap::Args)]
pub(crate) struct OneWorker {
    /// The worker's name, or the number of its session
    pub(crate) worker: String,
    #[command(flatten)]
    pub(crate) format: Format,
}
