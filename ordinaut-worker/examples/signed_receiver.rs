//! A server that takes only what a worker has signed: it checks the signature of an `http` job with
//! `sign`, and refuses a replay and whatever is older than 300 s.
//!
//! ```sh
//! SECRET='the secret of both sides' cargo run -p ordinaut-worker --example signed_receiver
//! ```

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use ring::digest::{SHA256, digest};
use ring::hmac::{HMAC_SHA256, Key, verify};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds by which a request may be older than it says, or our clock behind the worker's.
const WINDOW: u64 = 300;

/// Why a request is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Unsigned,
    Forged,
    Old,
    Replayed,
}

/// What the receiver knows.
pub(crate) struct Receiver {
    key: Key,
    /// Requests of the last 300 s, by what each of them alone has. Several receivers share it: a
    /// table with a primary key, for example.
    seen: Mutex<HashMap<String, u64>>,
}

impl Receiver {
    pub(crate) fn new(secret: &str) -> Self {
        Self { key: Key::new(HMAC_SHA256, secret.as_bytes()), seen: Mutex::default() }
    }

    /// Whether a worker that has the secret sent exactly this, lately, and for the first time.
    pub(crate) fn check(
        &self,
        (method, uri, headers, body): (&Method, &Uri, &HeaderMap, &[u8]),
        now: u64,
    ) -> Result<(), Refused> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let signature = header("x-ordinaut-signature").ok_or(Refused::Unsigned)?;
        let field = |name: &str| signature.split(',').find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
        let (time, nonce, hash) = (field("t"), field("n"), field("v1"));
        let (Some(time), Some(nonce), Some(hash)) = (time, nonce, hash) else { return Err(Refused::Unsigned) };
        let id = header("idempotency-key").unwrap_or_default();
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let body = hex(digest(&SHA256, body).as_ref());
        let signed = format!("ordinaut-http-v1\n{id}\n{nonce}\n{time}\n{method}\n{path}\n{body}");
        let hash = bytes(hash).ok_or(Refused::Forged)?;
        // In constant time: a comparison that stops early would tell where it did.
        verify(&self.key, signed.as_bytes(), &hash).map_err(|_| Refused::Forged)?;
        // From here on the worker's words are believed.
        let time: u64 = time.parse().map_err(|_| Refused::Forged)?;
        if now.abs_diff(time) > WINDOW {
            return Err(Refused::Old);
        }
        let mut seen = self.seen.lock().unwrap_or_else(|broken| broken.into_inner());
        seen.retain(|_, time| now.abs_diff(*time) <= WINDOW);
        match seen.insert(nonce.to_owned(), time) {
            None => Ok(()),
            Some(_) => Err(Refused::Replayed),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").ok();
        text
    })
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()).collect()
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let secret = std::env::var("SECRET").map_err(std::io::Error::other)?;
    let receiver = Arc::new(Receiver::new(&secret));
    let take = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| async move {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        match receiver.check((&method, &uri, &headers, &body), now) {
            Ok(()) => (StatusCode::OK, "taken\n".to_owned()),
            Err(why) => (StatusCode::UNAUTHORIZED, format!("{why:?}\n")),
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8099").await?;
    axum::serve(listener, Router::new().fallback(take)).await
}
