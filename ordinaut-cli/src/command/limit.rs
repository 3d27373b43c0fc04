//! `ordinaut limit set|change|list|delete`.

use crate::args::{Bounds, ChangeLimit, Limit as Asked, SetLimit};
use crate::command::pages::all;
use crate::output::{answer, or_dash, table};
use anyhow::bail;
use ordinaut_core::{Client, Limit};
use serde_json::json;
use std::process::ExitCode;

pub(crate) async fn run(database: &Client, asked: Asked) -> anyhow::Result<ExitCode> {
    match asked {
        Asked::Set(set) => {
            let format = set.format;
            let limit = limit(set);
            database.limits().put(&limit).await?;
            answer(format, &limit, || format!("limit \"{}\" is set", limit.name))?;
        }
        Asked::Change(ChangeLimit { name, bounds: Bounds { concurrency, rate, burst }, format }) => {
            if concurrency.is_none() && rate.is_none() && burst.is_none() {
                bail!("there is nothing to change: --concurrency, --rate or --burst");
            }
            let Some(mut limit) = database.limits().get(&name).await? else { bail!("there is no limit \"{name}\"") };
            limit.concurrency = concurrency.or(limit.concurrency);
            // The burst that comes of a rate by itself goes with it.
            limit.burst = burst.or(if rate.is_some() { None } else { limit.burst });
            limit.rate = rate.or(limit.rate);
            database.limits().put(&limit).await?;
            answer(format, &limit, || format!("limit \"{name}\" is changed"))?;
        }
        Asked::List(format) => {
            let limits =
                all(async |limit, next: Option<String>| database.limits().list(limit, next.as_deref()).await).await?;
            answer(format, &limits, || {
                let rows = limits.iter().map(|status| {
                    let limit = &status.limit;
                    [
                        limit.name.clone(),
                        or_dash(limit.queue.as_ref()),
                        or_dash(limit.kind.as_ref()),
                        or_dash(if limit.per_tenant { Some("each tenant") } else { limit.key.as_deref() }),
                        or_dash(limit.concurrency),
                        or_dash(limit.rate),
                        status.held.to_string(),
                        status.waiting.to_string(),
                    ]
                });
                table(["NAME", "QUEUE", "KIND", "KEY", "CONCURRENCY", "RATE", "HELD", "WAITING"], rows)
            })?;
        }
        Asked::Delete { name, format } => {
            if !database.limits().delete(&name).await? {
                bail!("there is no limit \"{name}\"");
            }
            answer(format, &json!({"name": name, "deleted": true}), || format!("limit \"{name}\" is deleted"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn limit(set: SetLimit) -> Limit {
    let mut limit = Limit::new(set.name);
    (limit.queue, limit.kind, limit.key, limit.weight) = (set.queue, set.kind, set.key, set.weight);
    let Bounds { concurrency, rate, burst } = set.bounds;
    (limit.concurrency, limit.rate, limit.burst) = (concurrency, rate, burst);
    (limit.per_tenant, limit.per_process, limit.ordered) = (set.per_tenant, set.per_process, set.ordered);
    limit
}
