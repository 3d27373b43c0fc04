//! The answers of Postgres are lost on the wire after it has committed: nobody knows, and nothing
//! is lost or done twice.

use crate::checker::Rules;
use crate::feed::Feed;
use crate::lab::Lab;
use crate::seed;
use ordinaut_core::Client;
use ordinaut_test_support::wire::Wire;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::time::Duration;

const STORM: Duration = Duration::from_secs(40);

/// Of all requests, of all connections of all processes.
const ONE_IN: u32 = 40;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute: ./ops/test.sh fault lost_commit"]
async fn answers_that_are_lost_after_the_commit_lose_and_double_nothing() {
    let mut random = seed::random();
    let mut lab = Lab::start().await;
    let wire = Wire::start(lab.server.socket(), StdRng::from_rng(&mut random)).await;
    lab.others.clear();
    lab.add_other("ordinaut-scheduler", &[("DATABASE_URL", &wire.url)]);
    lab.add_workers(2, &[("DATABASE_URL", &wire.url)]).await;
    let database = Client::builder(&wire.url).max_connections(4).connect().await.unwrap();
    wire.lose_one_answer_in(ONE_IN);
    let feed = Feed::start(database, lab.sink.url.clone(), 300, random);
    // It lasts for so long; nothing is waited for.
    tokio::time::sleep(STORM).await;
    let answered = feed.stop().await;
    wire.lose_one_answer_in(0);
    lab.until_idle().await;
    let findings = lab.judge(&answered, Rules { max_attempts: 0, postgres_crashes: false }).await;
    eprintln!("{} answers lost, {} enqueues of which were answered", wire.answers_lost(), answered.len());
    findings.hold();
    assert!(wire.answers_lost() > 50);
    assert_eq!(findings.called_twice, 0, "an execution was doubled");
    lab.assert_that_all_live();
}
