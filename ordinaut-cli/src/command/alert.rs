//! `ordinaut alert VERB`.

use crate::args::{AddSilence, Alert as Asked, ListAlerts, OneAlert, OneRule, RuleVerb, SetRule, SilenceVerb};
use crate::command::BY;
use crate::command::enqueue::duration;
use crate::command::pages::collect;
use crate::output::{answer, facts, or_dash, table, time};
use anyhow::{Context, bail};
use chrono::{TimeDelta, Utc};
use ordinaut_core::Client;
use ordinaut_core::alert::{Alert, AlertFilter, AlertRule, AlertState, NewSilence, Silence, StoredRule};
use serde_json::json;
use std::process::ExitCode;
use uuid::Uuid;

pub(crate) async fn run(database: &Client, asked: Asked) -> anyhow::Result<ExitCode> {
    match asked {
        Asked::List(list) => listed(database, list).await?,
        Asked::Show(OneAlert { id, format }) => {
            let Some(alert) = database.alerts().get(id).await? else { bail!("there is no alert {id}") };
            answer(format, &alert, || shown(&alert))?;
        }
        Asked::Acknowledge { alert: OneAlert { id, format }, by, note } => {
            let by = by.as_deref().unwrap_or(BY);
            let known = database.alerts().acknowledge(id, by, note.as_deref()).await?;
            let Some(alert) = known else { bail!("there is no alert {id}") };
            if alert.state != AlertState::Firing {
                bail!("alert {id} does not fire: it is {}", alert.state);
            }
            answer(format, &alert, || shown(&alert))?;
        }
        Asked::Rule(verb) => rules(database, verb).await?,
        Asked::Silence(verb) => silences(database, verb).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn listed(database: &Client, list: ListAlerts) -> anyhow::Result<()> {
    let ListAlerts { state, all, rule, severity, subject, limit, format } = list;
    let mut filter = AlertFilter::default();
    (filter.rule, filter.severity, filter.subject) = (rule, severity, subject);
    let states = match state {
        Some(state) => vec![Some(state)],
        None if all => vec![None],
        None => vec![Some(AlertState::Firing), Some(AlertState::Pending)],
    };
    let mut found: Vec<Alert> = Vec::new();
    for state in states {
        filter.state = state;
        let left = limit.saturating_sub(found.len() as i64);
        let ask = async |limit, before: Option<Uuid>| database.alerts().list(&filter, limit, before).await;
        found.extend(collect(left, ask).await?.items);
    }
    answer(format, &found, || {
        let rows = found.iter().map(|alert| {
            [
                alert.id.to_string(),
                alert.severity.to_string(),
                standing(alert),
                alert.rule.clone(),
                time(alert.fired_at.unwrap_or(alert.pending_since)),
                alert.summary(),
            ]
        });
        table(["ID", "SEVERITY", "STATE", "RULE", "SINCE", "WHAT"], rows)
    })
}

/// Where an alert stands, and whether somebody is told.
fn standing(alert: &Alert) -> String {
    let more = match alert.state {
        AlertState::Firing if alert.acknowledged_at.is_some() => ", acknowledged",
        AlertState::Firing if alert.silenced => ", silenced",
        _ => "",
    };
    format!("{}{more}", alert.state)
}

fn shown(alert: &Alert) -> String {
    facts([
        ("what", alert.summary()),
        ("rule", alert.rule.clone()),
        ("severity", alert.severity.to_string()),
        ("state", standing(alert)),
        ("subject", format!("{} {}", alert.about, alert.subject)),
        ("figure", format!("{} (the threshold is {})", alert.value, alert.threshold)),
        ("pending", time(alert.pending_since)),
        ("fired", or_dash(alert.fired_at.map(time))),
        ("told", or_dash(alert.told_at.map(time))),
        ("known to", or_dash(alert.acknowledged_by.as_deref())),
        ("since", or_dash(alert.acknowledged_at.map(time))),
        ("note", or_dash(alert.note.as_deref())),
        ("over", or_dash(alert.resolved_at.map(time))),
    ])
}

async fn rules(database: &Client, verb: RuleVerb) -> anyhow::Result<()> {
    match verb {
        RuleVerb::Set(set) => {
            let format = set.format;
            let (name, rule) = wanted(*set)?;
            let stored = database.alerts().put_rule(&name, &rule).await?;
            answer(format, &stored, || shown_rule(&stored))
        }
        RuleVerb::List(format) => {
            let found = database.alerts().rules().await?;
            answer(format, &found, || {
                let rows = found.iter().map(|stored| {
                    let rule = &stored.rule;
                    [
                        stored.name.clone(),
                        rule.source.to_string(),
                        or_dash(rule.subject.as_deref()),
                        rule.threshold.to_string(),
                        format!("{} s", rule.for_seconds),
                        rule.severity.to_string(),
                        if rule.enabled { told(rule) } else { "off".to_owned() },
                    ]
                });
                table(["RULE", "SOURCE", "SUBJECT", "FROM", "FOR", "SEVERITY", "TELLS"], rows)
            })
        }
        RuleVerb::Show(OneRule { name, format }) => {
            let stored = stored_rule(database, &name).await?;
            answer(format, &stored, || shown_rule(&stored))
        }
        RuleVerb::Enable(one) => switch(database, one, true).await,
        RuleVerb::Disable(one) => switch(database, one, false).await,
        RuleVerb::Delete(OneRule { name, format }) => {
            if !database.alerts().delete_rule(&name).await? {
                bail!("there is no alert rule \"{name}\"");
            }
            answer(format, &json!({"name": name, "deleted": true}), || format!("alert rule \"{name}\" is deleted"))
        }
    }
}

async fn stored_rule(database: &Client, name: &str) -> anyhow::Result<StoredRule> {
    database.alerts().rule(name).await?.with_context(|| format!("there is no alert rule \"{name}\""))
}

async fn switch(database: &Client, one: OneRule, enabled: bool) -> anyhow::Result<()> {
    let OneRule { name, format } = one;
    let switched = database.alerts().switch_rule(&name, enabled).await?;
    let stored = switched.with_context(|| format!("there is no alert rule \"{name}\""))?;
    answer(format, &stored, || shown_rule(&stored))
}

fn wanted(set: SetRule) -> anyhow::Result<(String, AlertRule)> {
    let mut rule = AlertRule::new(set.source, set.threshold).severity(set.severity).about(set.about);
    rule = rule.holds_for(duration("--for", set.holds_for)?).email(set.email).queue(set.queue);
    if let Some(window) = set.window {
        rule = rule.window(duration("--window", window)?);
    }
    (rule.subject, rule.webhook) = (set.subject, set.webhook);
    Ok((set.name, rule))
}

fn told(rule: &AlertRule) -> String {
    let told: Vec<&str> = rule.webhook.as_deref().into_iter().chain(rule.email.iter().map(String::as_str)).collect();
    or_dash((!told.is_empty()).then(|| told.join(", ")))
}

fn shown_rule(stored: &StoredRule) -> String {
    let rule = &stored.rule;
    let every = format!("each {}", rule.source.about());
    facts([
        ("name", stored.name.clone()),
        ("about", or_dash((!rule.about.is_empty()).then_some(&rule.about))),
        ("source", rule.source.to_string()),
        ("subject", rule.subject.clone().unwrap_or(every)),
        ("from", rule.threshold.to_string()),
        ("for", format!("{} s", rule.for_seconds)),
        ("window", or_dash(rule.window_seconds.map(|seconds| format!("{seconds} s")))),
        ("severity", rule.severity.to_string()),
        ("enabled", if rule.enabled { "yes" } else { "no" }.to_owned()),
        ("tells", told(rule)),
        ("set", time(stored.set_at)),
    ])
}

async fn silences(database: &Client, verb: SilenceVerb) -> anyhow::Result<()> {
    match verb {
        SilenceVerb::Add(add) => {
            let (by, format) = (add.by.clone(), add.format);
            let made = database.alerts().silence(&new_silence(add)?, by.as_deref().unwrap_or(BY)).await?;
            answer(format, &made, || made.id.to_string())
        }
        SilenceVerb::List { ended, limit, format } => {
            let ask = async |limit, before: Option<Uuid>| database.alerts().silences(limit, before, ended).await;
            let found = collect(limit, ask).await?;
            answer(format, &found.items, || {
                let row = |silence: &Silence| {
                    [
                        silence.id.to_string(),
                        or_dash(silence.rule.as_deref()),
                        or_dash(silence.subject.as_deref()),
                        time(silence.begins_at),
                        time(silence.ends_at),
                        silence.created_by.clone(),
                        silence.reason.clone(),
                    ]
                };
                table(["ID", "RULE", "SUBJECT", "FROM", "UNTIL", "BY", "REASON"], found.iter().map(row))
            })
        }
        SilenceVerb::Delete { id, format } => {
            if !database.alerts().delete_silence(id).await? {
                bail!("there is no silence {id}");
            }
            answer(format, &json!({"id": id, "deleted": true}), || format!("silence {id} is deleted"))
        }
    }
}

fn new_silence(add: AddSilence) -> anyhow::Result<NewSilence> {
    let begins_at = add.from.unwrap_or_else(Utc::now);
    let ends_at = match add.until {
        Some(until) => until,
        None => {
            let time = TimeDelta::from_std(duration("--for", add.seconds.unwrap_or_default())?)?;
            begins_at.checked_add_signed(time).context("--for is too long")?
        }
    };
    let mut silence = NewSilence::new(ends_at, add.reason);
    (silence.rule, silence.subject, silence.begins_at) = (add.rule, add.subject, add.from);
    Ok(silence)
}
