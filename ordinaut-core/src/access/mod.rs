//! Access: who calls, and what they may do.
//!
//! An *agent* is a program or a person that calls the API. It has scopes, optionally a list of
//! queues and one tenant, and secrets. A program that embeds the library needs none of this: it
//! holds the database itself.
//!
//! ```no_run
//! # async fn example(client: ordinaut_core::Client) -> Result<(), ordinaut_core::access::AgentError> {
//! use ordinaut_core::access::{NewAgent, Scope};
//!
//! let agent = NewAgent::new("billing").scope(Scope::JobsWrite).queues(["invoices"]);
//! let (agent, token) = client.agents().create(&agent, "setup").await?;
//! println!("{} calls with {}", agent.name, token.reveal());
//! # Ok(())
//! # }
//! ```

pub(crate) mod agent;
pub(crate) mod browser;
pub(crate) mod check;
pub(crate) mod error;
pub(crate) mod scope;
pub(crate) mod secret;
pub(crate) mod store;

pub use crate::access::agent::{Agent, NewAgent, SETTINGS_AGENT};
pub use crate::access::browser::{Browser, BrowserSecret, SignIn};
pub use crate::access::check::{Access, Denied, Object, check};
pub use crate::access::error::AgentError;
pub use crate::access::scope::Scope;
pub use crate::access::secret::AgentToken;
pub use crate::access::store::agent::{Authenticated, Removed};
pub use crate::access::store::audit::{AuditEntry, AuditFilter, NewAuditEntry};
pub use crate::access::store::browser::PasswordTry;
pub use crate::access::store::idempotency::{KeptAnswer, Repeat};
