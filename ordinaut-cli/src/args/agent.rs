//! What can be typed about agents.

use super::{Format, value};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use ordinaut_core::access::Scope;

#[derive(Subcommand)]
pub(crate) enum Agent {
    /// Create an agent, and show its token once
    Create(CreateAgent),
    /// List agents, with what each may do
    List(Format),
    /// Give an agent a new token; its earlier tokens stay valid for a while
    Rotate {
        /// The agent's name
        name: String,
        /// Seconds for which earlier tokens stay valid; 0 ends them at once
        #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = value::whole::<u32>)]
        overlap: u32,
        #[command(flatten)]
        format: Format,
    },
    /// Set the password with which an agent signs in to the page: typed twice, or a line of the
    /// input. Its browsers are signed out
    Password {
        /// The agent's name
        name: String,
        /// Take its password away instead
        #[arg(long)]
        remove: bool,
        #[command(flatten)]
        format: Format,
    },
    /// Refuse all calls of an agent, and keep it in the list
    Revoke(OneAgent),
    /// Delete an agent with its tokens
    Delete(OneAgent),
}

#[derive(Args)]
pub(crate) struct OneAgent {
    /// The agent's name
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Args)]
pub(crate) struct CreateAgent {
    /// Its name: letters, digits, "-", "_", "." or "@"
    pub(crate) name: String,
    /// What it may do, such as jobs:write; separate several with commas, or give the flag more than
    /// once
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',', required = true)]
    pub(crate) scopes: Vec<Scope>,
    /// The only queues that it may use and see; all of them if not given
    #[arg(long = "queue", value_name = "QUEUE", value_delimiter = ',')]
    pub(crate) queues: Vec<String>,
    /// The only tenant whose jobs it sees; all of them if not given
    #[arg(long)]
    pub(crate) tenant: Option<String>,
    /// Instant from which its calls are refused (RFC 3339)
    #[arg(long, value_name = "INSTANT", value_parser = value::instant)]
    pub(crate) expires_at: Option<DateTime<Utc>>,
    #[command(flatten)]
    pub(crate) format: Format,
}
