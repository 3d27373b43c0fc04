//! What somebody typed into a form or a filter that is refused, and forms for those that may not
//! send them.

use crate::app::TestApp;
use crate::page::{Browser, PASSWORD};
use axum::http::Method;
use ordinaut_core::access::Scope;
use serde_json::json;

#[tokio::test]
async fn a_filter_that_is_refused_stays_with_why() {
    let app = TestApp::start().await;
    let mut admin = Browser::of_admin(&app).await;
    for (query, said) in [
        ("kind=mail&args=seven", "customer.id=7"),
        ("kind=mail&task=seven", "task"),
        ("kind=mail&created_after=yesterday", "created_after"),
    ] {
        let list = admin.get(&format!("/ui/jobs?{query}")).await;
        assert!(matches!(list.status, 400 | 422), "{query}: {}", list.status);
        assert!(list.text.contains(r#"role="alert""#) && list.text.contains(said), "{query}: {}", list.text);
        let typed = query.rsplit_once('=').unwrap().1;
        assert!(list.text.contains(r#"value="mail""#) && list.text.contains(&format!("value=\"{typed}\"")), "{query}");
    }
}

#[tokio::test]
async fn arguments_with_blanks_are_found_and_acted_on() {
    let app = TestApp::start().await;
    let mut admin = Browser::of_admin(&app).await;
    for city in ["New York", "New Delhi"] {
        app.enqueue(json!({"kind": "trip", "args": {"city": city, "seats": 2}})).await;
    }
    let query = "args=city%3D%22New+York%22+seats%3D2";
    let list = admin.get(&format!("/ui/jobs?{query}")).await.text;
    assert!(list.contains("about 1") || list.contains(">1 job<"), "{list}");
    let asks = admin.get(&format!("/ui/jobs/bulk?verb=cancel&{query}")).await.text;
    assert!(asks.contains("1 job"), "{asks}");
    let fields = [("verb", "cancel"), ("args", r#"city="New York""#)];
    assert_eq!(admin.act("/ui/jobs/bulk", &fields).await, "It has begun.");
    let filter = "select count(*) from ordinaut.bulk where filter->'args' = '{\"city\": \"New York\"}'";
    assert_eq!(app.count(filter).await, 1);
    let narrow = admin.get("/ui/jobs?error=timed+out").await.text;
    assert!(narrow.contains("does not go by"), "{narrow}");
}

#[tokio::test]
async fn a_change_that_is_refused_is_shown_as_it_was_typed() {
    let app = TestApp::start().await;
    let mut admin = Browser::of_admin(&app).await;
    let job = app.enqueue(json!({"kind": "nobody", "delay": 3600, "args": {"n": 1}})).await;
    let token = admin.form_token().await;
    let path = format!("/ui/jobs/{job}/change");
    for (fields, said) in [
        ([("priority", "17"), ("args", r#"{"n": 2}"#)], "priority"),
        ([("priority", "3"), ("args", r#"{"n":"#)], "no JSON"),
    ] {
        let sent = [&[("form", &*token), ("queue", "elsewhere")], &fields[..]].concat();
        let again = admin.send(&path, &sent).await;
        assert!((400..500).contains(&again.status) && again.text.contains(said), "{}: {}", again.status, again.text);
        let typed = fields[1].1.replace('"', "&quot;");
        assert!(again.text.contains(&typed) && again.text.contains(r#"value="elsewhere""#), "{}", again.text);
        assert!(again.text.contains("<details class=\"menu\" open>"), "{}", again.text);
    }
    let untouched = app.job(job).await;
    assert_eq!(
        (&untouched["priority"], &untouched["args"], &untouched["queue"]),
        (&json!(5), &json!({"n": 1}), &json!("default"))
    );
}

#[tokio::test]
async fn what_an_agent_may_not_do_has_no_form_and_what_it_may_not_see_says_so() {
    let app = TestApp::start().await;
    app.person("ann", &[Scope::JobsRead]).await;
    let mut ann = Browser::new(&app);
    ann.send("/ui/sign-in", &[("name", "ann"), ("password", PASSWORD)]).await;
    for path in ["/ui/enqueue", "/ui/tasks/new"] {
        let refused = ann.get(path).await;
        assert_eq!(refused.status, 403, "{path}");
        assert!(refused.text.contains("ann may not do this"), "{}", refused.text);
    }
    app.person("tim", &[Scope::TasksRead]).await;
    let mut tim = Browser::new(&app);
    tim.send("/ui/sign-in", &[("name", "tim"), ("password", PASSWORD)]).await;
    let overview = tim.get("/ui").await;
    assert_eq!(overview.status, 200, "{}", overview.text);
    assert!(overview.text.contains("jobs:read") && overview.text.contains("/ui/tasks"), "{}", overview.text);
    assert_eq!(tim.get("/ui/tasks").await.status, 200);
    let nothing = tim.get("/ui/queues/mail/pause").await;
    assert_eq!(nothing.status, 404);
    assert!(nothing.text.contains("There is no such page"), "{}", nothing.text);
    let foreign = tim.send("/ui/queues/mail/pause", &[("form", "guessed")]).await;
    assert_eq!(foreign.status, 403);
    assert!(foreign.text.contains("<h1>") && foreign.text.contains("load the page again"), "{}", foreign.text);
}

#[tokio::test]
async fn a_kind_with_a_tool_has_a_field_for_each_argument() {
    let app = TestApp::start().await;
    let mut admin = Browser::of_admin(&app).await;
    let input = json!({
        "type": "object",
        "required": ["to"],
        "properties": {
            "copies": {"type": "integer", "maximum": 9},
            "to": {"type": "string", "description": "Who gets it. A name."},
            "how": {"enum": ["post", "pigeon"]},
            "pages": {"type": "array"},
        },
    });
    app.send(Method::PUT, "/tools/send_letter", &json!({"about": "Sends a letter", "input": input})).await;
    let outside = json!({"input": {"properties": {"text": {"type": "string"}}}, "uses": "http", "with": {"url": "https://example.org/"}});
    app.send(Method::PUT, "/tools/translate", &outside).await;

    let tools = admin.get("/ui/tools").await.text;
    assert!(tools.contains("/ui/tools/send_letter") && tools.contains("a service outside, by http"), "{tools}");
    let tool = admin.get("/ui/tools/send_letter").await.text;
    assert!(tool.contains("/ui/enqueue?kind=send_letter") && tool.contains("Who gets it"), "{tool}");
    let form = admin.get("/ui/enqueue?kind=send_letter").await.text;
    for shown in
        ["name=\"arg.to\"", "Who gets it<", "<option value=\"pigeon\">", "name=\"fields_of\" value=\"send_letter\""]
    {
        assert!(form.contains(shown), "{shown}: {form}");
    }
    assert!(admin.get("/ui/enqueue/arguments?kind=send_letter").await.text.contains("name=\"arg.to\""));
    assert!(admin.get("/ui/enqueue/arguments?kind=plain").await.text.contains("name=\"args\""));
    assert!(
        admin.get("/ui/enqueue?kind=send_letter&args=%7B%7D").await.text.contains("name=\"args\""),
        "JSON was asked for"
    );

    let token = admin.form_token().await;
    let form = [("form", &*token), ("kind", "send_letter"), ("fields_of", "send_letter")];
    let typed = [("arg.to", "Ann"), ("arg.copies", "12"), ("arg.how", "pigeon"), ("arg.pages", "[1]")];
    let refused = admin.send("/ui/enqueue", &[&form[..], &typed[..]].concat()).await;
    assert!(refused.status == 422 && refused.text.contains("args.copies"), "{}", refused.text);
    for kept in [">Ann</textarea>", "value=\"12\"", "<option value=\"pigeon\" selected>", ">[1]</textarea>"] {
        assert!(refused.text.contains(kept), "{kept} is lost: {}", refused.text);
    }
    let mut typed = typed;
    typed[1].1 = "two";
    let refused = admin.send("/ui/enqueue", &[&form[..], &typed[..]].concat()).await;
    assert!(refused.status == 422 && refused.text.contains("copies must be a number"), "{}", refused.text);
    typed[1].1 = "2";
    let enqueued = admin.send("/ui/enqueue", &[&form[..], &typed[..]].concat()).await;
    assert_eq!(enqueued.status, 303, "{}", enqueued.text);
    let id = enqueued.header("location").rsplit('/').next().unwrap().parse().unwrap();
    assert_eq!(app.job(id).await["args"], json!({"to": "Ann", "copies": 2, "how": "pigeon", "pages": [1]}));

    let other = [("form", &*token), ("kind", "translate"), ("fields_of", "send_letter"), ("arg.to", "Ann")];
    let refused = admin.send("/ui/enqueue", &other).await;
    assert!(refused.status == 422 && refused.text.contains("name=\"arg.text\""), "{}", refused.text);
    let other = [("form", &*token), ("kind", "translate"), ("fields_of", "translate"), ("arg.text", "Hello")];
    let enqueued = admin.send("/ui/enqueue", &other).await;
    assert_eq!(enqueued.status, 303, "{}", enqueued.text);
    let id = enqueued.header("location").rsplit('/').next().unwrap().parse().unwrap();
    let job = app.job(id).await;
    assert_eq!(
        (&job["kind"], &job["args"]),
        (&json!("tool"), &json!({"tool": "translate", "args": {"text": "Hello"}}))
    );
}
