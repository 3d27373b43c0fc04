//! `ordinaut explain`.

use crate::args::OneJob;
use crate::output::answer;
use anyhow::bail;
use ordinaut_core::Client;
use std::process::ExitCode;

pub(crate) async fn run(database: &Client, job: OneJob) -> anyhow::Result<ExitCode> {
    let id = job.id;
    let Some(explanation) = database.jobs().explain(id).await? else { bail!("there is no job {id}") };
    answer(job.format, &explanation, || format!("job {id}: {explanation}"))?;
    Ok(ExitCode::SUCCESS)
}
