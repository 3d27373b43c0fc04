//! A page of a list of attempts, from as many looks as a moment has room for.

use crate::client::Runs;
use crate::db::page::Page;
use crate::error::Error;
use crate::job::run::list::{FIRST_ROWS, MOMENT, more_rows};
use crate::job::run_filter::{RunCursor, RunFilter};
use crate::job::store::runs::{LookedRun, RunSummary};
use std::time::Instant;
use uuid::Uuid;

impl Runs<'_> {
    /// Up to `limit` attempts that ended, those of the newest job first. What is rare among many
    /// comes over several pages, of which some may be empty.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the filter names what no attempt can have; [`Error::Database`] if
    /// Postgres refused the statement or could not be reached.
    pub async fn list(self, filter: &RunFilter, limit: i64) -> Result<Page<RunSummary, RunCursor>, Error> {
        filter.check()?;
        let begun = Instant::now();
        let sessions = match &filter.worker {
            Some(worker) => Some(self.client.jobs().sessions_of(worker).await?.named(worker)),
            None => None,
        };
        let first = RunCursor { job_id: filter.job_id.unwrap_or(Uuid::max()), attempt: i32::MAX };
        let mut after = filter.after.unwrap_or(first);
        let is_partial = self.client.sight().is_some();
        let mut rows = if filter.takes_all() && !is_partial { limit.saturating_add(1) } else { FIRST_ROWS };
        let mut page = Page::new(Vec::new(), None);
        let mut tx = self.client.begin_by_key().await?;
        loop {
            let left = limit - i64::try_from(page.len()).unwrap_or(limit);
            let looked = Instant::now();
            let listed = self.look(filter, sessions.as_deref(), after, (rows, left), &mut tx).await?;
            page.next = listed.first().and_then(|LookedRun { next, .. }| *next);
            page.items.extend(listed.into_iter().filter_map(|LookedRun { run, .. }| run));
            let goes_on = (page.len() as i64) < limit && begun.elapsed() < MOMENT;
            let Some(next) = page.next.filter(|_| goes_on) else { break };
            after = next;
            rows = more_rows(rows, looked.elapsed(), MOMENT.saturating_sub(begun.elapsed()));
        }
        tx.commit().await?;
        Ok(page)
    }
}
