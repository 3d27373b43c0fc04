//! `ordinaut health [api|scheduler|worker]`: one line, and code 0 or 1, for what supervises a process.

use crate::args::Role;
use crate::connection::Connection;
use crate::output::say;
use anyhow::{Context, bail};
use ordinaut_runtime::host_name;
use ordinaut_runtime::settings::Source;
use ordinaut_runtime::settings::api::ApiSettings;
use ordinaut_runtime::settings::health::HealthSettings;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;
use tokio::time::timeout;

/// Shorter than the 5 s that our health checks grant, so that the reason is told and not cut off.
const PROBE_TIMEOUT: Duration = Duration::from_secs(4);

/// Bad health is an answer, not an error: the line goes where supervisors keep it, to standard output.
pub(crate) async fn run(source: &Source, role: Option<Role>) -> ExitCode {
    let look = async {
        match role {
            None => database(source).await,
            Some(Role::Api) => api(source),
            Some(Role::Scheduler) => scheduler(source).await,
            Some(Role::Worker) => worker(source).await,
        }
    };
    let found = timeout(PROBE_TIMEOUT, look).await;
    match found.unwrap_or_else(|_| bail!("no answer within {} s", PROBE_TIMEOUT.as_secs())) {
        Ok(text) => {
            say(format_args!("healthy: {text}"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(format_args!("unhealthy: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn database(source: &Source) -> anyhow::Result<String> {
    Connection::find(source)?.open().await?;
    Ok("Postgres answers, and its schema is usable".to_owned())
}

/// The API of this machine or container, asked as a load balancer would.
fn api(source: &Source) -> anyhow::Result<String> {
    let ApiSettings { host, port, .. } = ApiSettings::read(source)?;
    ask("API", SocketAddr::from((host, port)))
}

/// Asks a process over HTTP whether it is ready. Blocking: nothing else goes on here.
fn ask(whom: &str, mut address: SocketAddr) -> anyhow::Result<String> {
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::from(Ipv4Addr::LOCALHOST));
    }
    let mut connection = TcpStream::connect_timeout(&address, PROBE_TIMEOUT)
        .with_context(|| format!("nothing answers on port {} of {}", address.port(), address.ip()))?;
    connection.set_read_timeout(Some(PROBE_TIMEOUT))?;
    write!(connection, "GET /health/ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).with_context(|| format!("the {whom} did not answer in full"))?;
    if !answer.starts_with("HTTP/1.1 200 ") {
        bail!("the {whom} says: {}", answer.lines().next_back().unwrap_or_default());
    }
    Ok(format!("the {whom} on port {} is ready", address.port()))
}

/// The scheduler that answers here; where none is told to, one of this machine or container that was seen lately.
async fn scheduler(source: &Source) -> anyhow::Result<String> {
    if let Some(address) = HealthSettings::of_scheduler(source)?.address {
        return ask("scheduler", address);
    }
    let host = host_name();
    let schedulers = Connection::find(source)?.open().await?.schedulers().list().await?;
    match schedulers.iter().filter(|scheduler| scheduler.alive && scheduler.host == host).count() {
        0 => bail!("no scheduler of host {host} was seen for 30 s"),
        alive => Ok(format!("{alive} alive on host {host}")),
    }
}

/// The worker that answers here; where none is told to, a session of this machine or container whose leases hold.
async fn worker(source: &Source) -> anyhow::Result<String> {
    if let Some(address) = HealthSettings::of_worker(source)?.address {
        return ask("worker", address);
    }
    let host = host_name();
    let workers = Connection::find(source)?.open().await?.workers().all().await?;
    match workers.iter().filter(|worker| worker.alive && worker.host == host).count() {
        0 => bail!("no session of host {host} is alive"),
        alive => Ok(format!("{alive} alive on host {host}")),
    }
}
