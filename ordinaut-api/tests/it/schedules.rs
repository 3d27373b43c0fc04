//! `/schedules` and `/calendars`.

use crate::app::TestApp;
use chrono::{DateTime, Utc};
use reqwest::Method;
use serde_json::{Value, json};

async fn preview(app: &TestApp, body: Value) -> Value {
    let answer = app.send(Method::POST, "/schedules/preview", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

#[tokio::test]
async fn a_preview_tells_instants_in_both_clocks_and_warns_of_a_gap() {
    let app = TestApp::start().await;
    let told = preview(
        &app,
        json!({"kind": "cron", "expr": "30 2 * * *", "timezone": "America/New_York",
                                    "after": "2027-03-13T12:00:00Z", "count": 2}),
    )
    .await;
    let expected = json!({
        "next": [{"utc": "2027-03-14T07:00:00Z", "local": "2027-03-14T03:00:00-04:00"},
                 {"utc": "2027-03-15T06:30:00Z", "local": "2027-03-15T02:30:00-04:00"}],
        "warnings": ["the clock skips 2027-03-14 02:30: due at 2027-03-14T03:00:00-04:00 instead",
                     "the clock skips 2028-03-12 02:30: due at 2028-03-12T03:00:00-04:00 instead"],
        "cost": {"fires_a_day": 1.0, "work": 2.0, "score": 2.0},
    });
    assert_eq!(told, expected);
    let told = preview(
        &app,
        json!({"kind": "rrule", "expr": "FREQ=DAILY;COUNT=2", "dtstart": "2027-01-01T09:00:00",
                                    "exdates": ["2027-01-01T09:00:00"], "after": "2026-12-31T00:00:00Z"}),
    )
    .await;
    assert_eq!(told["next"], json!([{"utc": "2027-01-02T07:00:00Z", "local": "2027-01-02T09:00:00+02:00"}]));
    assert_eq!(told["warnings"], json!(["ends at 2027-01-02T09:00:00+02:00"]));
}

#[tokio::test]
async fn a_preview_begins_now_and_shows_five() {
    let app = TestApp::start().await;
    let told = preview(&app, json!({"kind": "every", "expr": "1h"})).await;
    let next = told["next"].as_array().unwrap();
    let first: DateTime<Utc> = serde_json::from_value(next[0]["utc"].clone()).unwrap();
    assert_eq!(next.len(), 5);
    assert!(first > Utc::now() && next[0]["local"].as_str().unwrap().contains("+0"), "{told}");
    let never = preview(&app, json!({"kind": "event", "expr": "orders.#"})).await;
    assert_eq!(never, json!({"next": [], "warnings": ["it is not due by the clock"], "cost": null}));
}

#[tokio::test]
async fn a_preview_that_cannot_be_told_names_the_field() {
    let app = TestApp::start().await;
    let huge = vec!["2027-01-01T00:00:00"; 1001];
    for (body, field) in [
        (json!({"kind": "cron", "expr": "0 0 30 2 *"}), "expr"),
        (json!({"kind": "rrule", "expr": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}), "expr"),
        (json!({"kind": "rrule", "expr": "FREQ=DAILY;INTERVAL=0"}), "expr"),
        (json!({"kind": "rrule", "expr": "FREQ=DAILY;COUNT=1"}), "dtstart"),
        (json!({"kind": "rrule", "expr": "FREQ=DAILY;COUNT=2"}), "dtstart"),
        (json!({"kind": "rrule", "expr": "FREQ=SECONDLY;BYSETPOS=1"}), "expr"),
        (json!({"kind": "every", "expr": "1h", "gap": "shifted"}), "gap"),
        (json!({"kind": "every", "expr": "0s"}), "expr"),
        (json!({"kind": "cron", "expr": "x".repeat(500_000)}), "expr"),
        (json!({"kind": "cron"}), "expr"),
        (json!({"expr": "@daily"}), "kind"),
        (json!({"kind": "hourly", "expr": "@daily"}), "kind"),
        (json!({"kind": "cron", "expr": "@daily", "timezone": "Europe/Chisinow"}), "timezone"),
        (json!({"kind": "cron", "expr": "@daily", "timezone": 7}), "timezone"),
        (json!({"kind": "cron", "expr": "@daily", "timezon": "UTC"}), "timezon"),
        (json!({"kind": "cron", "expr": "@daily", "count": 0}), "count"),
        (json!({"kind": "cron", "expr": "@daily", "count": 101}), "count"),
        (json!({"kind": "cron", "expr": "@daily", "count": -1}), "count"),
        (json!({"kind": "cron", "expr": "@daily", "after": "tomorrow"}), "after"),
        (json!({"kind": "every", "expr": "1h", "after": "9999-12-31T23:59:59Z"}), "after"),
        (json!({"kind": "rrule", "expr": "FREQ=DAILY", "rdates": huge}), "rdates"),
        (json!({"kind": "rrule", "expr": "FREQ=DAILY", "exdates": ["+262142-01-01T00:00:00"]}), "exdates"),
        (json!({"kind": "cron", "expr": "@daily", "calendars": ["holidays"]}), "calendars"),
        (json!({"kind": "cron", "expr": "@daily", "calendars": ["\0"]}), "calendars"),
        (json!({"kind": "cron", "expr": "@daily", "calendars": [1]}), "calendars[0]"),
        (json!([]), "body"),
        (json!("cron"), "body"),
    ] {
        let shown: String = body.to_string().chars().take(100).collect();
        let answer = app.send(Method::POST, "/schedules/preview", &body).await;
        assert_eq!((answer.status, &*answer.problem()), (422, field), "{shown}: {}", answer.text);
    }
}

#[tokio::test]
async fn presets_are_told_with_what_they_stand_for() {
    let app = TestApp::start().await;
    let presets = app.get("/schedules/presets").await.json();
    let presets = presets["presets"].as_array().unwrap();
    let quarterly = presets.iter().find(|preset| preset["name"] == "@quarterly").unwrap();
    assert_eq!(quarterly["expr"], "0 9 1 1,4,7,10 *");
    assert!(presets.iter().all(|preset| preset["description"].is_string()));
}

#[tokio::test]
async fn a_calendar_is_kept_followed_and_not_deleted_while_a_task_goes_by_it() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/calendars").await.json(), json!({"calendars": [], "next": null}));
    let holidays = json!({"mode": "exclude", "dates": ["2027-05-02", "2027-05-01"]});
    let answer = app.send(Method::PUT, "/calendars/public%20holidays", &holidays).await;
    let stored = json!({"name": "public holidays", "mode": "exclude", "dates": ["2027-05-01", "2027-05-02"]});
    assert_eq!((answer.status, answer.json()), (200, stored.clone()), "{}", answer.text);
    assert_eq!(app.get("/calendars").await.json(), json!({"calendars": [stored], "next": null}));

    let told = preview(
        &app,
        json!({"kind": "cron", "expr": "0 9 * * *", "calendars": ["public holidays"],
                                    "after": "2027-04-30T12:00:00Z", "count": 1}),
    )
    .await;
    assert_eq!(told["next"][0]["local"], "2027-05-03T09:00:00+03:00");

    let task = app
        .create_task(&json!({"title": "t", "kind": "k", "calendars": ["public holidays"],
                             "schedule": {"kind": "once", "expr": "2099-05-01T09:00"}}))
        .await;
    let used = app.send(Method::DELETE, "/calendars/public%20holidays", &json!({})).await;
    assert_eq!((used.status, used.problem()), (409, String::new()));
    assert_eq!(used.json()["task_id"], task["id"]);
    let never = json!({"mode": "exclude", "dates": ["2099-05-01"]});
    let refused = app.send(Method::PUT, "/calendars/public%20holidays", &never).await;
    assert_eq!((refused.status, &*refused.problem()), (422, "dates"), "{}", refused.text);
    assert!(refused.text.contains(task["id"].as_str().unwrap()), "{}", refused.text);

    app.send(Method::DELETE, &format!("/tasks/{}", task["id"].as_str().unwrap()), &json!({})).await;
    assert_eq!(app.send(Method::DELETE, "/calendars/public%20holidays", &json!({})).await.status, 204);
    assert_eq!(app.send(Method::DELETE, "/calendars/public%20holidays", &json!({})).await.status, 404);
}

#[tokio::test]
async fn a_calendar_that_cannot_be_kept_names_the_field() {
    let app = TestApp::start().await;
    let good = json!({"mode": "allow", "dates": []});
    let long = format!("/calendars/{}", "x".repeat(101));
    let many = vec!["2027-01-01"; 10_001];
    for (path, body, field) in [
        ("/calendars/%00", &good, "name"),
        ("/calendars/%FF", &good, "name"),
        (&long, &good, "name"),
        ("/calendars/c", &json!({"dates": []}), "mode"),
        ("/calendars/c", &json!({"mode": "both", "dates": []}), "mode"),
        ("/calendars/c", &json!({"mode": "allow"}), "dates"),
        ("/calendars/c", &json!({"mode": "allow", "dates": ["2027-01-01", "2027-02-30"]}), "dates[1]"),
        ("/calendars/c", &json!({"mode": "allow", "dates": ["-262143-01-01"]}), "dates"),
        ("/calendars/c", &json!({"mode": "allow", "dates": [], "name": "d"}), "name"),
    ] {
        let answer = app.send(Method::PUT, path, body).await;
        let named = answer.problem();
        let told = if named == "body" { answer.text.contains(&format!("`{field}`")) } else { named == field };
        assert!(answer.status == 422 && told, "{path} {body}: {}", answer.text);
    }
    // The same date ten thousand times is one date.
    assert_eq!(app.send(Method::PUT, "/calendars/c", &json!({"mode": "allow", "dates": many})).await.status, 200);
    for path in ["/calendars/%00", "/calendars/%FF", "/calendars/d"] {
        assert_eq!(app.send(Method::DELETE, path, &json!({})).await.status, 404, "{path}");
    }
}
