//! The page of alerts.

use crate::alerts::firing;
use crate::app::TestApp;
use crate::page::Browser;
use ordinaut_test_support::fixture::LIMIT;
use serde_json::json;
use std::time::Instant;

#[tokio::test]
async fn the_page_shows_what_fires_first_and_acknowledges_silences_and_switches_off() {
    let app = TestApp::start().await;
    let mut admin = Browser::of_admin(&app).await;
    let quiet = admin.get("/ui/alerts").await.text;
    assert!(
        quiet.contains("No alert fires.") && quiet.contains("disk-full") && !quiet.contains("class=\"firing\""),
        "{quiet}"
    );
    let alert = firing(&app).await;
    let id = alert["id"].as_str().unwrap();
    // The number beside the place is looked up every two seconds.
    let mut list = String::new();
    let begun = Instant::now();
    while !list.contains("<span class=\"firing\">1</span>") {
        assert!(begun.elapsed() < LIMIT, "{list}");
        list = admin.get("/ui/alerts").await.text;
    }
    assert!(list.contains("jobs that wait in queue mail: 1") && list.find(">Firing<") < list.find(">Rules<"), "{list}");
    assert_eq!(admin.act(&format!("/ui/alerts/{id}/acknowledge"), &[("note", "coming")]).await, "It is acknowledged.");
    let fields = [("hours", "2"), ("reason", "we move the mail")];
    let said = admin.act(&format!("/ui/alerts/{id}/silence"), &fields).await;
    assert_eq!(said, "Nobody is told of deep about mail for a while.");
    let said = admin.act(&format!("/ui/alerts/{id}/silence"), &[("hours", "-1"), ("reason", "x")]).await;
    assert!(said.contains("must be a number above 0"), "{said}");
    let shown = admin.get(&format!("/ui/alerts/{id}")).await.text;
    assert!(shown.contains("coming") && shown.contains("Silenced") && !shown.contains("Silence…"), "{shown}");
    let silence = app.get("/alert-silences").await.json()["silences"][0].clone();
    assert_eq!((&silence["rule"], &silence["subject"]), (&json!("deep"), &json!("mail")));
    let taken = format!("/ui/alert-silences/{}/delete", silence["id"].as_str().unwrap());
    assert_eq!(admin.act(&taken, &[]).await, "What fires is told again.");
    assert_eq!(admin.act("/ui/alert-rules/deep/disable", &[]).await, "Rule deep is switched off.");
    assert_eq!(app.get("/alert-rules/deep").await.json()["enabled"], false);
    assert_eq!(admin.act("/ui/alert-rules/deep/enable", &[]).await, "Rule deep is switched on.");

    let reader = app.agent(&json!({"name": "reader", "scopes": ["jobs:read"]})).await;
    let seen = Browser::with_token(&app, &reader).await.get("/ui/alerts").await.text;
    assert!(
        seen.contains("jobs that wait in queue mail: 1")
            && !seen.contains("<form class=\"button\" method=\"post\" action=\"/ui/alert"),
        "{seen}"
    );
}
