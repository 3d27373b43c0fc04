//! What can be typed about statistics.

use super::{Format, value};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand, ValueEnum};
use ordinaut_core::stat::Step;

#[derive(Subcommand)]
pub(crate) enum Stats {
    /// Show what came and ended, and how long it waited and ran
    Show {
        /// A line for each minute, hour or day
        #[arg(long)]
        step: Option<Step>,
        /// A line for each queue or kind; may be given for both
        #[arg(long)]
        by: Vec<By>,
        #[command(flatten)]
        time: StatTime,
    },
    /// Show the kinds whose attempts ran longest
    Slowest {
        /// Maximum number of kinds
        #[arg(long, default_value_t = 20)]
        limit: usize,
        #[command(flatten)]
        time: StatTime,
    },
    /// Show what came and ended in each hour of the day (UTC)
    Activity(StatTime),
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    Queue,
    Kind,
}

#[derive(Args)]
pub(crate) struct StatTime {
    /// Count from this instant on (RFC 3339); if not given, the last hour
    #[arg(long, value_name = "INSTANT", value_parser = value::instant)]
    pub(crate) since: Option<DateTime<Utc>>,
    /// Count up to this instant; if not given, now
    #[arg(long, value_name = "INSTANT", value_parser = value::instant)]
    pub(crate) until: Option<DateTime<Utc>>,
    /// Only jobs of this queue
    #[arg(long)]
    pub(crate) queue: Option<String>,
    /// Only jobs of this kind
    #[arg(long)]
    pub(crate) kind: Option<String>,
    #[command(flatten)]
    pub(crate) format: Format,
}
