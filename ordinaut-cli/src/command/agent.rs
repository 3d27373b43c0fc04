//! `ordinaut agent create|list|rotate|revoke|delete`.

use crate::args::{Agent as Asked, CreateAgent, OneAgent};
use crate::command::BY;
use crate::command::pages::all;
use crate::output::{answer, or_dash, table};
use anyhow::bail;
use ordinaut_core::Client;
use ordinaut_core::access::{Agent, NewAgent, Removed, Scope};
use serde_json::json;
use std::process::ExitCode;
use std::time::Duration;

pub(crate) async fn run(database: &Client, asked: Asked) -> anyhow::Result<ExitCode> {
    match asked {
        Asked::Create(create) => self::create(database, create).await?,
        Asked::List(format) => {
            let agents =
                all(async |limit, next: Option<String>| database.agents().list(limit, next.as_deref()).await).await?;
            answer(format, &agents, || {
                let head = ["NAME", "SCOPES", "QUEUES", "TENANT", "TOKENS", "STATE", "CREATED BY"];
                table(head, agents.iter().map(row))
            })?;
        }
        Asked::Rotate { name, overlap, format } => {
            let rotated = database.agents().rotate(&name, Duration::from_secs(overlap.into())).await?;
            let Some(token) = rotated else { bail!("there is no agent \"{name}\"") };
            answer(format, &json!({ "name": name, "token": token.reveal() }), || {
                format!("{}\nThe tokens before end in {overlap} s. This one is not shown again.", token.reveal())
            })?;
        }
        Asked::Revoke(OneAgent { name, format }) => {
            done(&name, database.agents().revoke(&name).await?)?;
            let text = || format!("agent \"{name}\" is shut out within a second");
            answer(format, &json!({ "name": name, "revoked": true }), text)?;
        }
        Asked::Delete(OneAgent { name, format }) => {
            done(&name, database.agents().delete(&name).await?)?;
            answer(format, &json!({ "name": name, "deleted": true }), || format!("agent \"{name}\" is deleted"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn create(database: &Client, asked: CreateAgent) -> anyhow::Result<()> {
    let mut agent = asked.scopes.into_iter().fold(NewAgent::new(asked.name), NewAgent::scope);
    if !asked.queues.is_empty() {
        agent = agent.queues(asked.queues);
    }
    (agent.tenant, agent.expires_at) = (asked.tenant, asked.expires_at);
    let (agent, token) = database.agents().create(&agent, BY).await?;
    answer(asked.format, &json!({ "agent": agent, "token": token.reveal() }), || {
        format!("{}\nAgent \"{}\" calls with this token. It is not shown again.", token.reveal(), agent.name)
    })
}

fn done(name: &str, removed: Removed) -> anyhow::Result<()> {
    match removed {
        Removed::Yes => Ok(()),
        Removed::LastAdmin => bail!("agent \"{name}\" is the last one with the scope admin: make another one first"),
        Removed::OwnsTasks(tasks) => {
            bail!("agent \"{name}\" created {tasks} tasks that are active: pause, cancel or delete them first")
        }
        _ => bail!("there is no agent \"{name}\""),
    }
}

fn row(agent: &Agent) -> [String; 7] {
    let state = match (agent.revoked_at, agent.expires_at) {
        (Some(_), _) => "revoked".to_owned(),
        (None, Some(at)) => format!("until {}", at.format("%Y-%m-%d %H:%M UTC")),
        (None, None) => "active".to_owned(),
    };
    [
        agent.name.clone(),
        agent.scopes.iter().copied().map(Scope::as_str).collect::<Vec<_>>().join(" "),
        or_dash(agent.queues.as_ref().map(|queues| queues.join(" "))),
        or_dash(agent.tenant.as_ref()),
        agent.secrets.to_string(),
        state,
        agent.created_by.clone(),
    ]
}
