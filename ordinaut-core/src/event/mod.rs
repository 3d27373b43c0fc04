//! Events: what happened, numbered in the order of the commits.

pub(crate) mod event_type;
pub(crate) mod filter;
pub(crate) mod record;
#[cfg(feature = "redis")]
pub(crate) mod redis;
pub(crate) mod run;
pub(crate) mod store;

pub use crate::event::event_type::EventType;
pub use crate::event::filter::EventFilter;
pub use crate::event::record::{Event, JobRef};
#[cfg(feature = "redis")]
pub use crate::event::redis::{StreamStatus, stream_in_redis};
pub use crate::event::run::follower::{Follower, FollowerBatch};
pub use crate::event::store::FollowerStatus;
#[cfg(feature = "redis")]
pub use crate::notify::redis::RedisError;
