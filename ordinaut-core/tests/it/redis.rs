//! The stream on Redis: the same events under the same numbers, whenever Redis came, and however many publish.

use crate::events::events;
use crate::fixture::{
    LIMIT, TestDatabase, database, eventually, probe, quick, run, schedule, succeed, within, worker, worker_with,
};
use fred::interfaces::{ClientLike, KeysInterface, PubsubInterface, StreamsInterface};
use fred::prelude::{Builder, Client, Config};
use ordinaut_core::settings::worker::WorkerSettings;
use ordinaut_core::{Database, QueueChange, Scheduler, last_event_in_redis};
use ordinaut_embedded::Redis;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// An entry of the stream: its id and its fields.
type Entry = (String, BTreeMap<String, String>);

/// `None`: this machine has no Redis, and there is nothing to test.
async fn redis() -> Option<Redis> {
    Redis::find()?;
    Some(tokio::task::spawn_blocking(|| Redis::temporary().unwrap()).await.unwrap())
}

async fn client(url: &str) -> Client {
    let client = Builder::from_config(Config::from_url(url).unwrap()).build().unwrap();
    client.init().await.unwrap();
    client
}

/// The whole stream, once it has all that the database has.
async fn stream(redis: &Redis, db: &Database) -> Vec<Entry> {
    let last = db.last_event().await.unwrap();
    let published = async { while last_event_in_redis(&redis.url()).await.unwrap() != Some(last) {} };
    tokio::time::timeout(LIMIT, published).await.unwrap_or_else(|_| panic!("event {last} was never published"));
    let client = client(&redis.url()).await;
    let entries: Vec<Entry> = client.xrange("events", "-", "+", None).await.unwrap();
    client.quit().await.unwrap();
    entries
}

/// The stream says what the database says.
async fn check(redis: &Redis, db: &Database) {
    let events = events(db).await;
    let expected: Vec<Entry> = events
        .iter()
        .map(|event| {
            let fields = [
                ("type", event.r#type.clone()),
                ("at", event.at.to_rfc3339()),
                ("queue", event.queue.clone()),
                ("kind", event.kind.clone()),
                ("jobs", serde_json::to_string(&event.jobs).unwrap()),
            ];
            let level = event.level.map(|level| ("level", level.to_string()));
            let fields = fields.into_iter().chain(level).map(|(name, value)| (name.to_owned(), value));
            (format!("{}-0", event.n), fields.collect())
        })
        .collect();
    assert!(!expected.is_empty());
    assert_eq!(stream(redis, db).await, expected);
}

/// Jobs that are enqueued, leased and done.
async fn work(db: &TestDatabase) {
    let running = run(worker(db, succeed));
    for n in 0..20 {
        db.enqueue(&probe(n)).await.unwrap();
    }
    eventually(db, "select not exists (select from ordinaut.due_work)").await;
    running.stop().await.unwrap();
    eventually(db, "select not exists (select from ordinaut.outbox)").await;
}

#[tokio::test]
async fn the_level_of_a_queue_is_in_the_stream() {
    let Some(redis) = redis().await else { return };
    let db = database().await;
    let running = schedule(Scheduler::new(db.clone().redis(Some(redis.url()))));
    db.set_queue("default", &QueueChange::default().max_waiting(Some(1))).await.unwrap();
    db.enqueue(&probe(0)).await.unwrap();
    eventually(&db, "select exists (select from ordinaut.event where type = 'queue_level')").await;
    check(&redis, &db).await;
    let told = stream(&redis, &db).await.pop().unwrap().1;
    assert_eq!((&*told["type"], &*told["level"]), ("queue_level", "critical"));
    running.stop().await;
}

#[tokio::test]
async fn the_stream_has_the_same_numbers() {
    let Some(redis) = redis().await else { return };
    let db = database().await;
    let running = schedule(Scheduler::new(db.clone().redis(Some(redis.url()))));

    work(&db).await;

    check(&redis, &db).await;
    running.stop().await;
}

#[tokio::test]
async fn two_publishers_repeat_nothing() {
    let Some(redis) = redis().await else { return };
    let db = database().await;
    let other = db.another_pool().await;
    let running = [db.clone(), other].map(|db| schedule(Scheduler::new(db.redis(Some(redis.url())))));

    work(&db).await;

    check(&redis, &db).await;
    for running in running {
        running.stop().await;
    }
}

/// A path that is removed in the end.
struct Link(PathBuf);

impl Drop for Link {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}

#[tokio::test]
async fn a_redis_that_comes_late_gets_what_it_missed() {
    let Some(redis) = redis().await else { return };
    let db = database().await;
    let late = Link(std::env::temp_dir().join(format!("ordinaut-late-{}.sock", std::process::id())));
    let url = format!("redis+unix://{}", late.0.display());
    let running = schedule(Scheduler::new(db.clone().redis(Some(url.clone()))));
    work(&db).await;
    assert!(last_event_in_redis(&url).await.is_err());

    std::os::unix::fs::symlink(redis.socket(), &late.0).unwrap();

    check(&redis, &db).await;
    // And it goes on.
    work(&db).await;
    check(&redis, &db).await;
    running.stop().await;
}

#[tokio::test]
async fn a_hint_over_redis_wakes_a_worker_that_listen_does_not_reach() {
    let Some(redis) = redis().await else { return };
    let db = database().await;
    let told = db.clone().redis(Some(redis.url()));
    let settings = WorkerSettings {
        poll_interval: Duration::from_secs(60),
        listen_on: Some("postgres://nobody@localhost:1/nothing".parse().unwrap()),
        ..quick()
    };
    let running = run(worker_with(&told, settings, succeed));
    let client = client(&redis.url()).await;
    let listening = async {
        let heard_by = async || -> BTreeMap<String, i64> { client.pubsub_numsub("hints:ordinaut").await.unwrap() };
        while heard_by().await.values().all(|count| *count == 0) {}
    };
    within(listening).await;
    eventually(&db, "select exists (select from ordinaut.worker where waiting)").await;

    told.enqueue(&probe(0)).await.unwrap();

    eventually(&db, "select count(*) = 1 from ordinaut.run").await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_redis_that_lost_its_data_gets_it_again() {
    let Some(redis) = redis().await else { return };
    let db = database().await;
    let running = schedule(Scheduler::new(db.clone().redis(Some(redis.url()))));
    work(&db).await;
    check(&redis, &db).await;
    running.stop().await;
    let client = client(&redis.url()).await;
    let _: i64 = client.del("events").await.unwrap();

    let running = schedule(Scheduler::new(db.clone().redis(Some(redis.url()))));

    check(&redis, &db).await;
    running.stop().await;
}
