//! Tasks: stored definitions of what to run, and when.

pub(crate) mod builder;
pub(crate) mod definition;
pub(crate) mod error;
pub(crate) mod fire_filter;
pub(crate) mod held_key;
pub(crate) mod of_job;
pub(crate) mod run;
pub(crate) mod store;

pub use crate::task::definition::TaskDefinition;
pub use crate::task::error::TaskError;
pub use crate::task::fire_filter::{Became, FireCursor, FireFilter};
pub use crate::task::run::{
    CalendarDeleted, Leftover, Published, TaskCancelled, TaskPaused, TaskPut, TaskSync, preview,
};
pub use crate::task::store::fires::{TaskFire, Topic, TopicEvent};
pub use crate::task::store::inspect::{FireRecord, TaskCount, TaskRun, TaskStatistics};
pub use crate::task::store::{Task, TaskFilter, TaskStatus};
