//! `ordinaut webhook VERB`.

use crate::args::{CreateWebhook, OneWebhook, Webhook as Asked};
use crate::command::BY;
use crate::command::pages::{all, collect};
use crate::output::{answer, or_dash, table, time};
use anyhow::bail;
use ordinaut_core::Client;
use ordinaut_core::webhook::{NewWebhook, Webhook};
use serde_json::json;
use std::process::ExitCode;
use std::time::Duration;

pub(crate) async fn run(database: &Client, asked: Asked) -> anyhow::Result<ExitCode> {
    let webhooks = database.webhooks();
    match asked {
        Asked::Create(create) => self::create(database, create).await?,
        Asked::List(format) => {
            let found = all(async |limit, next: Option<String>| webhooks.list(limit, next.as_deref()).await).await?;
            answer(format, &found, || {
                let head = ["NAME", "URL", "TYPES", "QUEUES", "KINDS", "STATE"];
                table(head, found.iter().map(row))
            })?;
        }
        Asked::Deliveries { name, limit, format } => {
            let Some(webhook) = webhooks.get(&name).await? else { bail!("there is no webhook \"{name}\"") };
            let found =
                collect(limit, async |limit, before: Option<i64>| webhooks.deliveries(&webhook, limit, before).await)
                    .await?;
            answer(format, &found.items, || {
                let rows = found.iter().map(|delivery| {
                    [
                        delivery.n.to_string(),
                        delivery.job_id.to_string(),
                        or_dash(delivery.state.map(|state| state.to_string())),
                        delivery.attempt.to_string(),
                        time(delivery.at),
                        or_dash(delivery.error.as_ref()),
                    ]
                });
                table(["EVENT", "JOB", "STATE", "ATTEMPT", "AT", "ERROR"], rows)
            })?;
        }
        Asked::Redeliver { name, n, format } => {
            let Some(job_id) = webhooks.redeliver(&name, n).await? else {
                bail!("event {n} was not delivered to a webhook \"{name}\", or is not kept any more")
            };
            answer(format, &json!({ "job_id": job_id }), || job_id.to_string())?;
        }
        Asked::Rotate { name, overlap, format } => {
            let rotated = webhooks.rotate(&name, Duration::from_secs(overlap.into())).await?;
            let Some(secret) = rotated else { bail!("there is no webhook \"{name}\"") };
            answer(format, &json!({ "name": name, "secret": secret.reveal() }), || {
                format!("{}\nThe secrets before end in {overlap} s. This one is not shown again.", secret.reveal())
            })?;
        }
        Asked::Disable(OneWebhook { name, format }) => {
            let Some(webhook) = webhooks.disable(&name).await? else { bail!("there is no webhook \"{name}\"") };
            answer(format, &webhook, || format!("webhook \"{name}\" is told nothing"))?;
        }
        Asked::Enable(OneWebhook { name, format }) => {
            let Some(webhook) = webhooks.enable(&name).await? else { bail!("there is no webhook \"{name}\"") };
            answer(format, &webhook, || format!("webhook \"{name}\" is told of events"))?;
        }
        Asked::Delete(OneWebhook { name, format }) => {
            if !webhooks.delete(&name).await? {
                bail!("there is no webhook \"{name}\"");
            }
            answer(format, &json!({ "name": name, "deleted": true }), || format!("webhook \"{name}\" is deleted"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn create(database: &Client, asked: CreateWebhook) -> anyhow::Result<()> {
    let webhook = NewWebhook::new(asked.name, asked.url)
        .types(asked.types)
        .queues(asked.queues)
        .kinds(asked.kinds)
        .queue(asked.deliver_in);
    let (webhook, secret) = database.webhooks().create(&webhook, BY).await?;
    answer(asked.format, &json!({ "webhook": webhook, "secret": secret.reveal() }), || {
        format!(
            "{}\nDeliveries to \"{}\" are signed with this secret. It is not shown again.",
            secret.reveal(),
            webhook.name
        )
    })
}

fn row(webhook: &Webhook) -> [String; 6] {
    let state = match (webhook.disabled_at, webhook.failing_since) {
        (Some(_), _) => "disabled".to_owned(),
        (None, Some(since)) => format!("failing since {}", time(since)),
        (None, None) => "active".to_owned(),
    };
    let words = |words: &[String]| or_dash((!words.is_empty()).then(|| words.join(" ")));
    [
        webhook.name.clone(),
        webhook.url.clone(),
        words(&webhook.types),
        words(&webhook.queues),
        words(&webhook.kinds),
        state,
    ]
}
