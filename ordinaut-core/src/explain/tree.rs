//! From facts to reasons.

use crate::batch::batch::Batch;
use crate::explain::facts::{Facts, Hand, Other, Part, Place, Room};
use crate::explain::of_target::unavailable;
use crate::explain::reason::{Explanation, Reason, ReasonKind};
use crate::explain::shared::{COUNTED, held_up, no_scheduler, paused, written};
use crate::job::state::JobState;
use crate::job::wait::{CONCURRENCY_KEY, Demand, LimitKey, MAX_INSTANCES, Wait};
use crate::step::record::{WaitKind, WaitRecord};
use chrono::{DateTime, Utc};
use serde_json::json;

/// A worker looks at least once in this time.
const SOON: &str = "a worker will claim it within a second or two";

/// Why it does not run.
pub(crate) fn explanation(facts: &Facts) -> Explanation {
    let job = &facts.job;
    let (says, reasons) = match job.state {
        JobState::Running => (running(facts), stalled(facts).into_iter().collect()),
        JobState::Succeeded | JobState::Cancelled | JobState::Dead => (ended(facts), Vec::new()),
        JobState::Scheduled => {
            let first = not_due(facts);
            // What would be in its way then as well.
            let reasons: Vec<_> = std::iter::once(first).chain(nobody_to_run_it(facts)).collect();
            (summary(&reasons), reasons)
        }
        JobState::Parked => {
            let reasons: Vec<_> = set_aside(facts).into_iter().chain(nobody_to_run_it(facts)).collect();
            (summary(&reasons), reasons)
        }
        JobState::Waiting => {
            let reasons: Vec<_> = nobody_to_run_it(facts).into_iter().chain(behind_others(facts)).collect();
            (summary(&reasons), reasons)
        }
    };
    Explanation { job_id: job.id, state: job.state, says, reasons }
}

fn summary(reasons: &[Reason]) -> String {
    match reasons.first() {
        Some(first) => format!("it does not run: {}", first.says),
        None => format!("nothing is in its way: {SOON}"),
    }
}

fn running(facts: &Facts) -> String {
    let job = &facts.job;
    let asked = if job.cancel_asked { ", and was asked to stop" } else { "" };
    format!("it runs: attempt {}{asked}", job.attempt)
}

/// That its handler does not come further, as its kind expects of it.
fn stalled(facts: &Facts) -> Option<Reason> {
    let job = &facts.job;
    let progress = facts.progress.as_ref().filter(|progress| progress.attempt == job.attempt)?;
    let (since, seconds) = (progress.stalled_at.map(|_| progress.moved_at)?, progress.stalls_after_seconds?);
    let says = format!("its progress has not changed since {}, and should within {seconds} s", written(since));
    let reason = Reason::new(ReasonKind::Stalled, says)
        .with("moved_at", written(since))
        .with("stalls_after_seconds", seconds)
        .with("counter", progress.counter);
    let reason = progress.percent.into_iter().fold(reason, |reason, percent| reason.with("percent", percent));
    let id = job.id;
    Some(reason.advice(format!("see what it says: ordinaut job logs {id}; or cancel it: ordinaut job cancel {id}")))
}

fn ended(facts: &Facts) -> String {
    let job = &facts.job;
    let advice =
        if job.state == JobState::Dead { "; its dead letter has the error, and a requeue runs it again" } else { "" };
    format!("it has ended: {}{advice}", job.state)
}

fn not_due(facts: &Facts) -> Reason {
    if let Some(run_at) = facts.job.run_at.filter(|_| facts.put_off) {
        return outside_hours(run_at, &facts.job.kind);
    }
    if let Some(wait) = facts.waits.iter().find(|wait| wait.answered_at.is_none()) {
        return handler_waits(wait, facts);
    }
    let Some(run_at) = facts.job.run_at else { return Reason::new(ReasonKind::NotDue, "it is not due yet") };
    let why = match facts.job.failures {
        0 => "",
        1 => ", after an attempt that failed",
        _ => ", after attempts that failed",
    };
    let seconds = (run_at - facts.now).as_seconds_f64().max(0.0);
    Reason::new(ReasonKind::NotDue, format!("it is due at {}{why}", written(run_at)))
        .with("run_at", written(run_at))
        .with("seconds", json!((seconds * 10.0).round() / 10.0))
        .with("failures", facts.job.failures)
}

/// That its kind may not run before the instant to which it was put off.
fn outside_hours(run_at: DateTime<Utc>, kind: &str) -> Reason {
    let run_at = written(run_at);
    Reason::new(ReasonKind::OutsideHours, format!("its kind may not run before {run_at}: those are its allowed hours"))
        .with("run_at", run_at)
        .advice(format!("see its policy: ordinaut policy show {kind:?}"))
}

/// What a durable handler waits for.
fn handler_waits(wait: &WaitRecord, facts: &Facts) -> Reason {
    let until = wait.until.map(|until| format!(", until {}", written(until))).unwrap_or_default();
    let reason = match wait.kind {
        WaitKind::Sleep => {
            Reason::new(ReasonKind::Sleeps, format!("its handler sleeps in the step {:?}{until}", wait.name))
        }
        WaitKind::Event => {
            let (topic, key) = (wait.topic.as_deref().unwrap_or_default(), wait.key.as_deref().unwrap_or_default());
            let of_key = if key.is_empty() { String::new() } else { format!(" of the key {key:?}") };
            Reason::new(ReasonKind::WaitsForEvent, format!("its handler waits for an event of {topic}{of_key}{until}"))
                .with("topic", topic)
                .with("key", key)
                .advice(format!("publish the event: POST /topics/{topic}"))
        }
        WaitKind::Job => {
            Reason::new(ReasonKind::WaitsForJob, format!("its handler waits for the end of another job{until}"))
                .because(facts.others.iter().map(|other| of_other(ReasonKind::WaitsForJob, other)))
        }
        WaitKind::Approval => {
            let question = wait.question.as_deref().unwrap_or_default();
            Reason::new(ReasonKind::WaitsForApproval, format!("it waits for approval: {question:?}{until}"))
                .with("question", question)
                .advice(format!(
                    "answer it: ordinaut job approve {id}, or: ordinaut job reject {id}",
                    id = facts.job.id
                ))
        }
    };
    let reason = reason.with("step", &*wait.name).with("since", written(wait.began_at));
    match wait.until {
        Some(until) => reason.with("until", written(until)),
        None => reason,
    }
}

fn of_other(kind: ReasonKind, other: &Other) -> Reason {
    let due = other.run_at.filter(|_| other.state == JobState::Scheduled);
    let due = due.map(|at| format!(", due at {}", written(at))).unwrap_or_default();
    Reason::new(kind, format!("job {} ({}) is {}{due}", other.id, other.kind, other.state))
        .with("job_id", other.id.to_string())
        .with("queue", &*other.queue)
        .with("state", other.state.to_string())
        .advice(format!("ordinaut explain {}", other.id))
}

/// Why it was set aside.
fn set_aside(facts: &Facts) -> Vec<Reason> {
    let job = &facts.job;
    let Some(wait) = &job.waits else { return Vec::new() };
    let says = wait.to_string();
    let others = |kind| facts.others.iter().map(move |other| of_other(kind, other));
    match wait {
        Wait::Limits { limits } => under_limits(limits, facts),
        Wait::TaskPaused { task_id } => {
            let reason = Reason::new(ReasonKind::TaskPaused, says).with("task_id", json!(task_id));
            vec![match task_id {
                Some(id) => reason.advice(format!("resume it: ordinaut task resume {id}")),
                None => reason,
            }]
        }
        Wait::RunAgain { job_id } => {
            let reason = Reason::new(ReasonKind::RunAgain, says).with("job_id", json!(job_id));
            vec![reason.because(others(ReasonKind::RunAgain))]
        }
        Wait::Dependency { jobs } => {
            let reason = Reason::new(ReasonKind::Dependency, says).with("jobs", json!(jobs));
            let reason = reason.because(others(ReasonKind::Dependency));
            vec![with_scheduler(reason, facts)]
        }
        Wait::Placed(demand) => of_demand(demand, says),
        Wait::Target { target } => {
            vec![with_scheduler(unavailable(says, target, facts.target.as_ref()), facts)]
        }
        Wait::Batch { batch_id } => {
            let reason = of_batch(says, facts.batch.as_ref()).with("batch_id", json!(batch_id));
            vec![with_scheduler(reason, facts)]
        }
        _ => Vec::new(),
    }
}

/// What it asks of its worker, if nobody has that or those who have it are busy.
fn of_demand(demand: &Demand, says: String) -> Vec<Reason> {
    let is_busy = demand.running >= demand.slots;
    let reason =
        match demand {
            Demand { until: Some(_), .. } => Reason::new(ReasonKind::PrefersWorker, says),
            Demand { workers: 0, drained: 1.., .. } => Reason::new(ReasonKind::WorkersDrained, says)
                .advice("let one lease again: ordinaut worker undrain NAME"),
            Demand { workers: 0, .. } if !demand.labels.is_empty() => Reason::new(ReasonKind::LabelsMissing, says)
                .advice("start a worker that has them: WORKER_LABELS, or --worker-labels"),
            Demand { workers: 1.., .. } if is_busy => Reason::new(ReasonKind::SlotsBusy, says)
                .advice("add workers that have them, or raise WORKER_CONCURRENCY"),
            _ => return Vec::new(),
        };
    let reason = reason.with("labels", json!(demand.labels)).with("workers", demand.workers);
    let reason = reason.with("slots", demand.slots).with("running", demand.running);
    vec![match demand.until {
        Some(until) => reason.with("until", written(until)),
        None => reason,
    }]
}

fn of_batch(says: String, batch: Option<&Batch>) -> Reason {
    let Some(batch) = batch else { return Reason::new(ReasonKind::Batch, says) };
    let reason = if batch.ended_at.is_some() {
        let says = format!(
            "its batch {} has {}, and it runs when the dead members were sent back and succeed",
            batch.id, batch.state
        );
        Reason::new(ReasonKind::Batch, says).advice("send them back: ordinaut dead requeue")
    } else {
        Reason::new(ReasonKind::Batch, says)
    };
    let numbers =
        [("total", batch.total), ("succeeded", batch.succeeded), ("dead", batch.dead), ("cancelled", batch.cancelled)];
    numbers
        .into_iter()
        .fold(reason.with("state", batch.state.to_string()), |reason, (name, number)| reason.with(name, number))
}

/// Ends that no worker wrote reach those that wait for them by a scheduler.
fn with_scheduler(reason: Reason, facts: &Facts) -> Reason {
    if facts.schedulers > 0 {
        return reason;
    }
    reason.because([no_scheduler("ends that no worker writes, such as cancels, reach nobody")])
}

/// The limits that leave no room, first those that leave none at all.
fn under_limits(limits: &[LimitKey], facts: &Facts) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = facts.limits.iter().filter_map(no_room).collect();
    reasons.sort_by_key(|reason| reason.reason != ReasonKind::KindPaused);
    if let Some(place) = &facts.place
        && place.ahead > 0
    {
        let ordered = facts.limits.iter().any(|room| room.ordered);
        let kind = if ordered { ReasonKind::Order } else { ReasonKind::InLine };
        reasons.push(ahead(kind, place, "of its line"));
    }
    if reasons.is_empty() {
        // It had none when it was set aside.
        let names: Vec<_> = limits.iter().map(ToString::to_string).collect();
        reasons.push(
            Reason::new(
                ReasonKind::LimitFull,
                format!("it waits to be let in under {}, which has room now", names.join(" and ")),
            )
            .with("limits", json!(limits)),
        );
    }
    reasons
}

fn no_room(room: &Room) -> Option<Reason> {
    let limit = LimitKey { name: room.name.clone(), key: room.key.clone() };
    let change = match &*room.name {
        CONCURRENCY_KEY | MAX_INSTANCES => "wait, or cancel the jobs that hold it".to_owned(),
        name => format!("raise it: ordinaut limit change {name:?} --concurrency N"),
    };
    let reason = match (room.concurrency, room.tokens) {
        (Some(0), _) => Reason::new(ReasonKind::KindPaused, format!("{limit} lets nothing run")).advice(change),
        (Some(most), _) if room.held >= i64::from(most) && !room.per_process => {
            let held: Vec<_> = room.holders.iter().map(ToString::to_string).collect();
            let kind = if room.ordered { ReasonKind::Order } else { ReasonKind::LimitFull };
            let full = Reason::new(kind, format!("{limit} is full: {} of {most} is taken", room.held));
            let full = full.with("holders", json!(held));
            if room.ordered { full } else { full.advice(change) }
        }
        (_, Some(tokens)) if tokens < 1.0 => {
            let rate = room.rate.unwrap_or_default();
            Reason::new(ReasonKind::RateUsedUp, format!("{limit} lets {rate} start in a second, and that is used up"))
                .with("rate", json!(rate))
                .with("left", json!((tokens * 100.0).round() / 100.0))
                .advice(format!("raise it: ordinaut limit change {:?} --rate N", room.name))
        }
        _ => return None,
    };
    let reason = reason.with("limit", &*room.name).with("key", &*room.key).with("held", room.held);
    Some(reason.with("concurrency", json!(room.concurrency)))
}

/// Why no worker runs anything of its queue and kind.
fn nobody_to_run_it(facts: &Facts) -> Option<Reason> {
    let job = &facts.job;
    if let Some(pause) = &facts.pause {
        return Some(paused(pause, &format!("its queue {}", pause.name)));
    }
    let all = &facts.workers;
    let serving: Vec<&Hand> = all.iter().filter(|hand| hand.serves).collect();
    let able: Vec<&Hand> = serving.iter().copied().filter(|hand| hand.knows).collect();
    let willing: Vec<&Hand> = able.iter().copied().filter(|hand| !hand.drained).collect();
    let (queue, kind) = (&job.queue, &job.kind);
    let reason = if all.is_empty() {
        Reason::new(ReasonKind::NoWorkerAlive, "no worker is alive")
            .advice("start a worker that serves its queue and kind")
    } else if serving.is_empty() {
        Reason::new(ReasonKind::QueueUnserved, format!("no living worker serves the queue {queue:?}"))
            .with("workers", names(&all.iter().collect::<Vec<_>>()))
            .advice(format!("add {queue:?} to WORKER_QUEUES of a worker, or move the job"))
    } else if able.is_empty() {
        Reason::new(
            ReasonKind::KindUnknown,
            format!("no living worker of the queue {queue:?} has a handler for {kind:?}"),
        )
        .with("workers", names(&serving))
        .advice("deploy a worker that handles the kind; look for a spelling mistake in it")
    } else if willing.is_empty() {
        Reason::new(ReasonKind::WorkersDrained, "the workers that could run it are drained")
            .with("workers", names(&able))
            .advice(undrain(&able))
    } else {
        return facts.part.as_ref().filter(|part| part.workers == 0).map(|part| version_missing(part, kind));
    };
    Some(reason)
}

/// That nobody runs the part of its kind that it belongs to.
fn version_missing(part: &Part, kind: &str) -> Reason {
    let Part { version, percent, .. } = part;
    let says = if part.own {
        format!("a rollout gives it to workers of the version {version}, and none is alive")
    } else {
        format!("a rollout leaves it to workers of other versions than {version}, and none is alive")
    };
    Reason::new(ReasonKind::VersionMissing, says)
        .with("version", &**version)
        .with("percent", *percent)
        .advice(format!("start such a worker, or end the rollout: ordinaut rollout end {kind:?}"))
}

/// What lets one of the drained workers lease again.
fn undrain(drained: &[&Hand]) -> String {
    let known = drained.iter().map(|hand| &*hand.name).find(|name| !name.is_empty());
    let name = known.map_or_else(|| "NAME".to_owned(), |name| format!("{name:?}"));
    format!("let one lease again: ordinaut worker undrain {name}")
}

/// Those that the caller may know.
fn names(hands: &[&Hand]) -> serde_json::Value {
    let known = hands.iter().filter(|hand| !hand.name.is_empty());
    known.map(|hand| json!({"name": hand.name, "session": hand.session.to_string()})).collect()
}

/// What is before it, where somebody could run it.
fn behind_others(facts: &Facts) -> Vec<Reason> {
    let willing: Vec<&Hand> = facts.workers.iter().filter(|hand| hand.serves && hand.knows && !hand.drained).collect();
    if facts.pause.is_some() || willing.is_empty() {
        return Vec::new();
    }
    let mut reasons = Vec::new();
    let suspect = facts.place.as_ref().filter(|place| place.suspect && place.suspects > 0);
    if let Some(place) = suspect {
        let says = "it was lost twice, and another such job runs: a process runs one of them at a time";
        reasons.push(Reason::new(ReasonKind::Suspect, says).with("running", place.suspects));
    }
    if willing.iter().all(|hand| hand.running >= hand.concurrency) {
        let [running, slots] = [|hand: &&Hand| hand.running, |hand: &&Hand| hand.concurrency]
            .map(|number| willing.iter().map(|hand| i64::from(number(hand))).sum::<i64>());
        reasons.push(
            Reason::new(ReasonKind::SlotsBusy, format!("all {slots} slots of the workers that could run it are busy"))
                .with("running", running)
                .with("slots", slots)
                .with("workers", names(&willing))
                .advice("add workers, or raise WORKER_CONCURRENCY"),
        );
    }
    if let Some(place) = facts.place.as_ref().filter(|place| place.ahead > 0) {
        reasons.push(ahead(ReasonKind::InLine, place, "of its queue"));
    }
    if !reasons.is_empty() {
        reasons.extend(held_up(facts.snapshot.as_ref()));
    }
    reasons
}

fn ahead(kind: ReasonKind, place: &Place, of_what: &str) -> Reason {
    let number = match place.ahead {
        1 => format!("1 job {of_what} goes"),
        ahead if ahead >= 10_000 => format!("10,000 jobs {of_what} or more go"),
        ahead => format!("{ahead} jobs {of_what} go"),
    };
    let a_second = place.ended as f64 / COUNTED;
    let about = match kind {
        ReasonKind::InLine if a_second > 0.0 => {
            format!(", about {:.0} s at the rate of the last five minutes", place.ahead as f64 / a_second)
        }
        _ => String::new(),
    };
    let reason = Reason::new(kind, format!("{number} before it{about}")).with("ahead", place.ahead);
    if a_second > 0.0 { reason.with("per_second", json!((a_second * 100.0).round() / 100.0)) } else { reason }
}
