//! A local HTTP server that remembers what it was asked.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Ends with the test's runtime.
pub(crate) struct Server {
    pub(crate) port: u16,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Server {
    /// Listens on 127.0.0.1 and answers every call so.
    pub(crate) async fn answering<R: IntoResponse>(
        answer: impl Fn(&Call) -> R + Clone + Send + Sync + 'static,
    ) -> Self {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let heard = calls.clone();
        let router = Router::new().fallback(move |request: Request| async move {
            let (head, body) = request.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            let call = Call { method: head.method, path: head.uri.path().to_owned(), headers: head.headers, body };
            let response = answer(&call).into_response();
            heard.lock().unwrap().push(call);
            response
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(axum::serve(listener, router).into_future());
        Self { port, calls }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What it was asked since it was last looked at.
    pub(crate) fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }
}

pub(crate) fn status(status: u16) -> Response {
    StatusCode::from_u16(status).unwrap().into_response()
}

pub(crate) fn with_header(status: u16, name: &'static str, value: impl Into<String>) -> Response {
    let value: String = value.into();
    Response::builder().status(status).header(name, value).body(Body::empty()).unwrap()
}
