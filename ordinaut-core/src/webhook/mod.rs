//! Webhooks: URLs outside that are told of events.
//!
//! Each event that a webhook wants becomes a job of the kind [`KIND`], in the transaction in which
//! the log of events is read on: so each is delivered at least once, and tried again as any job is.
//! A scheduler makes these jobs, and the stock worker delivers them, signed as the Standard
//! Webhooks specification has it: `webhook-id`, `webhook-timestamp`, and `webhook-signature`, the
//! HMAC-SHA256 of both and the body.
//!
//! ```no_run
//! # async fn example(client: ordinaut_core::Client) -> Result<(), ordinaut_core::webhook::WebhookError> {
//! use ordinaut_core::event::EventType;
//! use ordinaut_core::webhook::NewWebhook;
//!
//! let webhook = NewWebhook::new("billing", "https://billing.example.org/jobs").types([EventType::Dead]);
//! let (webhook, secret) = client.webhooks().create(&webhook, "setup").await?;
//! println!("{} checks signatures with {}", webhook.name, secret.reveal());
//! # Ok(())
//! # }
//! ```

pub(crate) mod delivery;
pub(crate) mod error;
pub(crate) mod new_webhook;
pub(crate) mod run;
pub(crate) mod secret;
pub(crate) mod store;

pub use crate::webhook::delivery::{Delivery, KIND, WebhookDelivery};
pub use crate::webhook::error::WebhookError;
pub use crate::webhook::new_webhook::NewWebhook;
pub use crate::webhook::secret::WebhookSecret;
pub use crate::webhook::store::{Target, Webhook};
