//! A server that `http` jobs call: it notes the token of every call, so that a handler's start is seen from outside.

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use uuid::Uuid;

/// Long enough that claims and their handlers are many moments apart, so that a claim can be lost under its handler.
const TAKES: Duration = Duration::from_millis(30);

/// Under which token a handler was started.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Call {
    pub(crate) attempt: i32,
    pub(crate) session: i64,
    pub(crate) nonce: i32,
}

/// By job, in the order in which they came.
type Calls = Arc<Mutex<HashMap<Uuid, Vec<Call>>>>;

pub(crate) struct Sink {
    pub(crate) url: String,
    calls: Calls,
}

impl Sink {
    pub(crate) async fn start() -> Self {
        let calls = Calls::default();
        let heard = calls.clone();
        let router = Router::new().fallback(move |headers: HeaderMap| async move {
            let (job_id, call) = Call::of(&headers);
            heard.lock().unwrap().entry(job_id).or_default().push(call);
            tokio::time::sleep(TAKES).await;
            StatusCode::NO_CONTENT
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, router).into_future());
        Self { url, calls }
    }

    /// The calls so far, by job and in the order in which they came.
    pub(crate) fn calls(&self) -> HashMap<Uuid, Vec<Call>> {
        self.calls.lock().unwrap().clone()
    }
}

impl Call {
    fn of(headers: &HeaderMap) -> (Uuid, Self) {
        let token = headers["x-ordinaut-token"].to_str().unwrap();
        let mut parts = token.split(':');
        let mut part = || parts.next().unwrap();
        let job_id = part().parse().unwrap();
        let (attempt, session) = (part().parse().unwrap(), part().parse().unwrap());
        (job_id, Self { attempt, session, nonce: part().parse().unwrap() })
    }
}
