//! What can be typed about batches.

use super::{Format, value};
use clap::{Args, Subcommand};
use ordinaut_core::batch::BatchState;
use uuid::Uuid;

#[derive(Subcommand)]
pub(crate) enum Batch {
    /// List batches, the latest first
    List {
        /// Only batches in this state: running, succeeded, failed, cancelled or expired
        #[arg(long)]
        state: Option<BatchState>,
        /// Only batches of this tenant
        #[arg(long)]
        tenant: Option<String>,
        /// Maximum number of rows
        #[arg(long, default_value_t = 20, value_parser = value::within(1_i64..=1000))]
        limit: i64,
        #[command(flatten)]
        format: Format,
    },
    /// Show a batch, its counts, and how far it is
    Show(OneBatch),
    /// Cancel what is left of a batch; members that run are asked to stop
    Cancel(OneBatch),
}

#[derive(Args)]
pub(crate) struct OneBatch {
    /// The batch's id
    #[arg(value_parser = value::id)]
    pub(crate) id: Uuid,
    #[command(flatten)]
    pub(crate) format: Format,
}
