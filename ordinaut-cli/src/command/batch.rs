//! `ordinaut batch VERB`.

use crate::args::{Batch as Asked, OneBatch};
use crate::command::pages::collect;
use crate::output::{answer, table, time};
use anyhow::bail;
use ordinaut_core::Client;
use ordinaut_core::batch::{Batch, BatchCancelled, BatchFilter};
use std::process::ExitCode;
use uuid::Uuid;

pub(crate) async fn run(database: &Client, asked: Asked) -> anyhow::Result<ExitCode> {
    match asked {
        Asked::List { state, tenant, limit, format } => {
            let mut filter = BatchFilter::default();
            (filter.state, filter.tenant) = (state, tenant);
            let page = async |limit, before: Option<Uuid>| {
                let mut filter = filter.clone();
                filter.before = before;
                database.batches().list(&filter, limit).await
            };
            let found = collect(limit, page).await?;
            answer(format, &found.items, || table(HEAD, found.iter().map(row)))?;
        }
        Asked::Show(OneBatch { id, format }) => {
            let found = get(database, id).await?;
            answer(format, &found, || table(HEAD, [row(&found)]))?;
        }
        Asked::Cancel(OneBatch { id, format }) => {
            match database.batches().cancel(id).await? {
                BatchCancelled::Asked => {}
                BatchCancelled::TooLate => bail!("batch {id} has ended already"),
                _ => bail!("there is no batch {id}"),
            }
            let found = get(database, id).await?;
            answer(format, &found, || table(HEAD, [row(&found)]))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn get(database: &Client, id: Uuid) -> anyhow::Result<Batch> {
    let Some(found) = database.batches().get(id).await? else { bail!("there is no batch {id}") };
    Ok(found)
}

const HEAD: [&str; 9] = ["ID", "NAME", "STATE", "DONE", "TOTAL", "SUCCEEDED", "DEAD", "CANCELLED", "CREATED"];

fn row(batch: &Batch) -> [String; 9] {
    [
        batch.id.to_string(),
        batch.name.clone(),
        batch.state.to_string(),
        format!("{:.0} %", batch.progress * 100.0),
        batch.total.to_string(),
        batch.succeeded.to_string(),
        batch.dead.to_string(),
        batch.cancelled.to_string(),
        time(batch.created_at),
    ]
}
