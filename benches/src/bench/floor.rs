//! floor: plain SQL of the same shape, by itself.

use crate::floor::{self, Floor};
use crate::lab::Lab;
use crate::{Figure, Options};
use std::time::Duration;

const JOBS: u64 = 200_000;

pub(super) async fn run(options: &Options) -> anyhow::Result<Vec<Figure>> {
    let mut lab = Lab::start(options).await?;
    let jobs = options.jobs.unwrap_or(JOBS);
    let Floor { insert, drain, lease, settle } = floor::measure(&mut lab, "floor", jobs).await?;
    let figure = |name: &str, value, unit| Figure::new("floor", name, value, unit).jobs(jobs);
    let rate = |took: Duration| jobs as f64 / took.as_secs_f64();
    Ok(vec![
        figure("insert, 1,000 a statement", insert.jobs_a_second(), "/s"),
        figure("insert: CPU of Postgres", insert.postgres(), "µs/job"),
        figure("insert: WAL", insert.wal(), "B/job"),
        figure("lease", rate(lease), "/s"),
        figure("delete and append", rate(settle), "/s"),
        figure("lease, then delete and append", drain.jobs_a_second(), "/s"),
        figure("lease, delete and append: CPU of Postgres", drain.postgres(), "µs/job"),
        figure("lease, delete and append: WAL", drain.wal(), "B/job"),
    ])
}
