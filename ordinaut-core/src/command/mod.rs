//! Commands for machines: one that the workers' own list names is run on one machine or on all, and
//! each answers for itself.

pub(crate) mod error;
pub(crate) mod request;
pub(crate) mod result;
pub(crate) mod run;
pub(crate) mod whom;

pub use crate::command::error::CommandError;
pub use crate::command::request::CommandRequest;
pub use crate::command::result::{Command, CommandResult, CommandState};
pub use crate::command::run::Given;
pub use crate::command::whom::LeftOut;
