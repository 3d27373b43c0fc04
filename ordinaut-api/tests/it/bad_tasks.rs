//! Tasks that cannot be accepted: a 4xx that names the field, and nothing stored.

use crate::app::{self, TOKEN, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

fn good() -> Value {
    json!({"title": "t", "kind": "k", "schedule": {"kind": "rrule", "expr": "FREQ=DAILY", "dtstart": "2027-01-01T09:00:00"}})
}

/// The good one with one thing wrong, at the path that the answer has to name.
fn bad_fields() -> Vec<(&'static str, Value)> {
    let mut deep = json!(1);
    for _ in 0..60 {
        deep = json!([deep]);
    }
    vec![
        ("title", json!("")),
        ("title", json!("x".repeat(201))),
        ("title", json!("a\0b")),
        ("title", json!(7)),
        ("description", json!("\0")),
        ("description", json!("x".repeat(2001))),
        ("kind", json!("")),
        ("kind", json!(["k"])),
        ("args", json!({"a": "\0"})),
        ("queue", json!("a\0")),
        ("priority", json!(0)),
        ("priority", json!(70_000)),
        ("priority", json!(1.5)),
        ("max_retries", json!(-1)),
        ("max_retries", json!(1001)),
        ("timeout", json!(0)),
        ("timeout", json!(-1)),
        ("timeout", json!(1e300)),
        ("tags", json!([""])),
        ("tags", json!(vec!["a"; 51])),
        ("tags[1]", json!(["a", 5])),
        ("calendars", json!(["holidays"])),
        ("calendars", json!(["\0"])),
        ("calendars", json!(vec!["a"; 11])),
        ("misfire", json!("catch_up(0)")),
        ("misfire", json!("never")),
        ("misfire_grace", json!(-1)),
        ("misfire_grace", json!(1e9)),
        ("jitter", json!(1e9)),
        ("jitter", json!("1")),
        ("max_instances", json!(0)),
        ("max_instances", json!(-1)),
        ("concurrency_key", json!("")),
        ("concurrency_key", json!("\0")),
        ("dedupe_key", json!("x".repeat(101))),
        ("dedupe_window", json!(60)),
        ("id", json!("mine")),
        ("schedule", json!("daily")),
        ("schedule", json!(["cron", "@daily"])),
        ("schedule", json!(null)),
        ("schedule", deep),
        ("schedule.kind", json!("hourly")),
        ("schedule.kind", json!(null)),
        ("schedule.expr", json!("")),
        ("schedule.expr", json!("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")),
        ("schedule.expr", json!("FREQ=DAILY;COUNT=1;UNTIL=20270101T000000Z")),
        ("schedule.expr", json!("a\0b")),
        ("schedule.expr", json!("x".repeat(500_000))),
        ("schedule.expr", json!(5)),
        ("schedule.timezone", json!("Europe/Chisinow")),
        ("schedule.timezone", json!("\0")),
        ("schedule.dtstart", json!("2027-01-01")),
        ("schedule.dtstart", json!("2027-01-01T09:00Z")),
        ("schedule.dtstart", json!("1066-10-14T09:00:00")),
        ("schedule.exdates", json!(["+262142-01-01T00:00:00"])),
        ("schedule.rdates", json!(vec!["2027-01-01T09:00:00"; 1001])),
        ("schedule.rdates[0]", json!([7])),
        ("schedule.starts_at", json!("9999-12-31T23:59:59Z")),
        ("schedule.ends_at", json!("2000-01-01T00:00:00")),
        ("schedule.timezon", json!("UTC")),
    ]
}

fn with(mut task: Value, path: &str, value: Value) -> Value {
    let path = path.split('[').next().unwrap();
    match path.split_once('.') {
        Some((outer, inner)) => task[outer][inner] = value,
        None => task[path] = value,
    }
    task
}

#[tokio::test]
async fn each_bad_field_of_a_task_is_named_however_it_comes() {
    let app = TestApp::start().await;
    let task = app.create_task(&good()).await;
    let path = format!("/tasks/{}", task["id"].as_str().unwrap());
    for (field, value) in bad_fields() {
        let patch = with(json!({}), field, value.clone());
        let whole = with(good(), field, value.clone());
        for (method, path, body) in
            [(Method::POST, "/tasks", &whole), (Method::PUT, &path, &whole), (Method::PATCH, &path, &patch)]
        {
            let shown: String = body.to_string().chars().take(200).collect();
            let answer = app.send(method.clone(), path, body).await;
            assert_eq!((answer.status, &*answer.problem()), (422, field), "{method} {shown}: {}", answer.text);
        }
    }
    for field in ["title", "kind", "schedule"] {
        let mut whole = good();
        whole.as_object_mut().unwrap().remove(field);
        let answer = app.send(Method::POST, "/tasks", &whole).await;
        assert_eq!((answer.status, &*answer.problem()), (422, field), "{}", answer.text);
    }
    assert_eq!(app.get(&path).await.json(), task, "nothing was changed");
    assert_eq!(app.count("select count(*) from ordinaut.task").await, 1);
}

#[tokio::test]
async fn a_body_that_is_no_object_is_refused_everywhere() {
    let app = TestApp::start().await;
    let task = app.create_task(&good()).await;
    let path = format!("/tasks/{}", task["id"].as_str().unwrap());
    let huge = json!({"title": "x".repeat(1024 * 1024)}).to_string();
    for (method, path) in [
        (Method::POST, "/tasks".to_owned()),
        (Method::PUT, path.clone()),
        (Method::PATCH, path.clone()),
        (Method::POST, format!("{path}/snooze")),
        (Method::POST, "/schedules/preview".to_owned()),
        (Method::POST, "/topics/a".to_owned()),
        (Method::PUT, "/calendars/c".to_owned()),
        (Method::PUT, "/facts/f".to_owned()),
    ] {
        for (body, status) in [
            ("", 400),
            ("{", 400),
            (&*huge, 413),
            ("[]", 422),
            ("[[]]", 422),
            ("null", 422),
            ("7", 422),
            (r#""text""#, 422),
        ] {
            let shown: String = body.chars().take(80).collect();
            let answer = app::answer(app.request(method.clone(), &path).bearer_auth(TOKEN).body(body.to_owned())).await;
            assert_eq!(
                (answer.status, &*answer.problem()),
                (status, "body"),
                "{method} {path} {shown}: {}",
                answer.text
            );
        }
    }
    assert_eq!(app.get(&path).await.json(), task, "nothing was changed");
}

#[tokio::test]
async fn what_no_number_can_hold_and_what_is_deeper_than_json_may_be_is_no_json() {
    let app = TestApp::start().await;
    let path = format!("/tasks/{}", app.create_task(&good()).await["id"].as_str().unwrap());
    for value in ["1e400", "NaN", &"[".repeat(500_000)] {
        for (method, path, field) in [
            (Method::POST, "/tasks", "args"),
            (Method::PUT, &*path, "args"),
            (Method::PATCH, &*path, "args"),
            (Method::POST, &*format!("{path}/snooze"), "delay"),
            (Method::POST, "/topics/a", "payload"),
            (Method::PUT, "/facts/f", "value"),
            (Method::POST, "/schedules/preview", "expr"),
        ] {
            let body = format!(r#"{{"{field}": {value}}}"#);
            let answer = app::answer(app.request(method.clone(), path).bearer_auth(TOKEN).body(body)).await;
            let is_refused = answer.status == 400 || (answer.status == 422 && value.starts_with('['));
            assert!(is_refused && !answer.problem().is_empty(), "{method} {path} {value:.20}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn what_is_as_deep_as_arguments_may_be_is_stored_told_and_changed() {
    let app = TestApp::start().await;
    let (open, close) = ("[".repeat(100), "]".repeat(100));
    let body = format!(
        r##"{{"title": "t", "kind": "k", "args": {open}{close}, "schedule": {{"kind": "event", "expr": "#"}}}}"##
    );
    let created = app.post("/tasks", body).await;
    assert_eq!(created.status, 201, "{}", created.text);
    let path = created.header("location").to_owned();
    assert_eq!(app.get(&path).await.status, 200);
    assert_eq!(app.send(Method::PATCH, &path, &json!({"title": "u"})).await.status, 200);
    assert_eq!(app.get("/tasks").await.status, 200);
    // A job's arguments hold the payload a level or two further down.
    let payload = format!("{}{}", &open[10..], &close[10..]);
    let event = format!(r#"{{"id": "e", "payload": {payload}}}"#);
    let published = app.post("/topics/a", event).await;
    assert_eq!((published.status, &published.json()["jobs"]), (200, &json!(1)), "{}", published.text);
    let job = app.get("/jobs").await.json()["jobs"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(app.get(&format!("/jobs/{job}")).await.status, 200);
}

#[tokio::test]
async fn each_bad_parameter_of_tasks_is_named() {
    let app = TestApp::start().await;
    let path = format!("/tasks/{}", app.create_task(&good()).await["id"].as_str().unwrap());
    for (query, field) in [
        ("/tasks?limit=0", "limit"),
        ("/tasks?status=asleep", "status"),
        ("/tasks?schedule_kind=hourly", "schedule_kind"),
        ("/tasks?before=1", "before"),
        ("/tasks?title=%00", "title"),
        ("/tasks?kind=%00", "kind"),
        ("/tasks?statsu=active", "statsu"),
        ("/tasks/7", "id"),
        ("/tasks/%FF", "id"),
        (&*format!("{path}/fires?before=yesterday"), "before"),
        (&*format!("{path}/fires?before=2027-01-01T00:00:00"), "before"),
        (&*format!("{path}/fires?limit=501"), "limit"),
        (&*format!("{path}/runs?before=7"), "before"),
        (&*format!("{path}/runs?after=7"), "after"),
        (&*format!("{path}/statistics?days=0"), "days"),
        (&*format!("{path}/statistics?days=99999999999"), "days"),
        ("/tasks/7/runs/latest", "id"),
    ] {
        let answer = app.get(query).await;
        assert_eq!((answer.status, &*answer.problem()), (422, field), "{query}: {}", answer.text);
    }
    for before in ["0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2016-12-31T23:59:60Z"] {
        assert_eq!(app.get(&format!("{path}/fires?before={before}")).await.status, 200, "{before}");
    }
    for verb in ["pause", "resume", "run-now", "cancel"] {
        let answer = app.post(&format!("/tasks/7/{verb}"), "").await;
        assert_eq!((answer.status, &*answer.problem()), (422, "id"), "{verb}");
    }
}

#[tokio::test]
async fn a_task_that_cannot_be_read_is_said_to_be_and_is_no_500() {
    let app = TestApp::start().await;
    let id = app.create_task(&good()).await["id"].as_str().unwrap().to_owned();
    sqlx::query(r#"update ordinaut.task set definition = definition || '{"args": [1e400]}'"#)
        .execute(app.database.pool())
        .await
        .unwrap();
    let shown = app.get(&format!("/tasks/{id}")).await;
    assert_eq!((shown.status, shown.problem()), (422, String::new()));
    assert_eq!(shown.json()["title"], "Unprocessable Entity");
    assert!(
        shown.text.contains(&format!("task {id} (\\\"t\\\") cannot be read by this version: definition: ")),
        "{}",
        shown.text
    );
    let patched = app.send(Method::PATCH, &format!("/tasks/{id}"), &json!({"title": "u"})).await;
    assert_eq!((patched.status, patched.problem()), (422, String::new()), "{}", patched.text);
    let listed = app.get("/tasks").await.json();
    assert_eq!((&listed["tasks"], &listed["unreadable"][0]["id"]), (&json!([]), &json!(id)));
    for verb in ["resume", "run-now"] {
        assert_eq!(app.post(&format!("/tasks/{id}/{verb}"), "").await.status, 422, "{verb}");
    }
    for verb in ["pause", "cancel"] {
        let answer = app.post(&format!("/tasks/{id}/{verb}"), "").await;
        assert_eq!(answer.status, 200, "{verb}: {}", answer.text);
        let unreadable = &answer.json()["unreadable"];
        assert_eq!((&unreadable["id"], &unreadable["title"]), (&json!(id), &json!("t")), "{verb}");
        assert!(unreadable["reason"].as_str().unwrap().starts_with("definition: "), "{verb}: {unreadable}");
    }
    let deleted = app.send(Method::DELETE, &format!("/tasks/{id}"), &json!(null)).await;
    assert_eq!(deleted.status, 204, "{}", deleted.text);
    assert_eq!(app.get(&format!("/tasks/{id}")).await.status, 404);
}

#[tokio::test]
async fn an_integer_that_would_be_rounded_is_refused_by_the_name_of_its_field() {
    let app = TestApp::start().await;
    let path = format!("/tasks/{}", app.create_task(&good()).await["id"].as_str().unwrap());
    let send = async |method: &Method, path: &str, text: &str, integer: &str| {
        let request = app.request(method.clone(), path).bearer_auth(TOKEN);
        app::answer(request.body(text.replace("4711", integer))).await
    };
    let mut task = good();
    task["args"] = json!({"account": 4711});
    let patch = json!({"args": {"account": 4711}}).to_string();
    let event = json!({"id": "e", "payload": [4711]}).to_string();
    for (method, path, body, field) in [
        (Method::POST, "/tasks", &task.to_string(), "args"),
        (Method::PUT, &*path, &task.to_string(), "args"),
        (Method::PATCH, &*path, &patch, "args"),
        (Method::POST, "/topics/a.b", &event, "payload"),
    ] {
        for rounded in ["18446744073709551617", "-9223372036854775809"] {
            let refused = send(&method, path, body, rounded).await;
            assert_eq!((refused.status, &*refused.problem()), (422, field), "{method} {path}: {}", refused.text);
            assert!(refused.text.contains(rounded), "{}", refused.text);
        }
        let kept = send(&method, path, body, "18446744073709551615").await;
        assert!(kept.status < 300, "{method} {path}: {}", kept.text);
    }
    let stored = app.get(&path).await;
    assert!(stored.text.contains("18446744073709551615"), "{}", stored.text);
}
