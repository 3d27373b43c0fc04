//! `http` jobs that call targets: which host is called, and what its answers mean for all others.

use crate::fixture::Fixture;
use crate::server::{Server, status, with_header};
use ordinaut_core::job::JobState;
use ordinaut_core::target::{BreakerState, Fallback, Host, Target, TargetStrategy};
use ordinaut_core::worker::Step;
use ordinaut_core::{NewJob, Scheduler};
use serde_json::{Value, json};
use std::future::ready;
use std::time::Duration;

fn host(server: &Server) -> String {
    format!("127.0.0.1:{}", server.port)
}

/// A port on which nobody listens.
async fn nowhere() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

impl Fixture {
    async fn put(&self, target: &Target) {
        self.database.targets().put(target).await.unwrap();
    }

    async fn state_of(&self, target: &str) -> (BreakerState, i32) {
        let status = self.database.targets().get(target).await.unwrap().unwrap();
        (status.health[0].state, status.health[0].failures)
    }

    /// Enqueues jobs that call the target `t`, and runs all that are due with one worker.
    async fn call(&self, jobs: usize) {
        let job = || NewJob::new("http", &json!({"target": "t", "path": "/x"})).unwrap();
        self.database.enqueue_many((0..jobs).map(|_| job())).await.unwrap();
        // Nothing is allowed: hosts of targets need no leave.
        let mut worker = self.worker(&[]);
        while worker.step().await.unwrap() != Step::Idle {}
    }

    /// What failed is not tried again.
    async fn forget(&self) {
        sqlx::query("delete from ordinaut.due_work").execute(self.database.pool()).await.unwrap();
    }

    async fn outcomes(&self) -> Vec<String> {
        let sql = "select outcome || ' ' || count(*) from ordinaut.run group by outcome order by outcome";
        sqlx::query_scalar(sql).fetch_all(self.database.pool()).await.unwrap()
    }
}

#[tokio::test]
async fn hosts_are_called_in_turn_and_by_their_weights() {
    let fixture = Fixture::new().await;
    let servers = [Server::answering(|_| "").await, Server::answering(|_| "").await, Server::answering(|_| "").await];
    let hosts = servers.each_ref().map(host);
    fixture.put(&Target::new("t", hosts.clone())).await;
    fixture.call(31).await;
    let mut shares = servers.each_ref().map(|server| server.calls().len());
    shares.sort_unstable();
    assert_eq!(shares, [10, 10, 11]);
    let mut target = Target::new("t", Vec::<String>::new()).strategy(TargetStrategy::Weighted);
    target.hosts = hosts.iter().zip([5, 3, 2]).map(|(name, weight)| Host::new(name, weight)).collect();
    fixture.put(&target).await;
    fixture.call(200).await;
    assert_eq!(servers.each_ref().map(|server| server.calls().len()), [100, 60, 40]);
    fixture.put(&Target::new("t", hosts).strategy(TargetStrategy::PriorityFailover)).await;
    fixture.call(5).await;
    assert_eq!(servers.each_ref().map(|server| server.calls().len()), [5, 0, 0]);
    assert_eq!(fixture.outcomes().await, ["succeeded 236"]);
}

#[tokio::test]
async fn a_host_that_is_not_reached_costs_no_job_an_attempt() {
    let fixture = Fixture::new().await;
    let (first, last) = (Server::answering(|_| "").await, Server::answering(|_| "").await);
    fixture.put(&Target::new("t", [host(&first), nowhere().await, host(&last)]).threshold(3)).await;
    fixture.call(30).await;
    assert_eq!(fixture.outcomes().await, ["succeeded 30"]);
    let (first, last) = (first.calls(), last.calls());
    assert_eq!(first.len() + last.len(), 30);
    assert!(first.iter().chain(&last).all(|call| call.header("x-ordinaut-attempt") == "1" && call.path == "/x"));
    let health = fixture.database.targets().get("t").await.unwrap().unwrap().health;
    assert_eq!(health[1].state, BreakerState::Open);
    assert!(health[1].reason.as_deref().is_some_and(|reason| reason.contains("could not call")), "{:?}", health[1]);
}

#[tokio::test]
async fn answers_say_whether_a_host_is_well() {
    let fixture = Fixture::new().await;
    let server = Server::answering(|call| match &*call.path {
        "/429" => with_header(429, "retry-after", "120"),
        path => status(path[1..].parse().unwrap()),
    })
    .await;
    fixture.put(&Target::new("t", [host(&server)]).threshold(100).open_for(1.0, 600.0)).await;
    let call = async |path: &str| {
        let ran = fixture.run_allowing(&[], "http", json!({"target": "t", "path": path})).await;
        // It is not to come again.
        fixture.database.jobs().cancel(ran.job.id).await.unwrap();
        fixture.state_of("t").await
    };
    assert_eq!(call("/500").await.1, 1);
    assert_eq!(call("/503").await.1, 2);
    assert_eq!(call("/429").await.1, 3);
    assert_eq!(call("/404").await.1, 0, "it is well, and does not have that");
    fixture.put(&Target::new("t", [host(&server)]).threshold(1).open_for(1.0, 600.0)).await;
    assert_eq!(call("/429").await, (BreakerState::Open, 1));
    let retry_at = fixture.database.targets().get("t").await.unwrap().unwrap().health[0].retry_at.unwrap();
    assert!((retry_at - chrono::Utc::now()).num_seconds() > 100, "it asked for two minutes");
}

#[tokio::test]
async fn a_job_that_finds_it_closed_to_calls_waits_and_goes_on_when_it_is_reset() {
    let fixture = Fixture::new().await;
    let server = Server::answering(|_| status(503)).await;
    fixture.put(&Target::new("t", [host(&server)]).threshold(1)).await;
    fixture.call(1).await;
    fixture.forget().await;
    let id = fixture.enqueue("http", json!({"target": "t"})).await;
    let steps = json!({"steps": [
        {"id": "first", "uses": "echo", "with": {"a": 1}},
        {"id": "second", "uses": "http", "with": {"target": "t", "path": "/y"}},
    ]});
    let pipeline = fixture.enqueue("pipeline", steps).await;
    let mut worker = fixture.worker(&[]);
    while worker.step().await.unwrap() != Step::Idle {}
    assert_eq!((fixture.state(id).await, fixture.state(pipeline).await), (JobState::Parked, JobState::Parked));
    assert_eq!((fixture.job(pipeline).await.failures, fixture.runs(pipeline).await.len()), (0, 0));
    assert_eq!(server.calls().len(), 1);
    let well = Server::answering(|_| "well").await;
    fixture.put(&Target::new("t", [host(&well)])).await;
    Scheduler::new(fixture.database.clone()).run(ready(())).await;
    let mut worker = fixture.worker(&[]);
    while worker.step().await.unwrap() != Step::Idle {}
    assert_eq!((fixture.state(id).await, fixture.state(pipeline).await), (JobState::Succeeded, JobState::Succeeded));
    assert_eq!(well.calls().len(), 2);
    let steps = "select count(*) from ordinaut.step where name = 'first'";
    let steps: i64 = sqlx::query_scalar(steps).fetch_one(fixture.database.pool()).await.unwrap();
    assert_eq!(steps, 1, "the first step is not done again");
}

#[tokio::test]
async fn what_stands_for_a_target_marks_the_run() {
    let fixture = Fixture::new().await;
    let (down, spare) = (Server::answering(|_| status(500)).await, Server::answering(|_| "spare").await);
    fixture.put(&Target::new("spare", [host(&spare)])).await;
    let target = Target::new("t", [host(&down)]).threshold(1);
    fixture.put(&target.clone().fallback(Fallback::Target("spare".to_owned()))).await;
    fixture.call(1).await;
    fixture.forget().await;
    let ran = fixture.run_allowing(&[], "http", json!({"target": "t", "path": "/z"})).await;
    assert_eq!((&ran.succeeded()["body"], &ran.output["degraded"]), (&json!("spare"), &json!(true)));
    fixture.put(&target.fallback(Fallback::Value(json!({"paid": null})))).await;
    let ran = fixture.run_allowing(&[], "http", json!({"target": "t"})).await;
    assert_eq!((&ran.succeeded()["body"], &ran.output["degraded"]), (&json!("{\"paid\":null}"), &json!(true)));
    let ran = fixture.run_allowing(&[], "http", json!({"target": "spare"})).await;
    assert_eq!(ran.succeeded().get("degraded"), None);
}

#[tokio::test]
async fn what_names_no_host_or_leads_elsewhere_is_refused() {
    let fixture = Fixture::new().await;
    let server = Server::answering(|_| with_header(302, "location", "http://127.0.0.2:9/")).await;
    fixture.put(&Target::new("t", [host(&server)])).await;
    for (args, told) in [
        (json!({}), "args.url is missing"),
        (json!({"url": "http://x/", "target": "t"}), "args.url must not be given with args.target"),
        (json!({"url": "http://x/", "path": "/y"}), "args.path is for a target"),
        (json!({"target": "nobody"}), "there is no target \"nobody\""),
        (json!({"target": "t", "path": "x"}), "path must be a path that begins with a slash"),
        (json!({"target": "t", "path": "/\\evil"}), "path must be a path"),
        // A redirect goes by the rules of other calls.
        (json!({"target": "t"}), "127.0.0.2 is a loopback address"),
    ] {
        let ran = fixture.run_allowing(&[], "http", args.clone()).await;
        assert!(ran.died().contains(told), "{args}: {:?}", ran.run.error);
    }
    assert_eq!(server.calls().len(), 1);
    let ran =
        fixture.run_allowing(&[], "http", json!({"target": "t", "path": "//evil.example/x", "expect_status": 302}));
    assert_eq!(ran.await.succeeded()["status"], 302, "the host is the target's");
}

#[tokio::test]
async fn hosts_say_how_they_are_when_they_are_asked() {
    let server = Server::answering(|call| status(if call.path == "/health" { 204 } else { 500 })).await;
    let mut target = Target::new("t", [host(&server), nowhere().await]).health_path("/health");
    target.timeout_seconds = Duration::from_secs(5).as_secs_f64();
    let probes = ordinaut_worker::probe_target(&target).await.unwrap();
    assert_eq!((probes[0].well, probes[0].status), (true, Some(204)));
    assert_eq!((probes[1].well, probes[1].status), (false, None));
    assert!(probes[1].error.is_some());
    assert_ne!(json!(probes[0]), Value::Null);
}
