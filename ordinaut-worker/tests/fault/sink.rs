//! A server that `http` jobs call: it notes when which token's call began and ended, so that what
//! handlers really did is seen from outside.

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use uuid::Uuid;

/// If the call does not say: long enough that claims and their handlers are many moments apart, so
/// that a claim can be lost under its handler.
const TAKES: Duration = Duration::from_millis(30);

/// Under which token a handler was started, and when, in seconds of the clock that Postgres has
/// too.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) job_id: Uuid,
    pub(crate) attempt: i32,
    pub(crate) session: i64,
    pub(crate) nonce: i32,
    pub(crate) began: f64,
    /// Under which a receiver would do it once.
    pub(crate) key: String,
    /// Answered, or the caller was gone. Infinite: neither yet.
    pub(crate) ended: f64,
}

type Calls = Arc<Mutex<Vec<Call>>>;

pub(crate) struct Sink {
    /// The path may be how many milliseconds a call takes.
    pub(crate) url: String,
    calls: Calls,
}

impl Sink {
    pub(crate) async fn start() -> Self {
        let calls = Calls::default();
        let heard = calls.clone();
        let router = Router::new().fallback(move |uri: Uri, headers: HeaderMap, _read: Bytes| async move {
            // Dropped with this future when the caller is gone.
            let _entry = Entry::new(heard, Call::of(&headers));
            tokio::time::sleep(uri.path()[1..].parse().map_or(TAKES, Duration::from_millis)).await;
            StatusCode::NO_CONTENT
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, router).into_future());
        Self { url, calls }
    }

    /// All calls so far, in the order in which they came.
    pub(crate) fn log(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// The jobs whose calls are neither answered nor given up.
    pub(crate) fn open(&self) -> Vec<Uuid> {
        self.calls.lock().unwrap().iter().filter(|call| call.ended.is_infinite()).map(|call| call.job_id).collect()
    }

    /// The calls so far, by job and in the order in which they came.
    pub(crate) fn calls(&self) -> HashMap<Uuid, Vec<Call>> {
        let mut by_job: HashMap<_, Vec<_>> = HashMap::new();
        self.log().into_iter().for_each(|call| by_job.entry(call.job_id).or_default().push(call));
        by_job
    }
}

impl Call {
    fn of(headers: &HeaderMap) -> Self {
        let token = headers["x-ordinaut-token"].to_str().unwrap();
        let mut parts = token.split(':');
        let mut part = || parts.next().unwrap();
        let job_id = part().parse().unwrap();
        let (attempt, session) = (part().parse().unwrap(), part().parse().unwrap());
        let (nonce, key) = (part().parse().unwrap(), headers["idempotency-key"].to_str().unwrap().to_owned());
        Self { job_id, attempt, session, nonce, key, began: clock(), ended: f64::INFINITY }
    }

    pub(crate) fn token(&self) -> (Uuid, i32, i64, i32) {
        (self.job_id, self.attempt, self.session, self.nonce)
    }
}

/// One call's line in the log.
struct Entry {
    calls: Calls,
    line: usize,
}

impl Entry {
    fn new(calls: Calls, call: Call) -> Self {
        let mut log = calls.lock().unwrap();
        log.push(call);
        let line = log.len() - 1;
        drop(log);
        Self { calls, line }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.calls.lock().unwrap()[self.line].ended = clock();
    }
}

/// Seconds of the machine's clock.
pub(crate) fn clock() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}
