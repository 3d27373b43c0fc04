//! `ordinaut health [api|scheduler|worker]`: one line, and code 0 or 1, for what supervises a
//! process.

use crate::args::{Format, Role, Trust};
use crate::connection::{self, Connection};
use crate::output::answer;
use anyhow::{Context, anyhow, bail};
use ordinaut_runtime::host_name;
use ordinaut_runtime::settings::Source;
use ordinaut_runtime::settings::api::ApiDoor;
use ordinaut_runtime::settings::health::HealthSettings;
use reqwest::{Certificate, Client, ClientBuilder, StatusCode};
use serde_json::json;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;
use tokio::time::timeout;

/// Shorter than the 5 s that our health checks grant, so that the reason is told and not cut off.
const PROBE_TIMEOUT: Duration = Duration::from_secs(4);

/// Bad health is an answer, not an error: the line goes where supervisors keep it, to standard
/// output.
pub(crate) async fn run(source: &Source, role: Option<Role>, trust: Trust, format: Format) -> anyhow::Result<ExitCode> {
    let look = async {
        match role {
            None => database(source).await,
            Some(Role::Api) => api(source, trust).await,
            Some(Role::Scheduler) => scheduler(source).await,
            Some(Role::Worker) => worker(source).await,
        }
    };
    let found = timeout(PROBE_TIMEOUT, look).await;
    let found = found.unwrap_or_else(|_| bail!("no answer within {} s", PROBE_TIMEOUT.as_secs()));
    let (healthy, detail) = match found {
        Ok(text) => (true, text),
        Err(error) => (false, format!("{error:#}")),
    };
    let word = if healthy { "healthy" } else { "unhealthy" };
    answer(format, &json!({"healthy": healthy, "detail": detail}), || format!("{word}: {detail}"))?;
    Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn database(source: &Source) -> anyhow::Result<String> {
    Connection::find(source)?.open().await?;
    Ok("Postgres answers, and its schema is usable".to_owned())
}

/// The API of this machine or container, asked as a load balancer would.
async fn api(source: &Source, trust: Trust) -> anyhow::Result<String> {
    let door = ApiDoor::read(&connection::settings(source))?;
    if let Some(path) = door.socket {
        let client = client().unix_socket(&*path).build()?;
        return ask("API", client, "http://localhost", &format!("the Unix socket {}", path.display())).await;
    }
    let (scheme, address) = (if door.tls { "https" } else { "http" }, reachable(door.address));
    let Some(file) = trust.ca else {
        // It is told nothing that others must not know, and what answers is this machine's whatever
        // name its certificate has.
        let client = client().tls_danger_accept_invalid_certs(true).build()?;
        return ask_port("API", client, scheme, address).await;
    };
    if !door.tls {
        bail!("--ca is for an API that speaks https, and by its settings this one does not (API_TLS_CERT)");
    }
    let context = || format!("could not read the authorities of {} (--ca)", file.display());
    let authorities = Certificate::from_pem_bundle(&fs::read(&file).with_context(context)?).with_context(context)?;
    let name = trust.name.unwrap_or_else(|| address.ip().to_string());
    let client = client().tls_certs_only(authorities).resolve(&name, address).build()?;
    let host = if address.is_ipv6() && name.contains(':') { format!("[{name}]") } else { name };
    let port = address.port();
    ask("API", client, &format!("https://{host}:{port}"), &format!("port {port}")).await
}

/// It never leaves this machine, so neither a proxy nor the system's authorities have a part in it.
fn client() -> ClientBuilder {
    reqwest::Client::builder().no_proxy().tls_certs_only([])
}

/// Where a process of this machine that listens there is asked.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::from(Ipv4Addr::LOCALHOST));
    }
    address
}

async fn ask_port(whom: &str, client: Client, scheme: &str, address: SocketAddr) -> anyhow::Result<String> {
    let address = reachable(address);
    ask(whom, client, &format!("{scheme}://{address}"), &format!("port {}", address.port())).await
}

/// Asks a process over HTTP whether it is ready.
async fn ask(whom: &str, client: Client, url: &str, place: &str) -> anyhow::Result<String> {
    let answer = client.get(format!("{url}/health/ready")).send().await.map_err(|error| {
        let reason = anyhow::Error::new(error);
        anyhow!("nothing answers on {place} ({url}): {}", reason.root_cause())
    })?;
    let status = answer.status();
    let text = answer.text().await.with_context(|| format!("could not read the answer of the {whom}"))?;
    if status != StatusCode::OK {
        bail!("the {whom} says: {text}");
    }
    Ok(format!("the {whom} on {place} is ready"))
}

/// The scheduler that answers here; where none is told to, one of this machine or container that
/// was seen lately.
async fn scheduler(source: &Source) -> anyhow::Result<String> {
    if let Some(address) = HealthSettings::of_scheduler(source)?.address {
        return ask_port("scheduler", client().build()?, "http", address).await;
    }
    let host = host_name();
    let schedulers = Connection::find(source)?.open().await?.schedulers().list().await?;
    match schedulers.iter().filter(|scheduler| scheduler.alive && scheduler.host == host).count() {
        0 => bail!("no scheduler of host {host} was seen for 30 s"),
        alive => Ok(format!("{alive} alive on host {host}")),
    }
}

/// The worker that answers here; where none is told to, a session of this machine or container
/// whose leases hold.
async fn worker(source: &Source) -> anyhow::Result<String> {
    if let Some(address) = HealthSettings::of_worker(source)?.address {
        return ask_port("worker", client().build()?, "http", address).await;
    }
    let host = host_name();
    let workers = Connection::find(source)?.open().await?.workers().all().await?;
    match workers.iter().filter(|worker| worker.alive && worker.host == host).count() {
        0 => bail!("no session of host {host} is alive"),
        alive => Ok(format!("{alive} alive on host {host}")),
    }
}
