//! What can be typed about tasks and schedules.

use super::fit::Fit;
use super::{Format, value};
use chrono::{DateTime, NaiveDate, Utc};
use clap::{Args, Subcommand};
use ordinaut_core::schedule::{CalendarMode, ClockTime, GapRule, ScheduleKind};
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
    /// Stop making jobs, and park those that wait
    Pause(OneTask),
    /// Resume a paused task: it is due at the next instant from now on
    Resume(OneTask),
    /// Make a job now
    RunNow(OneTask),
    /// End a task for good, and cancel its jobs
    Cancel(OneTask),
    /// Cancel a task, and remove it
    Delete(OneTask),
    /// Postpone the next due instant of a task
    Snooze {
        #[command(flatten)]
        task: OneTask,
        /// Number of seconds, from 1 to 604800
        #[arg(value_parser = value::seconds)]
        delay: f64,
    },
    /// List the due instants of a task, newest first: fired, or skipped and why
    Fires(History),
    /// List the runs of a task's jobs, those of the newest job first
    Runs(History),
    /// Show statistics of a task's runs
    Stats {
        #[command(flatten)]
        task: OneTask,
        /// Number of days to look back
        #[arg(long, default_value_t = 14, value_parser = value::within(1_i32..=366))]
        days: i32,
    },
    /// Show when a schedule will be due, with warnings of what may surprise
    Preview(Preview),
}

#[derive(Args)]
pub(crate) struct OneTask {
    /// The task's id
    #[arg(value_parser = value::id)]
    pub(crate) id: Uuid,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Args)]
pub(crate) struct History {
    #[command(flatten)]
    pub(crate) task: OneTask,
    /// Maximum number of rows
    #[arg(long, default_value_t = 20, value_parser = value::within(1_i64..=1000))]
    pub(crate) limit: i64,
}

#[derive(Args)]
pub(crate) struct Create {
    /// File with a definition in JSON, or - for standard input; other flags win over it
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Title, for people
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// Description, for people
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// The kind of its jobs
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// The arguments of its jobs, in JSON
    #[arg(long, value_name = "JSON")]
    pub(crate) args: Option<String>,
    /// The queue that its jobs wait in
    #[arg(long)]
    pub(crate) queue: Option<String>,
    /// The tenant that it and its jobs belong to
    #[arg(long)]
    pub(crate) tenant: Option<String>,
    /// Priority of its jobs, from 1 (most urgent) to 9
    #[arg(long, value_parser = value::whole::<i16>)]
    pub(crate) priority: Option<i16>,
    /// Maximum number of retries of a failed job
    #[arg(long, value_name = "N", value_parser = value::whole::<i16>)]
    pub(crate) max_retries: Option<i16>,
    /// Maximum number of seconds that one attempt may take
    #[arg(long, value_name = "SECONDS", value_parser = value::seconds)]
    pub(crate) timeout: Option<f64>,
    /// A tag to find its jobs by; may be given more than once
    #[arg(long = "tag", value_name = "WORD")]
    pub(crate) tags: Vec<String>,
    /// A calendar that its days must agree with; may be given more than once
    #[arg(long = "calendar", value_name = "NAME")]
    pub(crate) calendars: Vec<String>,
    /// What to do with instants that were not fired in time: `coalesce`, `skip` or `catch_up(N)`
    #[arg(long, value_name = "POLICY")]
    pub(crate) misfire: Option<String>,
    /// Skip an instant while this number of the task's jobs has not ended
    #[arg(long, value_name = "N", value_parser = value::whole::<u16>)]
    pub(crate) max_instances: Option<u16>,
    /// Run one job at a time among all tasks with this key
    #[arg(long, value_name = "KEY")]
    pub(crate) concurrency_key: Option<String>,
    /// Refuse to create it while another task holds this key
    #[arg(long, value_name = "KEY")]
    pub(crate) dedupe_key: Option<String>,
    #[command(flatten)]
    pub(crate) fit: Fit,
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
    /// IANA name of the time zone that it goes by
    #[arg(long, value_name = "ZONE")]
    pub(crate) timezone: Option<String>,
    /// Local time from which --every and --rrule are counted, such as 2027-03-01T09:00
    #[arg(long, value_name = "LOCAL TIME")]
    pub(crate) dtstart: Option<ClockTime>,
    /// Not due before this instant (RFC 3339)
    #[arg(long, value_name = "INSTANT", value_parser = value::instant)]
    pub(crate) starts_at: Option<DateTime<Utc>>,
    /// Not due after this instant (RFC 3339)
    #[arg(long, value_name = "INSTANT", value_parser = value::instant)]
    pub(crate) ends_at: Option<DateTime<Utc>>,
    /// When a time is due that the clock skips: `first_after` the gap, or `shifted` by its length
    #[arg(long, value_name = "RULE")]
    pub(crate) gap: Option<GapRule>,
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
    /// A single time, such as 2030-12-31T09:00
    #[arg(long, value_name = "TIME")]
    once: Option<String>,
    /// The topic of published events, such as orders.*.paid
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
    /// Only tasks with this in their title or description
    #[arg(long)]
    pub(crate) text: Option<String>,
    /// Only tasks that this agent created through the API
    #[arg(long, value_name = "AGENT")]
    pub(crate) created_by: Option<String>,
    /// Only tasks older than this one
    #[arg(long, value_name = "ID", value_parser = value::id)]
    pub(crate) before: Option<Uuid>,
    /// Maximum number of rows
    #[arg(long, default_value_t = 20, value_parser = value::within(1_i64..=1000))]
    pub(crate) limit: i64,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Args)]
pub(crate) struct Change {
    #[command(flatten)]
    pub(crate) task: OneTask,
    /// JSON merge patch of the definition: null sets a field to its default
    #[arg(long, value_name = "JSON")]
    pub(crate) patch: String,
    /// Change it only if it is still at this version
    #[arg(long, value_name = "N", value_parser = value::whole::<i64>)]
    pub(crate) version: Option<i64>,
}

#[derive(Args)]
pub(crate) struct Preview {
    #[command(flatten)]
    pub(crate) when: When,
    /// A calendar that its days must agree with; may be given more than once
    #[arg(long = "calendar", value_name = "NAME")]
    pub(crate) calendars: Vec<String>,
    /// Show instants after this one (RFC 3339); now if not given
    #[arg(long, value_name = "INSTANT", value_parser = value::instant)]
    pub(crate) after: Option<DateTime<Utc>>,
    /// Number of instants to show, from 1 to 100
    #[arg(long, default_value_t = 5, value_parser = value::whole::<usize>)]
    pub(crate) count: usize,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Args)]
pub(crate) struct Publish {
    /// The event's topic: words with dots between them
    pub(crate) topic: String,
    /// The event's id; publishing the same id again makes no second job
    pub(crate) id: String,
    /// What it is about, such as the number of an order, for jobs that wait for it
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) key: String,
    /// What the jobs get in their arguments, in JSON
    #[arg(long, value_name = "JSON", default_value = "null")]
    pub(crate) payload: String,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Args)]
pub(crate) struct PushFact {
    /// The name by which conditions know it: fact(NAME)
    pub(crate) name: String,
    /// The value
    #[arg(allow_negative_numbers = true, value_parser = value::decimal)]
    pub(crate) value: f64,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Subcommand)]
pub(crate) enum Calendar {
    /// Create or change a calendar; the next due instants of its tasks are computed again
    Put {
        /// The name by which tasks know it
        name: String,
        /// exclude: nothing is due on its dates; allow: only on them is anything due
        #[arg(long, value_parser = mode)]
        mode: CalendarMode,
        /// Its dates, such as 2030-12-31
        #[arg(value_name = "DATE", value_parser = value::date)]
        dates: Vec<NaiveDate>,
        #[command(flatten)]
        format: Format,
    },
    /// List calendars
    List(Format),
    /// Remove a calendar that no task uses
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
        _ => Err("must be exclude or allow"),
    }
}
