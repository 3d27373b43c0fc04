//! Asking the hosts of a target how they are, from where this runs.

use super::client::HttpClient;
use anyhow::Context as _;
use ordinaut_core::error::Chain;
use ordinaut_core::target::Target;
use ordinaut_runtime::settings::worker::WorkerSettings;
use reqwest::{Method, Url};
use serde::Serialize;
use std::time::{Duration, Instant};

/// What a host of a target said.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct HostProbe {
    /// The host.
    pub host: String,
    /// Whether it is well: it answered, and not with a status from 500 on.
    pub well: bool,
    /// The status that it answered with.
    pub status: Option<u16>,
    /// Time that it took.
    pub milliseconds: u64,
    /// Why there is no answer.
    pub error: Option<String>,
}

/// Calls the health path of each host of a target, or `/`, one after the other. It changes nothing:
/// breakers go by the calls of jobs.
pub async fn probe_target(target: &Target) -> anyhow::Result<Vec<HostProbe>> {
    let client = HttpClient::new(&WorkerSettings::default()).context("could not create a client")?;
    let timeout = Duration::try_from_secs_f64(target.timeout_seconds).unwrap_or(Duration::MAX);
    let mut probes = Vec::new();
    for host in &target.hosts {
        let path = target.health_path.as_deref().unwrap_or("/");
        let url = Url::parse(&format!("{}://{}{path}", target.scheme, host.host)).context("could not make a URL")?;
        let began = Instant::now();
        let answer = client.request_of_target(Method::GET, url).timeout(timeout).send().await;
        let milliseconds = began.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
        let (status, error) = match answer {
            Ok(answer) => (Some(answer.status().as_u16()), None),
            Err(error) => (None, Some(Chain(&error.without_url()).to_string())),
        };
        let well = status.is_some_and(|status| status < 500);
        probes.push(HostProbe { host: host.host.clone(), well, status, milliseconds, error });
    }
    Ok(probes)
}
