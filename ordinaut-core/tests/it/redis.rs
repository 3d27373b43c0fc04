//! The stream on Redis: the same events under the same numbers, whenever Redis came, and however
//! many publish.

use crate::events::events;
use crate::fixture::{
    LIMIT, TestDatabase, another_schema, database, eventually, probe, quick_but, run, schedule, succeed, within,
    worker, worker_with,
};
use fred::interfaces::{ClientLike, KeysInterface, PubsubInterface, StreamsInterface};
use fred::prelude::{Builder, Client as RedisClient, Config};
use ordinaut_core::db::ConnectOptions;
use ordinaut_core::event::stream_in_redis;
use ordinaut_core::queue::QueueChange;
use ordinaut_core::{Client, Scheduler};
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

/// The same database, whose scheduler tells that Redis.
async fn telling(db: &Client, url: &str) -> Client {
    db.to_builder().redis(url).connect().await.unwrap()
}

async fn client(url: &str) -> RedisClient {
    let client = Builder::from_config(Config::from_url(url).unwrap()).build().unwrap();
    client.init().await.unwrap();
    client
}

/// The whole stream, once it has all that the database has.
async fn stream(redis: &Redis, db: &Client) -> Vec<Entry> {
    let last = db.events().last().await.unwrap();
    let published = async { while stream_in_redis(&redis.url(), db.schema()).await.unwrap().last != last {} };
    tokio::time::timeout(LIMIT, published).await.unwrap_or_else(|_| panic!("event {last} was never published"));
    let client = client(&redis.url()).await;
    let entries: Vec<Entry> = client.xrange("events", "-", "+", None).await.unwrap();
    client.quit().await.unwrap();
    entries
}

/// The stream says what the database says.
async fn check(redis: &Redis, db: &Client) {
    let events = events(db).await;
    let expected: Vec<Entry> = events
        .iter()
        .map(|event| {
            let fields = [
                ("type", event.r#type.to_string()),
                ("at", event.at.to_rfc3339()),
                ("queue", event.queue.clone()),
                ("kind", event.kind.clone()),
                ("jobs", serde_json::to_string(&event.jobs).unwrap()),
            ];
            let level = event.level.map(|level| ("level", level.to_string()));
            let subject = event.subject.clone().map(|subject| ("subject", subject));
            let fields = fields.into_iter().chain(level).chain(subject).map(|(name, value)| (name.to_owned(), value));
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
    let running = schedule(Scheduler::new(telling(&db, &redis.url()).await));
    db.queues().update("default", &QueueChange::default().max_waiting(Some(1))).await.unwrap();
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
    let running = schedule(Scheduler::new(telling(&db, &redis.url()).await));

    work(&db).await;

    check(&redis, &db).await;
    running.stop().await;
}

#[tokio::test]
async fn two_publishers_repeat_nothing() {
    let Some(redis) = redis().await else { return };
    let db = database().await;
    let other = db.another_pool().await;
    let running = [telling(&db, &redis.url()).await, telling(&other, &redis.url()).await];
    let running = running.map(|db| schedule(Scheduler::new(db)));

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
    let running = schedule(Scheduler::new(telling(&db, &url).await));
    work(&db).await;
    assert!(stream_in_redis(&url, db.schema()).await.is_err());

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
    let nowhere: ConnectOptions = "postgres://nobody@localhost:1/nothing".parse().unwrap();
    let told = db.to_builder().redis(redis.url()).direct(nowhere).connect().await.unwrap();
    let settings = quick_but(|options| options.poll_interval = Duration::from_secs(60));
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
    let running = schedule(Scheduler::new(telling(&db, &redis.url()).await));
    work(&db).await;
    check(&redis, &db).await;
    running.stop().await;
    let client = client(&redis.url()).await;
    let _: i64 = client.del("events").await.unwrap();

    let running = schedule(Scheduler::new(telling(&db, &redis.url()).await));

    check(&redis, &db).await;
    running.stop().await;
}

/// Deletes events from the middle of the stream, or all of it, while a publisher is at work, and
/// lets more happen.
async fn lose(redis: &Redis, db: &TestDatabase, ids: &[i64]) {
    let client = client(&redis.url()).await;
    let _: i64 = match ids {
        [] => client.del("events").await.unwrap(),
        ids => client.xdel("events", ids.iter().map(|n| format!("{n}-0")).collect::<Vec<_>>()).await.unwrap(),
    };
    work(db).await;
    let filled = async {
        loop {
            let stream = stream_in_redis(&redis.url(), db.schema()).await.unwrap();
            if stream.first == 1 && !stream.has_gap() && stream.last == db.events().last().await.unwrap() {
                break;
            }
        }
    };
    within(filled).await;
    check(redis, db).await;
}

#[tokio::test]
async fn a_redis_that_loses_events_while_it_is_published_to_is_filled_up_in_order() {
    let Some(redis) = redis().await else { return };
    let db = database().await;
    let running = schedule(Scheduler::new(telling(&db, &redis.url()).await));
    work(&db).await;
    check(&redis, &db).await;
    let last = db.events().last().await.unwrap();
    let client = client(&redis.url()).await;
    let _: String = client.xgroup_create("events", "readers", "3-0", false).await.unwrap();
    // A gap in the middle, as a snapshot that was restored leaves it; the last ones; everything.
    lose(&redis, &db, &[4, 5]).await;
    let groups: Vec<BTreeMap<String, fred::types::Value>> = client.xinfo_groups("events").await.unwrap();
    assert_eq!(groups[0]["last-delivered-id"].as_string().unwrap(), "3-0");
    lose(&redis, &db, &[last - 1, last]).await;
    lose(&redis, &db, &[]).await;
    running.stop().await;
}

#[tokio::test]
async fn two_schemas_have_two_streams_and_two_installations_are_told_apart() {
    let Some(redis) = redis().await else { return };
    let (db, rival) = (database().await, database().await);
    let elsewhere = another_schema(&db, "elsewhere").await;
    elsewhere.migrate().await.unwrap();
    let running = [telling(&db, &redis.url()).await, telling(&elsewhere, &redis.url()).await];
    let running = running.map(|db| schedule(Scheduler::new(db)));
    work(&db).await;
    elsewhere.enqueue(&probe(0)).await.unwrap();
    check(&redis, &db).await;
    let client = client(&redis.url()).await;
    let other = async { while client.xlen::<i64, _>("events:elsewhere").await.unwrap() != 1 {} };
    within(other).await;
    let named = |db: &Client| {
        let (url, schema) = (redis.url(), db.schema().clone());
        async move { stream_in_redis(&url, &schema).await.unwrap().installation.unwrap() }
    };
    assert_eq!(named(&db).await, db.events().installation().await.unwrap());
    assert_eq!(named(&elsewhere).await, elsewhere.events().installation().await.unwrap());

    // The same schema of another database, which is no copy of this one as tests' databases are:
    // what it has goes nowhere.
    let draw = "update ordinaut.event_head set installation = gen_random_uuid()";
    sqlx::raw_sql(draw).execute(rival.pool()).await.unwrap();
    let beside = schedule(Scheduler::new(telling(&rival, &redis.url()).await));
    work(&rival).await;
    work(&db).await;
    check(&redis, &db).await;
    assert_ne!(named(&rival).await, rival.events().installation().await.unwrap());
    for running in running.into_iter().chain([beside]) {
        running.stop().await;
    }
}
