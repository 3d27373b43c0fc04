//! The primary dies in the middle of jobs, and its standby is promoted: everybody finds it, nothing
//! that was answered is lost, and each due instant of a task is recorded once, and no other.

use crate::crew::Crew;
use crate::postgres_killed::{Attempts, Feeder, left, no_stale_end_was_accepted, runs};
use crate::sink::Sink;
use crate::standby::Standby;
use crate::timetable;
use ordinaut_test_support::killable_postgres::Server;
use std::time::{Duration, Instant};

const SCHEDULERS: usize = 3;
const BEFORE: i64 = 1500;

/// Of which two seconds are the time in which nobody claims.
const RECONNECTED_WITHIN: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute: ./ops/test.sh fault failover"]
async fn a_promoted_standby_goes_on_where_the_primary_was() {
    let (mut primary, sink) = (Server::start().await, Sink::start().await);
    let standby = Standby::of(&primary.url()).await;
    let url = both(&primary.url(), &standby.url());
    let settings = [("WORKER_HTTP_ALLOW", "127.0.0.1"), ("WORKER_MAX_RETRIES", "100"), ("LOG_LEVEL", "error")];
    let mut crew = Crew::start_on(&url, 2, &settings).await;
    (1..SCHEDULERS).for_each(|_| crew.add_scheduler());
    timetable::create(&crew.database, &sink.url).await;
    let feeder = Feeder::start(crew.database.clone(), sink.url.clone());
    crew.wait(async || runs(&crew.database).await.unwrap_or_default() >= BEFORE).await;

    primary.kill().await;
    standby.promote().await;
    let promoted = Instant::now();
    // Ends of handlers that ran through it may come first: only a call that starts now shows a
    // claim.
    let calls = || sink.calls().values().map(Vec::len).sum::<usize>();
    let called = calls();
    crew.wait(async || calls() > called).await;
    let back = promoted.elapsed();
    let ended = runs_when_back(&crew).await;
    crew.wait(async || runs(&crew.database).await.unwrap_or_default() >= ended + BEFORE).await;
    let answered = feeder.stop().await;
    let fires = timetable::stop(&crew.database).await;
    crew.wait(async || left(&crew.database).await.is_ok_and(|left| left == 0)).await;
    crew.assert_that_no_worker_has_ended();

    let (attempts, calls) = (Attempts::of(&crew.database).await, sink.calls());
    eprintln!(
        "{} jobs, {} of them answered, and of {fires} fires; claims again {back:.1?} after the promotion; {} attempts lost",
        attempts.successes.len(),
        answered.len(),
        attempts.lost
    );
    attempts.are_those_of(&answered);
    assert_eq!(attempts.later_than_success, 0, "attempts that ended after their job had succeeded");
    no_stale_end_was_accepted(&calls, &attempts.successes);
    assert!(back <= RECONNECTED_WITHIN, "{back:?}");
}

async fn runs_when_back(crew: &Crew) -> i64 {
    loop {
        if let Ok(ended) = runs(&crew.database).await {
            return ended;
        }
    }
}

/// One address of two servers.
fn both(primary: &str, standby: &str) -> String {
    let (_, host) = standby.split_once("host=").unwrap();
    format!("{primary},{host}")
}
