//! `ordinaut policy set|show|list|delete`.

use crate::args::{OnePolicy, Policy as Asked, SetPolicy};
use crate::command::enqueue::duration;
use crate::output::{answer, facts, or_dash, table, time};
use anyhow::bail;
use ordinaut_core::Client;
use ordinaut_core::policy::{AllowedHours, HoursMode, KindPolicy, StoredPolicy};
use serde_json::json;
use std::process::ExitCode;

pub(crate) async fn run(database: &Client, asked: Asked) -> anyhow::Result<ExitCode> {
    match asked {
        Asked::Set(set) => {
            let format = set.format;
            let (kind, policy) = wanted(set)?;
            let stored = database.policies().put(&kind, &policy).await?;
            answer(format, &stored, || shown(&stored))?;
        }
        Asked::Show(OnePolicy { kind, format }) => {
            let Some(stored) = database.policies().get(&kind).await? else { bail!(none(&kind)) };
            answer(format, &stored, || shown(&stored))?;
        }
        Asked::List(format) => {
            let policies = database.policies().list().await?;
            answer(format, &policies, || {
                let rows = policies.iter().map(|stored| {
                    [
                        stored.kind.clone(),
                        or_dash(stored.policy.hours.as_ref().map(hours)),
                        or_dash(stored.policy.timeout.map(seconds)),
                        or_dash(stored.policy.sla.map(seconds)),
                        stored.late.to_string(),
                    ]
                });
                table(["KIND", "HOURS", "TIMEOUT", "SLA", "LATE"], rows)
            })?;
        }
        Asked::Delete(OnePolicy { kind, format }) => {
            if !database.policies().delete(&kind).await? {
                bail!(none(&kind));
            }
            answer(format, &json!({"kind": kind, "deleted": true}), || format!("the kind \"{kind}\" has no policy"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn wanted(set: SetPolicy) -> anyhow::Result<(String, KindPolicy)> {
    let mut policy = KindPolicy::default();
    let (mode, windows) =
        if set.never.is_empty() { (HoursMode::Only, set.only) } else { (HoursMode::Never, set.never) };
    if !windows.is_empty() || !set.calendars.is_empty() {
        let hours = AllowedHours::new(mode, windows).calendars(set.calendars);
        policy = policy.hours(hours.timezone(set.timezone.unwrap_or_default()));
    } else if set.timezone.is_some() {
        bail!("--timezone needs --only, --never or --calendar");
    }
    if let Some(timeout) = set.timeout {
        policy = policy.timeout(duration("--timeout", timeout)?);
    }
    if let Some(sla) = set.sla {
        policy = policy.sla(duration("--sla", sla)?);
    }
    if let Some(output) = set.output {
        policy = policy.output(output);
    }
    Ok((set.kind, policy))
}

fn shown(stored: &StoredPolicy) -> String {
    let policy = &stored.policy;
    let mut known = vec![("kind", stored.kind.clone())];
    known.extend(policy.hours.as_ref().map(|of| ("hours", hours(of))));
    known.extend(policy.timeout.map(|timeout| ("timeout", seconds(timeout))));
    known.extend(policy.sla.map(|sla| ("sla", format!("{}, late: {}", seconds(sla), stored.late))));
    known.extend(policy.output.map(|output| ("outputs", output.to_string())));
    known.push(("set", time(stored.set_at)));
    facts(known)
}

fn hours(hours: &AllowedHours) -> String {
    let mode = match hours.mode {
        HoursMode::Only => "only",
        HoursMode::Never => "never",
    };
    let windows: Vec<String> = hours.windows.iter().map(ToString::to_string).collect();
    let mut text = if windows.is_empty() { String::new() } else { format!("{mode} {}, ", windows.join(" and ")) };
    text.push_str(&hours.timezone);
    if !hours.calendars.is_empty() {
        text.push_str(&format!(", calendars {}", hours.calendars.join(", ")));
    }
    text
}

fn seconds(seconds: f64) -> String {
    format!("{seconds} s")
}

fn none(kind: &str) -> String {
    format!("there is no policy of the kind \"{kind}\"")
}
