//! Policies of kinds: jobs outside their allowed hours, the time limit and the SLA of a kind.

use crate::fixture::{TestDatabase, ask, database, enqueue, probe, schedule_once, succeed, tell, worker};
use chrono::{TimeDelta, Utc};
use ordinaut_core::event::EventType;
use ordinaut_core::explain::ReasonKind;
use ordinaut_core::job::JobState;
use ordinaut_core::policy::{AllowedHours, HoursMode, KindPolicy, PolicyError};
use ordinaut_core::worker::Step;
use ordinaut_core::{JobError, Outcome};
use std::time::Duration;
use uuid::Uuid;

/// Hours that do not allow the present, and do two hours from now.
fn closed() -> KindPolicy {
    let at = |hours: i64| (Utc::now() + TimeDelta::hours(hours)).format("%H:00");
    let window = format!("{}-{}", at(-1), at(2)).parse().unwrap();
    KindPolicy::default().hours(AllowedHours::new(HoursMode::Never, [window]).timezone("UTC"))
}

/// As if a change of policies were ten seconds old.
async fn ten_seconds_later(db: &TestDatabase) {
    tell(db, "update ordinaut.kind_release set at = at - interval '10 seconds'").await;
}

async fn state(db: &TestDatabase, job: Uuid) -> JobState {
    db.jobs().get(job).await.unwrap().unwrap().state
}

#[tokio::test]
async fn a_job_that_is_due_outside_its_hours_is_put_off_once_and_runs_when_they_change() {
    let db = database().await;
    db.policies().put("probe", &closed()).await.unwrap();
    let job = enqueue(&db).await;
    let mut worker = worker(&db, succeed);
    assert!(matches!(worker.step().await.unwrap(), Step::Worked(_)));
    assert!(matches!(worker.step().await.unwrap(), Step::Idle));

    let waits = db.jobs().get(job).await.unwrap().unwrap();
    assert_eq!((waits.state, waits.failures), (JobState::Scheduled, 0));
    let ahead = waits.run_at.unwrap() - Utc::now();
    assert!(ahead > TimeDelta::minutes(55) && ahead <= TimeDelta::hours(2), "{ahead}");
    let runs = db.jobs().runs(job).await.unwrap();
    assert_eq!((runs.len(), runs[0].outcome), (1, Outcome::Snoozed));
    assert!(runs[0].error.as_deref().unwrap().starts_with("put off: outside the allowed hours"), "{runs:?}");
    let told = db.jobs().explain(job).await.unwrap().unwrap();
    assert_eq!(told.reasons[0].reason, ReasonKind::OutsideHours, "{told}");

    // Another job of the kind waits for a reason of its own, and goes on waiting.
    let later = probe(1).delay(Duration::from_secs(3600));
    db.enqueue(&later).await.unwrap();
    assert!(db.policies().delete("probe").await.unwrap());
    // Not before every worker knows that the policy is gone.
    schedule_once(&db).await;
    assert_eq!(state(&db, job).await, JobState::Scheduled);
    ten_seconds_later(&db).await;
    schedule_once(&db).await;
    assert_eq!((state(&db, job).await, state(&db, later.id()).await), (JobState::Waiting, JobState::Scheduled));
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.kind_release").await, 0);
    let mut fresh = crate::fixture::worker(&db, succeed);
    assert!(matches!(fresh.step().await.unwrap(), Step::Worked(id) if id == job));
    assert_eq!(state(&db, job).await, JobState::Succeeded);
    assert!(!db.policies().delete("probe").await.unwrap());
}

#[tokio::test]
async fn what_is_put_off_while_a_change_spreads_is_let_go_once() {
    let db = database().await;
    // As by a worker that does not know a change yet: after it, and before it is done with.
    db.policies().put("probe", &closed()).await.unwrap();
    let job = enqueue(&db).await;
    let mut worker = worker(&db, succeed);
    worker.step().await.unwrap();
    tell(&db, "update ordinaut.kind_release set at = clock_timestamp()").await;
    schedule_once(&db).await;
    assert_eq!(state(&db, job).await, JobState::Waiting);
    assert!(matches!(worker.step().await.unwrap(), Step::Worked(_)));
    schedule_once(&db).await;
    let told = db.events().after(0, 100).await.unwrap();
    assert_eq!(told.iter().filter(|event| event.r#type == EventType::RunNow).count(), 1, "{told:?}");
    assert_eq!(state(&db, job).await, JobState::Scheduled);
    assert_eq!(db.jobs().runs(job).await.unwrap().len(), 2);
}

#[tokio::test]
async fn each_bad_field_of_a_policy_is_named() {
    let db = database().await;
    let field = async |policy: KindPolicy| match db.policies().put("probe", &policy).await {
        Err(PolicyError::Invalid(invalid)) => invalid.field,
        other => panic!("{other:?}"),
    };
    let hours = |text: &str| AllowedHours::new(HoursMode::Only, [text.parse().unwrap()]);
    assert_eq!(field(KindPolicy::default()).await, "policy");
    assert_eq!(field(KindPolicy::default().sla(Duration::ZERO)).await, "sla");
    assert_eq!(field(KindPolicy::default().hours(hours("09:00-17:00").timezone("Mars"))).await, "hours.timezone");
    assert_eq!(field(KindPolicy::default().hours(hours("09:00-17:00").calendars(["no"]))).await, "hours.calendars");
    assert!(db.policies().list().await.unwrap().is_empty());
    let put = db.policies().put("probe", &KindPolicy::default().hours(hours("09:00-17:00"))).await.unwrap();
    assert_eq!(put.policy.hours.unwrap().timezone, db.time_zone().await.unwrap());
}

#[tokio::test]
async fn an_attempt_takes_no_longer_than_its_kind_says_unless_the_job_does() {
    let db = database().await;
    db.policies().put("probe", &KindPolicy::default().timeout(Duration::from_millis(20))).await.unwrap();
    let job = enqueue(&db).await;
    let mut worker = worker(&db, |_, _| std::future::pending::<Result<(), JobError>>());
    worker.step().await.unwrap();
    let runs = db.jobs().runs(job).await.unwrap();
    assert_eq!(runs[0].error.as_deref(), Some("timed out after 0.02 s"));
}

#[tokio::test]
async fn jobs_that_took_longer_than_their_sla_are_counted_and_told() {
    let db = database().await;
    db.policies().put("probe", &KindPolicy::default().sla(Duration::from_secs(60))).await.unwrap();
    schedule_once(&db).await;
    let (quick, slow) = (enqueue(&db).await, enqueue(&db).await);
    let early = sqlx::query("update ordinaut.job set created_at = created_at - interval '2 minutes' where id = $1");
    early.bind(slow).execute(db.pool()).await.unwrap();
    let mut worker = worker(&db, succeed);
    worker.step().await.unwrap();
    worker.step().await.unwrap();
    schedule_once(&db).await;
    db.stats().collect().await.unwrap();
    schedule_once(&db).await;

    assert_eq!(db.policies().get("probe").await.unwrap().unwrap().late, 1);
    assert_eq!(ask::<i64>(&db, "select sum(late)::bigint from ordinaut.stat where step = 'minute'").await, 1);
    let events = db.events().after(0, 100).await.unwrap();
    let breached: Vec<_> = events.iter().filter(|event| event.r#type == EventType::SlaBreached).collect();
    assert_eq!(breached.len(), 1, "{events:?}");
    assert_eq!(breached[0].jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [slow]);
    assert_eq!(state(&db, quick).await, JobState::Succeeded);
    let changed = events.iter().filter(|event| event.r#type == EventType::PolicyCreated).count();
    assert_eq!(changed, 1);
}
