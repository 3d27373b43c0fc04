//! From facts of a task to reasons.

use crate::explain::answer::TaskExplanation;
use crate::explain::facts::{Seen, TaskFacts};
use crate::explain::reason::{Reason, ReasonKind};
use crate::explain::shared::{no_scheduler, paused, written};
use crate::job::state::JobState;
use crate::schedule::kind::ScheduleKind;
use crate::task::fire_filter::Became;
use crate::task::store::TaskStatus;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

/// Time after which a due task that nobody fired is overdue.
const LATE: TimeDelta = TimeDelta::seconds(5);

/// Why instants were left out, in the order in which that is told.
const LEFT_OUT: [(Became, ReasonKind); 5] = [
    (Became::Overlap, ReasonKind::Overlap),
    (Became::Misfired, ReasonKind::Misfired),
    (Became::Coalesced, ReasonKind::Coalesced),
    (Became::Duplicate, ReasonKind::Duplicate),
    (Became::Snoozed, ReasonKind::Snoozed),
];

/// Why it does not fire, and what became of its last instants.
pub(crate) fn explanation(facts: TaskFacts) -> TaskExplanation {
    let task = &facts.task;
    let reasons: Vec<Reason> = match task.status {
        TaskStatus::Cancelled => {
            vec![Reason::new(ReasonKind::TaskCancelled, "it was cancelled, and makes no more jobs")]
        }
        TaskStatus::Paused => vec![is_paused(&facts)],
        TaskStatus::Active => {
            let now = nobody_fires(&facts).into_iter().chain(not_now(&facts));
            now.chain(left_out(&facts)).chain(its_jobs(&facts)).collect()
        }
    };
    let says = match reasons.first() {
        Some(first) if first.reason == ReasonKind::NotDue => match reasons.get(1) {
            Some(besides) => format!("{}; {}", first.says, besides.says),
            None => format!("nothing is in its way: {}", first.says),
        },
        Some(first) => format!("it does not fire now: {}", first.says),
        None => "nothing is in its way".to_owned(),
    };
    let (task_id, status, next_run_at) = (task.id, task.status, task.next_run_at);
    TaskExplanation { task_id, status, next_run_at, says, reasons, fires: facts.fires }
}

fn is_paused(facts: &TaskFacts) -> Reason {
    let task = &facts.task;
    let resume = format!("ordinaut task resume {}", task.id);
    match &task.last_error {
        Some(error) => Reason::new(ReasonKind::TaskBroken, format!("a scheduler paused it: {error}"))
            .with("error", &**error)
            .advice(format!("mend its definition, then {resume}")),
        None => Reason::new(ReasonKind::TaskPaused, "it is paused").advice(format!("resume it: {resume}")),
    }
    .with("task_id", task.id.to_string())
}

/// What keeps all tasks from firing.
fn nobody_fires(facts: &TaskFacts) -> Vec<Reason> {
    let stop = facts.stop.as_ref().map(|pause| paused(pause, "it"));
    let nobody = (facts.schedulers == 0).then(|| no_scheduler("no task fires"));
    stop.into_iter().chain(nobody).collect()
}

/// What its schedule says of now.
fn not_now(facts: &TaskFacts) -> Option<Reason> {
    let schedule = &facts.task.definition.schedule;
    let by_clock = !matches!(schedule.kind, ScheduleKind::Event | ScheduleKind::Condition | ScheduleKind::Service);
    if by_clock {
        return by_the_clock(facts);
    }
    if let Some(start) = schedule.starts_at.filter(|start| *start > facts.now) {
        return Some(
            Reason::new(ReasonKind::NotDue, format!("it begins at {}", written(start))).with("at", written(start)),
        );
    }
    if schedule.ends_at.is_some_and(|end| end < facts.now) {
        return Some(ended());
    }
    match schedule.kind {
        ScheduleKind::Event => {
            let topic = &*schedule.expr;
            let says = format!("it fires when an event of {topic} is published");
            Some(
                Reason::new(ReasonKind::WaitsForEvent, says)
                    .with("topic", topic)
                    .advice("publish one: POST /topics/NAME"),
            )
        }
        ScheduleKind::Condition => facts.condition.as_ref().and_then(|seen| condition(seen, &schedule.expr, facts.now)),
        _ => {
            let job = facts.unfinished.last()?;
            let says = format!("it is a service, and its job {job} has not ended");
            let reason = Reason::new(ReasonKind::ServiceRuns, says).with("job_id", job.to_string());
            Some(reason.advice(format!("ordinaut explain {job}")))
        }
    }
}

fn ended() -> Reason {
    Reason::new(ReasonKind::ScheduleEnded, "its schedule has ended: it is never due again")
        .advice("give it another schedule: ordinaut task change")
}

fn by_the_clock(facts: &TaskFacts) -> Option<Reason> {
    let Some(next) = facts.task.next_run_at else { return Some(ended()) };
    if next > facts.now {
        let snoozed = facts.fires.first().filter(|fire| fire.skipped.as_deref() == Some(Became::Snoozed.as_str()));
        let reason = match snoozed {
            Some(last) => Reason::new(
                ReasonKind::Snoozed,
                format!("it was snoozed over {}: it is due next at {}", written(last.scheduled_for), written(next)),
            )
            .advice(format!("run it now: ordinaut task run-now {}", facts.task.id)),
            None => Reason::new(ReasonKind::NotDue, format!("it is due next at {}", written(next))),
        };
        return Some(reason.with("next_run_at", written(next)));
    }
    if facts.now - next < LATE {
        return None;
    }
    let says = format!("it has been due since {}, and no scheduler has fired it", written(next));
    let reason = Reason::new(ReasonKind::Overdue, says).with("next_run_at", written(next));
    Some(reason.advice("look into the log of ordinaut-scheduler: it passes over tasks that it cannot read"))
}

/// Why the condition makes it not due.
fn condition(seen: &Seen, text: &str, now: DateTime<Utc>) -> Option<Reason> {
    let Seen { condition, state, value } = seen;
    let told = value.map_or("not known".to_owned(), |value| value.to_string());
    let with = |reason: Reason| reason.with("condition", text).with("value", json!(value));
    if !condition.holds(*value) {
        let says = format!("its condition {text:?} is false: the value is {told}");
        return Some(with(Reason::new(ReasonKind::ConditionFalse, says)));
    }
    let length = |length| TimeDelta::from_std(length).unwrap_or(TimeDelta::MAX);
    let why = if state.fired {
        "and it has fired for that: it fires again after the condition was false".to_owned()
    } else if let Some(last) = state.last_fired_at.filter(|last| now - *last < length(condition.cooldown)) {
        format!("and it fired at {}, less than its cooldown ago", written(last))
    } else {
        let since = state.true_since.filter(|since| now - *since < length(condition.holds_for))?;
        format!("since {}, which is not long enough", written(since))
    };
    let says = format!("its condition {text:?} is true, {why}");
    Some(with(Reason::new(ReasonKind::ConditionHeld, says)))
}

/// Why its last instants made no job, those that come being told already.
fn left_out(facts: &TaskFacts) -> Vec<Reason> {
    let past: Vec<_> = facts.fires.iter().filter(|fire| fire.scheduled_for <= facts.now).collect();
    let told = LEFT_OUT.iter().filter_map(|(became, kind)| {
        let left: Vec<_> = past.iter().filter(|fire| fire.skipped.as_deref() == Some(became.as_str())).collect();
        let last = left.first()?.scheduled_for;
        let (why, advice) = why_left_out(*became, facts);
        let says = format!("{} of its last {} instants were left out: {why}", left.len(), past.len());
        let reason = Reason::new(*kind, says).with("instants", left.len()).with("last", written(last)).advice(advice);
        Some(if *became == Became::Overlap { reason.with("jobs", json!(facts.unfinished)) } else { reason })
    });
    told.collect()
}

fn why_left_out(became: Became, facts: &TaskFacts) -> (String, String) {
    let definition = &facts.task.definition;
    match became {
        Became::Overlap => {
            let most = definition.max_instances.map_or("as many".to_owned(), |most| most.to_string());
            let advice = facts.unfinished.first().map_or("raise max_instances".to_owned(), |job| {
                format!("ordinaut explain {job}, or raise max_instances")
            });
            (format!("{most} of its jobs had not ended"), advice)
        }
        Became::Misfired => {
            let grace =
                definition.misfire_grace.map_or("SCHEDULER_MISFIRE_GRACE_TIME".to_owned(), |s| format!("{s} s"));
            let why =
                format!("they were later than the grace ({grace}), and its misfire policy is {}", definition.misfire);
            (why, "find out why schedulers were late, or change misfire_grace or misfire".to_owned())
        }
        Became::Coalesced => {
            let why = "nobody fired them in time, and a later one stands for each (misfire policy coalesce)".to_owned();
            (why, "to fire each of them: misfire catch_up(N)".to_owned())
        }
        Became::Duplicate => {
            ("another job held its unique key".to_owned(), "cancel that job, or change unique".to_owned())
        }
        _ => ("it was snoozed".to_owned(), format!("run it now: ordinaut task run-now {}", facts.task.id)),
    }
}

/// Why its last job has not run.
fn its_jobs(facts: &TaskFacts) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = Vec::new();
    let queue = &facts.task.definition.queue;
    reasons.extend(facts.pause.as_ref().map(|pause| paused(pause, &format!("its queue {queue}"))));
    if let Some(job) = &facts.job {
        let state = job.explanation.state;
        if state != JobState::Running {
            let says = format!("its last job {} has not ended: it is {state}", job.id);
            let reason = Reason::new(ReasonKind::JobUnended, says).with("job_id", job.id.to_string());
            let reason = reason.advice(format!("ordinaut explain {}", job.id));
            reasons.push(reason.because(job.explanation.reasons.iter().cloned()));
        }
    }
    reasons
}
