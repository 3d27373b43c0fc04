//! `ordinaut agent create|list|rotate|password|revoke|delete`.

use crate::args::{Agent as Asked, CreateAgent, OneAgent};
use crate::command::BY;
use crate::command::pages::all;
use crate::output::{answer, mention, or_dash, table};
use anyhow::{Context, anyhow, bail};
use nix::sys::termios::{self, LocalFlags, SetArg};
use ordinaut_core::Client;
use ordinaut_core::access::{Agent, NewAgent, Removed, Scope};
use ordinaut_runtime::hash_password;
use serde_json::json;
use std::io::{BufRead, IsTerminal};
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
        Asked::Password { name, remove, format } => {
            let hash = if remove { None } else { Some(hashed(&typed()?)?) };
            if !database.agents().set_password(&name, hash.as_deref()).await? {
                bail!("there is no agent \"{name}\"");
            }
            let text = match remove {
                true => format!("agent \"{name}\" has no password any more"),
                false => format!("agent \"{name}\" signs in to the page with this password"),
            };
            answer(format, &json!({ "name": name, "has_password": !remove }), || text)?;
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

/// What is stored of a password.
fn hashed(password: &str) -> anyhow::Result<String> {
    hash_password(password).map_err(|reason| anyhow!("the password {reason}"))
}

/// A password: typed twice at a terminal, which does not show it, or a line of the input.
fn typed() -> anyhow::Result<String> {
    let mut input = std::io::stdin().lock();
    if !input.is_terminal() {
        return line(&mut input);
    }
    let shown = termios::tcgetattr(std::io::stdin()).context("could not ask the terminal how it is set")?;
    let mut hidden = shown.clone();
    hidden.local_flags.remove(LocalFlags::ECHO);
    termios::tcsetattr(std::io::stdin(), SetArg::TCSANOW, &hidden).context("could not hide what is typed")?;
    let both = (|| {
        mention("Password:");
        let first = line(&mut input)?;
        mention("The same again:");
        anyhow::Ok((first, line(&mut input)?))
    })();
    termios::tcsetattr(std::io::stdin(), SetArg::TCSANOW, &shown).context("could not show what is typed again")?;
    let (first, second) = both?;
    anyhow::ensure!(first == second, "the two passwords differ");
    Ok(first)
}

fn line(input: &mut impl BufRead) -> anyhow::Result<String> {
    let mut line = String::new();
    input.read_line(&mut line).context("could not read the password")?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
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
