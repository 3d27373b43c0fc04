//! `ordinaut audit list`.

use crate::args::{Audit, ListAudit};
use crate::output::{answer, or_dash, table, time};
use ordinaut_core::Client;
use ordinaut_core::access::AuditFilter;
use std::process::ExitCode;

pub(crate) async fn run(database: &Client, Audit::List(asked): Audit) -> anyhow::Result<ExitCode> {
    let ListAudit { actor, action, subject, since, until, limit, format } = asked;
    let mut filter = AuditFilter::default();
    (filter.actor, filter.action, filter.subject) = (actor, action, subject);
    (filter.since, filter.until) = (since, until);
    let entries = database.audit().list(&filter, limit).await?.items;
    answer(format, &entries, || {
        let rows = entries.iter().map(|entry| {
            [
                time(entry.at),
                entry.actor.clone(),
                entry.action.clone(),
                or_dash(entry.subject.as_ref()),
                entry.status.to_string(),
                or_dash(entry.reason.as_ref()),
            ]
        });
        table(["TIME", "ACTOR", "ACTION", "SUBJECT", "STATUS", "REASON"], rows)
    })?;
    Ok(ExitCode::SUCCESS)
}
