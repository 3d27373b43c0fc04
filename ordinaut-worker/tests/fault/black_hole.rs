//! For a minute the wire to Postgres swallows everything, without a word: it is noticed, and
//! nothing is lost or done twice.

use crate::checker::Rules;
use crate::feed::Feed;
use crate::lab::Lab;
use crate::seed;
use ordinaut_core::NewJob;
use ordinaut_test_support::wire::Wire;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::collections::HashSet;
use std::time::{Duration, Instant};

const HOLE: Duration = Duration::from_secs(60);

/// From its beginning to a word in the log.
const NOTICED: Duration = Duration::from_secs(15);

/// From its end until who was in it works again.
const BACK: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes five minutes: ./ops/test.sh fault black_hole"]
async fn a_wire_that_swallows_everything_for_a_minute_is_noticed_and_loses_nothing() {
    let mut random = seed::random();
    // The default, and the lab's. Some calls would take longer than there is a lease.
    for (lease, long) in [("60", 75_000), ("5", 15_000)] {
        let mut lab = Lab::start().await;
        let wire = Wire::start(lab.server.socket(), StdRng::from_rng(&mut random)).await;
        lab.add_other("ordinaut-scheduler", &[("DATABASE_URL", &wire.url)]);
        lab.add_workers(1, &[("DATABASE_URL", &wire.url), ("WORKER_LEASE_SECONDS", lease)]).await;
        let long_calls: Vec<_> = (0..5).map(|_| lab.call_of(long)).collect();
        lab.database.enqueue_many(&long_calls).await.unwrap();
        lab.wait(async || lab.sink.log().len() == long_calls.len()).await;
        let inside = lab.sink.log()[0].session;
        lab.add_workers(1, &[("WORKER_LEASE_SECONDS", lease)]).await;
        let feed = Feed::start(lab.database.clone(), lab.sink.url.clone(), 300, StdRng::from_rng(&mut random));
        let of_both = async || sessions(&lab, 0).len() == 2 && lab.sink.log().len() > 300;
        lab.wait(of_both).await;

        wire.swallow_everything();
        let began = Instant::now();
        lab.wait(async || lab.workers[0].log().contains("did not answer")).await;
        let noticed = began.elapsed();
        // It lasts for so long; nothing is waited for.
        tokio::time::sleep(HOLE.saturating_sub(began.elapsed())).await;
        wire.carry_again();
        let (ended, calls) = (Instant::now(), lab.sink.log().len());
        lab.wait(async || sessions(&lab, calls).len() == 2).await;
        let worker_back = ended.elapsed();
        // From now on only the scheduler that was in it can tell what happens.
        lab.others.remove(0).kill();
        let (killed, head) = (Instant::now(), told(&lab).await);
        lab.wait(async || told(&lab).await > head + 20).await;
        let scheduler_back = killed.elapsed();
        let mut answered = feed.stop().await;
        answered.extend(long_calls.iter().map(NewJob::id));
        lab.until_idle().await;
        let findings = lab.judge(&answered, Rules { max_attempts: 4, postgres_crashes: false }).await;
        eprintln!(
            "lease {lease} s: noticed after {noticed:.1?}; the worker calls again {worker_back:.1?} after its end, and \
             its scheduler tells events {scheduler_back:.1?} after it is alone"
        );
        findings.hold();
        assert!(noticed <= NOTICED, "{noticed:?}");
        assert!(worker_back <= BACK && scheduler_back <= BACK, "{worker_back:?}, {scheduler_back:?}");
        let lost =
            lab.sink.log().into_iter().filter(|call| call.session == inside).any(|call| call.ended.is_infinite());
        assert!(findings.lost >= long_calls.len() && !lost, "what ran inside was lost, and stopped");
        assert_eq!(findings.beside, 0.0, "a handler went on without its lease");
        lab.assert_that_all_live();
    }
}

/// Number of events that were told.
async fn told(lab: &Lab) -> i64 {
    lab.number("select n from ordinaut.event_head").await.unwrap()
}

/// Which sessions have called since so many calls.
fn sessions(lab: &Lab, calls: usize) -> HashSet<i64> {
    lab.sink.log()[calls..].iter().map(|call| call.session).collect()
}
