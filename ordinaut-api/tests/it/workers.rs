//! Workers that lease over HTTP: every verb, and what becomes of answers that were lost, of late
//! ends, of sessions that died, and of other agents.

use crate::app::{Answer, TestApp, answer};
use ordinaut_api::Config;
use ordinaut_core::maintenance::Scheduler;
use ordinaut_core::{Limit, NewJob, Outcome};
use ordinaut_runtime::settings::api::ApiSettings;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Far more than anything here needs.
const LIMIT: Duration = Duration::from_secs(60);

/// A worker with one session.
pub(crate) struct Remote<'a> {
    pub(crate) app: &'a TestApp,
    token: String,
    session: String,
    claims: i32,
}

impl TestApp {
    pub(crate) async fn remote(&self) -> Remote<'_> {
        self.remote_of("remote", json!({})).await
    }

    /// A worker of an agent of its own.
    pub(crate) async fn remote_of(&self, agent: &str, more: Value) -> Remote<'_> {
        let token = self.agent(&json!({"name": agent, "scopes": ["workers:lease"]})).await;
        let mut new =
            json!({"name": agent, "queues": ["default", "mail"], "kinds": ["echo", "charge"], "capacity": 10});
        new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let opened = self.call(&token, Method::POST, "/sessions", Some(&new)).await;
        assert_eq!(opened.status, 201, "{}", opened.text);
        let session = opened.json()["session"].as_str().unwrap().to_owned();
        Remote { app: self, token, session, claims: 0 }
    }
}

impl Remote<'_> {
    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.app.call(&self.token, Method::POST, path, Some(&body)).await
    }

    /// A further claim.
    pub(crate) async fn claim(&mut self, more: Value) -> Vec<Value> {
        self.claims += 1;
        self.repeat(self.claims, more).await
    }

    /// A claim under this number.
    async fn repeat(&self, claim: i32, more: Value) -> Vec<Value> {
        let mut asked = json!({"session": self.session, "claim": claim});
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let leased = self.post("/leases", asked).await;
        assert_eq!(leased.status, 200, "{}", leased.text);
        leased.json()["leases"].as_array().unwrap().clone()
    }

    pub(crate) async fn beat(&self, running: &[&Value], answered: i32) -> Answer {
        let running: Vec<_> = running.iter().map(|lease| lease["token"].clone()).collect();
        self.post(&format!("/sessions/{}/heartbeat", self.session), json!({"running": running, "answered": answered}))
            .await
    }

    pub(crate) async fn settle(&self, ends: Value) -> Vec<Value> {
        let settled = self.post("/leases/settle", json!({"ends": ends})).await;
        assert_eq!(settled.status, 200, "{}", settled.text);
        settled.json()["answers"].as_array().unwrap().clone()
    }

    pub(crate) async fn succeed(&self, lease: &Value) -> Value {
        self.settle(json!([{"token": lease["token"], "outcome": "succeeded"}])).await[0].clone()
    }
}

fn ids(leases: &[Value]) -> Vec<String> {
    leases.iter().map(|lease| lease["job_id"].as_str().unwrap().to_owned()).collect()
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, work).await.expect("it takes far less")
}

#[tokio::test]
async fn a_job_is_leased_with_all_that_it_has_and_each_end_of_a_batch_is_answered_by_itself() {
    let app = TestApp::start().await;
    let secret = app
        .enqueue(json!({"kind": "echo", "args": {"password": "kept", "n": 9007199254740993_u64}, "priority": 1}))
        .await;
    for _ in 0..7 {
        app.enqueue(json!({"kind": "echo"})).await;
    }
    let mut remote = app.remote().await;
    let leases = remote.claim(json!({})).await;
    assert_eq!(leases.len(), 8);
    let first = &leases[0];
    assert_eq!(first["job_id"], secret.to_string(), "the most urgent first");
    assert_eq!(first["args"], json!({"password": "kept", "n": 9007199254740993_u64}), "nothing is redacted or rounded");
    assert_eq!((&first["attempt"], &first["failures"], &first["max_attempts"]), (&json!(1), &json!(0), &json!(20)));
    assert!(first["request_id"].is_string() && first["suspect"] == false && first.get("checkpoint").is_none());

    let token = |n: usize| leases[n]["token"].clone();
    let answers = remote
        .settle(json!([
            {"token": token(0), "outcome": "succeeded", "output": {"ok": true}, "ran_seconds": 0.5},
            {"token": token(1), "outcome": "failed", "error": "no route", "after_seconds": 3600},
            {"token": token(2), "outcome": "dead", "error": "never"},
            {"token": token(3), "outcome": "snoozed", "after_seconds": 3600},
            {"token": token(4), "outcome": "cancelled"},
            {"token": token(5), "outcome": "released"},
            {"token": token(6), "outcome": "succeeded", "output": "x".repeat(70_000)},
            {"token": token(7), "outcome": "succeeded", "output": "\u{0} is replaced"},
            {"token": "nonsense", "outcome": "succeeded"},
            {"token": token(6), "outcome": "vanished"},
            {"token": token(7), "outcome": "succeeded"},
            {"token": token(6), "outcome": "snoozed"},
        ]))
        .await;
    let told: Vec<_> =
        answers.iter().map(|answer| answer["outcome"].as_str().or(answer["status"].as_str()).unwrap()).collect();
    let expected = ["succeeded", "failed", "dead", "snoozed", "cancelled", "released", "refused", "succeeded"];
    assert_eq!(told[..8], expected);
    assert_eq!(told[8..], ["refused"; 4]);
    assert!(answers[6]["reason"].as_str().unwrap().contains("70002 bytes"), "{}", answers[6]);
    assert_eq!((&answers[8]["job_id"], &answers[9]["job_id"]), (&Value::Null, &leases[6]["job_id"]));
    let states = ["succeeded", "scheduled", "dead", "scheduled", "cancelled", "waiting", "running", "succeeded"];
    for (lease, state) in leases.iter().zip(states) {
        let job = app.job(lease["job_id"].as_str().unwrap().parse().unwrap()).await;
        assert_eq!(job["state"], state, "{job}");
    }
    let mended = remote.settle(json!([{"token": token(6), "outcome": "succeeded"}])).await;
    assert_eq!(mended[0]["status"], "settled", "what was refused may come again");
    let again = remote
        .settle(json!([{"token": token(0), "outcome": "succeeded"}, {"token": token(1), "outcome": "succeeded"}]))
        .await;
    assert_eq!((&again[0]["status"], &again[1]["status"]), (&json!("settled"), &json!("lease_lost")), "{again:?}");
}

#[tokio::test]
async fn what_postgres_refuses_takes_no_other_end_with_it() {
    let app = TestApp::start().await;
    for _ in 0..3 {
        app.enqueue(json!({"kind": "echo"})).await;
    }
    let mut remote = app.remote().await;
    let leases = remote.claim(json!({})).await;
    // Half of a surrogate pair, which is JSON and which jsonb does not take.
    let body = format!(
        r#"{{"ends": [{{"token": {}, "outcome": "succeeded", "output": 1}},
            {{"token": {}, "outcome": "succeeded", "output": "\ud800"}},
            {{"token": {}, "outcome": "succeeded", "output": 2}}]}}"#,
        leases[0]["token"], leases[1]["token"], leases[2]["token"]
    );
    let request = app.request(Method::POST, "/leases/settle").bearer_auth(&remote.token).body(body);
    let settled = answer(request).await;
    assert_eq!(settled.status, 200, "{}", settled.text);
    let told: Vec<_> =
        settled.json()["answers"].as_array().unwrap().iter().map(|told| told["status"].clone()).collect();
    assert_eq!(told, ["settled", "refused", "settled"], "{}", settled.text);
    assert_eq!(remote.succeed(&leases[1]).await["status"], "settled");
}

#[tokio::test]
async fn a_claim_that_is_repeated_brings_the_same_leases_also_from_another_process() {
    let app = TestApp::start().await;
    for n in 0..4 {
        app.enqueue(json!({"kind": "echo", "args": {"n": n}})).await;
    }
    let mut remote = app.remote().await;
    let first = remote.claim(json!({"max": 2})).await;
    let again = remote.repeat(1, json!({"max": 2})).await;
    assert_eq!(first, again);
    remote.succeed(&first[0]).await;
    assert_eq!(ids(&remote.repeat(1, json!({"max": 2})).await), ids(&first[1..]), "those that still hold");

    let other = another_process(&app).await;
    let elsewhere = Remote { app: &other, token: remote.token.clone(), session: remote.session.clone(), claims: 1 };
    let third = elsewhere.repeat(1, json!({"max": 2, "again": true})).await;
    assert_eq!(third, first[1..], "{third:?}");
    let fresh = elsewhere.repeat(2, json!({"max": 1})).await;
    assert_eq!(fresh.len(), 1);
    // Each settles what the other gave out, and renews what it holds.
    assert_eq!(remote.succeed(&fresh[0]).await["status"], "settled");
    assert_eq!(elsewhere.succeed(&first[1]).await["status"], "settled");
    let failed = elsewhere.repeat(3, json!({"max": 1})).await;
    let end = json!([{"token": failed[0]["token"], "outcome": "failed", "error": "e", "after_seconds": 3600}]);
    assert_eq!(remote.settle(end).await[0]["outcome"], "failed");
    assert_eq!(elsewhere.beat(&[], 3).await.status, 200);
}

#[tokio::test]
async fn a_lease_that_its_worker_does_not_name_goes_back_without_a_failure() {
    let app = TestApp::start().await;
    let mut remote = app.remote().await;
    let jobs = [app.enqueue(json!({"kind": "echo"})).await, app.enqueue(json!({"kind": "echo"})).await];
    let leases = remote.claim(json!({})).await;
    let (kept, forgotten) = (&leases[0], &leases[1]);
    assert_eq!(remote.beat(&[kept], 0).await.status, 200);
    assert_eq!(app.job(jobs[1]).await["state"], "running", "its claim was not answered yet");
    let beat = remote.beat(&[kept], 1).await;
    assert_eq!((&beat.json()["lost"], &beat.json()["cancel"]), (&json!([]), &json!([])));
    let back = app.job(forgotten["job_id"].as_str().unwrap().parse().unwrap()).await;
    assert_eq!((&back["state"], &back["failures"]), (&json!("waiting"), &json!(0)), "{back}");
    assert!(remote.repeat(1, json!({})).await.is_empty(), "nobody waits for this claim any more");

    // A process that does not remember it finds it too.
    let other = another_process(&app).await;
    let elsewhere = Remote { app: &other, token: remote.token.clone(), session: remote.session.clone(), claims: 0 };
    assert_eq!(elsewhere.repeat(2, json!({})).await.len(), 1);
    let gone = async || {
        remote.beat(&[kept], 2).await;
        let running = app.get("/jobs?state=running").await.json();
        running["jobs"].as_array().unwrap().len() == 1
    };
    within(async {
        while !gone().await {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    })
    .await;
    assert_eq!(remote.succeed(kept).await["status"], "settled");
}

#[tokio::test]
async fn a_session_is_its_agents_alone_and_only_for_its_queues() {
    let app = TestApp::start().await;
    app.enqueue(json!({"kind": "echo"})).await;
    let mut remote = app.remote().await;
    let lease = remote.claim(json!({})).await.remove(0);
    let other = app.remote_of("other", json!({})).await;
    let stranger = Remote { app: &app, token: other.token.clone(), session: remote.session.clone(), claims: 0 };
    let claim = stranger.post("/leases", json!({"session": stranger.session, "claim": 9})).await;
    assert_eq!((claim.status, stranger.beat(&[], 0).await.status), (404, 404));
    assert_eq!(stranger.succeed(&lease).await["status"], "lease_lost");
    let saved = stranger.post("/leases/checkpoint", json!({"token": lease["token"], "data": 1})).await;
    assert_eq!((saved.status, &saved.json()["reason"]), (409, &json!("lease_lost")));
    assert_eq!(remote.post("/leases", json!({"session": "77", "claim": 1})).await.status, 404);
    assert_eq!(remote.post("/leases", json!({"session": "x", "claim": 1})).await.status, 404);

    let mail = app.agent(&json!({"name": "mail", "scopes": ["workers:lease"], "queues": ["mail"]})).await;
    let new = |queue: &str| json!({"name": "m", "queues": [queue], "kinds": ["echo"]});
    assert_eq!(app.call(&mail, Method::POST, "/sessions", Some(&new("mail"))).await.status, 201);
    let refused = app.call(&mail, Method::POST, "/sessions", Some(&new("default"))).await;
    assert_eq!((refused.status, refused.problem()), (403, "queues".to_owned()));
    let acme = app.agent(&json!({"name": "acme", "scopes": ["workers:lease"], "tenant": "acme"})).await;
    let refused = app.call(&acme, Method::POST, "/sessions", Some(&new("mail"))).await;
    assert_eq!(refused.status, 403);
    assert!(refused.json()["detail"].as_str().unwrap().contains("all tenants"), "{}", refused.text);
}

#[tokio::test]
async fn a_bad_session_is_refused_by_field() {
    let app = TestApp::start().await;
    let good = json!({"name": "w", "queues": ["q"], "kinds": ["k"]});
    for (field, value) in [
        ("name", json!("")),
        ("name", json!("a\u{0}")),
        ("queues", json!([])),
        ("queues", json!(["a b"])),
        ("kinds", json!([""])),
        ("capacity", json!(0)),
        ("lease_seconds", json!(1)),
        ("max_attempts", json!(40_000)),
        ("host", json!("h".repeat(101))),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        let refused = app.send(Method::POST, "/sessions", &bad).await;
        assert_eq!((refused.status, refused.problem()), (422, field.to_owned()), "{bad}");
    }
    let opened = app.send(Method::POST, "/sessions", &good).await.json();
    assert_eq!((&opened["lease_seconds"], &opened["heartbeat_seconds"]), (&json!(30.0), &json!(1.0)));
    for (field, value) in [("claim", json!(0)), ("max", json!(1001)), ("wait_seconds", json!(31))] {
        let mut bad = json!({"session": opened["session"], "claim": 1});
        bad[field] = value;
        let refused = app.send(Method::POST, "/leases", &bad).await;
        assert_eq!((refused.status, refused.problem()), (422, field.to_owned()), "{bad}");
    }
}

#[tokio::test]
async fn a_cancel_reaches_the_heartbeat_until_the_job_is_settled_and_a_lost_lease_too() {
    let app = TestApp::start().await;
    let job = app.enqueue(json!({"kind": "echo"})).await;
    let stolen = app.enqueue(json!({"kind": "echo"})).await;
    let mut remote = app.remote().await;
    let leases = remote.claim(json!({})).await;
    let lease = leases.iter().find(|lease| lease["job_id"] == job.to_string()).unwrap();
    assert_eq!(app.post(&format!("/jobs/{job}/cancel"), "").await.status, 202);
    let running: Vec<_> = leases.iter().collect();
    for _ in 0..2 {
        let beat = remote.beat(&running, 1).await.json();
        assert_eq!(beat["cancel"], json!([{"job_id": job, "attempt": 1}]), "an answer may have been lost");
    }
    let end = json!([{"token": lease["token"], "outcome": "failed", "error": "stopped"}]);
    assert_eq!(remote.settle(end).await[0]["outcome"], "cancelled");
    sqlx::query("update ordinaut.due_work set nonce = 77 where job_id = $1")
        .bind(stolen)
        .execute(app.database.pool())
        .await
        .unwrap();
    let beat = remote.beat(&running, 1).await.json();
    let mut lost: Vec<_> = beat["lost"].as_array().unwrap().iter().map(|lost| lost["job_id"].clone()).collect();
    lost.sort_by_key(Value::to_string);
    let mut both = [json!(job), json!(stolen)];
    both.sort_by_key(Value::to_string);
    assert_eq!(lost, both, "one is settled, and the other another's");
}

#[tokio::test]
async fn limits_hold_and_jobs_under_them_have_their_turn() {
    let app = TestApp::start().await;
    app.database.limits().put(&Limit::new("one echo").kind("echo").concurrency(1)).await.unwrap();
    for _ in 0..3 {
        app.enqueue(json!({"kind": "echo"})).await;
    }
    let mut remote = app.remote().await;
    for _ in 0..3 {
        let leases = within(async {
            loop {
                let leases = remote.claim(json!({"wait_seconds": 5})).await;
                if !leases.is_empty() {
                    return leases;
                }
            }
        })
        .await;
        assert_eq!(leases.len(), 1, "one at a time");
        assert!(remote.claim(json!({})).await.is_empty(), "it is full");
        assert_eq!(remote.succeed(&leases[0]).await["status"], "settled");
    }
}

#[tokio::test]
async fn a_dead_session_is_told_and_its_jobs_run_elsewhere() {
    let app = TestApp::start().await;
    let stop = CancellationToken::new();
    let scheduler = tokio::spawn(Scheduler::new(app.database.clone()).run(stop.clone().cancelled_owned()));
    let job = app.enqueue(json!({"kind": "echo"})).await;
    let mut remote = app.remote_of("remote", json!({"lease_seconds": 3})).await;
    let lease = remote.claim(json!({})).await.remove(0);
    let mut other = app.remote_of("other", json!({})).await;
    let again = within(async {
        loop {
            if let [lease] = &other.claim(json!({"wait_seconds": 5})).await[..] {
                return lease.clone();
            }
            other.beat(&[], other.claims).await;
        }
    })
    .await;
    assert_eq!((&again["job_id"], &again["attempt"]), (&json!(job), &json!(2)));
    for dead in
        [remote.beat(&[&lease], 1).await, remote.post("/leases", json!({"session": remote.session, "claim": 2})).await]
    {
        assert_eq!((dead.status, &dead.json()["reason"]), (409, &json!("session_dead")), "{}", dead.text);
    }
    assert_eq!(remote.succeed(&lease).await["status"], "lease_lost", "a late end changes nothing");
    assert_eq!(other.succeed(&again).await["status"], "settled");
    let runs = app.get(&format!("/jobs/{job}/runs")).await.json();
    let outcomes: Vec<_> = runs["runs"].as_array().unwrap().iter().map(|run| run["outcome"].clone()).collect();
    assert!(
        outcomes.contains(&json!("lost")) && outcomes.contains(&json!("succeeded")) && outcomes.len() == 2,
        "{runs}"
    );
    stop.cancel();
    scheduler.await.unwrap();
}

#[tokio::test]
async fn a_closed_session_gives_back_what_it_holds_and_ends_its_polls() {
    let app = TestApp::start().await;
    let job = app.enqueue(json!({"kind": "echo"})).await;
    let mut remote = app.remote().await;
    assert_eq!(remote.claim(json!({})).await.len(), 1);
    let poll = remote.post("/leases", json!({"session": remote.session, "claim": 2, "wait_seconds": 30}));
    let close = async {
        a_poll_waits(&app).await;
        app.call(&remote.token, Method::DELETE, &format!("/sessions/{}", remote.session), None).await
    };
    let began = Instant::now();
    let (poll, closed) = tokio::join!(poll, close);
    assert_eq!((closed.status, poll.status), (204, 409), "{}", poll.text);
    assert!(began.elapsed() < Duration::from_secs(20), "it did not wait to its end");
    assert_eq!(app.job(job).await["state"], "waiting");
    let entries = app.get("/audit?actor=remote").await.json();
    let actions: Vec<_> = entries["audit"].as_array().unwrap().iter().map(|entry| entry["action"].clone()).collect();
    assert_eq!(actions, ["DELETE /sessions/{session}", "POST /sessions"], "claims and heartbeats are not in the audit");
}

#[tokio::test]
async fn a_waiting_poll_is_woken_by_an_enqueue_and_one_whose_client_has_gone_takes_nothing() {
    let app = TestApp::start().await;
    let mut remote = app.remote().await;
    // It has asked to be told after a second in which nothing came.
    assert!(remote.claim(json!({"wait_seconds": 2})).await.is_empty());
    let mut waits = Vec::new();
    for _ in 0..10 {
        remote.claims += 1;
        let poll = remote.repeat(remote.claims, json!({"wait_seconds": 20}));
        let enqueue = async {
            a_poll_waits(&app).await;
            let began = Instant::now();
            app.database.enqueue(&NewJob::new("echo", &()).unwrap()).await.unwrap();
            began
        };
        let (leases, began) = tokio::join!(poll, enqueue);
        waits.push(began.elapsed());
        assert_eq!(leases.len(), 1);
        assert_eq!(remote.succeed(&leases[0]).await["status"], "settled");
    }
    waits.sort_unstable();
    assert!(waits[5] < Duration::from_millis(400), "as a look each second would not: {waits:?}");

    let gone = remote.post("/leases", json!({"session": remote.session, "claim": 900, "wait_seconds": 30}));
    assert!(tokio::time::timeout(Duration::from_millis(300), gone).await.is_err(), "its client hangs up");
    let job = app.enqueue(json!({"kind": "echo"})).await;
    within(async {
        loop {
            // One that had begun to claim gives its lease back at once.
            if let [lease] = &remote.repeat(901, json!({})).await[..] {
                assert_eq!(lease["job_id"], json!(job));
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
}

/// A session with a poll that waits asks to be told of jobs.
async fn a_poll_waits(app: &TestApp) {
    within(async {
        while app.count("select count(*) from ordinaut.worker where waiting").await == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn the_end_of_the_api_ends_its_polls_with_nothing() {
    let app = TestApp::start().await;
    let remote = app.remote().await;
    let stop = CancellationToken::new();
    let other = another_process_until(&app, stop.clone()).await;
    let poll = Remote { app: &other, token: remote.token.clone(), session: remote.session.clone(), claims: 0 };
    let began = Instant::now();
    let (leases, ()) = tokio::join!(poll.repeat(1, json!({"wait_seconds": 30})), async {
        a_poll_waits(&app).await;
        stop.cancel();
    });
    assert!(leases.is_empty() && began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_drained_worker_hears_it_and_leases_nothing() {
    let app = TestApp::start().await;
    let mut remote = app.remote().await;
    let listed = app.get("/workers/remote").await.json();
    assert_eq!((&listed["session"], &listed["alive"]), (&json!(remote.session), &json!(true)), "{listed}");
    assert_eq!(app.database.workers().drain("remote").await.unwrap().as_deref(), Some("remote"));
    assert_eq!(remote.beat(&[], 0).await.json()["drain"], true);
    app.enqueue(json!({"kind": "echo"})).await;
    assert!(remote.claim(json!({})).await.is_empty());
    app.database.workers().undrain("remote").await.unwrap();
    assert_eq!(remote.beat(&[], remote.claims).await.json()["drain"], false);
    assert_eq!(remote.claim(json!({})).await.len(), 1);
}

#[tokio::test]
async fn large_and_encrypted_arguments_come_in_the_clear_and_a_missing_key_fails_that_job_alone() {
    let app = TestApp::start().await;
    let large = "x".repeat(700_000);
    app.enqueue(json!({"kind": "echo", "args": large})).await;
    app.enqueue(json!({"kind": "charge", "args": {"card": "4111"}})).await;
    let mut remote = app.remote().await;
    let leases = remote.claim(json!({})).await;
    let args = |kind: &str| leases.iter().find(|lease| lease["kind"] == kind).unwrap()["args"].clone();
    assert_eq!((args("echo"), args("charge")), (json!(large), json!({"card": "4111"})));
    for lease in &leases {
        assert_eq!(remote.succeed(lease).await["status"], "settled");
    }
    let foreign = ordinaut_core::job::Keyring::new([("other", [9; 32])]).unwrap();
    let unreadable = NewJob::new("charge", &json!({"card": "1"})).unwrap().encrypted(&foreign).max_attempts(1);
    app.database.enqueue(&unreadable).await.unwrap();
    let good = app.enqueue(json!({"kind": "echo"})).await;
    assert_eq!(ids(&remote.claim(json!({})).await), [good.to_string()]);
    let dead = app.job(unreadable.id()).await;
    assert_eq!(dead["state"], "dead", "{dead}");
    let runs = app.get(&format!("/jobs/{}/runs", unreadable.id())).await.text;
    assert!(runs.contains("which this worker does not have"), "{runs}");
}

#[tokio::test]
async fn checkpoints_and_steps_are_kept_under_the_lease_for_the_next_attempt() {
    let app = TestApp::start().await;
    let job = app.enqueue(json!({"kind": "charge", "args": {"card": "4111"}})).await;
    let mut remote = app.remote().await;
    let lease = remote.claim(json!({})).await.remove(0);
    let token = lease["token"].clone();
    assert_eq!(remote.post("/leases/checkpoint", json!({"token": token, "data": {"row": 5}})).await.status, 200);
    let large = remote.post("/leases/checkpoint", json!({"token": token, "data": "x".repeat(20_000)})).await;
    assert_eq!((large.status, large.problem()), (422, "data".to_owned()));
    let step = |name: &str, result: Value| json!({"token": token, "name": name, "result": result, "ran_seconds": 0.1});
    let record = async |name: &str, result: Value| remote.post("/leases/steps", step(name, result)).await;
    assert_eq!(record("charge", json!({"password": "p"})).await.json(), json!({"recorded": true}));
    let again = record("charge", json!(2)).await.json();
    assert_eq!(again, json!({"recorded": false, "result": {"password": "p"}}), "what was recorded first counts");
    assert_eq!(record("charge#2", json!(2)).await.status, 200);
    for (name, result) in [("", json!(1)), ("a#1", json!(1)), ("big", json!("x".repeat(300_000)))] {
        assert_eq!(record(name, result).await.status, 422, "{name}");
    }
    let stored = app.count("select count(*) from ordinaut.step where result::text like '%\"p\"%'").await;
    assert_eq!(stored, 0, "of an encrypted job they are encrypted");

    let enqueue =
        json!({"token": token, "name": "child", "job": {"kind": "echo", "args": {"n": 1}, "queue": "children"}});
    let child = remote.post("/leases/enqueue", enqueue.clone()).await;
    assert_eq!(child.status, 200, "{}", child.text);
    assert_eq!(remote.post("/leases/enqueue", enqueue).await.json(), child.json(), "once");
    assert_eq!(app.count("select count(*) from ordinaut.job where queue = 'children'").await, 1);
    let bad = json!({"token": token, "name": "bad", "job": {"kind": ""}});
    assert_eq!(remote.post("/leases/enqueue", bad).await.status, 422);

    let end = json!([{"token": token, "outcome": "failed", "error": "e", "after_seconds": 0}]);
    assert_eq!(remote.settle(end).await[0]["outcome"], "failed");
    let next = within(async {
        loop {
            if let [lease] = &remote.claim(json!({"max": 1, "wait_seconds": 5})).await[..] {
                return lease.clone();
            }
        }
    })
    .await;
    assert_eq!((&next["job_id"], &next["checkpoint"]), (&json!(job), &json!({"row": 5})));
    let steps = remote.post("/leases/steps/list", json!({"token": next["token"]})).await.json();
    let mut recorded: Vec<_> =
        steps["steps"].as_array().unwrap().iter().map(|step| (step["name"].clone(), step["result"].clone())).collect();
    recorded.sort_by_key(|(name, _)| name.to_string());
    let expected = [
        (json!("charge"), json!({"password": "p"})),
        (json!("charge#2"), json!(2)),
        (json!("child"), child.json()["id"].clone()),
    ];
    assert_eq!(recorded, expected);
    // The first attempt's token changes nothing any more.
    for (path, body) in [
        ("/leases/checkpoint", json!({"token": token, "data": 1})),
        ("/leases/steps", step("late", json!(1))),
        ("/leases/steps/list", json!({"token": token})),
        ("/leases/waits", json!({"token": token, "name": "w", "kind": "sleep", "seconds": 1})),
        ("/leases/enqueue", json!({"token": token, "name": "x", "job": {"kind": "echo"}})),
    ] {
        let late = remote.post(path, body).await;
        assert_eq!((late.status, &late.json()["reason"]), (409, &json!("lease_lost")), "{path}: {}", late.text);
    }
}

#[tokio::test]
async fn a_wait_holds_no_lease_and_its_answer_makes_the_job_due() {
    let app = TestApp::start().await;
    app.enqueue(json!({"kind": "echo"})).await;
    let mut remote = app.remote().await;
    let lease = remote.claim(json!({})).await.remove(0);
    let event = |token: &Value| json!({"token": token, "name": "paid", "kind": "event", "topic": "orders.paid", "key": "7", "seconds": 3600});
    for (field, bad) in [
        ("topic", json!({"token": lease["token"], "name": "w", "kind": "event", "topic": "a.*"})),
        ("topic", json!({"token": lease["token"], "name": "w", "kind": "event"})),
        ("question", json!({"token": lease["token"], "name": "w", "kind": "approval", "question": " "})),
        ("seconds", json!({"token": lease["token"], "name": "w", "kind": "sleep"})),
        ("job_id", json!({"token": lease["token"], "name": "w", "kind": "job", "job_id": lease["job_id"]})),
    ] {
        let refused = remote.post("/leases/waits", bad).await;
        assert_eq!((refused.status, refused.problem()), (422, field.to_owned()), "{}", refused.text);
    }
    let waits = remote.post("/leases/waits", event(&lease["token"])).await.json();
    assert_eq!(waits["over"], false);
    // It comes between the answer and the end of the attempt.
    let published = app.post("/topics/orders.paid", r#"{"id": "p-1", "key": "7", "payload": {"cents": 5}}"#).await;
    assert!(published.status < 300, "{}", published.text);
    let end = json!([{"token": lease["token"], "outcome": "waiting", "after_seconds": waits["seconds"]}]);
    assert_eq!(remote.settle(end).await[0]["outcome"], "snoozed");
    let next = within(async {
        loop {
            if let [lease] = &remote.claim(json!({"wait_seconds": 5})).await[..] {
                return lease.clone();
            }
        }
    })
    .await;
    let over = remote.post("/leases/waits", event(&next["token"])).await.json();
    assert_eq!((&over["over"], &over["result"]["payload"]), (&json!(true), &json!({"cents": 5})), "{over}");
    assert_eq!(remote.post("/leases/waits", event(&next["token"])).await.json(), over, "asked again");
    let wait = async |more: Value| {
        let mut asked = json!({"token": next["token"]});
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        remote.post("/leases/waits", asked).await.json()
    };
    assert_eq!(
        wait(json!({"name": "nap", "kind": "sleep", "seconds": 0})).await,
        json!({"over": true, "result": null})
    );
    let asked =
        wait(json!({"name": "ask", "kind": "approval", "question": "Pay?", "fallback": "approved", "seconds": 0}))
            .await;
    assert_eq!((&asked["result"]["decision"], &asked["result"]["by"]), (&json!("approved"), &Value::Null), "{asked}");
    let unknown = wait(json!({"name": "other", "kind": "job", "job_id": Uuid::now_v7(), "seconds": 60})).await;
    assert_eq!(unknown["result"]["outcome"], "unknown", "{unknown}");
}

#[tokio::test]
async fn what_is_settled_is_counted_and_jobs_that_follow_go_on() {
    let app = TestApp::start().await;
    let both = app.post("/jobs", r#"[{"kind": "echo"}, {"kind": "echo", "after": [0]}]"#).await.json();
    let child: Uuid = both["jobs"][1]["id"].as_str().unwrap().parse().unwrap();
    let mut remote = app.remote().await;
    let lease = remote.claim(json!({})).await.remove(0);
    assert_eq!(remote.succeed(&lease).await["status"], "settled");
    // No scheduler runs here: the process itself does what follows.
    let next = within(async {
        loop {
            if let [lease] = &remote.claim(json!({"wait_seconds": 5})).await[..] {
                return lease.clone();
            }
        }
    })
    .await;
    assert_eq!(next["job_id"], json!(child));
    assert_eq!(remote.succeed(&next).await["status"], "settled");
    let counted = async || {
        let outcomes = "select coalesce(sum(ended), 0)::bigint from ordinaut.outcome_count where outcome = 'succeeded'";
        app.count(outcomes).await == 2
    };
    within(async {
        while !counted().await {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    let runs = app.database.jobs().runs(child).await.unwrap();
    assert_eq!(runs.iter().map(|run| run.outcome).collect::<Vec<_>>(), [Outcome::Succeeded]);
}

/// A second process on the same database.
async fn another_process(app: &TestApp) -> TestApp {
    another_process_until(app, CancellationToken::new()).await
}

async fn another_process_until(app: &TestApp, stop: CancellationToken) -> TestApp {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let settings = ApiSettings { admin_token: crate::app::TOKEN.to_owned(), ..ApiSettings::default() };
    let config = Config { database: app.database.clone(), settings };
    tokio::spawn(async move { ordinaut_api::run(config, listener, stop.cancelled_owned()).await });
    TestApp { url, client: crate::app::client(), database: app.database.clone() }
}
