//! What can be typed about the audit.

use super::{Format, value};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub(crate) enum Audit {
    /// List entries, newest first
    List(ListAudit),
}

#[derive(Args)]
pub(crate) struct ListAudit {
    /// Only calls of this agent
    #[arg(long, value_name = "AGENT")]
    pub(crate) actor: Option<String>,
    /// Only calls of this method and route, such as "POST /tasks/{id}/pause"
    #[arg(long)]
    pub(crate) action: Option<String>,
    /// Only calls about this id or name
    #[arg(long, value_name = "ID")]
    pub(crate) subject: Option<String>,
    /// Only calls at or after this instant (RFC 3339)
    #[arg(long, value_name = "INSTANT", value_parser = value::instant)]
    pub(crate) since: Option<DateTime<Utc>>,
    /// Only calls before this instant (RFC 3339)
    #[arg(long, value_name = "INSTANT", value_parser = value::instant)]
    pub(crate) until: Option<DateTime<Utc>>,
    /// Maximum number of entries
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = value::within(1_i64..=500))]
    pub(crate) limit: i64,
    #[command(flatten)]
    pub(crate) format: Format,
}
