//! `ordinaut instance list`.

use crate::args::Instance;
use crate::output::{answer, or_dash, table, time};
use ordinaut_core::Client;
use std::process::ExitCode;

pub(crate) async fn run(database: &Client, Instance::List(format): Instance) -> anyhow::Result<ExitCode> {
    let instances = database.instances().list().await?;
    answer(format, &instances, || {
        let rows = instances.iter().map(|instance| {
            [
                instance.program.clone(),
                instance.name.clone(),
                instance.version.clone(),
                or_dash(instance.address.as_ref()),
                if instance.alive { "alive" } else { "late" }.to_owned(),
                time(instance.started_at),
                time(instance.seen_at),
            ]
        });
        table(["PROGRAM", "NAME", "VERSION", "ADDRESS", "STATE", "STARTED", "SEEN"], rows)
    })?;
    Ok(ExitCode::SUCCESS)
}
