//! The API under test: a real one, on a port and a database of its own, spoken to in HTTP only.

use crate::document;
use ordinaut_api::Config;
use ordinaut_core::job::{Keyring, Redaction};
use ordinaut_core::{Client, Context, Job, JobError, Worker};
use ordinaut_runtime::settings::api::ApiSettings;
use ordinaut_test_support::database::{fresh_database_on, server_url};
use reqwest::header::HeaderMap;
use reqwest::{Body, Method, RequestBuilder};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use uuid::Uuid;

pub(crate) const TOKEN: &str = "a-token-for-the-tests";

/// What the API under test is set to.
fn settings() -> ApiSettings {
    ApiSettings {
        admin_token: TOKEN.to_owned(),
        redaction: Redaction::new(["password", "api_key"]),
        ..ApiSettings::default()
    }
}

pub(crate) struct TestApp {
    pub(crate) url: String,
    pub(crate) client: reqwest::Client,
    /// For what HTTP does not offer: the truth to compare with, and a past to set up.
    pub(crate) database: Client,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// The body, read as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The field that a problem names, after a look at the problem's shape.
    #[track_caller]
    pub(crate) fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        let problem = self.json();
        assert_eq!(problem["type"], "about:blank");
        assert_eq!(problem["status"], self.status);
        assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        problem["field"].as_str().unwrap_or_default().to_owned()
    }
}

impl TestApp {
    /// On a fresh database of the shared Postgres.
    pub(crate) async fn start() -> Self {
        Self::start_on(&server_url()).await
    }

    /// On a fresh database of another Postgres.
    pub(crate) async fn start_on(server: &str) -> Self {
        Self::start_with(server, None).await
    }

    /// With a Redis, which may be none.
    pub(crate) async fn start_with_redis(url: &str) -> Self {
        Self::start_with(&server_url(), Some(url)).await
    }

    async fn start_with(server: &str, redis: Option<&str>) -> Self {
        let options: PgConnectOptions = fresh_database_on(server).parse().unwrap();
        let pool = PgPoolOptions::new().max_connections(5).connect_with(options).await.unwrap();
        let client = Client::from(pool).to_builder();
        let client = redis.into_iter().fold(client, |client, url| client.redis(url));
        Self::start_with_database(client.connect().await.unwrap()).await
    }

    /// On a database that has its pool already.
    pub(crate) async fn start_with_database(database: Client) -> Self {
        Self::start_as(database, settings()).await
    }

    /// With other settings than the tests' own.
    pub(crate) async fn start_with_settings(change: impl FnOnce(&mut ApiSettings)) -> Self {
        let mut settings = settings();
        change(&mut settings);
        let options: PgConnectOptions = fresh_database_on(&server_url()).parse().unwrap();
        let pool = PgPoolOptions::new().max_connections(5).connect_with(options).await.unwrap();
        Self::start_as(Client::from(pool), settings).await
    }

    async fn start_as(database: Client, settings: ApiSettings) -> Self {
        Self::run(database, settings, std::future::pending::<()>()).await.0
    }

    /// With what ends when it has stopped, once `shutdown` ended.
    pub(crate) async fn start_until(shutdown: impl Future<Output = ()> + Send + 'static) -> (Self, JoinHandle<()>) {
        let options: PgConnectOptions = fresh_database_on(&server_url()).parse().unwrap();
        let pool = PgPoolOptions::new().max_connections(5).connect_with(options).await.unwrap();
        Self::run(Client::from(pool), settings(), shutdown).await
    }

    async fn run(
        database: Client,
        settings: ApiSettings,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> (Self, JoinHandle<()>) {
        database.migrate().await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        database.set_time_zone("Europe/Chisinau").await.unwrap();
        let keyring = Keyring::new([("k1", [7; 32])]).unwrap();
        let database_with_keys =
            database.to_builder().keyring(keyring).encrypt_kinds(["charge"]).connect().await.unwrap();
        let config = Config { database: database_with_keys, settings };
        let api = tokio::spawn(async { ordinaut_api::run(config, listener, shutdown).await.unwrap() });
        (Self { url, client: client(), database }, api)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        answer(self.request(Method::GET, path).bearer_auth(TOKEN)).await
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        answer(self.request(Method::POST, path).bearer_auth(TOKEN).body(body)).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: &Value) -> Answer {
        answer(self.request(method, path).bearer_auth(TOKEN).body(body.to_string())).await
    }

    /// Creates a task that is good, and returns it.
    pub(crate) async fn create_task(&self, body: &Value) -> Value {
        let answer = self.send(Method::POST, "/tasks", body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()
    }

    /// Enqueues with a body that is good, and returns the id.
    pub(crate) async fn enqueue(&self, body: Value) -> Uuid {
        let answer = self.post("/jobs", body.to_string()).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()["id"].as_str().unwrap().parse().unwrap()
    }

    pub(crate) async fn job(&self, id: Uuid) -> Value {
        self.get(&format!("/jobs/{id}")).await.json()
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(self.database.pool()).await.unwrap()
    }

    /// Changes rows as no route can.
    pub(crate) async fn tell(&self, sql: &'static str) {
        sqlx::query(sql).execute(self.database.pool()).await.unwrap();
    }

    /// A scheduler that was seen a moment ago.
    pub(crate) async fn a_scheduler_is_seen(&self) {
        sqlx::query(
            "insert into ordinaut.scheduler (id, name, host, pid, version) values (gen_random_uuid(), 's', 'h', 1, '0')",
        )
        .execute(self.database.pool())
        .await
        .unwrap();
    }

    /// A worker of the queue that knows the kinds `echo` and `doomed`.
    pub(crate) fn worker(&self, queue: &str) -> Worker<()> {
        Worker::new(self.database.clone(), ()).name("tester").queue(queue).handle(echo).handle(doomed)
    }
}

/// Sends a request, and checks that the document allows the answer.
pub(crate) async fn answer(request: RequestBuilder) -> Answer {
    let (client, request) = request.build_split();
    let request = request.unwrap();
    let (method, url) = (request.method().clone(), request.url().clone());
    let response = client.execute(request).await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    if let Some(fault) = document::fault(&method, &url, status, &headers, &text) {
        panic!("{method} {url} was answered as the document does not allow: {fault}\n{status} {text:.3000}");
    }
    Answer { status, headers, text }
}

pub(crate) fn client() -> reqwest::Client {
    // An error is another test that was first.
    rustls::crypto::ring::default_provider().install_default().ok();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

#[derive(Serialize, Deserialize)]
struct Echo {
    say: Option<String>,
}

impl Job for Echo {
    const KIND: &'static str = "echo";
}

async fn echo(job: Echo, _: Context<()>) -> Result<Option<String>, JobError> {
    Ok(job.say)
}

#[derive(Serialize, Deserialize)]
struct Doomed {}

impl Job for Doomed {
    const KIND: &'static str = "doomed";
}

async fn doomed(_: Doomed, _: Context<()>) -> Result<(), JobError> {
    Err(JobError::fatal("it was never meant to be"))
}
