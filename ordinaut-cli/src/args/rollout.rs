//! What can be typed about rollouts.

use super::{Format, value};
use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum Rollout {
    /// Let workers of a version run a part of a kind's jobs, and the other versions the rest
    Set {
        /// The kind of jobs
        kind: String,
        /// The version, as its workers say it
        #[arg(long, value_name = "VERSION")]
        of: String,
        /// The part, from 0 to 100
        #[arg(long, value_name = "N", value_parser = value::whole::<i16>)]
        percent: i16,
        #[command(flatten)]
        format: Format,
    },
    /// List rollouts
    List(Format),
    /// End a rollout: workers of all versions run the kind's jobs
    End {
        /// The kind of jobs
        kind: String,
        #[command(flatten)]
        format: Format,
    },
}
