//! Limits: how much may run at once, how much may start in a while, and whose turn it is.

pub(crate) mod admission;
pub(crate) mod definition;
pub(crate) mod fairness;
pub(crate) mod line;
pub(crate) mod run;
pub(crate) mod store;

pub use crate::limit::run::LimitError;
pub use crate::limit::run::limiter::Limiter;
pub use crate::limit::store::LimitStatus;
pub use crate::limit::store::admission::AdmitRequest;
