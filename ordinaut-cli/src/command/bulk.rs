//! `ordinaut bulk VERB`.

use crate::args::{Bulk as Asked, BulkVerb as Verb, OneBulk, StartBulk};
use crate::command::BY;
use crate::command::job::named_jobs;
use crate::command::pages::collect;
use crate::output::{answer, or_dash, table, time};
use anyhow::bail;
use clap::ValueEnum;
use ordinaut_core::Client;
use ordinaut_core::bulk::{BulkOperation, BulkRequest, BulkVerb};
use serde_json::json;
use std::process::ExitCode;
use uuid::Uuid;

pub(crate) async fn run(database: &Client, asked: Asked) -> anyhow::Result<ExitCode> {
    match asked {
        Asked::Start(asked) => start(database, *asked).await?,
        Asked::List { limit, format } => {
            let found =
                collect(limit, async |limit, before: Option<Uuid>| database.bulk().list(limit, before).await).await?;
            answer(format, &found.items, || table(HEAD, found.iter().map(row)))?;
        }
        Asked::Show(OneBulk { id, format }) => {
            let Some(found) = database.bulk().get(id).await? else { bail!("there is no bulk operation {id}") };
            answer(format, &found, || table(HEAD, [row(&found)]))?;
        }
        Asked::Cancel(OneBulk { id, format }) => {
            let Some(cancelled) = database.bulk().cancel(id).await? else {
                bail!("there is no bulk operation {id}, or it has ended already")
            };
            answer(format, &cancelled, || format!("cancelled: it was done to {} jobs", cancelled.done))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn start(database: &Client, asked: StartBulk) -> anyhow::Result<()> {
    let StartBulk { verb, named, error_pattern, to_queue, priority, rate, dry_run, format } = asked;
    let mut filter = named_jobs(named)?;
    filter.error_pattern = error_pattern;
    let word = Verb::to_possible_value(&verb).map_or_else(String::new, |word| word.get_name().to_owned());
    let mut request = BulkRequest::new(BulkVerb::read(&word, to_queue, priority)?, filter);
    request.rate = rate;
    if dry_run {
        let (jobs, _) = database.bulk().count(&request, None).await?;
        return answer(format, &json!({ "dry_run": true, "jobs": jobs }), || {
            format!("{jobs} jobs, and nothing was done")
        });
    }
    let started = database.bulk().start(&request, BY).await?;
    answer(format, &started, || started.id.to_string())
}

const HEAD: [&str; 7] = ["ID", "VERB", "STATE", "DONE", "SKIPPED", "CREATED", "ERROR"];

fn row(operation: &BulkOperation) -> [String; 7] {
    [
        operation.id.to_string(),
        operation.verb.clone(),
        operation.state.to_string(),
        operation.done.to_string(),
        operation.skipped.to_string(),
        time(operation.created_at),
        or_dash(operation.last_error.as_ref()),
    ]
}
