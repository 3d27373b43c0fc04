//! `ordinaut approval list`, `ordinaut job approve` and `ordinaut job reject`.

use crate::args::{Answer, Approval};
use crate::output::{answer, or_dash, table, time};
use anyhow::bail;
use ordinaut_core::Client;
use ordinaut_core::step::{Decided, Decision};
use serde_json::json;
use std::process::ExitCode;

pub(crate) async fn run(database: &Client, verb: Approval) -> anyhow::Result<ExitCode> {
    let Approval::List { limit, format } = verb;
    let found = database.jobs().approvals(limit, None).await?;
    answer(format, &found, || {
        let rows = found.iter().map(|wait| {
            [
                wait.job_id.to_string(),
                wait.name.clone(),
                wait.question.clone().unwrap_or_default(),
                time(wait.began_at),
                or_dash(wait.until.map(time)),
            ]
        });
        table(["JOB", "STEP", "QUESTION", "SINCE", "UNTIL"], rows)
    })?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn decide(database: &Client, asked: Answer, decision: Decision) -> anyhow::Result<ExitCode> {
    let Answer { job, step, note, by } = asked;
    let id = job.id;
    match database.jobs().decide(id, step.as_deref(), decision, &by, note.as_deref()).await? {
        Decided::Done => {}
        Decided::TooLate => bail!("job {id} was answered already, or its time is over"),
        Decided::Several(names) => {
            bail!("job {id} waits for several approvals: name one with --step ({})", names.join(", "))
        }
        _ => bail!("job {id} waits for no such approval"),
    }
    let word = decision.as_str();
    answer(job.format, &json!({"id": id, "decision": word}), || format!("job {id} is {word}, and goes on"))?;
    Ok(ExitCode::SUCCESS)
}
