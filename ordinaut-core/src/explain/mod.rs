//! Why a job has not run: reasons, with what shows them and what to do.
//!
//! ```no_run
//! # async fn example(client: ordinaut_core::Client, id: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
//! if let Some(explanation) = client.jobs().explain(id).await? {
//!     println!("{explanation}");
//! }
//! # Ok(())
//! # }
//! ```

pub(crate) mod facts;
pub(crate) mod reason;
pub(crate) mod run;
pub(crate) mod store;
pub(crate) mod tree;

pub use crate::explain::reason::{Explanation, Reason, ReasonKind};
