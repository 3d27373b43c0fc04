//! What can be typed about limits.

use super::{Format, value};
use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub(crate) enum Limit {
    /// Create a limit, or put another one in the place of the one of that name; it holds at once
    Set(SetLimit),
    /// Change numbers of a limit, and leave the rest of it as it is
    Change(ChangeLimit),
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

/// The numbers of a limit.
#[derive(Args)]
#[group(multiple = true)]
pub(crate) struct Bounds {
    /// Maximum jobs running at once; 0 stops them
    #[arg(long, value_name = "JOBS", value_parser = value::whole::<u32>)]
    pub(crate) concurrency: Option<u32>,
    /// Maximum starts per second
    #[arg(long, value_name = "JOBS", value_parser = value::decimal)]
    pub(crate) rate: Option<f64>,
    /// Burst size: maximum jobs that start at once after idling
    #[arg(long, value_name = "JOBS", value_parser = value::decimal)]
    pub(crate) burst: Option<f64>,
}

#[derive(Args)]
pub(crate) struct ChangeLimit {
    /// Its name
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) bounds: Bounds,
    #[command(flatten)]
    pub(crate) format: Format,
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
    /// Apply to each value at this place in the arguments separately, such as customer.id
    #[arg(long, value_name = "PATH")]
    pub(crate) key: Option<String>,
    /// Apply to each tenant separately; not together with --key
    #[arg(long)]
    pub(crate) per_tenant: bool,
    /// Place in the arguments of the number that says how much of the limit a job takes; 1 if not
    /// given
    #[arg(long, value_name = "PATH")]
    pub(crate) weight: Option<String>,
    #[command(flatten)]
    pub(crate) bounds: Bounds,
    /// Apply per worker process instead of globally
    #[arg(long)]
    pub(crate) per_process: bool,
    /// Run one job at a time, in the order in which they were due; needs --queue
    #[arg(long)]
    pub(crate) ordered: bool,
    #[command(flatten)]
    pub(crate) format: Format,
}
