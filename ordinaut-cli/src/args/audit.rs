//! What can be typed about the audit.

use super::Format;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub(crate) enum Audit {
    /// List entries, the newest first
    List(ListAudit),
}

#[derive(Args)]
pub(crate) struct ListAudit {
    /// Only this agent's
    #[arg(long, value_name = "AGENT")]
    pub(crate) actor: Option<String>,
    /// Only calls of this method and route, such as "POST /tasks/{id}/pause"
    #[arg(long)]
    pub(crate) action: Option<String>,
    /// Only calls about this id or name
    #[arg(long, value_name = "ID")]
    pub(crate) subject: Option<String>,
    /// Only from this time on, such as 2030-12-31T23:59:59Z
    #[arg(long, value_name = "INSTANT")]
    pub(crate) since: Option<DateTime<Utc>>,
    /// Only before this time
    #[arg(long, value_name = "INSTANT")]
    pub(crate) until: Option<DateTime<Utc>>,
    /// Maximum number of entries
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=500))]
    pub(crate) limit: i64,
    #[command(flatten)]
    pub(crate) format: Format,
}
