//! From facts of a batch to reasons.

use crate::explain::answer::BatchExplanation;
use crate::explain::facts::{BatchFacts, Members, Unended};
use crate::explain::reason::{Reason, ReasonKind};
use crate::explain::shared::no_scheduler;
use serde_json::json;
use uuid::Uuid;

/// Where members that have not ended can be, with the kind of reason and what is said of one and
/// of several, in the order in which that is told.
const PLACES: [(&str, ReasonKind, &str, &str); 4] = [
    ("parked", ReasonKind::MembersParked, "member was set aside", "members were set aside"),
    ("waiting", ReasonKind::MembersWait, "member waits for a worker", "members wait for a worker"),
    ("scheduled", ReasonKind::MembersScheduled, "member is not due", "members are not due"),
    ("running", ReasonKind::MembersRun, "member runs", "members run"),
];

/// Which members hold it up, or what it calls that has not ended.
pub(crate) fn explanation(facts: &BatchFacts) -> BatchExplanation {
    let batch = &facts.batch;
    let ended = batch.succeeded + batch.dead + batch.cancelled;
    let (says, reasons) = if batch.ended_at.is_some() {
        (format!("it has ended: {}", batch.state), called(facts))
    } else {
        (format!("it has not ended: {ended} of {} members have", batch.total), held_up_by(facts))
    };
    let says = match reasons.first() {
        Some(first) => format!("{says}; {}", first.says),
        None => says,
    };
    BatchExplanation { batch_id: batch.id, state: batch.state, says, reasons }
}

fn example(job: Uuid, facts: &BatchFacts) -> Option<&Unended> {
    facts.examples.iter().find(|example| example.id == job)
}

fn held_up_by(facts: &BatchFacts) -> Vec<Reason> {
    let batch = &facts.batch;
    let looked: i64 = facts.places.iter().map(|place| place.members).sum();
    let mut reasons = Vec::new();
    if let Some(stopping) = batch.stopping {
        let says = format!("what is left of it is being cancelled: it will end as {stopping}");
        reasons.push(Reason::new(ReasonKind::Stopping, says).with("stopping", stopping.to_string()));
    }
    for (place, kind, one, many) in PLACES {
        let found = facts.places.iter().find(|members| members.place.as_deref() == Some(place));
        reasons.extend(found.map(|members| at(members, kind, one, many, looked, facts)));
    }
    let all_ended = facts.places.iter().all(|members| members.place.is_none());
    if all_ended && looked >= batch.total {
        let says = "all its members have ended, and their ends were not all counted yet";
        reasons.push(Reason::new(ReasonKind::FoldBehind, says).with("members", looked));
    }
    if facts.schedulers == 0 {
        reasons.push(no_scheduler("ends that no worker writes, such as cancels, are not counted"));
    }
    if batch.dead > 0 {
        let says = match batch.dead {
            1 => "1 member is dead".to_owned(),
            dead => format!("{dead} members are dead"),
        };
        let says = format!("{says}: it will end as failed");
        let reason = Reason::new(ReasonKind::MembersDead, says).with("dead", batch.dead);
        reasons.push(reason.advice("read their errors: ordinaut dead list; send them back: ordinaut dead requeue"));
    }
    reasons
}

/// Members that are at one place, and why the first of them is there.
fn at(members: &Members, kind: ReasonKind, one: &str, many: &str, looked: i64, facts: &BatchFacts) -> Reason {
    let says = match members.members {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    };
    let of = if looked < facts.batch.total { format!(" (of {looked} that were looked at)") } else { String::new() };
    let reason = Reason::new(kind, format!("{says}{of}")).with("members", members.members).with("looked_at", looked);
    match example(members.first, facts) {
        Some(job) => {
            let reason = reason.with("job_id", json!(job.id)).advice(format!("ordinaut explain {}", job.id));
            reason.because(job.explanation.reasons.iter().cloned())
        }
        None => reason,
    }
}

/// What it calls that has not ended.
fn called(facts: &BatchFacts) -> Vec<Reason> {
    let told = facts.examples.iter().map(|job| {
        let when = if Some(job.id) == facts.batch.on_success {
            "when all members have succeeded"
        } else {
            "when all have ended"
        };
        let says = format!("the job {}, which it calls {when}, is {}", job.id, job.explanation.state);
        let reason = Reason::new(ReasonKind::CallbackUnended, says).with("job_id", json!(job.id));
        let reason =
            reason.with("state", job.explanation.state.to_string()).advice(format!("ordinaut explain {}", job.id));
        reason.because(job.explanation.reasons.iter().cloned())
    });
    told.collect()
}
