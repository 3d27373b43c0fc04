//! Policies of a kind: when its jobs may run, how long an attempt may take, how soon a job should
//! be done, and what is kept of outputs.

pub(crate) mod definition;
pub(crate) mod error;
pub(crate) mod hours;
pub(crate) mod known;
pub(crate) mod outputs;
pub(crate) mod run;
pub(crate) mod store;
pub(crate) mod window;

pub use crate::policy::definition::KindPolicy;
pub use crate::policy::error::PolicyError;
pub use crate::policy::hours::{AllowedHours, HoursMode};
pub use crate::policy::known::KnownPolicies;
pub use crate::policy::outputs::OutputPolicy;
pub use crate::policy::store::StoredPolicy;
pub use crate::policy::window::Window;
