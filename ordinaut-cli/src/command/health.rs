//! `ordinaut health [api|scheduler|worker]`: one line, and code 0 or 1, for whoever supervises a process.

use crate::args::Role;
use crate::connection::Connection;
use crate::output::say;
use anyhow::{Context, bail};
use ordinaut_core::settings::Source;
use ordinaut_core::settings::api::ApiSettings;
use ordinaut_core::settings::worker::WorkerSettings;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use tokio::time::timeout;

/// Shorter than the 5 s that our health checks grant, so that the reason is told and not cut off.
const PATIENCE: Duration = Duration::from_secs(4);

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
    let found = timeout(PATIENCE, look).await;
    match found.unwrap_or_else(|_| bail!("no answer within {} s", PATIENCE.as_secs())) {
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

/// The API of this machine or container, asked as a load balancer would. Blocking: nothing else goes on here.
fn api(source: &Source) -> anyhow::Result<String> {
    let ApiSettings { host, port, .. } = ApiSettings::read(source)?;
    let host = if host.is_unspecified() { IpAddr::from(Ipv4Addr::LOCALHOST) } else { host };
    let mut connection = TcpStream::connect_timeout(&SocketAddr::from((host, port)), PATIENCE)
        .with_context(|| format!("nothing answers on port {port} of {host}"))?;
    connection.set_read_timeout(Some(PATIENCE))?;
    write!(connection, "GET /health/ready HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).context("the API did not answer in full")?;
    if !answer.starts_with("HTTP/1.1 200 ") {
        bail!("the API says: {}", answer.lines().next_back().unwrap_or_default());
    }
    Ok(format!("the API on port {port} is ready"))
}

/// A scheduler leaves no row behind: its process has to be here, and what it works on has to be usable.
async fn scheduler(source: &Source) -> anyhow::Result<String> {
    if !is_running("ordinaut-scheduler")? {
        bail!("no ordinaut-scheduler runs here");
    }
    Ok(format!("the scheduler runs; {}", database(source).await?))
}

/// A session of this machine or container whose leases hold.
async fn worker(source: &Source) -> anyhow::Result<String> {
    let host = WorkerSettings::read(source)?.host;
    let workers = Connection::find(source)?.open().await?.workers().await?;
    match workers.iter().filter(|worker| worker.alive && worker.host == host).count() {
        0 => bail!("no session of host {host} is alive"),
        alive => Ok(format!("{alive} alive on host {host}")),
    }
}

fn is_running(name: &str) -> anyhow::Result<bool> {
    let processes = std::fs::read_dir("/proc").context("could not look for processes")?;
    // A process that ends meanwhile is none.
    Ok(processes.flatten().filter_map(|process| std::fs::read(process.path().join("cmdline")).ok()).any(|command| {
        let program = command.split(|byte| *byte == 0).next().unwrap_or_default();
        Path::new(&*String::from_utf8_lossy(program)).file_name().is_some_and(|file| file == name)
    }))
}
