//! `ordinaut dead list|groups|requeue`.

use crate::args::{Dead, DeadLetters};
use crate::command::pages::collect;
use crate::output::{answer, shown_error, table, time};
use anyhow::bail;
use ordinaut_core::Client;
use ordinaut_core::job::{DeadFilter, NotRequeued};
use serde_json::json;
use std::process::ExitCode;
use uuid::Uuid;

pub(crate) async fn run(database: &Client, dead: Dead) -> anyhow::Result<ExitCode> {
    match dead {
        Dead::List(wanted) => {
            let filter = filter(&wanted);
            let page = async |limit, next| database.dead_letters().list_where(&filter, limit, next).await;
            let letters = collect(wanted.limit, page).await?;
            answer(wanted.format, &letters.items, || {
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
        Dead::Groups(wanted) => {
            let found = database.dead_letters().groups(&filter(&wanted), wanted.limit).await?;
            answer(wanted.format, &found, || {
                let rows = found.groups.iter().map(|group| {
                    [
                        group.letters.to_string(),
                        group.kind.clone(),
                        time(group.newest),
                        group.example.to_string(),
                        group.error_pattern.clone(),
                    ]
                });
                table(["JOBS", "KIND", "NEWEST", "EXAMPLE", "ERROR PATTERN"], rows)
            })?;
        }
        Dead::Requeue { ids, format } => {
            let requeued = database.dead_letters().requeue(&ids).await?;
            let refused: Vec<_> = requeued.refused.iter().map(|(id, why)| (id, sentence(*id, *why))).collect();
            let not_dead: Vec<_> = refused.iter().map(|(id, _)| id.to_string()).collect();
            answer(format, &json!({"requeued": requeued.back, "not_dead": not_dead}), || match requeued.back.len() {
                0 => String::new(),
                1 => "1 job is back in its queue".to_owned(),
                jobs => format!("{jobs} jobs are back in their queues"),
            })?;
            if !refused.is_empty() {
                let why: Vec<_> = refused.into_iter().map(|(_, why)| why).collect();
                bail!("{}", why.join("; "));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn filter(wanted: &DeadLetters) -> DeadFilter {
    let DeadLetters { queue, kind, error, error_pattern, died_after, died_before, .. } = wanted;
    let mut filter = DeadFilter::default();
    (filter.queue, filter.kind, filter.error) = (queue.clone(), kind.clone(), error.clone());
    (filter.error_pattern, filter.died_after, filter.died_before) = (error_pattern.clone(), *died_after, *died_before);
    filter
}

/// Why a job was not sent back.
fn sentence(id: Uuid, why: NotRequeued) -> String {
    match why {
        NotRequeued::Duplicate { job_id } => format!("job {job_id} holds the unique key of job {id}"),
        NotRequeued::Service { task_id } => {
            format!("job {id} is of task {task_id}, a service, which makes its next job itself")
        }
        _ => format!("no dead letter for {id}"),
    }
}
