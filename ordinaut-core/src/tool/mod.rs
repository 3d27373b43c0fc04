//! The catalogue of tools: what each kind of job and step of a pipeline takes and returns, as JSON
//! Schemas.

pub(crate) mod definition;
pub(crate) mod error;
pub(crate) mod store;

pub use crate::tool::definition::{Tool, ToolSource, ToolUses};
pub use crate::tool::error::ToolError;
pub use crate::tool::store::{CatalogueState, StoredTool};

/// The kind of jobs that call a tool which is a service outside.
pub const KIND: &str = "tool";
