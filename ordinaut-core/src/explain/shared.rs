//! Reasons that several explanations have.

use crate::db::diagnostics::OldestSnapshot;
use crate::explain::facts::Pause;
use crate::explain::reason::{Reason, ReasonKind};
use crate::name::ALL_QUEUES;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;

/// Transactions since a snapshot was taken, from which on it holds up what people notice.
const OLD_SNAPSHOT: i32 = 1000;

/// The time over which ends were counted, in seconds.
pub(crate) const COUNTED: f64 = 300.0;

pub(crate) fn written(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A length of time, as people say it.
pub(crate) fn lasting(seconds: f64) -> String {
    if seconds < 120.0 { format!("{seconds:.0} s") } else { format!("{:.0} min", seconds / 60.0) }
}

/// That a queue is paused, which a sentence calls `it`; or all of them.
pub(crate) fn paused(pause: &Pause, it: &str) -> Reason {
    let by = pause.paused_by.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
    let why = pause.paused_reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
    let (kind, what, advice) = if pause.name == ALL_QUEUES {
        (ReasonKind::InstallationPaused, "all queues were paused".to_owned(), "ordinaut queue resume '*'".to_owned())
    } else {
        (ReasonKind::QueuePaused, format!("{it} was paused"), format!("ordinaut queue resume {}", pause.name))
    };
    let says = format!("{what}{by} at {}{why}", written(pause.paused_at));
    Reason::new(kind, says).with("queue", &*pause.name).advice(advice)
}

/// That no scheduler is alive, and what does not happen without one.
pub(crate) fn no_scheduler(what: &str) -> Reason {
    let says = format!("no scheduler is alive: {what}");
    Reason::new(ReasonKind::NoSchedulerAlive, says).advice("start ordinaut-scheduler")
}

/// That an old snapshot holds claims up, if there is one.
pub(crate) fn held_up(snapshot: Option<&OldestSnapshot>) -> Option<Reason> {
    let held = snapshot.filter(|held| held.xids >= OLD_SNAPSHOT)?;
    let says = "an old snapshot keeps vacuum from removing what has passed, and claims read over that";
    let reason = Reason::new(ReasonKind::VacuumHeldUp, says)
        .with("holder", &*held.holder)
        .with("seconds", json!(held.seconds.map(f64::round)))
        .with("transactions", held.xids);
    Some(reason.advice("end the transaction, or drop the slot, that holds it"))
}
