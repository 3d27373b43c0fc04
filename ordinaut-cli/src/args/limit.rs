//! What can be typed about limits.

use super::Format;
use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub(crate) enum Limit {
    /// Store a limit, new or changed; it holds at once
    Set(SetLimit),
    /// List limits, with what runs and waits under each
    List(Format),
    /// Remove a limit
    Delete {
        /// Its name
        name: String,
        #[command(flatten)]
        format: Format,
    },
}

#[derive(Args)]
pub(crate) struct SetLimit {
    /// Its name
    pub(crate) name: String,
    /// Only jobs of this queue
    #[arg(long)]
    pub(crate) queue: Option<String>,
    /// Only jobs of this kind
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// Each value at this place in the arguments for itself, such as customer.id
    #[arg(long, value_name = "PATH")]
    pub(crate) key: Option<String>,
    /// Each tenant for itself; not together with --key
    #[arg(long)]
    pub(crate) per_tenant: bool,
    /// A job takes as much room as the number at this place in its arguments says
    #[arg(long, value_name = "PATH")]
    pub(crate) weight: Option<String>,
    /// Maximum jobs running at once; 0 stops them
    #[arg(long, value_name = "JOBS")]
    pub(crate) concurrency: Option<u32>,
    /// Maximum starts per second
    #[arg(long, value_name = "JOBS")]
    pub(crate) rate: Option<f64>,
    /// Burst: how many may start at once after idling
    #[arg(long, value_name = "JOBS")]
    pub(crate) burst: Option<f64>,
    /// Apply per worker process instead of globally
    #[arg(long)]
    pub(crate) per_process: bool,
    /// One at a time, in the order in which they were due; needs --queue
    #[arg(long)]
    pub(crate) ordered: bool,
    #[command(flatten)]
    pub(crate) format: Format,
}
