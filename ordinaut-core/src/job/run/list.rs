//! A page of a list of jobs, from as many looks as a moment has room for.

use crate::client::Jobs;
use crate::db::page::Page;
use crate::error::{Error, InvalidField};
use crate::job::filter::{JobFilter, Source};
use crate::job::store::list::{JobSummary, Listed, Look};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// No further look begins after this time: what is rare among many jobs comes over several pages,
/// of which each comes quickly.
pub(crate) const MOMENT: Duration = Duration::from_millis(20);

/// Rows of the first look, where not every row is one of the list.
pub(crate) const FIRST_ROWS: i64 = 1_000;

/// Rows of one look at most.
const MOST_ROWS: i64 = 20_000;

impl Jobs<'_> {
    /// Up to `limit` jobs, newest first unless the filter says otherwise. What is rare among many
    /// jobs comes over several pages, of which some may be empty.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the filter names what no job can have, or arguments that are
    /// encrypted; [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn list(self, filter: &JobFilter, limit: i64) -> Result<Page<JobSummary, Uuid>, Error> {
        let Some(mut look) = self.look_of(filter)? else { return Ok(Page::new(Vec::new(), None)) };
        let begun = Instant::now();
        let mut ended_by = None;
        if let Some(worker) = &filter.worker {
            let of = self.sessions_of(worker).await?;
            (ended_by, look.sessions) = (of.ended_at, Some(of.named(worker)));
        }
        let (mut low, mut high) = filter.ids(ended_by);
        if look.source == Source::Running {
            look.given = self.running(&look, (low, high), FIRST_ROWS).await?;
            if look.given.is_none() {
                look.source = Source::Unfinished;
            }
        }
        let mut tx = self.client.begin_by_key().await?;
        let mut rows = match filter.takes_all(look.source, look.tenant, look.queues.is_some()) {
            true => limit.saturating_add(1),
            false => FIRST_ROWS,
        };
        let mut page = Page::new(Vec::new(), None);
        loop {
            let left = limit - i64::try_from(page.len()).unwrap_or(limit);
            let looked = Instant::now();
            let listed = self.look(&look, (low, high), rows, left, &mut tx).await?;
            page.next = listed.first().and_then(|Listed { next, .. }| *next);
            page.items.extend(listed.into_iter().filter_map(|Listed { job, .. }| job));
            let goes_on = (page.len() as i64) < limit && begun.elapsed() < MOMENT && look.given.is_none();
            let Some(next) = page.next.filter(|_| goes_on) else { break };
            if filter.oldest_first {
                low = Uuid::from_u128(next.as_u128().saturating_add(1));
            } else {
                high = next;
            }
            rows = more_rows(rows, looked.elapsed(), MOMENT.saturating_sub(begun.elapsed()));
        }
        if filter.with_args {
            let ids: Vec<_> = page.iter().map(|job| job.id).collect();
            let args = self.args_of(&ids, &mut tx).await?;
            if args.len() < page.len() {
                page.items.truncate(args.len());
                page.next = page.last().map(|job| job.id);
            }
            for (job, args) in page.items.iter_mut().zip(args) {
                job.args = args;
            }
        }
        tx.commit().await?;
        Ok(page)
    }

    /// About how many jobs a list has, by what Postgres knows of its tables: at once, and wrong by
    /// as much as that is. Errors, workers and instants of ends do not count.
    ///
    /// # Errors
    ///
    /// As of [`Jobs::list`].
    pub async fn estimate(self, filter: &JobFilter) -> Result<i64, Error> {
        let Some(look) = self.look_of(filter)? else { return Ok(0) };
        Ok(self.expected(&look, filter.ids(None)).await?)
    }

    /// `None`: the caller can see none of the jobs.
    fn look_of<'a>(&'a self, filter: &'a JobFilter) -> Result<Option<Look<'a>>, InvalidField> {
        filter.check()?;
        if filter.args.is_some() && filter.kind.as_ref().is_some_and(|kind| self.client.encrypts(kind)) {
            let reason = "cannot be compared: the arguments of this kind are stored encrypted".to_owned();
            return Err(InvalidField { field: "args", reason });
        }
        let sight = self.client.sight();
        let seen = sight.and_then(|sight| sight.tenant.as_deref());
        if seen.is_some_and(|seen| filter.tenant.as_ref().is_some_and(|wanted| wanted != seen)) {
            return Ok(None);
        }
        let (tenant, queues) = (seen.or(filter.tenant.as_deref()), sight.and_then(|sight| sight.queues.as_deref()));
        let source = filter.source(tenant, queues.is_some());
        let asked = filter.asked(source, tenant, queues.is_some());
        Ok(Some(Look { filter, source, asked, tenant, queues, sessions: None, given: None }))
    }
}

/// The number of rows that fit into the time that is left, going by those of the last look.
pub(crate) fn more_rows(rows: i64, took: Duration, left: Duration) -> i64 {
    let times = (left.as_secs_f64() / took.as_secs_f64().max(0.000_001)).clamp(0.5, 8.0);
    ((rows as f64 * times) as i64).clamp(100, MOST_ROWS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_grows_while_there_is_time_and_never_beyond_its_bound() {
        let rows = |took, left| more_rows(1_000, Duration::from_millis(took), Duration::from_millis(left));
        assert_eq!((rows(10, 10), rows(1, 20), rows(10, 0)), (1_000, 8_000, 500));
        assert_eq!(more_rows(20_000, Duration::ZERO, MOMENT), MOST_ROWS);
        assert_eq!(more_rows(1, Duration::from_secs(9), Duration::ZERO), 100);
    }
}
