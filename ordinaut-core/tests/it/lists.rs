//! Lists of jobs: each filter finds what it names, whichever table it starts from.

use crate::fixture::{TestDatabase, database, enqueue, probe, quick_but, succeed, tell, worker, worker_with};
use chrono::{TimeDelta, Utc};
use ordinaut_core::access::Access;
use ordinaut_core::job::{JobFilter, JobState};
use ordinaut_core::{Client, Context, Error, Job, JobError, NewJob};
use serde_json::json;
use uuid::Uuid;

/// No job.
const NONE: [Uuid; 0] = [];

/// The ids of all pages, of two rows each.
async fn ids(db: &Client, filter: &JobFilter) -> Vec<Uuid> {
    let (mut filter, mut found) = (filter.clone(), Vec::new());
    loop {
        let page = db.jobs().list(&filter, 2).await.unwrap();
        found.extend(page.iter().map(|job| job.id));
        match page.next {
            Some(next) if filter.oldest_first => filter.after = Some(next),
            Some(next) => filter.before = Some(next),
            None => return found,
        }
    }
}

async fn enqueued(db: &Client, job: NewJob) -> Uuid {
    db.enqueue(&job).await.unwrap().id()
}

/// One job for each state, of the tenant acme and with the tag t, beside jobs of nobody.
async fn one_of_each(db: &TestDatabase) -> Vec<(JobState, Uuid)> {
    let own = |n| probe(n).tenant("acme").tags(["t"]);
    let beside = async || enqueued(db, probe(9).run_at(Utc::now() + TimeDelta::hours(1))).await;
    let mut made = Vec::new();
    let dead = enqueued(db, own(1)).await;
    beside().await;
    let mut options = quick_but(|_| ());
    options.name = "undertaker".to_owned();
    let doomed = |_: crate::fixture::Probe, _: Context<()>| async { Err(JobError::fatal("The Disk Is Full")) };
    worker_with(db, options, doomed).step().await.unwrap();
    made.push((JobState::Dead, dead));
    let cancelled = enqueued(db, own(2)).await;
    db.jobs().cancel(cancelled).await.unwrap();
    made.push((JobState::Cancelled, cancelled));
    let succeeded = enqueued(db, own(3)).await;
    worker(db, succeed).step().await.unwrap();
    made.push((JobState::Succeeded, succeeded));
    beside().await;
    let parked = enqueued(db, own(4)).await;
    tell(
        db,
        "with gone as (delete from ordinaut.due_work where run_at <= now() and session is null returning *)
         insert into ordinaut.parked (job_id, run_at, priority, attempt, failures, flags, queue, kind, reason, key)
         select job_id, run_at, priority, attempt, failures, flags, queue, kind, 'limit', 'l' from gone",
    )
    .await;
    made.push((JobState::Parked, parked));
    let running = enqueued(db, own(5)).await;
    tell(
        db,
        "update ordinaut.due_work set session = 1, nonce = 1, attempt = 1 where run_at <= now() and session is null",
    )
    .await;
    made.push((JobState::Running, running));
    made.push((JobState::Waiting, enqueued(db, own(6)).await));
    made.push((JobState::Scheduled, enqueued(db, own(7).run_at(Utc::now() + TimeDelta::hours(1))).await));
    made
}

#[tokio::test]
async fn every_filter_finds_its_jobs_in_every_state() {
    let db = database().await;
    let made = one_of_each(&db).await;
    let newest_first: Vec<_> = made.iter().rev().map(|(_, id)| *id).collect();
    let task = Uuid::now_v7();
    sqlx::query("update ordinaut.job set task_id = $1 where tenant = 'acme'")
        .bind(task)
        .execute(db.pool())
        .await
        .unwrap();
    let all = |filter: JobFilter| [filter.clone().tag("t"), filter.clone().tenant("acme"), filter.task_id(task)];
    for filter in all(JobFilter::default()).into_iter().chain(all(JobFilter::default().queue("default").kind("probe")))
    {
        assert_eq!(ids(&db, &filter).await, newest_first, "{filter:?}");
        let oldest: Vec<_> = newest_first.iter().rev().copied().collect();
        assert_eq!(ids(&db, &filter.clone().oldest_first()).await, oldest, "{filter:?}");
        for other in
            [filter.clone().kind("nothing"), filter.clone().queue("nowhere"), filter.clone().tenant("umbrella")]
        {
            assert_eq!(ids(&db, &other).await, NONE, "{other:?}");
        }
    }
    for (n, (state, id)) in (1..).zip(&made) {
        for filter in all(JobFilter::default().state(*state)) {
            assert_eq!(ids(&db, &filter).await, [*id], "{filter:?}");
            assert_eq!(ids(&db, &filter.clone().kind("probe").queue("default")).await, [*id], "{filter:?}");
            assert_eq!(ids(&db, &filter.clone().oldest_first()).await, [*id], "{filter:?}");
            assert_eq!(ids(&db, &filter.clone().kind("nothing")).await, NONE, "{filter:?}");
            assert_eq!(ids(&db, &filter.clone().args(json!({"n": n}))).await, [*id], "{filter:?}");
            assert_eq!(ids(&db, &filter.clone().args(json!({"n": n + 1}))).await, NONE, "{filter:?}");
        }
        assert_eq!(ids(&db, &JobFilter::default().args(json!({"n": n}))).await, [*id]);
    }
    let page = db.jobs().list(&JobFilter::default().tag("t").with_args(), 500).await.unwrap();
    assert_eq!(page.first().unwrap().args.as_ref().unwrap().get(), r#"{"n": 7}"#);
    assert_eq!(page.first().unwrap().tenant.as_deref(), Some("acme"));
    assert_eq!(page.iter().filter(|job| job.finished_at.is_some()).count(), 3);
    assert!(db.jobs().list(&JobFilter::default(), 1).await.unwrap().first().unwrap().args.is_none());
    db.jobs().estimate(&JobFilter::default().tag("t").args(json!({"n": 1}))).await.unwrap();
}

#[tokio::test]
async fn what_attempts_did_is_found_by_error_worker_and_time() {
    let db = database().await;
    let made = one_of_each(&db).await;
    let of = |state| made.iter().find(|(other, _)| *other == state).unwrap().1;
    let (dead, succeeded, running) = (of(JobState::Dead), of(JobState::Succeeded), of(JobState::Running));
    let error = JobFilter::default().error("disk is");
    assert_eq!(ids(&db, &error).await, [dead]);
    assert_eq!(ids(&db, &error.clone().state(JobState::Dead)).await, [dead]);
    assert_eq!(ids(&db, &error.clone().queue("nowhere")).await, NONE);
    assert_eq!(ids(&db, &error.clone().tenant("acme")).await, [dead]);
    assert_eq!(ids(&db, &JobFilter::default().error("disk_is")).await, NONE);
    assert_eq!(ids(&db, &JobFilter::default().worker("undertaker")).await, [dead]);
    assert_eq!(ids(&db, &JobFilter::default().worker("undertaker").state(JobState::Succeeded)).await, NONE);
    assert_eq!(ids(&db, &JobFilter::default().worker("1").state(JobState::Running)).await, [running]);
    assert_eq!(ids(&db, &JobFilter::default().worker("nobody")).await, NONE);
    tell(&db, "update ordinaut.run set finished_at = '2027-01-01' where outcome = 'succeeded'").await;
    let ended = JobFilter::default().finished_after("2027-01-01T00:00:00Z".parse::<chrono::DateTime<Utc>>().unwrap());
    assert_eq!(ids(&db, &ended).await, [succeeded]);
    assert_eq!(ids(&db, &ended.clone().tag("t").state(JobState::Succeeded)).await, [succeeded]);
    let before = JobFilter::default().finished_before(Utc::now() + TimeDelta::days(1)).state(JobState::Succeeded);
    assert_eq!(ids(&db, &before).await, NONE);
    // A job whose attempts failed alike is one line.
    let twice = enqueue(&db).await;
    for attempt in 1..=3 {
        sqlx::query("insert into ordinaut.run (job_id, attempt, session, outcome, error) values ($1, $2, 1, 'failed', 'no route')")
            .bind(twice)
            .bind(attempt)
            .execute(db.pool())
            .await
            .unwrap();
    }
    assert_eq!(ids(&db, &JobFilter::default().error("no route")).await, [twice]);
    // By its id, which is older than its row: a machine that is busy may take seconds between them.
    let created = db.jobs().get(twice).await.unwrap().unwrap().created_at;
    let since = JobFilter::default().created_after(created - TimeDelta::minutes(1)).kind("probe");
    assert!(ids(&db, &since).await.contains(&twice));
    let until = JobFilter::default().created_before(created - TimeDelta::minutes(1));
    assert!(!ids(&db, &until).await.contains(&twice));
}

#[tokio::test]
async fn arguments_come_by_the_page_and_encrypted_ones_are_not_compared() {
    let db = database().await;
    for _ in 0..5 {
        enqueued(&db, NewJob::new("large", &json!({"n": 1, "text": "x".repeat(400_000)})).unwrap()).await;
    }
    let filter = JobFilter::default().kind("large").with_args();
    let page = db.jobs().list(&filter, 500).await.unwrap();
    assert!((1..=3).contains(&page.len()) && page.next.is_some(), "{}", page.len());
    assert_eq!(ids(&db, &filter).await.len(), 5);
    // As the library stores it.
    tell(&db, r#"update ordinaut.job set args = '{"encrypted": {"key": "k1", "nonce": "AA", "data": "BB"}}' where kind = 'large'"#).await;
    assert_eq!(ids(&db, &JobFilter::default().args(json!({"encrypted": {"key": "k1"}}))).await, NONE);
    #[cfg(feature = "encryption")]
    {
        let keyring = ordinaut_core::job::Keyring::new([("k1", [7; 32])]).unwrap();
        let sealing = db.to_builder().keyring(keyring).encrypt_kinds(["large"]).connect().await.unwrap();
        let refused = sealing.jobs().list(&filter.clone().args(json!({"n": 1})), 1).await;
        assert!(matches!(refused, Err(Error::Invalid(invalid)) if invalid.field == "args"));
    }
}

#[tokio::test]
async fn a_callers_list_is_of_its_tenant_and_queues_whatever_it_asks_for() {
    let db = database().await;
    let made = one_of_each(&db).await;
    let mut acme = Access::admin("acme");
    acme.tenant = Some("acme".to_owned());
    let acme = db.seen_by(&acme);
    assert_eq!(ids(&acme, &JobFilter::default()).await.len(), made.len());
    assert_eq!(ids(&acme, &JobFilter::default().tenant("umbrella")).await, NONE);
    assert_eq!(acme.jobs().estimate(&JobFilter::default().tenant("umbrella")).await.unwrap(), 0);
    for (state, id) in &made {
        assert_eq!(ids(&acme, &JobFilter::default().state(*state)).await, [*id], "{state}");
    }
    let mut elsewhere = Access::admin("elsewhere");
    elsewhere.queues = Some(vec!["elsewhere".to_owned()]);
    let elsewhere = db.seen_by(&elsewhere);
    for state in JobState::ALL {
        assert_eq!(ids(&elsewhere, &JobFilter::default().state(state)).await, NONE, "{state}");
    }
    assert_eq!(ids(&elsewhere, &JobFilter::default().error("disk")).await, NONE);
    assert_eq!(ids(&elsewhere, &JobFilter::default().queue("default")).await, NONE);
}

#[tokio::test]
async fn what_is_rare_among_many_is_found_over_quick_pages() {
    let db = database().await;
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Rare;
    impl Job for Rare {
        const KIND: &'static str = "rare";
    }
    let rare = enqueued(&db, Rare.new_job().unwrap()).await;
    tell(
        &db,
        "with made as (
             insert into ordinaut.job (id, kind, queue, args, priority)
             select ('ffffffff-ffff-7fff-8fff-' || lpad(to_hex(n), 12, '0'))::uuid, 'k', 'q', '{}', 5
             from generate_series(1, 50000) n
             returning id
         )
         insert into ordinaut.run (job_id, attempt, session, outcome) select id, 1, 1, 'succeeded' from made",
    )
    .await;
    sqlx::raw_sql("vacuum analyze ordinaut.job").execute(db.pool()).await.unwrap();
    assert_eq!(ids(&db, &JobFilter::default().kind("rare")).await, [rare]);
    assert_eq!(ids(&db, &JobFilter::default().kind("rare").oldest_first()).await, [rare]);
    assert_eq!(ids(&db, &JobFilter::default().kind("rare").state(JobState::Succeeded)).await, NONE);
}
