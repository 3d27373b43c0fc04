//! From a target to the reason why its jobs wait.

use crate::explain::reason::{Reason, ReasonKind};
use crate::explain::shared::written;
use crate::target::status::{HostStatus, TargetStatus};

/// That what a job calls takes no calls, with each host as what that rests on.
pub(crate) fn unavailable(says: String, name: &str, target: Option<&TargetStatus>) -> Reason {
    let reason = Reason::new(ReasonKind::TargetUnavailable, says).with("target", name);
    let Some(target) = target else { return reason };
    let reason = reason.with("waiting", target.waiting);
    if let Some(limited) = limited(name, target) {
        return limited;
    }
    if target.available {
        let rate = target.target.resume_rate;
        return reason.with("resume_rate", rate).advice(format!("wait: {rate} jobs a second are let go"));
    }
    let all_drained = target.health.iter().all(|host| host.drained_at.is_some());
    let advice = if all_drained {
        format!("let a host be called: ordinaut target undrain {name} HOST")
    } else {
        format!("look at it: ordinaut target test {name}; when it is well: ordinaut target reset {name}")
    };
    reason.advice(advice).because(target.health.iter().map(of_host))
}

/// That it takes calls, and its limits leave no room.
fn limited(name: &str, target: &TargetStatus) -> Option<Reason> {
    let (status, target) = (target, &target.target);
    let reason = match (status.under_way.zip(target.concurrency), target.rate) {
        _ if !status.available => return None,
        (Some((calls, most)), _) if calls >= i64::from(most) => {
            let says = format!("its target {name:?} has as many calls under way as it may: {calls} of {most}");
            Reason::new(ReasonKind::LimitFull, says).with("concurrency", most).with("under_way", calls)
        }
        (_, Some(rate)) => {
            let says = format!("its target {name:?} gets {rate} calls a second at most");
            Reason::new(ReasonKind::RateUsedUp, says).with("rate", rate)
        }
        _ => return None,
    };
    let reason = reason.with("target", name).with("waiting", status.waiting);
    Some(reason.advice("wait, or let the target have more: PUT /targets/{name} with another concurrency or rate"))
}

fn of_host(host: &HostStatus) -> Reason {
    let name = &host.host;
    let says = match (host.drained_at, host.opened_at) {
        (Some(at), _) => format!("{name} was drained at {}", written(at)),
        (None, Some(at)) => {
            let why = host.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
            let next = match (host.trial_until, host.retry_at) {
                (Some(_), _) => ", and is being tried".to_owned(),
                (None, Some(at)) => format!(", and is tried at {}", written(at)),
                (None, None) => String::new(),
            };
            format!("{name} is not called since {}{why}{next}", written(at))
        }
        (None, None) => format!("{name} takes calls"),
    };
    let reason = Reason::new(ReasonKind::TargetUnavailable, says);
    reason.with("host", &**name).with("state", host.state.as_str()).with("failures", host.failures)
}
