//! `ordinaut target VERB`.

use crate::args::{OneHost, OneTarget, PutTarget, Target as Asked};
use crate::command::pages::all;
use crate::output::{answer, facts, or_dash, table, time};
use anyhow::bail;
use ordinaut_core::Client;
use ordinaut_core::target::{Fallback, HostStatus, Target, TargetStatus};
use ordinaut_worker::probe_target;
use serde_json::json;
use std::process::ExitCode;

pub(crate) async fn run(database: &Client, asked: Asked) -> anyhow::Result<ExitCode> {
    let targets = database.targets();
    match asked {
        Asked::List(format) => {
            let found = all(async |limit, next: Option<String>| targets.list(limit, next.as_deref()).await).await?;
            answer(format, &found, || {
                let head = ["NAME", "HOSTS", "CALLED", "WAITING", "SOURCE"];
                table(head, found.iter().map(row))
            })?;
        }
        Asked::Show(OneTarget { name, format }) => {
            let status = get(database, &name).await?;
            answer(format, &status, || shown(&status))?;
        }
        Asked::Put(put) => {
            let (format, target) = (put.format, target(*put));
            targets.put(&target).await?;
            answer(format, &target, || format!("target \"{}\" is put", target.name))?;
        }
        Asked::Delete(OneTarget { name, format }) => {
            if !targets.delete(&name).await? {
                bail!("there is no target \"{name}\"");
            }
            answer(format, &json!({"name": name, "deleted": true}), || format!("target \"{name}\" is deleted"))?;
        }
        Asked::Reset { name, host, format } => {
            if !targets.reset(&name, host.as_deref()).await? {
                bail!("there is no target \"{name}\"{}", with(host.as_deref()));
            }
            let status = get(database, &name).await?;
            answer(format, &status, || format!("target \"{name}\"{} is called again", with(host.as_deref())))?;
        }
        Asked::Drain(OneHost { name, host, format }) => {
            if !targets.drain(&name, &host).await? {
                bail!("there is no target \"{name}\"{}", with(Some(&host)));
            }
            let status = get(database, &name).await?;
            answer(format, &status, || format!("{host} of target \"{name}\" gets no more calls"))?;
        }
        Asked::Undrain(OneHost { name, host, format }) => {
            if !targets.undrain(&name, &host).await? {
                bail!("there is no target \"{name}\"{}", with(Some(&host)));
            }
            let status = get(database, &name).await?;
            answer(format, &status, || format!("{host} of target \"{name}\" gets calls again"))?;
        }
        Asked::Test(OneTarget { name, format }) => {
            let probes = probe_target(&get(database, &name).await?.target).await?;
            answer(format, &probes, || {
                let rows = probes.iter().map(|probe| {
                    let said = probe.status.map(|status| status.to_string()).or_else(|| probe.error.clone());
                    [probe.host.clone(), or_dash(said), format!("{} ms", probe.milliseconds)]
                });
                table(["HOST", "ANSWER", "TOOK"], rows)
            })?;
            // At least one could be called.
            return Ok(if probes.iter().any(|probe| probe.well) { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Asked::Url(OneTarget { name, format }) => {
            let status = get(database, &name).await?;
            let Some(host) = status.health.iter().find(|host| host.is_called()) else {
                bail!("the target \"{name}\" takes no calls")
            };
            let url = format!("{}://{}", status.target.scheme, host.host);
            answer(format, &json!({"url": url}), || url.clone())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn get(database: &Client, name: &str) -> anyhow::Result<TargetStatus> {
    match database.targets().get(name).await? {
        Some(status) => Ok(status),
        None => bail!("there is no target \"{name}\""),
    }
}

fn with(host: Option<&str>) -> String {
    host.map(|host| format!(" with a host \"{host}\"")).unwrap_or_default()
}

fn row(status: &TargetStatus) -> [String; 5] {
    let called = status.health.iter().filter(|host| host.is_called()).count();
    [
        status.target.name.clone(),
        status.health.len().to_string(),
        if status.available { called.to_string() } else { "none".to_owned() },
        status.waiting.to_string(),
        status.source.to_string(),
    ]
}

fn shown(status: &TargetStatus) -> String {
    let target = &status.target;
    let strategy = json!(target.strategy);
    let fallback = target.fallback.as_ref().map(|fallback| match fallback {
        Fallback::Target(name) => format!("target {name}"),
        Fallback::Value(value) => value.to_string(),
        _ => "–".to_owned(),
    });
    let about = facts([
        ("name", target.name.clone()),
        ("takes calls", if status.available { "yes" } else { "no" }.to_owned()),
        ("waiting jobs", status.waiting.to_string()),
        ("strategy", strategy.as_str().unwrap_or_default().to_owned()),
        (
            "opens after",
            format!("{} failures, for {} to {} s", target.threshold, target.open_for_seconds, target.longest_seconds),
        ),
        ("resume rate", format!("{} jobs a second", target.resume_rate)),
        ("calls at once", or_dash(target.concurrency.map(|most| of(status.under_way.unwrap_or_default(), most)))),
        ("calls a second", or_dash(target.rate)),
        ("fallback", or_dash(fallback)),
        ("critical", if target.critical { "yes" } else { "no" }.to_owned()),
        ("source", format!("{}, version {}", status.source, status.version)),
    ]);
    let head = ["HOST", "STATE", "FAILURES", "OPENED BY", "NEXT TRIAL", "CALLS", "FAILED", "SECONDS", "REASON"];
    format!("{about}\n{}", table(head, status.health.iter().map(host_row)))
}

fn of(calls: i64, most: u32) -> String {
    format!("{calls} of {most}")
}

fn host_row(host: &HostStatus) -> [String; 9] {
    let state = if host.drained_at.is_some() { "drained".to_owned() } else { host.state.to_string() };
    [
        host.host.clone(),
        state,
        host.failures.to_string(),
        or_dash(host.opened_by.as_ref()),
        or_dash(host.retry_at.map(time)),
        host.calls.to_string(),
        host.failed.to_string(),
        or_dash(host.recent_seconds.map(|seconds| format!("{seconds:.3}"))),
        or_dash(host.reason.as_ref()),
    ]
}

fn target(put: PutTarget) -> Target {
    let mut target = Target::new(put.name, Vec::<String>::new()).scheme(put.scheme);
    (target.hosts, target.health_path, target.critical) = (put.hosts, put.health_path, put.critical);
    target.strategy = put.strategy.unwrap_or_default();
    target.fallback = put.fallback.map(Fallback::Target).or(put.fallback_value.map(Fallback::Value));
    target.threshold = put.threshold.unwrap_or(target.threshold);
    target.timeout_seconds = put.timeout.unwrap_or(target.timeout_seconds);
    target.open_for_seconds = put.open_for.unwrap_or(target.open_for_seconds);
    target.longest_seconds = put.longest.unwrap_or(target.longest_seconds);
    (target.concurrency, target.rate) = (put.concurrency, put.rate);
    target.resume_rate = put.resume_rate.unwrap_or(target.resume_rate);
    target
}
