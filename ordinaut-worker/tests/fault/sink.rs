//! A server that `http` jobs call: it notes the token of every call, so that a handler's start is seen from outside.

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use uuid::Uuid;

/// Long enough that claims and their handlers are many moments apart, so that a claim can be lost under its handler.
const TAKES: Duration = Duration::from_millis(30);

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Call {
    pub(crate) job_id: Uuid,
    pub(crate) attempt: i32,
    pub(crate) session: i64,
    pub(crate) nonce: i32,
}

pub(crate) struct Sink {
    pub(crate) url: String,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Sink {
    pub(crate) async fn start() -> Self {
        let calls = Arc::<Mutex<Vec<Call>>>::default();
        let heard = calls.clone();
        let router = Router::new().fallback(move |headers: HeaderMap| async move {
            heard.lock().unwrap().push(Call::of(&headers));
            tokio::time::sleep(TAKES).await;
            StatusCode::NO_CONTENT
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, router).into_future());
        Self { url, calls }
    }

    /// The calls so far, in the order of jobs, and of claims within one.
    pub(crate) fn calls(&self) -> Vec<Call> {
        let mut calls = self.calls.lock().unwrap().clone();
        calls.sort();
        calls
    }
}

impl Call {
    fn of(headers: &HeaderMap) -> Self {
        let token = headers["x-ordinaut-token"].to_str().unwrap();
        let mut parts = token.split(':');
        let mut part = || parts.next().unwrap();
        Self {
            job_id: part().parse().unwrap(),
            attempt: part().parse().unwrap(),
            session: part().parse().unwrap(),
            nonce: part().parse().unwrap(),
        }
    }
}
