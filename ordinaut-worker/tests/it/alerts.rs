//! A machine whose disk fills, and that goes silent: what is told of it, by the stock worker's own
//! jobs.

use crate::email::Sink;
use crate::fixture::Fixture;
use crate::server::Server;
use ordinaut_core::alert::{Alert, AlertFilter, AlertRule, AlertSource, AlertState, Severity};
use ordinaut_core::event::EventType;
use ordinaut_core::node::{NodeLevel, NodeReport};
use ordinaut_core::worker::Step;
use ordinaut_core::{Client, Scheduler};
use ordinaut_worker::Commands;
use serde_json::{Value, json};

/// A full turn of a scheduler: the level of machines, the rules five seconds later, the numbers of
/// events.
async fn turn(db: &Client) {
    for _ in 0..3 {
        sqlx::query("update ordinaut.alert_turn set evaluated_at = '-infinity'").execute(db.pool()).await.unwrap();
        Scheduler::new(db.clone()).run(std::future::ready(())).await;
    }
}

async fn report(db: &Client, disk: i64) {
    let mut report = NodeReport::new("web-1");
    (report.cores, report.cpu, report.memory_total, report.memory_used) = (4, 10.0, 100, 20);
    (report.disk_total, report.disk_used) = (100, disk);
    db.nodes().report(&report, "test").await.unwrap();
}

async fn alerts(db: &Client) -> Vec<Alert> {
    db.alerts().list(&AlertFilter::default().rule("sick"), 10, None).await.unwrap().items
}

#[tokio::test]
async fn a_full_disk_and_a_silent_machine_are_each_told_once_by_mail_and_webhook_and_once_when_they_are_over() {
    let (fixture, sink) = (Fixture::new().await, Sink::new().await);
    let server = Server::answering(|_| "thanks").await;
    let db = &fixture.database;
    let rule = AlertRule::new(AlertSource::NodeLevel, 2.0).severity(Severity::Critical);
    let rule = rule.webhook(server.url("/hook")).email(["ann@example.org"]);
    db.alerts().put_rule("sick", &rule).await.unwrap();
    let work = async || {
        let mut worker = fixture.worker_given(&["127.0.0.0/8"], Commands::default(), sink.given());
        while worker.step().await.unwrap() != Step::Idle {}
    };
    report(db, 91).await;
    turn(db).await;
    turn(db).await;
    let node = db.nodes().get("web-1").await.unwrap().unwrap();
    assert_eq!((node.level, node.causes.join(" ")), (NodeLevel::Critical, "disk=critical".to_owned()));
    let [alert] = &alerts(db).await[..] else { panic!("one alert") };
    assert_eq!((alert.state, &*alert.subject, alert.value), (AlertState::Firing, "web-1", 2.0));
    db.alerts().acknowledge(alert.id, "ann", None).await.unwrap();
    work().await;
    let (calls, mails) = (server.calls(), sink.mails());
    assert_eq!((calls.len(), mails.len()), (1, 1));
    let body: Value = serde_json::from_slice(&calls[0].body).unwrap();
    assert_eq!((&body["type"], &body["alert"]["subject"]), (&json!("alert_firing"), &json!("web-1")));
    assert!(mails[0].text.contains("Subject: [critical] sick: web-1"), "{}", mails[0].text);

    report(db, 40).await;
    turn(db).await;
    work().await;
    let (calls, mails) = (server.calls(), sink.mails());
    assert_eq!((calls.len(), mails.len()), (1, 1));
    assert!(String::from_utf8_lossy(&calls[0].body).contains("alert_resolved"));
    assert!(mails[0].text.contains("Subject: [over] sick: web-1"), "{}", mails[0].text);

    sqlx::query("update ordinaut.node set seen_at = seen_at - interval '121 s'").execute(db.pool()).await.unwrap();
    turn(db).await;
    turn(db).await;
    work().await;
    assert_eq!((server.calls().len(), sink.mails().len()), (1, 1));
    let states: Vec<_> = alerts(db).await.iter().map(|alert| (alert.state, alert.value)).collect();
    assert_eq!(states, [(AlertState::Firing, 3.0), (AlertState::Resolved, 2.0)]);

    let told = db.events().after(0, 500).await.unwrap().into_iter().map(|event| event.r#type);
    let told: Vec<_> = told.filter(|kind| kind.as_str().starts_with("alert_")).collect();
    use EventType::{AlertAcknowledged, AlertFiring, AlertResolved};
    assert_eq!(told, [AlertFiring, AlertAcknowledged, AlertResolved, AlertFiring]);
}
