//! What the metrics say of targets.

use ordinaut_core::Client;
use ordinaut_core::error::Error;
use ordinaut_core::target::{BreakerState, TargetStatus};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// More targets than anybody names; those after them are left out.
const MOST: i64 = 1000;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfTarget {
    target: String,
    critical: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfHost {
    target: String,
    host: String,
}

pub(crate) async fn ask(client: &Client) -> Result<Vec<TargetStatus>, Error> {
    Ok(client.targets().list(MOST, None).await?.items)
}

pub(crate) fn register(registry: &mut Registry, targets: &[TargetStatus]) {
    let (available, waiting) = (Family::<OfTarget, Gauge>::default(), Family::<OfTarget, Gauge>::default());
    let state = Family::<OfHost, Gauge>::default();
    let (calls, failed) = (Family::<OfHost, Counter>::default(), Family::<OfHost, Counter>::default());
    for status in targets {
        let critical = if status.target.critical { "true" } else { "false" };
        let target = OfTarget { target: status.target.name.clone(), critical };
        available.get_or_create(&target).set(status.available.into());
        waiting.get_or_create(&target).set(status.waiting);
        for health in &status.health {
            let host = OfHost { target: status.target.name.clone(), host: health.host.clone() };
            state.get_or_create(&host).set(match health.state {
                BreakerState::Closed => 0,
                BreakerState::Trial => 1,
                _ => 2,
            });
            calls.get_or_create(&host).inc_by(health.calls.try_into().unwrap_or_default());
            failed.get_or_create(&host).inc_by(health.failed.try_into().unwrap_or_default());
        }
    }
    registry.register("target_available", "Whether a host of the target takes calls", available);
    registry.register("target_waiting_jobs", "Jobs that wait until their target takes calls", waiting);
    let help = "The breaker of the host: 0 closed, 1 being tried, 2 open";
    registry.register("target_breaker", help, state);
    registry.register("target_calls", "Calls of the host that ended", calls);
    registry.register("target_failures", "Calls of the host that failed", failed);
}
