//! Statistics: how much came and ended in a time, and how long it took.
//!
//! ```no_run
//! # async fn example(client: ordinaut_core::Client) -> Result<(), ordinaut_core::Error> {
//! use chrono::{TimeDelta, Utc};
//! use ordinaut_core::stat::{StatFilter, Step};
//!
//! let now = Utc::now();
//! let hour = StatFilter::new(now - TimeDelta::hours(1), now).step(Step::Minute).by_queue();
//! for line in client.stats().list(&hour).await? {
//!     println!("{} {:?}: {} ended, p95 {:?} s", line.begins, line.queue, line.ended, line.run.p95);
//! }
//! # Ok(())
//! # }
//! ```

pub(crate) mod filter;
pub(crate) mod histogram;
pub(crate) mod line;
pub(crate) mod run;
pub(crate) mod store;

pub use crate::stat::filter::{StatFilter, Step};
pub use crate::stat::line::{ActiveHour, Quantiles, StatLine};
