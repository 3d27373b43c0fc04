//! The page as a browser gets it: who is let in, what is shown and done, and what never runs.

use crate::app::{Answer, TOKEN, TestApp};
use ordinaut_core::NewJob;
use ordinaut_core::access::{NewAgent, Scope};
use ordinaut_core::worker::Step;
use ordinaut_runtime::hash_password;
use ordinaut_runtime::settings::api::Enforce;
use reqwest::Method;
use reqwest::redirect::Policy;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

pub(crate) const PASSWORD: &str = "correct horse battery";

/// The name of a queue holds no blanks.
const PLANTED_QUEUE: &str = "<script>alert(1)</script>";

const PLANTED: &str = r#"<script>alert(1)</script>"><img src=x onerror=alert(2)>'"#;

/// Somebody at the page: it keeps cookies, follows no redirect, and runs no script.
pub(crate) struct Browser<'a> {
    app: &'a TestApp,
    pub(crate) client: reqwest::Client,
    cookies: BTreeMap<String, String>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(app: &'a TestApp) -> Self {
        let client = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Self { app, client, cookies: BTreeMap::new() }
    }

    /// Signed in with the token of the settings.
    pub(crate) async fn of_admin(app: &'a TestApp) -> Self {
        Self::with_token(app, TOKEN).await
    }

    pub(crate) async fn with_token(app: &'a TestApp, token: &str) -> Self {
        let mut browser = Self::new(app);
        let signed_in = browser.send("/ui/sign-in", &[("token", token)]).await;
        assert_eq!((signed_in.status, signed_in.header("location")), (303, "/ui"), "{}", signed_in.text);
        browser
    }

    /// What the browser sends with everything.
    pub(crate) fn cookies(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    async fn ask(&mut self, method: Method, path: &str, headers: &[(&str, &str)], body: String) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.app.url)).body(body);
        request = request.header("cookie", self.cookies());
        request = request.header("content-type", "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        for set in headers.get_all("set-cookie") {
            let (name, rest) = set.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if rest.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Answer { status, headers, text: response.text().await.unwrap() }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[], String::new()).await
    }

    /// Sends a form as it is.
    pub(crate) async fn send(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send_from(path, fields, &[]).await
    }

    async fn send_from(&mut self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
        let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let pairs: Vec<_> = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        self.ask(Method::POST, path, headers, pairs.join("&")).await
    }

    /// What forms of this browser carry.
    pub(crate) async fn form_token(&mut self) -> String {
        let page = self.get("/ui/queues").await.text;
        let (_, rest) = page.split_once(r#"name="form" value=""#).expect(&page);
        rest.split('"').next().unwrap().to_owned()
    }

    /// Sends a form of the page, and returns what that came to.
    pub(crate) async fn act(&mut self, path: &str, fields: &[(&str, &str)]) -> String {
        let token = self.form_token().await;
        let fields = [&[("form", &*token), ("back", "/ui/queues")], fields].concat();
        let answer = self.send(path, &fields).await;
        assert_eq!(answer.status, 303, "{path}: {}", answer.text);
        let place = answer.header("location").to_owned();
        let page = self.get(&place).await.text;
        let (_, rest) = page.split_once(r#"role="status">"#).unwrap_or_else(|| panic!("{path} says nothing: {page}"));
        rest.split('<').next().unwrap().to_owned()
    }
}

impl TestApp {
    /// An agent with a password.
    pub(crate) async fn person(&self, name: &str, scopes: &[Scope]) {
        let agent = scopes.iter().fold(NewAgent::new(name), |agent, scope| agent.scope(*scope));
        self.database.agents().create(&agent, "test").await.unwrap();
        let hash = hash_password(PASSWORD).unwrap();
        assert!(self.database.agents().set_password(name, Some(&hash)).await.unwrap());
    }
}

#[tokio::test]
async fn nobody_sees_or_does_anything_without_signing_in() {
    let app = TestApp::start().await;
    let mut stranger = Browser::new(&app);
    for path in ["/ui", "/ui/jobs?kind=k", "/ui/queues", "/ui/nothing"] {
        let answer = stranger.get(path).await;
        assert_eq!(answer.status, 303, "{path}");
        assert!(answer.header("location").starts_with("/ui/sign-in?to=%2Fui"), "{path}: {}", answer.header("location"));
    }
    assert_eq!(stranger.send("/ui/queues/default/pause", &[]).await.status, 303);
    assert_eq!(app.count("select count(*) from ordinaut.queue where paused_at is not null").await, 0);
    let part = stranger.ask(Method::GET, "/ui", &[("hx-request", "true")], String::new()).await;
    assert_eq!((part.status, part.header("hx-redirect")), (401, "/ui/sign-in?to=%2Fui"));
    stranger.cookies.insert("ordinaut_session".to_owned(), "A".repeat(43));
    assert_eq!(stranger.get("/ui").await.status, 303);
}

#[tokio::test]
async fn a_password_lets_in_and_too_many_wrong_ones_let_nobody_in() {
    let app = TestApp::start().await;
    app.person("ann", &[Scope::JobsRead]).await;
    let mut ann = Browser::new(&app);
    let form = [("name", "ann"), ("password", PASSWORD), ("to", "/ui/jobs")];
    let signed_in = ann.send("/ui/sign-in", &form).await;
    assert_eq!((signed_in.status, signed_in.header("location")), (303, "/ui/jobs"), "{}", signed_in.text);
    let cookie = signed_in.header("set-cookie").to_owned();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && !cookie.contains("Secure"),
        "{cookie}"
    );
    assert!(ann.get("/ui/jobs").await.text.contains("ann"));
    let before = ann.cookies.clone();
    let again = ann.send_from("/ui/sign-in", &form, &[("x-forwarded-proto", "https")]).await;
    assert!(again.header("set-cookie").contains("; Secure"), "{}", again.header("set-cookie"));
    assert_ne!(ann.cookies, before, "a new session has a new cookie");

    let elsewhere = ann.send("/ui/sign-in", &[("name", "ann"), ("password", PASSWORD), ("to", "//evil.example")]).await;
    assert_eq!(elsewhere.header("location"), "/ui");
    for name in ["ann", "nobody"] {
        let wrong = Browser::new(&app).send("/ui/sign-in", &[("name", name), ("password", "wrong")]).await;
        assert_eq!(wrong.status, 401, "{name}");
        assert!(wrong.text.contains("do not belong together"), "{}", wrong.text);
    }
    for _ in 0..4 {
        Browser::new(&app).send("/ui/sign-in", &[("name", "ann"), ("password", "wrong")]).await;
    }
    let locked = Browser::new(&app).send("/ui/sign-in", &form).await;
    assert_eq!(locked.status, 429, "{}", locked.text);
    app.tell("update ordinaut.agent_password set locked_until = clock_timestamp()").await;
    assert_eq!(Browser::new(&app).send("/ui/sign-in", &form).await.status, 303);
    assert_eq!(app.count("select failures::bigint from ordinaut.agent_password").await, 0);
}

#[tokio::test]
async fn sessions_end_by_signing_out_everywhere_by_a_new_password_and_by_revoking() {
    let app = TestApp::start().await;
    app.person("ann", &[Scope::JobsRead]).await;
    let token = app.agent(&json!({"name": "bob", "scopes": ["jobs:read"]})).await;
    let ann = async || {
        let mut browser = Browser::new(&app);
        let signed_in = browser.send("/ui/sign-in", &[("name", "ann"), ("password", PASSWORD)]).await;
        assert_eq!(signed_in.status, 303, "{}", signed_in.text);
        browser
    };
    let (mut one, mut other) = (ann().await, ann().await);
    let mut bob = Browser::with_token(&app, &token).await;
    let form = one.get("/ui").await.text;
    let form = form.split_once(r#"name="form" value=""#).unwrap().1.split('"').next().unwrap().to_owned();
    let out = one.send("/ui/sign-out", &[("form", &form), ("everywhere", "1")]).await;
    assert_eq!((out.status, out.header("location")), (303, "/ui/sign-in"));
    assert!(!one.cookies.contains_key("ordinaut_session"));
    assert_eq!((one.get("/ui").await.status, other.get("/ui").await.status), (303, 303));
    assert_eq!(bob.get("/ui").await.status, 200);

    let mut third = ann().await;
    assert_eq!(third.get("/ui").await.status, 200);
    app.database.agents().set_password("ann", None).await.unwrap();
    until_out(&mut third).await;
    assert_eq!(Browser::new(&app).send("/ui/sign-in", &[("name", "ann"), ("password", PASSWORD)]).await.status, 401);
    // The token ends, and with it what was opened by it.
    app.post("/agents/bob/rotate", r#"{"overlap_seconds": 0}"#).await;
    until_out(&mut bob).await;
    assert_eq!(app.count("select count(*) from ordinaut.browser_session where agent_id in (select id from ordinaut.agent where name = 'ann')").await, 0);
}

/// A session that is over is known to be within a second or so.
async fn until_out(browser: &mut Browser<'_>) {
    let start = std::time::Instant::now();
    while browser.get("/ui").await.status != 303 {
        assert!(start.elapsed() < std::time::Duration::from_secs(30), "the session goes on");
    }
}

#[tokio::test]
async fn a_cookie_is_no_token_and_a_link_signs_in_once() {
    let app = TestApp::start_with_settings(|settings| settings.sign_in_link = Some("open-sesame".to_owned())).await;
    let mut browser = Browser::new(&app);
    assert_eq!(browser.get("/ui/link/open-sesamf").await.status, 401);
    assert_eq!(browser.get("/ui/link/open-sesame").await.status, 303);
    assert_eq!(browser.get("/ui").await.status, 200);
    let mut late = Browser::new(&app);
    assert_eq!(late.get("/ui/link/open-sesame").await.status, 401);
    let cookie = browser.cookies["ordinaut_session"].clone();
    let as_token = app.call(&cookie, Method::GET, "/jobs", None).await;
    assert_eq!(as_token.status, 401);
    assert_eq!(late.send("/ui/sign-in", &[("token", "not-a-token")]).await.status, 401);
}

#[tokio::test]
async fn a_form_is_taken_only_from_the_page_itself() {
    let app = TestApp::start().await;
    app.enqueue(json!({"kind": "echo"})).await;
    let mut admin = Browser::of_admin(&app).await;
    let token = admin.form_token().await;
    let other = Browser::of_admin(&app).await.form_token().await;
    assert_ne!(token, other);
    let pause = "/ui/queues/default/pause";
    for (form, headers) in [
        (None, &[][..]),
        (Some("made-up"), &[]),
        (Some(&*other), &[]),
        (Some(&*token), &[("sec-fetch-site", "cross-site")]),
        (Some(&*token), &[("origin", "http://evil.example")]),
    ] {
        let fields: Vec<_> = form.into_iter().map(|form| ("form", form)).collect();
        assert_eq!(admin.send_from(pause, &fields, headers).await.status, 403, "{form:?} {headers:?}");
    }
    let login =
        Browser::new(&app).send_from("/ui/sign-in", &[("token", TOKEN)], &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!(login.status, 403);
    assert_eq!(app.count("select count(*) from ordinaut.queue where paused_at is not null").await, 0);
    let url = app.url.clone();
    let good = admin.send_from(pause, &[("form", &token), ("back", "https://evil.example")], &[("origin", &url)]).await;
    assert_eq!((good.status, good.header("location")), (303, "/ui"));
    assert_eq!(app.count("select count(*) from ordinaut.queue where paused_at is not null").await, 1);
}

#[tokio::test]
async fn what_somebody_may_not_do_is_not_offered_and_is_refused() {
    let app = TestApp::start().await;
    let id = app.enqueue(json!({"kind": "echo", "args": {"say": "hello"}})).await;
    let reader = app.agent(&json!({"name": "reader", "scopes": ["jobs:read"]})).await;
    let (mut admin, mut reader) = (Browser::of_admin(&app).await, Browser::with_token(&app, &reader).await);
    let job = format!("/ui/jobs/{id}");
    for (path, offered) in [("/ui/queues", "Pause"), (&*job, ">Cancel<"), ("/ui/jobs", "Act on all")] {
        assert!(admin.get(path).await.text.contains(offered), "{path}");
        let seen = reader.get(path).await;
        assert_eq!(seen.status, 200, "{path}");
        assert!(!seen.text.contains(offered), "{path}: {}", seen.text);
    }
    let form = reader.get("/ui").await.text;
    let form = form.split_once(r#"name="form" value=""#).unwrap().1.split('"').next().unwrap().to_owned();
    for path in [format!("{job}/cancel"), "/ui/queues/default/pause".to_owned(), "/ui/pause".to_owned()] {
        let refused = reader.send(&path, &[("form", &form), ("back", "/ui/jobs")]).await;
        assert_eq!(refused.status, 303, "{path}");
        assert!(reader.get("/ui/jobs").await.text.contains("lacks the scope"), "{path}");
    }
    assert_eq!(app.job(id).await["state"], "waiting");
    assert_eq!(app.count("select count(*) from ordinaut.audit where actor = 'reader' and status = 403").await, 3);
    assert_eq!(reader.get("/ui/workers").await.status, 200);

    let acme = app.agent(&json!({"name": "acme", "scopes": ["admin"], "tenant": "acme"})).await;
    let mut acme = Browser::with_token(&app, &acme).await;
    let (theirs, none) = (acme.get(&job).await, acme.get(&format!("/ui/jobs/{}", Uuid::now_v7())).await);
    assert_eq!((theirs.status, none.status), (404, 404));
    assert!(!acme.get("/ui/jobs").await.text.contains(&id.to_string()));
}

#[tokio::test]
async fn what_the_page_does_is_done_and_written_down() {
    let app = TestApp::start().await;
    let id =
        app.enqueue(json!({"kind": "echo", "args": {"say": "hello", "password": "hunter2"}, "tags": ["vip"]})).await;
    let dead = app.enqueue(json!({"kind": "doomed"})).await;
    assert_eq!(app.worker("default").step().await.unwrap(), Step::Worked(id));
    assert_eq!(app.worker("default").step().await.unwrap(), Step::Worked(dead));
    let mut admin = Browser::of_admin(&app).await;
    let shown = admin.get(&format!("/ui/jobs/{id}")).await.text;
    assert!(shown.contains("hello") && shown.contains("succeeded") && !shown.contains("hunter2"), "{shown}");
    assert!(admin.get("/ui/jobs?args=say%3Dhello").await.text.contains(&id.to_string()));
    assert!(!admin.get("/ui/jobs?args=say%3Dbye").await.text.contains(&id.to_string()));
    assert!(admin.get("/ui/jobs?args=nonsense").await.text.contains("customer.id=7"));

    let letters = admin.get("/ui/dead").await.text;
    assert!(letters.contains("it was never meant to be"), "{letters}");
    let group = [("kind", "doomed"), ("pattern", "it was never meant to be")];
    let jobs = admin.get("/ui/dead?kind=doomed&pattern=it+was+never+meant+to+be").await.text;
    assert!(jobs.contains(&dead.to_string()), "{jobs}");
    assert!(admin.act("/ui/dead/delete", &group[..1]).await.contains("names no group"));
    let said = admin.act("/ui/dead/requeue", &group).await;
    assert_eq!(said, "1 job back in the queue.");
    assert_eq!(app.job(dead).await["state"], "waiting");
    let said = admin
        .act(&format!("/ui/jobs/{dead}/change"), &[("priority", "2"), ("args", r#"{"n": 12345678901234567890}"#)])
        .await;
    assert_eq!(said, "It is changed.");
    assert_eq!(app.job(dead).await["priority"], 2);
    assert!(app.get(&format!("/jobs/{dead}")).await.text.contains("12345678901234567890"));
    let said = admin.act(&format!("/ui/jobs/{dead}/cancel"), &[]).await;
    assert_eq!(said, "It is cancelled.");
    assert_eq!(app.job(dead).await["state"], "cancelled");
    let said = admin.act(&format!("/ui/jobs/{dead}/cancel"), &[]).await;
    assert!(said.contains("has ended"), "{said}");

    assert!(admin.act("/ui/queues/default/pause", &[("reason", "a restore")]).await.contains("is paused"));
    let overview = admin.get("/ui").await.text;
    assert!(overview.contains("a restore"), "{overview}");
    assert!(admin.act("/ui/queues/default/change", &[("max_waiting", "7")]).await.contains("bounds are set"));
    assert_eq!(app.get("/queues/default").await.json()["max_waiting"], 7);
    assert!(admin.act("/ui/queues/default/resume", &[]).await.contains("goes on"));
    app.enqueue(json!({"kind": "echo", "tags": ["vip"]})).await;
    let asks = admin.get("/ui/jobs/bulk?verb=cancel&tag=vip").await.text;
    assert!(asks.contains("1 job") && asks.contains("vip"), "{asks}");
    assert_eq!(admin.act("/ui/jobs/bulk", &[("verb", "cancel"), ("tag", "vip")]).await, "It has begun.");
    assert_eq!(app.count("select count(*) from ordinaut.bulk").await, 1);
    assert_eq!(
        app.count("select count(*) from ordinaut.audit where action = 'POST /queues/{name}/pause' and actor = 'admin'")
            .await,
        1
    );
}

#[tokio::test]
async fn a_form_has_large_numbers_as_they_are_and_a_list_leads_to_nothing_beyond_it() {
    let app = TestApp::start().await;
    let mut admin = Browser::of_admin(&app).await;
    let large = r#"{"kind": "nobody", "args": {"n": 12345678901234567890123}}"#;
    let job = app.post("/jobs", large.to_owned()).await.json()["id"].as_str().unwrap().to_owned();
    let page = admin.get(&format!("/ui/jobs/{job}")).await.text;
    assert!(page.contains("12345678901234567890123"), "{page}");
    for (state, offered) in [("", "cancel"), ("&state=scheduled", "run_now"), ("&state=dead", "delete")] {
        let page = admin.get(&format!("/ui/jobs?kind=nobody{state}")).await.text;
        assert!(page.contains(&format!("verb={offered}")), "{state}: {page}");
    }
    for state in ["waiting", "running", "parked", "scheduled", "dead"] {
        let page = admin.get(&format!("/ui/jobs?kind=nobody&state={state}")).await.text;
        assert!(!page.contains("verb=cancel"), "{state}: {page}");
    }
}

#[tokio::test]
async fn tasks_are_made_changed_and_stopped_at_the_page_and_jobs_enqueued() {
    let app = TestApp::start().await;
    let mut admin = Browser::of_admin(&app).await;
    let shown = admin.get("/ui/tasks/preview?schedule=cron&expr=0+3+*+*+*&timezone=UTC").await.text;
    assert!(shown.contains("T03:00:00") && !shown.contains("<html"), "{shown}");
    let form = admin.form_token().await;
    let fields = [
        ("form", &*form),
        ("title", "Nightly"),
        ("kind", "echo"),
        ("schedule", "cron"),
        ("expr", "0 3 * *"),
        ("args", r#"{"n": 12345678901234567890}"#),
    ];
    let refused = admin.send("/ui/tasks/new", &fields).await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.text.contains("Nightly") && refused.text.contains("0 3 * *"),
        "what was typed is lost: {}",
        refused.text
    );
    let mut fields = fields;
    fields[4].1 = "0 3 * * *";
    let made = admin.send("/ui/tasks/new", &fields).await;
    assert_eq!(made.status, 303, "{}", made.text);
    let place = made.header("location").to_owned();
    let id = place.rsplit('/').next().unwrap().to_owned();
    let task = app.get(&format!("/tasks/{id}")).await;
    assert!(task.text.contains("12345678901234567890"), "{}", task.text);
    let page = admin.get(&place).await.text;
    assert!(page.contains("Nightly") && page.contains("Run now"), "{page}");
    let edit = format!("{place}/edit");
    assert!(admin.get(&edit).await.text.contains("0 3 * * *"));
    let changed = [
        ("form", &*form),
        ("title", "Weekly"),
        ("kind", "echo"),
        ("schedule", "cron"),
        ("expr", "0 3 * * 1"),
        ("queue", "default"),
        ("priority", "4"),
        ("args", "{}"),
        ("old_args", "{}"),
    ];
    assert_eq!(admin.send(&edit, &changed).await.status, 303);
    let task = app.get(&format!("/tasks/{id}")).await;
    assert_eq!((task.json()["title"].as_str(), task.json()["priority"].as_i64()), (Some("Weekly"), Some(4)));
    assert!(task.text.contains("12345678901234567890"), "arguments that were not touched stay: {}", task.text);
    let late = [&changed[..], &[("version", "1")]].concat();
    let refused = admin.send(&edit, &late).await;
    assert!(refused.status >= 400 && refused.text.contains("changed by somebody else"), "{}", refused.text);
    let preview = admin.send(&edit, &[&late[..], &[("preview", "1")]].concat()).await;
    assert!(preview.status == 200 && preview.text.contains("By its zone"), "{}", preview.text);
    for (verb, status) in [("pause", "paused"), ("resume", "active"), ("cancel", "cancelled")] {
        admin.act(&format!("{place}/{verb}"), &[]).await;
        assert_eq!(app.get(&format!("/tasks/{id}")).await.json()["status"], status);
    }

    let fields = [("form", &*form), ("kind", "echo"), ("tags", "a, b"), ("priority", "2"), ("args", "{")];
    let refused = admin.send("/ui/enqueue", &fields).await;
    assert!(refused.status == 422 && refused.text.contains("no JSON"), "{}", refused.text);
    let mut fields = fields;
    fields[4].1 = r#"{"say": "hello"}"#;
    let enqueued = admin.send("/ui/enqueue", &fields).await;
    assert_eq!(enqueued.status, 303, "{}", enqueued.text);
    let id = enqueued.header("location").rsplit('/').next().unwrap().parse().unwrap();
    let job = app.job(id).await;
    assert_eq!(
        (job["tags"].clone(), job["priority"].as_i64(), job["args"]["say"].as_str()),
        (json!(["a", "b"]), Some(2), Some("hello"))
    );
}

/// Every page with something on it.
async fn pages(app: &TestApp) -> Vec<String> {
    let job = NewJob::new(PLANTED, &json!({(PLANTED): [PLANTED, {"deep": PLANTED}]})).unwrap();
    let job = job.queue(PLANTED_QUEUE).tags([PLANTED]).tenant(PLANTED);
    app.database.enqueue(&job).await.unwrap();
    let dead = app.enqueue(json!({"kind": "doomed", "args": {"a": PLANTED}, "tags": [PLANTED]})).await;
    assert_eq!(app.worker("default").name(PLANTED).step().await.unwrap(), Step::Worked(dead));
    sqlx::query("update ordinaut.run set error = $1").bind(PLANTED).execute(app.database.pool()).await.unwrap();
    app.database.queues().pause("default", Some(PLANTED), Some(PLANTED)).await.unwrap();
    let bulk = app.post("/bulk", json!({"verb": "cancel", "filter": {"tag": PLANTED}}).to_string()).await;
    let hourly = json!({"title": PLANTED, "description": PLANTED, "kind": PLANTED, "tags": [PLANTED], "args": {"a": PLANTED},
                        "schedule": {"kind": "every", "expr": "1h"}});
    let task = app.create_task(&hourly).await["id"].as_str().unwrap().to_owned();
    let batch = app.post("/batches", json!({"name": PLANTED, "jobs": [{"kind": PLANTED}]}).to_string()).await.json();
    let batch = batch["id"].as_str().unwrap();
    let node = json!({"name": PLANTED_QUEUE, "cores": 1, "cpu": 99, "memory_total": 8, "memory_used": 7, "disk_total": 8, "disk_used": 8,
                      "load": 1, "version": PLANTED, "address": PLANTED});
    assert_eq!(app.post("/nodes", node.to_string()).await.status, 200);
    let rule = json!({"source": "node_level", "threshold": 0.5, "severity": "critical", "about": PLANTED});
    assert_eq!(app.send(Method::PUT, "/alert-rules/planted", &rule).await.status, 200);
    let silence = json!({"rule": PLANTED, "subject": PLANTED, "ends_at": "2999-01-01T00:00:00Z", "reason": PLANTED});
    assert_eq!(app.send(Method::POST, "/alert-silences", &silence).await.status, 201);
    sqlx::query("update ordinaut.node set level = 'critical'").execute(app.database.pool()).await.unwrap();
    assert!(app.database.alerts().evaluate().await.unwrap());
    let alert = app.get("/alerts?state=firing").await.json()["alerts"][0]["id"].as_str().unwrap().to_owned();
    let note = json!({"note": PLANTED});
    assert_eq!(app.send(Method::POST, &format!("/alerts/{alert}/acknowledge"), &note).await.status, 200);
    let encoded: String = PLANTED.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let queue: String = PLANTED_QUEUE.bytes().map(|byte| format!("%{byte:02X}")).collect();
    vec![
        "/ui".to_owned(),
        "/ui?span=day".to_owned(),
        "/ui/jobs".to_owned(),
        format!("/ui/jobs?kind={encoded}&tag={encoded}&args={encoded}&error={encoded}"),
        format!("/ui/jobs?state={encoded}"),
        format!("/ui/jobs/bulk?verb=cancel&kind={encoded}"),
        format!("/ui/jobs/{}", job.id()),
        format!("/ui/jobs/{dead}"),
        format!("/ui/bulk/{}", bulk.json()["id"].as_str().unwrap()),
        "/ui/dead".to_owned(),
        format!("/ui/dead?kind=doomed&pattern={encoded}"),
        "/ui/queues/default?span=day".to_owned(),
        "/ui/queues".to_owned(),
        format!("/ui/queues/{queue}"),
        "/ui/queues/default".to_owned(),
        format!("/ui/queues/{encoded}x"),
        "/ui/workers".to_owned(),
        format!("/ui/workers/{encoded}"),
        "/ui/tools".to_owned(),
        format!("/ui/tools/{encoded}"),
        format!("/ui/tools/{queue}"),
        "/ui/nodes".to_owned(),
        format!("/ui/nodes/{encoded}"),
        format!("/ui/nodes/{queue}"),
        "/ui/alerts".to_owned(),
        format!("/ui/alerts?before={encoded}"),
        format!("/ui/alerts/{alert}"),
        format!("/ui/alerts/{encoded}"),
        "/ui/tasks".to_owned(),
        format!("/ui/tasks?text={encoded}&status={encoded}"),
        format!("/ui/tasks/{task}"),
        format!("/ui/tasks/{task}/edit"),
        format!("/ui/tasks/new?title={encoded}&expr={encoded}&args={encoded}"),
        format!("/ui/tasks/preview?schedule=cron&expr={encoded}"),
        "/ui/targets".to_owned(),
        format!("/ui/targets/{encoded}"),
        "/ui/batches".to_owned(),
        format!("/ui/batches?state={encoded}"),
        format!("/ui/batches/{batch}"),
        "/ui/events".to_owned(),
        format!("/ui/events?kind={encoded}"),
        format!("/ui/enqueue?kind={encoded}&args={encoded}"),
        "/ui/agents".to_owned(),
        "/ui/audit".to_owned(),
        format!("/ui/audit?actor={encoded}"),
        format!("/ui/{encoded}"),
        format!("/ui/sign-in?to={encoded}"),
    ]
}

#[tokio::test]
async fn what_is_planted_anywhere_is_text_on_every_page() {
    let app = TestApp::start().await;
    let pages = pages(&app).await;
    let mut admin = Browser::of_admin(&app).await;
    let mut seen = 0;
    for path in pages {
        for headers in [&[][..], &[("hx-request", "true")]] {
            let page = admin.ask(Method::GET, &path, headers, String::new()).await;
            let text = &page.text;
            assert!(page.status < 500, "{path}: {} {text}", page.status);
            if page.header("content-type") != "text/html; charset=utf-8" {
                // A part that could not be shown is no document.
                assert!(text.is_empty(), "{path}: {text}");
                continue;
            }
            let policy = page.header("content-security-policy");
            assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{policy}");
            assert!(!policy.contains("unsafe"), "{policy}");
            for planted in ["<script>", "<img src=x", "onerror=alert(2)>'\"", " style=", " onclick=", "javascript:"] {
                assert!(!text.contains(planted), "{path} has {planted}: {text}");
            }
            // Attributes end with their quote, and text holds no markup.
            seen += text.matches("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&gt;&lt;img").count();
        }
    }
    assert!(seen > 20, "{seen}");
}

#[tokio::test]
async fn what_a_page_loads_is_kept_by_its_name() {
    let app = TestApp::start().await;
    let mut browser = Browser::new(&app);
    let page = browser.get("/ui/sign-in").await.text;
    let names: Vec<_> = page.split('"').filter(|part| part.starts_with("/ui/assets/")).collect();
    assert!(names.len() >= 6, "{page}");
    for name in names {
        let file = browser.get(name).await;
        assert_eq!((file.status, file.header("cache-control")), (200, "public, max-age=31536000, immutable"), "{name}");
        assert_eq!(file.header("x-content-type-options"), "nosniff");
        let tag = file.header("etag").to_owned();
        let again = browser.ask(Method::GET, name, &[("if-none-match", &tag)], String::new()).await;
        assert_eq!((again.status, again.text.len()), (304, 0), "{name}");
    }
    assert_eq!(browser.get("/ui/assets/page-0000000000000000.css").await.status, 404);
}

/// The files of a page and its document, as they are sent.
async fn load(browser: &mut Browser<'_>, coding: &str) -> usize {
    let mut sum = 0;
    let document = browser.get("/ui").await.text;
    let names = document.split('"').filter(|part| part.starts_with("/ui/assets/"));
    let names: BTreeSet<_> = names.chain(["/ui"]).collect();
    assert!(names.len() > 6, "{names:?}");
    for name in names {
        let file = browser.client.get(format!("{}{name}", browser.app.url)).header("accept-encoding", coding);
        let file = file.header("cookie", browser.cookies()).send().await.unwrap();
        assert_eq!(file.headers()["content-encoding"], coding, "{name}");
        assert_eq!(file.headers()["vary"], "accept-encoding", "{name}");
        sum += file.bytes().await.unwrap().len();
    }
    sum
}

#[tokio::test]
async fn the_first_load_is_less_than_150_kb() {
    let app = TestApp::start().await;
    pages(&app).await;
    let mut browser = Browser::of_admin(&app).await;
    let (gzip, brotli) = (load(&mut browser, "gzip").await, load(&mut browser, "br").await);
    assert!(brotli < gzip && gzip < 150_000, "{brotli} by brotli, {gzip} by gzip");
}

#[tokio::test]
async fn where_the_api_lets_in_everybody_the_page_does() {
    let app = TestApp::start_with_settings(|settings| settings.enforce = Enforce::Log).await;
    app.enqueue(json!({"kind": "echo"})).await;
    let mut anybody = Browser::new(&app);
    assert_eq!(anybody.get("/ui").await.status, 200);
    assert!(anybody.act("/ui/queues/default/pause", &[]).await.contains("is paused"));
    assert_eq!(anybody.send("/ui/queues/default/resume", &[]).await.status, 403);
    let url = format!("{}/", app.url);
    let html = anybody.client.get(&url).header("accept", "text/html").send().await.unwrap();
    assert_eq!((html.status().as_u16(), html.headers()["location"].to_str().unwrap()), (303, "/ui"));
}
