//! When a task is due: what people write, checked once, and the instants that follow from it.

pub(crate) mod calendar;
pub(crate) mod clock;
pub(crate) mod condition;
pub(crate) mod condition_state;
pub(crate) mod cron;
pub(crate) mod cron_fields;
pub(crate) mod definition;
pub(crate) mod duration;
#[cfg(test)]
pub(crate) mod fuzz_tests;
pub(crate) mod interval;
pub(crate) mod jitter;
pub(crate) mod kind;
pub(crate) mod misfire;
pub(crate) mod month_days;
pub(crate) mod occurrences;
pub(crate) mod once;
pub(crate) mod plan;
pub(crate) mod preset;
pub(crate) mod preview;
pub(crate) mod refusal;
pub(crate) mod rrule;
pub(crate) mod rrule_text;
pub(crate) mod service;
pub(crate) mod store;
pub(crate) mod timezone;
pub(crate) mod topic_pattern;

pub use crate::schedule::calendar::{Calendar, CalendarMode};
pub use crate::schedule::clock::ClockTime;
pub use crate::schedule::condition::{Comparison, Condition, Fact};
pub use crate::schedule::condition_state::ConditionState;
pub use crate::schedule::definition::{Compiled, Schedule};
pub use crate::schedule::jitter::jitter;
pub use crate::schedule::kind::ScheduleKind;
pub use crate::schedule::misfire::{Misfire, SkipReason};
pub use crate::schedule::occurrences::{Exhausted, Occurrences};
pub use crate::schedule::plan::{Plan, plan};
pub use crate::schedule::preset::{Preset, presets};
pub use crate::schedule::preview::{Moment, Preview};
pub use crate::schedule::service::Service;
pub use crate::schedule::timezone::zone_data_version;
pub use crate::schedule::topic_pattern::TopicPattern;
