//! What can be typed about agents.

use super::Format;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use ordinaut_core::access::Scope;

#[derive(Subcommand)]
pub(crate) enum Agent {
    /// Create an agent, and show its token once
    Create(CreateAgent),
    /// List agents, with what each may do
    List(Format),
    /// Give an agent a new token; the ones before stay good for a while
    Rotate {
        /// Its name
        name: String,
        /// Seconds for which the tokens before stay good; 0 ends them at once
        #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
        overlap: u32,
        #[command(flatten)]
        format: Format,
    },
    /// Shut an agent out, and keep it in the list
    Revoke(OneAgent),
    /// Delete an agent with its tokens
    Delete(OneAgent),
}

#[derive(Args)]
pub(crate) struct OneAgent {
    /// Its name
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Args)]
pub(crate) struct CreateAgent {
    /// Its name: letters, digits, "-", "_", "." or "@"
    pub(crate) name: String,
    /// What it may do, such as jobs:write; several with commas, or said several times
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',', required = true)]
    pub(crate) scopes: Vec<Scope>,
    /// The only queues that it may use and see; all of them if not given
    #[arg(long = "queue", value_name = "QUEUE", value_delimiter = ',')]
    pub(crate) queues: Vec<String>,
    /// The only tenant whose jobs it sees; all of them if not given
    #[arg(long)]
    pub(crate) tenant: Option<String>,
    /// When it may not call any more, such as 2030-12-31T23:59:59Z
    #[arg(long, value_name = "INSTANT")]
    pub(crate) expires_at: Option<DateTime<Utc>>,
    #[command(flatten)]
    pub(crate) format: Format,
}
