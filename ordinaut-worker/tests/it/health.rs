//! What a worker tells whoever supervises it.

use crate::fixture::Fixture;
use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;

/// Far more than anything here needs, on a machine that does much else.
const LIMIT: Duration = Duration::from_secs(60);

/// What it answers; nothing while nobody listens.
async fn ask(port: u16, path: &str) -> Option<String> {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    Some(answer)
}

/// Asks again and again until the answer begins and ends so.
async fn until(port: u16, path: &str, code: &str, end: &str) {
    let begun = Instant::now();
    loop {
        let answer = ask(port, path).await.unwrap_or_default();
        if answer.starts_with(&format!("HTTP/1.1 {code} ")) && answer.ends_with(end) {
            return;
        }
        assert!(begun.elapsed() < LIMIT, "{path} is not {code}: {answer}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn it_is_ready_while_its_session_lives() {
    let fixture = Fixture::new().await;
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let _worker = Command::new(env!("CARGO_BIN_EXE_ordinaut-worker"))
        .env_clear()
        .env("DATABASE_URL", &fixture.url)
        .env("WORKER_HEALTH_PORT", port.to_string())
        // Its next renewal is far away, so that it does not hear at once that its session was
        // ended.
        .env("WORKER_LEASE_SECONDS", "3600")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    until(port, "/health/ready", "200", r#"{"status":"ready"}"#).await;
    sqlx::query("update ordinaut.worker set ended_at = clock_timestamp()")
        .execute(fixture.database.pool())
        .await
        .unwrap();
    until(port, "/health/ready", "503", r#""status":"not ready"}"#).await;
    until(port, "/health/live", "200", r#"{"status":"live"}"#).await;
}
