#![doc = include_str!("../README.md")]

#[macro_use]
mod db;

mod backoff;
mod client;
mod error;
mod event;
mod fleet;
mod host;
mod job;
mod json;
mod lease;
mod limit;
mod loops;
pub mod maintenance;
mod name;
mod notify;
#[doc(hidden)]
pub mod program;
mod queue;
mod schedule;
mod seconds;
mod task;
#[cfg(feature = "testing")]
pub mod testing;
pub mod worker;

pub use backoff::Backoff;
pub use client::Database;
pub use db::connect_options::{Address, InvalidAddress};
pub use db::diagnostics::{OldestSnapshot, ServerStatus, Summary};
pub use db::failure::{Consequence, FailureKind, OperateError};
pub use db::migrate::Migrated;
pub use db::migrate::error::SchemaError;
pub use db::migrate::version::{SchemaVersion, known_migrations, newest_migration};
pub use db::obstacle::{Obstacle, Severity};
pub use db::page::{Page, Unreadable};
pub use db::schema::Schema;
pub use error::InvalidField;
pub use event::record::{Event, JobRef};
#[cfg(feature = "redis")]
pub use event::redis::{StreamStatus, stream_in_redis};
pub use fleet::store::scheduler::SchedulerStatus;
pub use fleet::store::status::{OutcomeCount, QueueStatus, WorkerStatus};
pub use fleet::store::worker_cursor::WorkerCursor;
pub use job::Job;
pub use job::args::MAX_ARGS_BYTES;
pub use job::enqueue_error::EnqueueError;
pub use job::job_error::{Fatal, JobError};
#[cfg(feature = "encryption")]
pub use job::keyring::Keyring;
pub use job::new_job::{DEFAULT_PRIORITY, NewJob};
pub use job::outcome::Outcome;
pub use job::redaction::Redaction;
pub use job::run::cancel::CancelledJobs;
pub use job::run::destination::{Destination, InTx};
pub use job::run::enqueue::Pending;
pub use job::state::JobState;
pub use job::store::cancel::CancelFilter;
pub use job::store::control::{Cancelled, RunNow};
pub use job::store::dead_letter::{DeadCursor, DeadLetter};
pub use job::store::enqueue::Enqueued;
pub use job::store::erase::{Erase, Erased};
pub use job::store::inspect::{JobDetails, JobFilter, JobSummary, RunRecord};
pub use job::store::result::{Awaited, JobResult};
pub use job::unique::{OnDuplicate, Unique};
pub use job::wait::{LimitKey, Wait};
pub use json::{InvalidJson, check_integers};
pub use lease::token::Token;
pub use limit::definition::Limit;
pub use limit::run::LimitError;
pub use limit::store::LimitStatus;
pub use maintenance::store::retention::Pruned;
pub use maintenance::{Pulse, Scheduler};
pub use name::ALL_QUEUES;
#[cfg(feature = "redis")]
pub use notify::redis::RedisError;
pub use queue::pressure::QueueLevel;
pub use queue::settings::QueueChange;
pub use queue::store::QueueRoom;
pub use schedule::calendar::{Calendar, CalendarMode};
pub use schedule::clock::ClockTime;
pub use schedule::condition::{Comparison, Fact, Predicate};
pub use schedule::condition_state::Watch;
pub use schedule::definition::{Compiled, Schedule};
pub use schedule::jitter::jitter;
pub use schedule::kind::ScheduleKind;
pub use schedule::misfire::{Misfire, SkipReason};
pub use schedule::occurrences::{Exhausted, Timetable};
pub use schedule::plan::{Plan, plan};
pub use schedule::preset::{Preset, presets};
pub use schedule::preview::{Moment, Preview};
pub use schedule::service::Service;
pub use schedule::timezone::zone_data_version;
pub use schedule::topic_pattern::Topic;
pub use task::definition::TaskDefinition;
pub use task::error::TaskError;
pub use task::run::{CalendarDeleted, Published, TaskCancelled, TaskPaused, preview};
pub use task::store::inspect::{FireRecord, TaskCount, TaskRun, TaskStatistics};
pub use task::store::{Task, TaskFilter, TaskStatus};
pub use worker::{Context, CursorError, EXIT_STUCK, OutputError, SettleError, Step, StopReason, Worker, WorkerPulse};
