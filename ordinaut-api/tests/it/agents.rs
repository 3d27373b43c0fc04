//! Agents: what each may do, on every route that there is.

use crate::app::{Answer, TestApp, answer};
use futures_util::future::join_all;
use ordinaut_api::{Reach, Route, routes};
use ordinaut_core::NewJob;
use ordinaut_core::access::Scope;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Far more than a revocation needs, which is known within a second.
const LIMIT: Duration = Duration::from_secs(30);

impl TestApp {
    /// Makes an agent, and returns its token.
    pub(crate) async fn agent(&self, body: &Value) -> String {
        let made = self.send(Method::POST, "/agents", body).await;
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()["token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn call(&self, token: &str, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let request = self.request(method, path).bearer_auth(token);
        answer(match body {
            Some(body) => request.body(body.to_string()),
            None => request,
        })
        .await
    }
}

/// A path with something in place of its parameters that is not there. A stream would not end, and
/// is asked for what cannot be.
pub(crate) fn path_of(route: &Route) -> String {
    let path = route.path.replace("{id}", "01890000-0000-7000-8000-000000000000");
    path.replace("{name}", "nobody").replace("{topic}", "t").replace("{n}", "1").replace("/stream", "/stream?after=-1")
}

#[tokio::test]
async fn every_route_takes_its_scope_and_no_other() {
    let app = TestApp::start().await;
    let mut tokens = Vec::new();
    for scope in Scope::ALL {
        tokens.push((
            scope,
            app.agent(&json!({"name": format!("s-{}", scope.as_str().replace(':', "-")), "scopes": [scope]})).await,
        ));
    }
    let expired = app.agent(&json!({"name": "late", "scopes": ["admin"], "expires_at": "2020-01-01T00:00:00Z"})).await;
    let revoked = app.agent(&json!({"name": "gone", "scopes": ["admin"]})).await;
    assert_eq!(app.post("/agents/gone/revoke", "").await.status, 200);
    let changed = format!("{}A", &revoked[..revoked.len() - 1]);
    let all = routes();
    assert!(all.len() > 40, "{}", all.len());
    for route in &all {
        let (path, name) = (path_of(route), format!("{} {}", route.method, route.path));
        let nobody = answer(app.request(route.method.clone(), &path)).await;
        assert_eq!(nobody.status, 401, "{name} without a token");
        for (scope, token) in &tokens {
            let got = app.call(token, route.method.clone(), &path, None).await;
            let may = *scope == route.scope || *scope == Scope::Admin;
            assert_eq!(got.status == 403, !may, "{name} by {scope}: {}", got.text);
            assert_ne!(got.status, 401, "{name} by {scope}");
            assert!(got.status < 500, "{name} by {scope}: {}", got.text);
            if !may {
                got.problem();
                assert_eq!(got.json()["scope"], route.scope.as_str(), "{name}");
            }
        }
    }
    // Together: after some of them, each wrong token is answered a second later.
    let wrong = [("garbage", "garbage"), ("expired", &*expired), ("revoked", &*revoked), ("changed", &*changed)];
    let refused = all.iter().flat_map(|route| wrong.iter().map(move |wrong| (route, wrong)));
    let refused = refused.map(async |(route, (why, token))| {
        let got = app.call(token, route.method.clone(), &path_of(route), None).await;
        assert_eq!(got.status, 401, "{} {}: {why}", route.method, route.path);
    });
    join_all(refused).await;
}

#[tokio::test]
async fn an_agent_of_a_tenant_or_of_some_queues_is_refused_what_all_share() {
    let app = TestApp::start().await;
    let acme = app.agent(&json!({"name": "acme", "scopes": ["admin"], "tenant": "acme"})).await;
    let mail = app.agent(&json!({"name": "mail", "scopes": ["admin"], "queues": ["mail"]})).await;
    for route in routes() {
        let (path, name) = (path_of(&route), format!("{} {}", route.method, route.path));
        let by_acme = app.call(&acme, route.method.clone(), &path, None).await.status;
        assert_eq!(by_acme == 403, route.reach != Reach::Visible, "{name}");
        let by_mail = app.call(&mail, route.method.clone(), &path.replace("nobody", "mail"), None).await.status;
        assert_eq!(by_mail == 403, route.reach == Reach::Installation, "{name}");
        if route.reach == Reach::NamedQueue {
            assert_eq!(app.call(&mail, route.method.clone(), &path, None).await.status, 403, "{name} of another queue");
        }
    }
}

#[tokio::test]
async fn a_tenants_agent_sees_and_changes_its_own_jobs_and_no_other_exists_for_it() {
    let app = TestApp::start().await;
    let acme =
        app.agent(&json!({"name": "acme", "scopes": ["jobs:read", "jobs:write", "runs:read"], "tenant": "acme"})).await;
    let enqueued = app.call(&acme, Method::POST, "/jobs", Some(&json!({"kind": "k"}))).await;
    assert_eq!(enqueued.status, 201, "{}", enqueued.text);
    let mine = enqueued.json()["id"].as_str().unwrap().to_owned();
    let theirs = NewJob::new("k", &()).unwrap().tenant("umbrella");
    app.database.enqueue(&theirs).await.unwrap();
    let theirs = theirs.id().to_string();
    assert_eq!(app.get(&format!("/jobs/{mine}")).await.json()["tenant"], "acme");
    let refused = app.call(&acme, Method::POST, "/jobs", Some(&json!({"kind": "k", "tenant": "umbrella"}))).await;
    assert_eq!((refused.status, refused.problem()), (422, "tenant".to_owned()));

    let listed = app.call(&acme, Method::GET, "/jobs", None).await.json();
    let ids: Vec<_> = listed["jobs"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [&*mine]);
    for path in ["", "/runs", "/result"] {
        let unknown = app.call(&acme, Method::GET, &format!("/jobs/{theirs}{path}"), None).await;
        assert_eq!(unknown.status, 404, "{path}");
        let own = app.call(&acme, Method::GET, &format!("/jobs/{mine}{path}"), None).await;
        assert_ne!(own.status, 404, "{path}: {}", own.text);
    }
    for verb in ["cancel", "run-now"] {
        let unknown = app.call(&acme, Method::POST, &format!("/jobs/{theirs}/{verb}"), None).await;
        let none =
            app.call(&acme, Method::POST, &format!("/jobs/01890000-0000-7000-8000-000000000000/{verb}"), None).await;
        assert_eq!((unknown.status, none.status), (404, 404), "{verb}");
        let told = |answer: &Answer| answer.json()["title"].clone();
        assert_eq!(told(&unknown), told(&none));
    }
    assert_eq!(app.count("select count(*) from ordinaut.due_work").await, 2);
    assert_eq!(app.call(&acme, Method::POST, &format!("/jobs/{mine}/cancel"), None).await.status, 200);
}

#[tokio::test]
async fn errors_and_outputs_are_shown_to_those_that_may_read_runs() {
    let app = TestApp::start().await;
    let job = NewJob::new("k", &()).unwrap();
    app.database.enqueue(&job).await.unwrap();
    app.database.jobs().cancel(job.id()).await.unwrap();
    for (name, scopes, runs) in [("looker", vec!["jobs:read"], 0), ("reader", vec!["jobs:read", "runs:read"], 1)] {
        let token = app.agent(&json!({"name": name, "scopes": scopes})).await;
        let shown = app.call(&token, Method::GET, &format!("/jobs/{}", job.id()), None).await.json();
        assert_eq!(shown["runs"].as_array().unwrap().len(), runs, "{name}");
        let result = app.call(&token, Method::GET, &format!("/jobs/{}/result", job.id()), None).await.status;
        assert_eq!(result, if runs == 1 { 200 } else { 403 }, "{name}");
    }
}

#[tokio::test]
async fn an_agent_of_some_queues_enqueues_into_these_only() {
    let app = TestApp::start().await;
    let mail = app.agent(&json!({"name": "mail", "scopes": ["jobs:read", "jobs:write"], "queues": ["mail"]})).await;
    let into =
        async |queue: &str| app.call(&mail, Method::POST, "/jobs", Some(&json!({"kind": "k", "queue": queue}))).await;
    assert_eq!(into("mail").await.status, 201);
    let refused = into("bulk").await;
    assert_eq!((refused.status, refused.problem()), (403, String::new()));
    assert!(refused.text.contains("bulk"), "{}", refused.text);
    let default = app.call(&mail, Method::POST, "/jobs", Some(&json!({"kind": "k"}))).await;
    assert_eq!(default.status, 403);
    app.post("/jobs", r#"{"kind": "k", "queue": "bulk"}"#).await;
    let listed = app.call(&mail, Method::GET, "/jobs", None).await.json();
    assert_eq!(listed["jobs"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_token_is_shown_once_rotated_and_revoked_within_a_second_or_so() {
    let app = TestApp::start().await;
    let first = app.agent(&json!({"name": "ci", "scopes": ["jobs:read"]})).await;
    assert!(first.starts_with("ord_"), "{first}");
    assert!(!app.get("/agents/ci").await.text.contains(&first));
    assert_eq!(app.get("/agents").await.json()["agents"][0]["name"], "ci");
    let twice = app.send(Method::POST, "/agents", &json!({"name": "ci", "scopes": ["jobs:read"]})).await;
    assert_eq!((twice.status, twice.problem()), (409, "name".to_owned()));

    let rotated = app.post("/agents/ci/rotate", r#"{"overlap_seconds": 0}"#).await;
    let second = rotated.json()["token"].as_str().unwrap().to_owned();
    assert_eq!(app.call(&second, Method::GET, "/jobs", None).await.status, 200);
    until_refused(&app, &first).await;
    assert_eq!(app.call(&second, Method::GET, "/jobs", None).await.status, 200);
    assert_eq!(app.post("/agents/ci/revoke", "").await.status, 200);
    until_refused(&app, &second).await;
    assert_eq!(app.post("/agents/nobody/revoke", "").await.status, 404);
}

async fn until_refused(app: &TestApp, token: &str) {
    let start = Instant::now();
    while app.call(token, Method::GET, "/jobs", None).await.status != 401 {
        assert!(start.elapsed() < LIMIT, "a token that has ended is still good");
    }
}

#[tokio::test]
async fn the_last_admin_and_oneself_are_not_deleted() {
    let app = TestApp::start().await;
    let root = app.agent(&json!({"name": "root", "scopes": ["admin"]})).await;
    assert_eq!(app.call(&root, Method::DELETE, "/agents/root", None).await.status, 409, "oneself");
    let last = app.send(Method::DELETE, "/agents/root", &json!(null)).await;
    assert_eq!(last.status, 409, "{}", last.text);
    assert_eq!(app.post("/agents/root/revoke", "").await.status, 409);
    app.agent(&json!({"name": "second", "scopes": ["admin"]})).await;
    assert_eq!(app.call(&root, Method::DELETE, "/agents/second", None).await.status, 204);
    assert_eq!(app.call(&root, Method::DELETE, "/agents/second", None).await.status, 404);
}

#[tokio::test]
async fn an_agent_whose_tasks_are_active_is_not_deleted() {
    let app = TestApp::start().await;
    let reports = app.agent(&json!({"name": "reports", "scopes": ["tasks:write"]})).await;
    let nightly =
        json!({"title": "nightly", "kind": "echo", "args": {}, "schedule": {"kind": "cron", "expr": "0 3 * * *"}});
    let made = app.call(&reports, Method::POST, "/tasks", Some(&nightly)).await;
    assert_eq!(made.status, 201, "{}", made.text);

    let refused = app.send(Method::DELETE, "/agents/reports", &json!(null)).await;

    assert_eq!((refused.status, &refused.json()["tasks"]), (409, &json!(1)), "{}", refused.text);
    assert_eq!(app.get("/agents/reports").await.status, 200);
    let pause = format!("/tasks/{}/pause", made.json()["id"].as_str().unwrap());
    assert_eq!(app.post(&pause, "").await.status, 200);
    assert_eq!(app.send(Method::DELETE, "/agents/reports", &json!(null)).await.status, 204);
    assert_eq!(app.get("/agents/reports").await.status, 404);
}

#[tokio::test]
async fn an_agent_that_cannot_be_is_refused_by_its_field() {
    let app = TestApp::start().await;
    for (body, field) in [
        (json!({"name": "", "scopes": ["admin"]}), "name"),
        (json!({"name": "admin", "scopes": ["admin"]}), "name"),
        (json!({"name": "a/b", "scopes": ["admin"]}), "name"),
        (json!({"name": "a", "scopes": []}), "scopes"),
        (json!({"name": "a", "scopes": ["everything"]}), "scopes[0]"),
        (json!({"name": "a", "scopes": ["admin"], "queues": []}), "queues"),
        (json!({"name": "a", "scopes": ["admin"], "tenant": ""}), "tenant"),
    ] {
        let refused = app.send(Method::POST, "/agents", &body).await;
        assert_eq!((refused.status, refused.problem()), (422, field.to_owned()), "{body}: {}", refused.text);
    }
}
