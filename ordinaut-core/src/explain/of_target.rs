//! From a target to the reason why its jobs wait.

use crate::explain::reason::{Reason, ReasonKind};
use crate::explain::shared::written;
use crate::target::status::{HostStatus, TargetStatus};

/// That what a job calls takes no calls, with each host as what that rests on.
pub(crate) fn unavailable(says: String, name: &str, target: Option<&TargetStatus>) -> Reason {
    let reason = Reason::new(ReasonKind::TargetUnavailable, says).with("target", name);
    let Some(target) = target else { return reason };
    let reason = reason.with("waiting", target.waiting);
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
