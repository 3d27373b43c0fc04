//! `ordinaut dead list|requeue`.

use crate::args::Dead;
use crate::command::pages::collect;
use crate::output::{answer, shown_error, table, time};
use anyhow::bail;
use ordinaut_core::Client;
use serde_json::json;
use std::process::ExitCode;

pub(crate) async fn run(database: &Client, dead: Dead) -> anyhow::Result<ExitCode> {
    match dead {
        Dead::List { limit, format } => {
            let letters = collect(limit, async |limit, next| database.dead_letters().list(limit, next).await).await?;
            answer(format, &letters.items, || {
                let rows = letters.iter().map(|letter| {
                    [
                        letter.job_id.to_string(),
                        letter.kind.clone(),
                        letter.queue.clone(),
                        letter.attempt.to_string(),
                        time(letter.died_at),
                        shown_error(letter.error.as_deref()),
                    ]
                });
                table(["ID", "KIND", "QUEUE", "ATTEMPT", "DIED", "ERROR"], rows)
            })?;
        }
        Dead::Requeue { ids, format } => {
            let requeued = database.dead_letters().requeue(&ids).await?;
            let missing: Vec<_> = ids.iter().filter(|id| !requeued.contains(id)).map(ToString::to_string).collect();
            answer(format, &json!({"requeued": requeued, "not_dead": missing}), || match requeued.len() {
                1 => "1 job is back in its queue".to_owned(),
                jobs => format!("{jobs} jobs are back in their queues"),
            })?;
            if !missing.is_empty() {
                for id in ids.iter().filter(|id| !requeued.contains(id)) {
                    if let Some(holder) = database.jobs().unique_holder(*id).await? {
                        bail!("job {holder} holds the unique key of job {id}");
                    }
                    if let Some(task) = database.tasks().service_of_dead(*id).await? {
                        bail!("job {id} is of task {task}, a service, which makes its next job itself");
                    }
                }
                bail!("no dead letter for {}", missing.join(", "));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
