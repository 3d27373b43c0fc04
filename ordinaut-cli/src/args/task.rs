//! What can be typed about tasks and schedules.

use super::Format;
use chrono::{DateTime, NaiveDate, Utc};
use clap::{Args, Subcommand};
use ordinaut_core::schedule::{CalendarMode, ClockTime, ScheduleKind};
use ordinaut_core::task::TaskStatus;
use std::path::PathBuf;
use uuid::Uuid;

#[derive(Subcommand)]
pub(crate) enum Task {
    /// Create a task
    Create(Box<Create>),
    /// List tasks, newest first
    List(ListTasks),
    /// Show a task
    Show(OneTask),
    /// Change what a task runs, or when
    Change(Change),
    /// Make no more jobs, and set those aside that wait
    Pause(OneTask),
    /// Go on: due at the next instant from now on
    Resume(OneTask),
    /// Make a job at once
    RunNow(OneTask),
    /// End it for good, and cancel its jobs
    Cancel(OneTask),
    /// Cancel it and remove it
    Delete(OneTask),
    /// Move the next instant away
    Snooze {
        #[command(flatten)]
        task: OneTask,
        /// Number of seconds, from 1 to 604800
        delay: f64,
    },
    /// List its due instants, the latest first: fired, or skipped and why
    Fires(History),
    /// List the runs of its jobs, those of the newest first
    Runs(History),
    /// Tell how its runs went
    Stats {
        #[command(flatten)]
        task: OneTask,
        /// Number of days to look back
        #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(i32).range(1..=366))]
        days: i32,
    },
    /// Tell when a schedule will be due, and what about it may surprise
    Preview(Preview),
}

#[derive(Args)]
pub(crate) struct OneTask {
    /// The task's id
    pub(crate) id: Uuid,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Args)]
pub(crate) struct History {
    #[command(flatten)]
    pub(crate) task: OneTask,
    /// Maximum number of rows
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=1000))]
    pub(crate) limit: i64,
}

#[derive(Args)]
pub(crate) struct Create {
    /// A definition in JSON, or - for standard input; what other flags say wins
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Its name for people
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// The kind of its jobs
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// Their arguments
    #[arg(long, value_name = "JSON")]
    pub(crate) args: Option<String>,
    /// The queue that they wait in
    #[arg(long)]
    pub(crate) queue: Option<String>,
    /// 1 is most urgent, 9 least
    #[arg(long)]
    pub(crate) priority: Option<i16>,
    /// Number of times that a failed job is tried again
    #[arg(long, value_name = "N")]
    pub(crate) max_retries: Option<i16>,
    /// Seconds that one attempt may take
    #[arg(long, value_name = "SECONDS")]
    pub(crate) timeout: Option<f64>,
    /// A word to find its jobs by; may be given more than once
    #[arg(long = "tag", value_name = "WORD")]
    pub(crate) tags: Vec<String>,
    /// A calendar that its days must agree with; may be given more than once
    #[arg(long = "calendar", value_name = "NAME")]
    pub(crate) calendars: Vec<String>,
    /// What becomes of instants that nobody fired in time: `coalesce`, `skip` or `catch_up(N)`
    #[arg(long, value_name = "POLICY")]
    pub(crate) misfire: Option<String>,
    /// Skip an instant while this number of the task's jobs has not ended
    #[arg(long, value_name = "N")]
    pub(crate) max_instances: Option<u16>,
    /// One job at a time of all tasks with this key
    #[arg(long, value_name = "KEY")]
    pub(crate) concurrency_key: Option<String>,
    /// Refuse it while another task holds this key
    #[arg(long, value_name = "KEY")]
    pub(crate) dedupe_key: Option<String>,
    #[command(flatten)]
    pub(crate) when: When,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// A schedule, as flags.
#[derive(Args)]
pub(crate) struct When {
    #[command(flatten)]
    pub(crate) rule: Rule,
    /// The zone whose clock it goes by
    #[arg(long, value_name = "ZONE")]
    pub(crate) timezone: Option<String>,
    /// What the clock shows at the anchor of --every and --rrule
    #[arg(long, value_name = "LOCAL TIME")]
    pub(crate) dtstart: Option<ClockTime>,
    /// Not due before
    #[arg(long, value_name = "INSTANT")]
    pub(crate) starts_at: Option<DateTime<Utc>>,
    /// Not due after
    #[arg(long, value_name = "INSTANT")]
    pub(crate) ends_at: Option<DateTime<Utc>>,
}

/// At most one of them.
#[derive(Args)]
#[group(multiple = false)]
pub(crate) struct Rule {
    /// Cron, such as "30 8 * * MON-FRI", or a preset such as @daily
    #[arg(long, value_name = "EXPR")]
    cron: Option<String>,
    /// A fixed interval, such as 5m or 1h30m
    #[arg(long, value_name = "INTERVAL")]
    every: Option<String>,
    /// A rule of RFC 5545, such as FREQ=MONTHLY;BYDAY=-1FR
    #[arg(long, value_name = "RULE")]
    rrule: Option<String>,
    /// One time, such as 2030-12-31T09:00
    #[arg(long, value_name = "TIME")]
    once: Option<String>,
    /// An event's topic, such as orders.*.paid
    #[arg(long, value_name = "TOPIC")]
    event: Option<String>,
    /// A condition, such as "fact(free) < 10 for 60s"
    #[arg(long, value_name = "CONDITION")]
    condition: Option<String>,
    /// Always one job: the next one starts this long after the last one has ended, from 1s to 1h
    #[arg(long, value_name = "RESTART AFTER", num_args = 0..=1, default_missing_value = "5s")]
    service: Option<String>,
}

impl Rule {
    pub(crate) fn given(self) -> Option<(ScheduleKind, String)> {
        let of = |kind, expr: Option<String>| expr.map(|expr| (kind, expr));
        of(ScheduleKind::Cron, self.cron)
            .or(of(ScheduleKind::Every, self.every))
            .or(of(ScheduleKind::Rrule, self.rrule))
            .or(of(ScheduleKind::Once, self.once))
            .or(of(ScheduleKind::Event, self.event))
            .or(of(ScheduleKind::Condition, self.condition))
            .or(of(ScheduleKind::Service, self.service))
    }
}

#[derive(Args)]
pub(crate) struct ListTasks {
    /// Only tasks of this status: active, paused or cancelled
    #[arg(long)]
    pub(crate) status: Option<TaskStatus>,
    /// Only tasks that make jobs of this kind
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// Only tasks whose jobs wait in this queue
    #[arg(long)]
    pub(crate) queue: Option<String>,
    /// Only tasks with such a schedule: every, cron, rrule, once, event, condition or service
    #[arg(long, value_name = "KIND")]
    pub(crate) schedule_kind: Option<ScheduleKind>,
    /// Only tasks with this in their title
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,
    /// Only tasks older than this one
    #[arg(long, value_name = "ID")]
    pub(crate) before: Option<Uuid>,
    /// Maximum number of rows
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=1000))]
    pub(crate) limit: i64,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Args)]
pub(crate) struct Change {
    #[command(flatten)]
    pub(crate) task: OneTask,
    /// What differs, where null takes a field back to its default (a JSON merge patch)
    #[arg(long, value_name = "JSON")]
    pub(crate) patch: String,
    /// Only if it is still at this version
    #[arg(long, value_name = "N")]
    pub(crate) version: Option<i64>,
}

#[derive(Args)]
pub(crate) struct Preview {
    #[command(flatten)]
    pub(crate) when: When,
    /// A calendar that its days must agree with; may be given more than once
    #[arg(long = "calendar", value_name = "NAME")]
    pub(crate) calendars: Vec<String>,
    /// Due after this instant; now if not given
    #[arg(long, value_name = "INSTANT")]
    pub(crate) after: Option<DateTime<Utc>>,
    /// Their number, from 1 to 100
    #[arg(long, default_value_t = 5)]
    pub(crate) count: usize,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Args)]
pub(crate) struct Publish {
    /// Its topic: words with dots between them
    pub(crate) topic: String,
    /// Its id; the same one again makes no second job
    pub(crate) id: String,
    /// What the jobs get
    #[arg(long, value_name = "JSON", default_value = "null")]
    pub(crate) payload: String,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Args)]
pub(crate) struct PushFact {
    /// What conditions call it: fact(NAME)
    pub(crate) name: String,
    /// Its value
    #[arg(allow_negative_numbers = true)]
    pub(crate) value: f64,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Subcommand)]
pub(crate) enum Calendar {
    /// Store a calendar, new or changed; the tasks that go by it are due anew
    Put {
        /// What tasks call it by
        name: String,
        /// exclude: nothing is due on its dates; allow: only on them is anything due
        #[arg(long, value_parser = mode)]
        mode: CalendarMode,
        /// Its dates
        #[arg(value_name = "DATE")]
        dates: Vec<NaiveDate>,
        #[command(flatten)]
        format: Format,
    },
    /// List calendars
    List(Format),
    /// Remove a calendar that no task goes by
    Delete {
        /// Its name
        name: String,
        #[command(flatten)]
        format: Format,
    },
}

fn mode(word: &str) -> Result<CalendarMode, &'static str> {
    match word {
        "exclude" => Ok(CalendarMode::Exclude),
        "allow" => Ok(CalendarMode::Allow),
        _ => Err("one of exclude, allow"),
    }
}
