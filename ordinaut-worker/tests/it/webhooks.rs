//! Webhooks: each event that is wanted is delivered, signed, and tried again.

use crate::fixture::Fixture;
use crate::server::{Call, Server, status, with_header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ordinaut_core::event::EventType;
use ordinaut_core::webhook::{NewWebhook, Webhook, WebhookSecret};
use ordinaut_core::worker::Step;
use ordinaut_core::{Client, Scheduler};
use ring::hmac;
use serde_json::{Value, json};
use std::time::Duration;

/// Does all duties of a scheduler: the first time events get their numbers, and then they become
/// deliveries.
async fn dispatch(db: &Client) {
    for _ in 0..2 {
        Scheduler::new(db.clone()).run(std::future::ready(())).await;
    }
}

async fn make(db: &Client, webhook: NewWebhook) -> (Webhook, WebhookSecret) {
    db.webhooks().create(&webhook, "test").await.unwrap()
}

/// Whether a call carries the signature that a receiver with this secret computes.
fn is_signed(call: &Call, secret: &WebhookSecret) -> bool {
    let signed = format!("{}.{}.", call.header("webhook-id"), call.header("webhook-timestamp"));
    let signed = [signed.as_bytes(), &call.body].concat();
    let key = STANDARD.decode(secret.reveal().strip_prefix("whsec_").unwrap()).unwrap();
    let expected = STANDARD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &signed));
    call.header("webhook-signature").split(' ').any(|signature| signature == format!("v1,{expected}"))
}

#[tokio::test]
async fn each_event_that_is_wanted_is_delivered_once_and_signed() {
    let (fixture, server) = (Fixture::new().await, Server::answering(|_| "thanks").await);
    let db = &fixture.database;
    fixture.enqueue("echo", json!({})).await;
    let wanted = NewWebhook::new("w", server.url("/hook")).types([EventType::Enqueued, EventType::Dead]);
    let (webhook, secret) = make(db, wanted.queues(["default"])).await;
    let id = fixture.enqueue("echo", json!({"n": 1})).await;
    dispatch(db).await;
    dispatch(db).await;

    let mut worker = fixture.worker(&["127.0.0.0/8"]);
    while worker.step().await.unwrap() != Step::Idle {}

    let calls = server.calls();
    // Not of the job before, not of what was not wanted, and not of the delivery itself.
    assert_eq!(calls.len(), 1, "{:?}", calls.iter().map(|call| &call.body).collect::<Vec<_>>());
    let body: Value = serde_json::from_slice(&calls[0].body).unwrap();
    assert_eq!((&body["type"], &body["data"]["jobs"][0]["id"]), (&json!("enqueued"), &json!(id)));
    assert!(is_signed(&calls[0], &secret));
    assert_eq!((calls[0].method.as_str(), &*calls[0].path), ("POST", "/hook"));
    let [delivery] = &db.webhooks().deliveries(&webhook, 10, None).await.unwrap()[..] else { panic!("one") };
    assert_eq!((delivery.attempt, delivery.error.as_deref()), (1, None));

    // Once more, with the same id, so that the receiver knows it.
    let again = db.webhooks().redeliver("w", delivery.n).await.unwrap().unwrap();
    assert_eq!(worker.step().await.unwrap(), Step::Worked(again));
    let repeated = server.calls();
    assert_eq!(repeated[0].header("webhook-id"), calls[0].header("webhook-id"));
    assert_eq!(db.webhooks().redeliver("w", delivery.n + 1000).await.unwrap(), None);
}

#[tokio::test]
async fn a_new_secret_signs_beside_the_old_one() {
    let (fixture, server) = (Fixture::new().await, Server::answering(|_| "").await);
    let db = &fixture.database;
    let (_, old) = make(db, NewWebhook::new("w", server.url("/")).types([EventType::Enqueued])).await;
    let new = db.webhooks().rotate("w", Duration::from_secs(3600)).await.unwrap().unwrap();
    fixture.enqueue("nobody", json!({})).await;
    dispatch(db).await;
    fixture.worker(&["127.0.0.0/8"]).step().await.unwrap();
    let call = &server.calls()[0];
    assert!(is_signed(call, &old) && is_signed(call, &new));

    let newest = db.webhooks().rotate("w", Duration::ZERO).await.unwrap().unwrap();
    fixture.enqueue("nobody", json!({})).await;
    dispatch(db).await;
    fixture.worker(&["127.0.0.0/8"]).step().await.unwrap();
    let call = &server.calls()[0];
    assert!(is_signed(call, &newest) && !is_signed(call, &old) && !is_signed(call, &new));
}

#[tokio::test]
async fn a_delivery_that_fails_is_tried_again_and_counts_against_its_webhook() {
    let fixture = Fixture::new().await;
    let db = &fixture.database;
    let server = Server::answering(|_| with_header(503, "retry-after", "7")).await;
    let (webhook, _) = make(db, NewWebhook::new("w", server.url("/")).types([EventType::Enqueued])).await;
    fixture.enqueue("nobody", json!({})).await;
    dispatch(db).await;
    fixture.worker(&["127.0.0.0/8"]).step().await.unwrap();

    let [delivery] = &db.webhooks().deliveries(&webhook, 10, None).await.unwrap()[..] else { panic!("one") };
    assert_eq!(delivery.error.as_deref(), Some("127.0.0.1 answered 503, and 2xx was expected"));
    let found = db.webhooks().get("w").await.unwrap().unwrap();
    assert!(found.failing_since.is_some() && found.disabled_at.is_none(), "{found:?}");

    // After five days of it, it is told nothing more, and the log says so.
    sqlx::query("update ordinaut.webhook set failing_since = now() - interval '6 days'")
        .execute(db.pool())
        .await
        .unwrap();
    db.jobs().run_now(delivery.job_id).await.unwrap();
    fixture.worker(&["127.0.0.0/8"]).step().await.unwrap();
    assert!(db.webhooks().get("w").await.unwrap().unwrap().disabled_at.is_some());
    dispatch(db).await;
    let events = db.events().after(0, 100).await.unwrap();
    assert!(
        events.iter().any(|event| event.r#type == EventType::WebhookDisabled && event.subject.as_deref() == Some("w"))
    );
    db.jobs().run_now(delivery.job_id).await.unwrap();
    fixture.worker(&["127.0.0.0/8"]).step().await.unwrap();
    assert_eq!(server.calls().len(), 2, "a disabled one is told nothing");
    let enabled = db.webhooks().enable("w").await.unwrap().unwrap();
    assert!(enabled.failing_since.is_none() && enabled.disabled_at.is_none());
}

#[tokio::test]
async fn a_receiver_that_is_gone_or_not_to_be_called_is_not_called_again() {
    let fixture = Fixture::new().await;
    let db = &fixture.database;
    let server = Server::answering(|_| status(410)).await;
    let (webhook, _) = make(db, NewWebhook::new("w", server.url("/")).types([EventType::Enqueued])).await;
    fixture.enqueue("nobody", json!({})).await;
    dispatch(db).await;
    fixture.worker(&["127.0.0.0/8"]).step().await.unwrap();
    let of = async || db.webhooks().deliveries(&webhook, 1, None).await.unwrap().items.remove(0);
    let gone = of().await;
    assert_eq!(
        (gone.state.unwrap().to_string(), gone.error.as_deref()),
        ("dead".to_owned(), Some("127.0.0.1 answered 410 Gone"))
    );
    assert_eq!(server.calls().len(), 1);

    // Loopback is allowed to no worker unless its settings say so.
    fixture.enqueue("nobody", json!({})).await;
    dispatch(db).await;
    fixture.worker(&[]).step().await.unwrap();
    assert!(of().await.error.unwrap().contains("loopback"), "private addresses are not called");
    assert_eq!(server.calls().len(), 0);
}
