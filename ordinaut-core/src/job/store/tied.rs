//! Jobs that are tied: they come after others, are of a batch, or ask something of their worker.

use crate::client::Client;
use crate::error::InvalidField;
use crate::job::enqueue_error::EnqueueError;
use crate::job::new_job::NewJob;
use crate::job::store::batch::{JOBS_A_STATEMENT, Wake, array_literal};
use crate::job::store::encryption::stored_args;
use crate::job::unique::{OnDuplicate, Unique};
use sqlx::PgConnection;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Maximum number of parents that the jobs of one statement have together.
const PARENTS_A_STATEMENT: usize = 20_000;

/// A tied job, with the jobs that it comes after as they are named in the tables.
struct Tied<'a> {
    job: &'a NewJob,
    unique: Option<(&'a Unique, String)>,
    parents: Vec<Uuid>,
}

/// Inserts tied jobs that were checked, in their order, in the caller's transaction, which an error
/// must end; returns the id of each, and which job holds its key, itself if it has none. `holders`
/// has that of the unique jobs that were inserted before: what comes after a duplicate comes after
/// the job that is there.
pub(crate) async fn insert_tied(
    client: &Client,
    jobs: &[&NewJob],
    mut holders: HashMap<Uuid, Uuid>,
    wake: Wake,
    db: &mut PgConnection,
) -> Result<Vec<(Uuid, Uuid)>, EnqueueError> {
    let (mut answers, mut rest) = (Vec::with_capacity(jobs.len()), jobs);
    while !rest.is_empty() {
        let some = portion(rest);
        rest = &rest[some.len()..];
        let tied: Vec<Tied<'_>> = some.iter().map(|job| Tied::of(job, &holders)).collect::<Result<_, _>>()?;
        let own = own_parents(client, &tied, db).await?;
        let inserted = insert(client, &tied, &own, wake, db).await?;
        set_apart(client, some, db).await?;
        holders.extend(inserted.iter().filter(|(id, holder)| id != holder).copied());
        answers.extend(inserted);
    }
    Ok(answers)
}

/// Those that ask something of their worker wait for one of those that have it.
async fn set_apart(client: &Client, jobs: &[&NewJob], db: &mut PgConnection) -> sqlx::Result<()> {
    let placed: Vec<Uuid> = jobs.iter().filter(|job| job.placement.is_some()).map(|job| job.id).collect();
    if placed.is_empty() {
        return Ok(());
    }
    sqlx::query(client.sql(sql!("placement/set_apart_of"))).bind(placed).execute(db).await.map(drop)
}

/// The first of the jobs that fit into one statement. A unique one is the last: what comes after it
/// must know which job holds its key.
fn portion<'a, 'b>(jobs: &'b [&'a NewJob]) -> &'b [&'a NewJob] {
    let (mut parents, mut end) = (0, 0);
    for job in jobs.iter().take(JOBS_A_STATEMENT) {
        parents += job.tie.after.len();
        if end > 0 && parents > PARENTS_A_STATEMENT {
            break;
        }
        end += 1;
        if job.unique.is_some() {
            break;
        }
    }
    &jobs[..end]
}

impl<'a> Tied<'a> {
    fn of(job: &'a NewJob, holders: &HashMap<Uuid, Uuid>) -> Result<Self, InvalidField> {
        let unique = job.unique.as_ref().map(|unique| unique.key_of(&job.identity()).map(|key| (unique, key)));
        let mut parents: Vec<Uuid> =
            job.tie.after.iter().map(|parent| holders.get(parent).copied().unwrap_or(*parent)).collect();
        parents.sort_unstable();
        parents.dedup();
        Ok(Self { job, unique: unique.transpose()?, parents })
    }
}

/// The parents that this transaction has made, and so marks as followed itself. One that there is
/// not is refused, also if it comes later: so no jobs wait for each other in a circle.
async fn own_parents(client: &Client, jobs: &[Tied<'_>], db: &mut PgConnection) -> Result<HashSet<Uuid>, EnqueueError> {
    let (mut earlier, mut elsewhere) = (HashSet::new(), HashSet::new());
    for tied in jobs {
        elsewhere.extend(tied.parents.iter().copied().filter(|parent| !earlier.contains(parent)));
        earlier.insert(tied.job.id);
    }
    let mut own: HashSet<Uuid> = jobs.iter().flat_map(|tied| &tied.parents).copied().collect();
    own.retain(|parent| earlier.contains(parent) && !elsewhere.contains(parent));
    if elsewhere.is_empty() {
        return Ok(own);
    }
    let sight = client.sight();
    let found: Vec<(Uuid, bool)> = sqlx::query_as(client.sql(sql!("job/tied_parents")))
        .bind(elsewhere.iter().copied().collect::<Vec<_>>())
        .bind(sight.and_then(|sight| sight.tenant.as_deref()))
        .bind(sight.and_then(|sight| sight.queues.as_deref()))
        .fetch_all(db)
        .await?;
    let found: HashMap<Uuid, bool> = found.into_iter().collect();
    if let Some(missing) = elsewhere.iter().filter(|parent| !found.contains_key(parent)).min() {
        let reason = format!("must name jobs that there are: no job has the id {missing}");
        return Err(InvalidField { field: "after", reason }.into());
    }
    own.extend(found.into_iter().filter(|(_, is_own)| *is_own).map(|(id, _)| id));
    Ok(own)
}

async fn insert(
    client: &Client,
    jobs: &[Tied<'_>],
    own: &HashSet<Uuid>,
    wake: Wake,
    db: &mut PgConnection,
) -> Result<Vec<(Uuid, Uuid)>, EnqueueError> {
    fn column<'a, T>(jobs: &'a [Tied<'_>], field: impl Fn(&'a NewJob) -> T) -> Vec<T> {
        jobs.iter().map(|tied| field(tied.job)).collect()
    }
    fn of_key<'a, T>(jobs: &'a [Tied<'_>], field: impl Fn(&'a Unique, &'a str) -> T) -> Vec<Option<T>> {
        jobs.iter().map(|tied| tied.unique.as_ref().map(|(unique, key)| field(unique, key))).collect()
    }
    let edges = || jobs.iter().flat_map(|tied| tied.parents.iter().map(move |parent| (tied.job, *parent)));
    let to_follow: Vec<Uuid> = jobs
        .iter()
        .filter(|tied| tied.parents.iter().any(|parent| !own.contains(parent)))
        .map(|tied| tied.job.id)
        .collect();
    let answers: Vec<(Uuid, Uuid)> = sqlx::query_as(client.sql(sql!("job/tied_enqueue")))
        .bind(column(jobs, |job| job.id))
        .bind(column(jobs, |job| &*job.kind))
        .bind(column(jobs, |job| &*job.queue))
        .bind(jobs.iter().map(|tied| stored_args(tied.job)).collect::<sqlx::Result<Vec<_>>>()?)
        .bind(column(jobs, |job| job.priority))
        .bind(column(jobs, |job| job.max_attempts))
        .bind(column(jobs, |job| job.timeout.map(|timeout| timeout.as_secs_f64())))
        .bind(column(jobs, |job| array_literal(&job.tags)))
        .bind(column(jobs, |job| job.due.at()))
        .bind(column(jobs, |job| job.due.delay()))
        .bind(wake.channel(client.schema()))
        .bind(column(jobs, NewJob::backoff_json))
        .bind(column(jobs, |job| job.tenant.as_deref()))
        .bind(of_key(jobs, |_, key| key))
        .bind(of_key(jobs, |unique, _| unique.period_seconds()))
        .bind(of_key(jobs, |unique, _| unique.after_end_seconds()))
        .bind(of_key(jobs, |unique, _| unique.mode().as_str()))
        .bind(column(jobs, |job| job.tie.batch))
        .bind(column(jobs, |job| job.tie.parked().map(|(reason, _)| reason)))
        .bind(column(jobs, |job| job.tie.parked().map(|(_, key)| key)))
        .bind(own.iter().copied().collect::<Vec<_>>())
        .bind(edges().map(|(job, _)| job.id).collect::<Vec<_>>())
        .bind(edges().map(|(_, parent)| parent).collect::<Vec<_>>())
        .bind(edges().map(|(job, _)| job.tie.policy.as_str()).collect::<Vec<_>>())
        .bind(to_follow)
        .bind(column(jobs, NewJob::trace_context))
        .bind(column(jobs, |job| job.placement.as_ref().and_then(|placement| placement.stored())))
        .fetch_all(db)
        .await?;
    let strict = |id: &Uuid| {
        jobs.iter().any(|tied| {
            tied.job.id == *id && tied.unique.as_ref().is_some_and(|(unique, _)| unique.mode() == OnDuplicate::Error)
        })
    };
    match answers.iter().find(|(id, holder)| holder != id && strict(id)) {
        Some((_, holder)) => Err(EnqueueError::Duplicate { id: *holder }),
        None => Ok(answers),
    }
}
