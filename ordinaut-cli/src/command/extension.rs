//! `ordinaut extension put|show|delete`: a program of somebody else, as an agent with the tools and
//! webhooks that its manifest names. What belongs to it is what its agent has registered.

use super::task::{parsed, read};
use super::tool::compiled;
use crate::args::{Extension, OneExtension, PutExtension};
use crate::output::{answer, facts};
use anyhow::{Context, bail, ensure};
use ordinaut_core::Client;
use ordinaut_core::access::{Agent, NewAgent, Removed, Scope};
use ordinaut_core::tool::Tool;
use ordinaut_core::webhook::{NewWebhook, Webhook};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::process::ExitCode;

/// Webhooks of a page: all of them take a few.
const A_PAGE: i64 = 100;

/// What an extension asks for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    /// What its agent may do.
    scopes: Vec<Scope>,
    /// The only queues that its agent may use; absent: all of them.
    queues: Option<Vec<String>>,
    /// The only tenant whose jobs its agent sees; absent: those of all.
    tenant: Option<String>,
    #[serde(default)]
    tools: BTreeMap<String, Value>,
    #[serde(default)]
    webhooks: Vec<NewWebhook>,
}

pub(crate) async fn run(database: &Client, asked: Extension) -> anyhow::Result<ExitCode> {
    match asked {
        Extension::Put(PutExtension { name, file, format }) => {
            let place = file.display().to_string();
            let manifest: Manifest = serde_json::from_value(parsed(&place, &read(&file)?)?)
                .with_context(|| format!("{place} is no manifest"))?;
            let (token, secrets) = put(database, &name, manifest).await?;
            let json = json!({"name": name, "token": token, "webhook_secrets": secrets});
            answer(format, &json, || {
                let mut told = vec![("extension", name.clone())];
                told.extend(token.map(|token| ("token", token)));
                let secrets = secrets
                    .iter()
                    .map(|(webhook, secret)| format!("{webhook} {}", secret.as_str().unwrap_or_default()));
                told.extend(secrets.map(|secret| ("webhook secret", secret)));
                facts(told)
            })?;
        }
        Extension::Show(OneExtension { name, format }) => {
            let Some(agent) = database.agents().get(&name).await? else { bail!(none(&name)) };
            let (tools, webhooks) = (tools_of(database, &name).await?, webhooks_of(database, &name).await?);
            let webhooks: Vec<_> = webhooks.into_iter().map(|webhook| webhook.name).collect();
            let json = json!({"name": name, "scopes": agent.scopes, "queues": agent.queues, "tenant": agent.tenant,
                "tools": tools, "webhooks": webhooks});
            answer(format, &json, || {
                let scopes: Vec<_> = agent.scopes.iter().map(|scope| scope.as_str()).collect();
                facts([
                    ("extension", name.clone()),
                    ("scopes", scopes.join(", ")),
                    ("queues", agent.queues.map_or("all".to_owned(), |queues| queues.join(", "))),
                    ("tools", tools.join(", ")),
                    ("webhooks", webhooks.join(", ")),
                ])
            })?;
        }
        Extension::Delete(OneExtension { name, format }) => {
            delete(database, &name).await?;
            answer(format, &json!({"name": name, "deleted": true}), || format!("extension \"{name}\" is deleted"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Brings an extension to what its manifest says; done again, it goes on where it was broken off.
/// Returned are secrets that no other answer has.
async fn put(
    database: &Client,
    name: &str,
    manifest: Manifest,
) -> anyhow::Result<(Option<String>, Map<String, Value>)> {
    let mut agent = NewAgent::new(name);
    (agent.scopes, agent.queues, agent.tenant) = (manifest.scopes, manifest.queues, manifest.tenant);
    agent.check()?;
    ensure!(!agent.scopes.contains(&Scope::Admin), "scopes: an extension may not have the scope admin");
    let mut tools = BTreeMap::new();
    for (tool, json) in manifest.tools {
        let tool_of = compiled(Tool::from_json(json).with_context(|| format!("tools.{tool}"))?);
        tools.insert(tool.clone(), tool_of.with_context(|| format!("tools.{tool}"))?);
    }
    // All is looked at before anything is written.
    let known = database.agents().get(name).await?;
    if let Some(known) = &known {
        ensure!(
            is_as(known, &agent),
            "an agent \"{name}\" has other scopes, queues or tenant: what an extension may do is granted once. Delete it, and put it anew"
        );
    }
    for tool in tools.keys() {
        let stored = database.tools().get(tool).await?;
        let is_taken = stored.is_some_and(|stored| stored.registered_by.as_deref() != Some(name));
        ensure!(!is_taken, "tools.{tool}: there is such a tool, and it is not of this extension");
    }
    for webhook in &manifest.webhooks {
        webhook.check().with_context(|| format!("webhooks.{}", webhook.name))?;
        let stored = database.webhooks().get(&webhook.name).await?;
        let is_taken = stored.is_some_and(|stored| stored.created_by != name);
        ensure!(!is_taken, "webhooks.{}: there is such a webhook, and it is not of this extension", webhook.name);
    }

    let token = match known {
        Some(_) => None,
        None => Some(database.agents().create(&agent, "ordinaut extension").await?.1.reveal().to_owned()),
    };
    let as_itself = database.acting_as(name);
    for tool in tools_of(database, name).await?.iter().filter(|tool| !tools.contains_key(*tool)) {
        database.tools().delete(tool).await?;
    }
    for (tool, definition) in &tools {
        as_itself.tools().put(tool, definition).await.with_context(|| format!("tools.{tool}"))?;
    }
    let mut secrets = Map::new();
    let before = webhooks_of(database, name).await?;
    for old in before.iter().filter(|old| !manifest.webhooks.iter().any(|new| is_the_same(old, new))) {
        database.webhooks().delete(&old.name).await?;
    }
    for new in manifest.webhooks.iter().filter(|new| !before.iter().any(|old| is_the_same(old, new))) {
        let (webhook, secret) = database.webhooks().create(new, name).await?;
        secrets.insert(webhook.name, secret.reveal().into());
    }
    Ok((token, secrets))
}

async fn delete(database: &Client, name: &str) -> anyhow::Result<()> {
    // First, so that nobody acts for it while the rest goes; it may own what keeps it.
    let removed = database.agents().delete(name).await?;
    match removed {
        Removed::OwnsTasks(tasks) => bail!("agent \"{name}\" owns {tasks} active tasks: pause or cancel them first"),
        Removed::LastAdmin => bail!("agent \"{name}\" is the last one that may do everything"),
        // One that was broken off may have left tools.
        _ => {}
    }
    let (tools, webhooks) = (tools_of(database, name).await?, webhooks_of(database, name).await?);
    if removed == Removed::Unknown && tools.is_empty() && webhooks.is_empty() {
        bail!(none(name));
    }
    for tool in &tools {
        database.tools().delete(tool).await?;
    }
    for webhook in &webhooks {
        database.webhooks().delete(&webhook.name).await?;
    }
    Ok(())
}

fn is_as(agent: &Agent, new: &NewAgent) -> bool {
    let mut scopes = new.scopes.clone();
    scopes.sort_unstable();
    scopes.dedup();
    let mut held = agent.scopes.clone();
    held.sort_unstable();
    (held, &agent.queues, &agent.tenant) == (scopes, &new.queues, &new.tenant)
}

fn is_the_same(webhook: &Webhook, new: &NewWebhook) -> bool {
    (&webhook.name, &webhook.url, &webhook.types, &webhook.queues, &webhook.kinds, &webhook.queue)
        == (&new.name, &new.url, &new.types, &new.queues, &new.kinds, &new.queue)
}

async fn tools_of(database: &Client, name: &str) -> anyhow::Result<Vec<String>> {
    let tools = database.tools().list().await?;
    let own = tools.into_iter().filter(|stored| stored.registered_by.as_deref() == Some(name));
    Ok(own.map(|stored| stored.name).collect())
}

async fn webhooks_of(database: &Client, name: &str) -> anyhow::Result<Vec<Webhook>> {
    let (mut own, mut after) = (Vec::new(), None);
    loop {
        let page = database.webhooks().list(A_PAGE, after.as_deref()).await?;
        own.extend(page.items.into_iter().filter(|webhook| webhook.created_by == name));
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(own),
        }
    }
}

fn none(name: &str) -> String {
    format!("there is no extension \"{name}\"")
}
