//! Alerts: what is wrong now, told once. A rule says what is looked at and from which figure on; a
//! scheduler looks every five seconds.
//!
//! ```no_run
//! # async fn example(client: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use ordinaut_core::alert::{AlertFilter, AlertRule, AlertSource, AlertState, Severity};
//!
//! let deep = AlertRule::new(AlertSource::QueueDepth, 500.0).subject("mail").severity(Severity::Critical);
//! client.alerts().put_rule("mail-deep", &deep.email(["ann@example.org"])).await?;
//! let firing = AlertFilter::default().state(AlertState::Firing);
//! for alert in client.alerts().list(&firing, 50, None).await? {
//!     println!("{}: {}", alert.rule, alert.summary());
//! }
//! # Ok(())
//! # }
//! ```

pub(crate) mod error;
pub(crate) mod notice;
pub(crate) mod record;
pub(crate) mod rule;
pub(crate) mod run;
pub(crate) mod severity;
pub(crate) mod silence;
pub(crate) mod source;
pub(crate) mod store;

pub use crate::alert::error::AlertError;
pub use crate::alert::record::{Alert, AlertCount, AlertFilter, AlertState};
pub use crate::alert::rule::{AlertRule, StoredRule};
pub use crate::alert::severity::Severity;
pub use crate::alert::silence::{NewSilence, Silence};
pub use crate::alert::source::AlertSource;
