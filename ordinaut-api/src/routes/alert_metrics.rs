//! What the metrics say of alerts.

use ordinaut_core::Client;
use ordinaut_core::alert::{AlertCount, AlertState, Severity};
use ordinaut_core::error::Error;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfAlerts {
    severity: &'static str,
    state: &'static str,
}

pub(crate) async fn ask(client: &Client) -> Result<Vec<AlertCount>, Error> {
    client.alerts().counts().await
}

pub(crate) fn register(registry: &mut Registry, counts: &[AlertCount]) {
    let alerts = Family::<OfAlerts, Gauge>::default();
    let of = |severity: Severity, state: AlertState| OfAlerts { severity: severity.as_str(), state: state.as_str() };
    for severity in Severity::ALL {
        for state in [AlertState::Pending, AlertState::Firing] {
            alerts.get_or_create(&of(severity, state)).set(0);
        }
    }
    for count in counts {
        alerts.get_or_create(&of(count.severity, count.state)).set(count.alerts);
    }
    registry.register("alerts", "Alerts that are not over", alerts);
}
