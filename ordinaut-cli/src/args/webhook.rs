//! What can be typed about webhooks.

use super::{Format, value};
use clap::{Args, Subcommand};
use ordinaut_core::event::EventType;

#[derive(Subcommand)]
pub(crate) enum Webhook {
    /// Create a webhook, and show its secret once
    Create(CreateWebhook),
    /// List webhooks, with what each wants and whether its deliveries succeed
    List(Format),
    /// List the deliveries of a webhook, newest first
    Deliveries {
        /// The webhook's name
        name: String,
        /// Maximum number of rows
        #[arg(long, default_value_t = 20, value_parser = value::within(1_i64..=1000))]
        limit: i64,
        #[command(flatten)]
        format: Format,
    },
    /// Deliver an event once more
    Redeliver {
        /// The webhook's name
        name: String,
        /// The number of the event
        #[arg(value_parser = value::whole::<i64>)]
        n: i64,
        #[command(flatten)]
        format: Format,
    },
    /// Give a webhook a new secret; its earlier secrets sign beside it for a while
    Rotate {
        /// The webhook's name
        name: String,
        /// Seconds for which earlier secrets sign too; 0 ends them at once
        #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = value::whole::<u32>)]
        overlap: u32,
        #[command(flatten)]
        format: Format,
    },
    /// Tell a webhook nothing until it is enabled again
    Disable(OneWebhook),
    /// Tell a webhook of events again
    Enable(OneWebhook),
    /// Delete a webhook with its secrets
    Delete(OneWebhook),
}

#[derive(Args)]
pub(crate) struct OneWebhook {
    /// The webhook's name
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Args)]
pub(crate) struct CreateWebhook {
    /// Its name
    pub(crate) name: String,
    /// Where it is told, by POST
    pub(crate) url: String,
    /// Types of events that it wants, such as dead; all of them if not given
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',')]
    pub(crate) types: Vec<EventType>,
    /// Queues whose events it wants; all of them if not given
    #[arg(long = "queue", value_name = "QUEUE", value_delimiter = ',')]
    pub(crate) queues: Vec<String>,
    /// Kinds whose events it wants; all of them if not given
    #[arg(long = "kind", value_name = "KIND", value_delimiter = ',')]
    pub(crate) kinds: Vec<String>,
    /// The queue in which its deliveries wait
    #[arg(long, value_name = "QUEUE", default_value = "default")]
    pub(crate) deliver_in: String,
    #[command(flatten)]
    pub(crate) format: Format,
}
