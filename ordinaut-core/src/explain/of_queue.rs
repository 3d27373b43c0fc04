//! From facts of a queue to findings.

use crate::explain::answer::{Component, Finding, QueueExplanation, Severity};
use crate::explain::facts::QueueFacts;
use crate::explain::reason::{Reason, ReasonKind};
use crate::explain::shared::{COUNTED, held_up, lasting, no_scheduler, paused};
use crate::queue::pressure::QueueLevel;
use serde_json::json;

/// A number that was counted no further.
const MANY: i64 = 10_000;

/// Seconds from which on the oldest job waits for long, and for very long.
const LONG: [f64; 2] = [60.0, 600.0];

/// Shares of attempts from which on many fail, and most do.
const FAIL: [f64; 2] = [0.1, 0.5];

/// Attempts from which on a share means something.
const ATTEMPTS: i64 = 10;

/// Seconds by which events may be late without being told of.
const RELAY: f64 = 10.0;

/// What holds it up, the worst first.
pub(crate) fn explanation(facts: &QueueFacts) -> QueueExplanation {
    let mut findings: Vec<Finding> = paused_or_unserved(facts).into_iter().chain(under_load(facts)).collect();
    findings.extend(of_jobs(facts));
    findings.extend(around_it(facts));
    // Among equals the order is kept: what must go first comes first.
    findings.sort_by_key(|finding| finding.severity);
    let waiting = number(facts.load.waiting, "job waits", "jobs wait");
    let says = match findings.first() {
        Some(first) => format!("{waiting}; {}: {}", first.severity.as_str(), first.reason.says),
        None => format!("{waiting}, and nothing holds it up"),
    };
    QueueExplanation { queue: facts.name.clone(), says, findings }
}

fn finding(severity: Severity, component: Component, reason: Reason) -> Finding {
    Finding { severity, component, reason }
}

fn number(count: i64, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        MANY.. => format!("10,000 {many}, or more"),
        count => format!("{count} {many}"),
    }
}

/// Why nobody takes its jobs, or some of them.
fn paused_or_unserved(facts: &QueueFacts) -> Vec<Finding> {
    let (name, load) = (&facts.name, &facts.load);
    // What nobody waits for is only worth knowing.
    let severity = if load.waiting > 0 { Severity::Critical } else { Severity::Info };
    if let Some(pause) = &facts.pause {
        return vec![finding(severity, Component::Queue, paused(pause, "it").with("waiting", load.waiting))];
    }
    let reason = if load.workers == 0 {
        Reason::new(ReasonKind::NoWorkerAlive, "no worker is alive").advice("start a worker that serves it")
    } else if load.serving == 0 {
        Reason::new(ReasonKind::QueueUnserved, format!("no living worker serves the queue {name:?}"))
            .advice(format!("add {name:?} to WORKER_QUEUES of a worker"))
    } else if load.drained == load.serving {
        Reason::new(ReasonKind::WorkersDrained, "all workers that serve it are drained")
            .advice("let one lease again: ordinaut worker undrain NAME")
    } else if let Some(kind) = load.unversioned.first().filter(|_| load.unknown_kinds.is_empty()) {
        let kinds: Vec<_> = load.unversioned.iter().map(|kind| format!("{kind:?}")).collect();
        let says = format!("no living worker runs one side of the rollout of {}", kinds.join(", "));
        Reason::new(ReasonKind::VersionMissing, says)
            .with("kinds", json!(load.unversioned))
            .advice(format!("start a worker of the version, or end the rollout: ordinaut rollout end {kind:?}"))
    } else if load.unknown_kinds.is_empty() {
        return Vec::new();
    } else {
        let kinds: Vec<_> = load.unknown_kinds.iter().map(|kind| format!("{kind:?}")).collect();
        let says = format!("no living worker of it has a handler for {}", kinds.join(", "));
        Reason::new(ReasonKind::KindUnknown, says)
            .with("kinds", json!(load.unknown_kinds))
            .advice("deploy a worker that handles the kind; look for a spelling mistake in it")
    };
    let reason = reason.with("waiting", load.waiting).with("workers", load.serving).with("drained", load.drained);
    vec![finding(severity, Component::Workers, reason)]
}

/// Jobs that wait for workers which have what they ask for, if the one that was looked at finds
/// none.
fn unplaced(facts: &QueueFacts) -> Option<Finding> {
    let missing = |reason: &&Reason| matches!(reason.reason, ReasonKind::LabelsMissing | ReasonKind::WorkersDrained);
    let reason = facts.placed.as_ref()?.reasons.iter().find(missing)?;
    let placed = facts.load.placed;
    let says = number(
        placed,
        "job waits for a worker that has what it asks for",
        "jobs wait for workers that have what they ask for",
    );
    let found = Reason::new(reason.reason, says).with("placed", placed).because([reason.clone()]);
    Some(finding(Severity::Warning, Component::Workers, found))
}

/// Whether its workers and limits are enough for what comes.
fn under_load(facts: &QueueFacts) -> Vec<Finding> {
    let load = &facts.load;
    let mut found = Vec::new();
    if load.slots > 0 && load.running >= load.slots && load.waiting > 0 {
        let reason = Reason::new(ReasonKind::SlotsBusy, format!("all {} slots of its workers are busy", load.slots))
            .with("running", load.running)
            .with("slots", load.slots)
            .advice("add workers, or raise WORKER_CONCURRENCY");
        found.push(finding(Severity::Warning, Component::Workers, reason));
    }
    if load.limited > 0 {
        let says = number(load.limited, "job waits under limits", "jobs wait under limits");
        let reason = Reason::new(ReasonKind::LimitFull, says).with("limited", load.limited).with("parked", load.parked);
        let because = facts.limited.iter().flat_map(|job| job.reasons.iter().cloned());
        let reason = reason.because(because).advice("raise the limit, if what it protects can bear that");
        found.push(finding(Severity::Warning, Component::Limits, reason));
    }
    found.extend(unplaced(facts));
    if load.unavailable > 0 {
        let says = number(load.unavailable, "job waits for a target", "jobs wait for targets");
        let reason = Reason::new(ReasonKind::TargetUnavailable, says).with("unavailable", load.unavailable);
        let because = facts.unavailable.iter().flat_map(|job| job.reasons.iter().cloned());
        found.push(finding(Severity::Warning, Component::Targets, reason.because(because)));
    }
    // A tenth more is noise.
    if load.waiting > 0 && load.arrived * 10 > load.ended * 11 {
        let [came, ended] = [load.arrived, load.ended].map(|count| count as f64 / COUNTED * 60.0);
        let says = format!("{came:.1} jobs come in a minute, and {ended:.1} attempts end");
        let reason = Reason::new(ReasonKind::FallsBehind, says)
            .with("arrived", load.arrived)
            .with("ended", load.ended)
            .with("seconds", json!(COUNTED));
        let reason = reason.advice("add workers, or let fewer jobs come");
        found.push(finding(Severity::Warning, Component::Workers, reason));
    }
    if let Some(oldest) = load.oldest.filter(|oldest| *oldest >= LONG[0]) {
        let severity = if oldest >= LONG[1] { Severity::Critical } else { Severity::Warning };
        let reason = Reason::new(ReasonKind::WaitsLong, format!("its oldest job has been due for {}", lasting(oldest)))
            .with("seconds", json!(oldest.round()));
        found.push(finding(severity, Component::Queue, reason));
    }
    if load.level > QueueLevel::Normal {
        let severity = match load.level {
            QueueLevel::Minor => Severity::Info,
            QueueLevel::Major => Severity::Warning,
            _ => Severity::Critical,
        };
        let says = if load.max_waiting.is_some_and(|most| load.waiting >= i64::from(most)) {
            format!("it is full, and takes no jobs: {}", number(load.waiting, "job waits", "jobs wait"))
        } else {
            let (level, least) = (load.level, load.level.least_urgent());
            format!("its pressure is {level}: it takes jobs of priority {least} or more urgent")
        };
        let reason = Reason::new(ReasonKind::QueueFull, says)
            .with("level", load.level.to_string())
            .with("max_waiting", json!(load.max_waiting))
            .advice(format!(
                "make its workers faster, or raise its bound: ordinaut queue set {} --max-waiting N",
                facts.name
            ));
        found.push(finding(severity, Component::Queue, reason));
    }
    found
}

/// How its jobs fare.
fn of_jobs(facts: &QueueFacts) -> Vec<Finding> {
    let load = &facts.load;
    let mut found = Vec::new();
    let share = load.failed as f64 / load.ended.max(1) as f64;
    if load.ended >= ATTEMPTS && share >= FAIL[0] {
        let severity = if share >= FAIL[1] { Severity::Critical } else { Severity::Warning };
        let says = format!("{} of the last {} attempts failed", load.failed, load.ended);
        let reason = Reason::new(ReasonKind::Failures, says)
            .with("failed", load.failed)
            .with("ended", load.ended)
            .with("share", json!((share * 100.0).round() / 100.0))
            .advice(format!("read their errors: ordinaut run list --outcome failed --queue {}", facts.name));
        found.push(finding(severity, Component::Jobs, reason));
    }
    if load.dead > 0 {
        let says = number(load.dead, "job died within the hour", "jobs died within the hour");
        let reason = Reason::new(ReasonKind::Deaths, says)
            .with("dead", load.dead)
            .advice("read their errors: ordinaut dead list; send them back: ordinaut dead requeue");
        found.push(finding(Severity::Info, Component::Jobs, reason));
    }
    found
}

/// What is wrong around it.
fn around_it(facts: &QueueFacts) -> Vec<Finding> {
    let mut found = Vec::new();
    if facts.schedulers == 0 {
        let reason = no_scheduler("jobs of dead workers, and those that wait for other jobs, stay where they are");
        found.push(finding(Severity::Critical, Component::Scheduler, reason));
    }
    if let Some(late) = facts.load.unrelayed.filter(|late| *late >= RELAY) {
        let says = format!("events are {} late, and so are statistics, followers and webhooks", lasting(late));
        let reason = Reason::new(ReasonKind::RelayBehind, says).with("seconds", json!(late.round()));
        let reason = reason.advice("look whether a scheduler is alive, and into its log");
        found.push(finding(Severity::Warning, Component::Relay, reason));
    }
    if facts.load.waiting > 0 {
        let held = held_up(facts.snapshot.as_ref());
        found.extend(held.map(|reason| finding(Severity::Warning, Component::Database, reason)));
    }
    found
}
