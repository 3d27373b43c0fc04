//! `ordinaut job logs`, `job output`, `job attach` and `job attachments`: what a job says while it
//! runs, and the parameters that it is given.

use crate::args::{Attach, Attachments, Said};
use crate::command::BY;
use crate::output::{answer, refuse_masked, say, shown_error, shown_json, table, time};
use anyhow::{Context, bail};
use ordinaut_core::Client;
use ordinaut_core::report::{Attached, Channel, OutputCursor, OutputRecord, Progress};
use serde_json::{Value, json};
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;
use uuid::Uuid;

/// Lines that one look reads.
const PAGE: i64 = 500;

/// Between two looks for more.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// How far a job has come, in a line.
pub(crate) fn of(progress: &Progress) -> String {
    let mut parts = Vec::new();
    parts.extend(progress.percent.map(|percent| format!("{percent:.1} %")));
    parts.extend((progress.counter > 0).then(|| progress.counter.to_string()));
    parts.extend(progress.note.as_deref().filter(|note| !note.is_empty()).map(|note| shown_error(Some(note))));
    parts.push(format!("attempt {}, moved {}", progress.attempt, time(progress.moved_at)));
    parts.extend(progress.stalled_at.map(|at| format!("stalled since {}", time(at))));
    parts.join(", ")
}

pub(crate) async fn logs(database: &Client, asked: Said) -> anyhow::Result<ExitCode> {
    let json = asked.job.format.json;
    follow(database, &asked, Channel::Log, |line| {
        if json {
            return say(shown_json(Some(line)));
        }
        let text = match line.dropped {
            Some(dropped) => format!("({dropped} more lines were not kept)"),
            None => shown_error(Some(&line.text)),
        };
        let level = line.level.map_or_else(String::new, |level| level.to_string());
        say(format_args!("{}  {:>3}  {level:<5}  {text}", time(line.at), line.attempt));
    })
    .await
}

pub(crate) async fn output(database: &Client, asked: Said) -> anyhow::Result<ExitCode> {
    let (id, format) = (asked.job.id, asked.job.format);
    if asked.follow {
        return follow(database, &asked, Channel::Output, |chunk| {
            if format.json {
                return say(shown_json(Some(chunk)));
            }
            // A chunk is no line. A reader that went away has read enough.
            let mut out = std::io::stdout().lock();
            if out.write_all(chunk.text.as_bytes()).and_then(|()| out.flush()).is_err() {
                std::process::exit(0);
            }
        })
        .await;
    }
    let Some(whole) = database.jobs().output(id, asked.attempt).await? else {
        known(database, id).await?;
        bail!("job {id} has put out nothing");
    };
    answer(format, &whole, || {
        let more = if whole.truncated { "\n(it has put out more than is kept)" } else { "" };
        format!("{}{more}", whole.text)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Shows what a job has said, and what it says until it has ended, if that is asked for.
async fn follow(
    database: &Client,
    asked: &Said,
    channel: Channel,
    show: impl Fn(&OutputRecord),
) -> anyhow::Result<ExitCode> {
    let (id, mut at) = (asked.job.id, OutputCursor::default());
    let mut ended = known(database, id).await? || !asked.follow;
    loop {
        let page = database.jobs().said(id, channel, asked.attempt, at, PAGE).await?;
        page.iter().for_each(&show);
        if let Some(last) = page.last() {
            at = last.cursor();
            continue;
        }
        if ended {
            return Ok(ExitCode::SUCCESS);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
        ended = known(database, id).await?;
    }
}

/// Whether the job has ended; an error if there is none.
async fn known(database: &Client, id: Uuid) -> anyhow::Result<bool> {
    let job = database.jobs().get(id).await?.with_context(|| format!("there is no job {id}"))?;
    Ok(job.state.is_final())
}

pub(crate) async fn attach(database: &Client, asked: Attach) -> anyhow::Result<ExitCode> {
    let (id, format) = (asked.job.id, asked.job.format);
    let value: Value = serde_json::from_str(&asked.value).context("the value must be JSON")?;
    refuse_masked(Some(&value))?;
    let (n, running) = match database.jobs().attach(id, &value, BY).await? {
        Attached::Running { n } => (n, true),
        Attached::Waiting { n } => (n, false),
        Attached::TooLate => bail!("job {id} has ended already"),
        _ => bail!("there is no job {id}"),
    };
    answer(format, &json!({"id": id, "n": n, "running": running}), || match running {
        true => format!("job {id} runs, and its handler is told"),
        false => format!("job {id} does not run now: its next attempt finds them"),
    })?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn attachments(database: &Client, asked: Attachments) -> anyhow::Result<ExitCode> {
    let id = asked.job.id;
    let found = database.jobs().attachments(id, asked.limit, None).await?;
    if found.is_empty() {
        known(database, id).await?;
    }
    answer(asked.job.format, &found.items, || {
        let rows = found.iter().map(|attachment| {
            let value = shown_json(Some(&attachment.value));
            [attachment.n.to_string(), time(attachment.at), attachment.by.clone(), value]
        });
        table(["N", "AT", "BY", "VALUE"], rows)
    })?;
    Ok(ExitCode::SUCCESS)
}
