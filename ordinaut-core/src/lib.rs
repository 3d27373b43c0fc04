#![doc = include_str!("../README.md")]

#[cfg(feature = "binary")]
pub mod binary;
mod cancel;
mod destination;
mod job;
mod limits;
#[cfg_attr(not(feature = "binary"), allow(unreachable_pub, reason = "public where the binaries share it"))]
mod loops;
mod pending;
mod queue;
mod result;
mod scheduler;
pub mod settings;
mod store;
#[cfg(feature = "redis")]
mod stream;
mod task;
#[cfg(feature = "testing")]
pub mod testing;
mod vocabulary;
mod wakeup;
mod worker;

pub use cancel::CancelledJobs;
pub use destination::{Destination, InTx};
pub use job::Job;
pub use limits::LimitError;
pub use pending::Pending;
pub use scheduler::{Pulse, Scheduler};
pub use store::address::{Address, InvalidAddress};
pub use store::cancel::CancelFilter;
pub use store::database::Database;
pub use store::dead::{DeadCursor, DeadLetter};
pub use store::doctor::{OldestSnapshot, ServerStatus, Summary};
pub use store::enqueue::{EnqueueError, Enqueued};
pub use store::erase::{Erase, Erased};
pub use store::failure::{Consequence, FailureKind, OperateError};
pub use store::intervene::{Cancelled, RunNow};
pub use store::limit::LimitStatus;
pub use store::look::{JobDetails, JobFilter, JobSummary, RunRecord};
pub use store::migrate::{Migrated, SchemaError, SchemaVersion, known_migrations, newest_migration};
pub use store::obstacle::{Obstacle, Severity};
pub use store::page::{Page, Unreadable};
pub use store::queue::QueueRoom;
pub use store::result::{Awaited, JobResult};
pub use store::retention::Pruned;
pub use store::scheduler::SchedulerStatus;
pub use store::schema::Schema;
pub use store::status::{OutcomeCount, QueueStatus, WorkerStatus};
pub use store::task::look::{FireRecord, TaskCount, TaskRun, TaskStatistics};
pub use store::task::{Task, TaskFilter, TaskStatus};
pub use store::worker_cursor::WorkerCursor;
#[cfg(feature = "redis")]
pub use stream::{StreamError, StreamStatus, stream_in_redis};
pub use task::{CalendarDeleted, Published, TaskCancelled, TaskError, TaskPaused, preview};
pub use vocabulary::backoff::Backoff;
pub use vocabulary::error::{Fatal, JobError};
pub use vocabulary::event::{Event, JobRef};
pub use vocabulary::json::{InvalidJson, check_integers};
#[cfg(feature = "encryption")]
pub use vocabulary::keyring::Keyring;
pub use vocabulary::lease::Token;
pub use vocabulary::level::QueueLevel;
pub use vocabulary::limit::Limit;
pub use vocabulary::new_job::{DEFAULT_PRIORITY, InvalidField, MAX_ARGS_BYTES, NewJob};
pub use vocabulary::outcome::Outcome;
pub use vocabulary::queue::{ALL_QUEUES, QueueChange};
pub use vocabulary::redaction::Redaction;
pub use vocabulary::schedule::calendar::{Calendar, CalendarMode};
pub use vocabulary::schedule::clock::ClockTime;
pub use vocabulary::schedule::definition::{Compiled, Schedule};
pub use vocabulary::schedule::jitter::jitter;
pub use vocabulary::schedule::kind::ScheduleKind;
pub use vocabulary::schedule::misfire::{Misfire, SkipReason};
pub use vocabulary::schedule::plan::{Plan, plan};
pub use vocabulary::schedule::predicate::{Comparison, Fact, Predicate};
pub use vocabulary::schedule::preset::{Preset, presets};
pub use vocabulary::schedule::preview::{Moment, Preview};
pub use vocabulary::schedule::service::Service;
pub use vocabulary::schedule::timetable::{Exhausted, Timetable};
pub use vocabulary::schedule::topic::Topic;
pub use vocabulary::schedule::watch::Watch;
pub use vocabulary::schedule::zone::zone_data_version;
pub use vocabulary::state::JobState;
pub use vocabulary::task::TaskDefinition;
pub use vocabulary::unique::{OnDuplicate, Unique};
pub use vocabulary::wait::{LimitKey, Wait};
pub use worker::{Context, CursorError, EXIT_STUCK, OutputError, SettleError, Step, StopReason, Worker, WorkerPulse};
