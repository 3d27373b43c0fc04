//! For a minute the wire to Postgres swallows everything, without a word: it is noticed, and nothing is lost or done twice.

use crate::checker::Rules;
use crate::feed::Feed;
use crate::lab::Lab;
use crate::seed;
use crate::wire::Wire;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::time::{Duration, Instant};

const HOLE: Duration = Duration::from_secs(60);

/// From its beginning to a word in the log.
const NOTICED: Duration = Duration::from_secs(15);

/// From its end to the first call of everybody who was in it.
const BACK: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes three minutes: ./ops/test.sh fault black_hole"]
async fn a_wire_that_swallows_everything_for_a_minute_is_noticed_and_loses_nothing() {
    let mut random = seed::random();
    // The default, and a short one.
    for lease in ["60", "5"] {
        let mut lab = Lab::start().await;
        let wire = Wire::start(lab.server.socket(), StdRng::from_rng(&mut random)).await;
        lab.others.clear();
        lab.add_other("ordinaut-scheduler", &[("DATABASE_URL", &wire.url)]);
        lab.add_workers(2, &[("DATABASE_URL", &wire.url), ("WORKER_LEASE_SECONDS", lease)]).await;
        let feed = Feed::start(lab.database.clone(), lab.sink.url.clone(), 300, StdRng::from_rng(&mut random));
        lab.wait(async || lab.sink.log().len() > 500).await;
        let said = |lab: &Lab| -> Vec<usize> { lab.workers.iter().map(|worker| warnings(&worker.log())).collect() };
        let before = said(&lab);
        wire.swallow_everything();
        let began = Instant::now();
        lab.wait(async || said(&lab).iter().zip(&before).all(|(now, before)| now > before)).await;
        let noticed = began.elapsed();
        // It lasts for so long; nothing is waited for.
        tokio::time::sleep(HOLE.saturating_sub(began.elapsed())).await;
        wire.carry_again();
        let (ended, calls) = (Instant::now(), lab.sink.log().len());
        lab.wait(async || lab.sink.log().len() > calls).await;
        let first = ended.elapsed();
        // Both workers, and the scheduler, which relays.
        let busy = |lab: &Lab| {
            let sessions: std::collections::HashSet<_> =
                lab.sink.log()[calls..].iter().map(|call| call.session).collect();
            sessions.len() == 2
        };
        lab.wait(async || busy(&lab)).await;
        let both = ended.elapsed();
        lab.wait(async || lab.number("select count(*) from ordinaut.outbox").await.is_some_and(|left| left < 50)).await;
        let relayed = ended.elapsed();
        let answered = feed.stop().await;
        lab.until_idle().await;
        let findings = lab.judge(&answered, Rules { max_attempts: 4, postgres_crashes: false }).await;
        eprintln!(
            "lease {lease} s: noticed after {noticed:.1?}; after its end the first call came in {first:.1?}, of both \
             workers in {both:.1?}, and events were told in {relayed:.1?}"
        );
        findings.hold();
        assert!(noticed <= NOTICED, "{noticed:?}");
        assert!(both <= BACK && relayed <= BACK, "{both:?}, {relayed:?}");
        lab.assert_that_all_live();
    }
}

fn warnings(log: &str) -> usize {
    log.lines().filter(|line| line.contains("\"WARN\"") || line.contains(" WARN ")).count()
}
