//! Signatures of `http` jobs, checked by the receiver of the examples.

use crate::fixture::Fixture;
use crate::server::{Call, Server, with_header};
use ordinaut_runtime::settings::executors::ExecutorSettings;
use serde_json::json;
use signed_receiver::{Receiver, Refused};
use std::time::{SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

#[allow(dead_code, reason = "its main is for people")]
#[path = "../../examples/signed_receiver.rs"]
mod signed_receiver;

/// A worker's directory with these secrets.
pub(crate) fn with_secrets(secrets: &[(&str, &str)]) -> (TempDir, ExecutorSettings) {
    let directory = TempDir::new().unwrap();
    for (name, value) in secrets {
        std::fs::write(directory.path().join(name), format!("{value}\n")).unwrap();
    }
    let secrets_dir = Some(directory.path().to_owned());
    (directory, ExecutorSettings { secrets_dir, ..ExecutorSettings::default() })
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn check(receiver: &Receiver, call: &Call, uri: &str, body: &[u8], now: u64) -> Result<(), Refused> {
    receiver.check((&call.method, &uri.parse().unwrap(), &call.headers, body), now)
}

#[tokio::test]
async fn a_receiver_takes_a_signed_request_once_and_nothing_else() {
    let (fixture, server) = (Fixture::new().await, Server::answering(|_| "").await);
    let (_directory, given) = with_secrets(&[("hook", "the secret of both sides")]);
    let args =
        json!({"url": server.url("/a%20b?c=d&e"), "method": "PUT", "body": {"n": 1}, "sign": {"secret": "hook"}});
    fixture.run_given(&given, "http", args.clone()).await.succeeded();
    let calls = server.calls();
    let (call, uri) = (&calls[0], "/a%20b?c=d&e");
    let receiver = Receiver::new("the secret of both sides");
    let checked = |uri: &str, body: &[u8], now: u64| check(&receiver, call, uri, body, now);

    assert_eq!(checked("/a%20b?c=d", &call.body, now()), Err(Refused::Forged));
    assert_eq!(checked(uri, b"{}", now()), Err(Refused::Forged));
    assert_eq!(checked(uri, &call.body, now() + 302), Err(Refused::Old));
    assert_eq!(check(&Receiver::new("another secret"), call, uri, &call.body, now()), Err(Refused::Forged));
    assert_eq!(checked(uri, &call.body, now()), Ok(()));
    assert_eq!(checked(uri, &call.body, now()), Err(Refused::Replayed));

    // The same job once more is another request.
    fixture.run_given(&given, "http", args).await.succeeded();
    let calls = server.calls();
    assert_eq!(check(&receiver, &calls[0], uri, &calls[0].body, now()), Ok(()));
}

#[tokio::test]
async fn a_redirect_is_signed_anew_and_another_origin_gets_no_signature() {
    let fixture = Fixture::new().await;
    let other = Server::answering(|_| "").await;
    let away = other.url("/away");
    let server = Server::answering(move |call| {
        let location = if call.path == "/1" { "/2".to_owned() } else { away.clone() };
        with_header(302, "location", location)
    })
    .await;
    let (_directory, given) = with_secrets(&[("hook", "the secret of both sides")]);
    let args = json!({"url": server.url("/1"), "sign": {"secret": "hook"}});
    fixture.run_given(&given, "http", args).await.succeeded();
    let (calls, away) = (server.calls(), other.calls());
    let receiver = Receiver::new("the secret of both sides");
    for call in &calls {
        assert_eq!(check(&receiver, call, &call.path, &call.body, now()), Ok(()));
    }
    assert_eq!((calls.len(), away.len(), away[0].header("x-ordinaut-signature")), (2, 1, ""));
}

#[tokio::test]
async fn a_secret_that_is_not_there_is_waited_for_and_a_name_that_can_be_none_is_not() {
    let (fixture, server) = (Fixture::new().await, Server::answering(|_| "").await);
    let (_directory, given) = with_secrets(&[("short", "1234567")]);
    let args = |name: &str| json!({"url": server.url("/"), "sign": {"secret": name}});
    let ran = fixture.run_given(&given, "http", args("none")).await;
    assert!(ran.failed().starts_with("the secret \"none\" of this worker could not be read"), "{:?}", ran.run);
    let ran = fixture.run_given(&given, "http", args("short")).await;
    assert!(ran.failed().contains("less than 8 bytes"), "{:?}", ran.run);
    let ran = fixture.run_given(&given, "http", args("../short")).await;
    assert!(ran.died().starts_with("args.sign.secret cannot be used"), "{:?}", ran.run);
    let ran = fixture.run("http", args("short")).await;
    assert_eq!(ran.failed(), "this worker has no secrets: WORKER_SECRETS_DIR is not set");
    assert_eq!(server.calls().len(), 0);
}
