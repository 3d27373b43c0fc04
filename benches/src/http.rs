//! A client of the API that costs little: one connection that it keeps, one request at a time.

use anyhow::{Context, bail, ensure};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) struct HttpClient {
    connection: TcpStream,
    token: String,
    unread: Vec<u8>,
}

impl HttpClient {
    pub(crate) async fn connect(api: SocketAddr, token: &str) -> anyhow::Result<Self> {
        let connection = TcpStream::connect(api).await.context("could not connect to the API")?;
        connection.set_nodelay(true)?;
        Ok(Self { connection, token: token.to_owned(), unread: Vec::new() })
    }

    /// The body of a good answer.
    pub(crate) async fn call(&mut self, method: &str, path: &str, body: &str) -> anyhow::Result<String> {
        self.send(method, path, body).await?;
        let head = self.until(b"\r\n\r\n").await?;
        ensure!(head.starts_with("HTTP/1.1 20"), "{method} {path} was answered {head}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.context("an answer has no length")?.trim().parse()?;
        while self.unread.len() < length {
            self.read().await?;
        }
        Ok(String::from_utf8(self.unread.drain(..length).collect())?)
    }

    /// Opens a stream of events, whose numbers [`next_event`](Self::next_event) tells.
    pub(crate) async fn follow(&mut self, query: &str) -> anyhow::Result<()> {
        self.send("GET", &format!("/events/stream?{query}"), "").await?;
        let head = self.until(b"\r\n\r\n").await?;
        ensure!(head.starts_with("HTTP/1.1 200 "), "a stream was answered {head}");
        Ok(())
    }

    pub(crate) async fn next_event(&mut self) -> anyhow::Result<i64> {
        loop {
            let line = self.until(b"\n").await?;
            if let Some(n) = line.strip_prefix("id: ") {
                return Ok(n.trim().parse()?);
            }
            ensure!(line != "event: resume\n", "a stream was cut off");
        }
    }

    async fn send(&mut self, method: &str, path: &str, body: &str) -> anyhow::Result<()> {
        let (token, length) = (&self.token, body.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: api\r\nauthorization: Bearer {token}\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        Ok(self.connection.write_all(request.as_bytes()).await?)
    }

    async fn until(&mut self, end: &[u8]) -> anyhow::Result<String> {
        loop {
            if let Some(at) = self.unread.windows(end.len()).position(|bytes| bytes == end) {
                return Ok(String::from_utf8(self.unread.drain(..at + end.len()).collect())?);
            }
            self.read().await?;
        }
    }

    async fn read(&mut self) -> anyhow::Result<()> {
        if self.connection.read_buf(&mut self.unread).await? == 0 {
            bail!("the API closed a connection");
        }
        Ok(())
    }
}

/// Number of calls a second, and the time that each took, shortest first.
pub(crate) struct Calls {
    pub(crate) a_second: f64,
    took: Vec<Duration>,
}

impl Calls {
    /// Of clients that call at once, `calls` times together.
    pub(crate) async fn measure<F, R>(clients: Vec<HttpClient>, calls: u64, call: F) -> anyhow::Result<Self>
    where
        F: Fn(HttpClient) -> R + Clone + Send + 'static,
        R: Future<Output = anyhow::Result<HttpClient>> + Send,
    {
        let each = calls.div_ceil(clients.len() as u64);
        let all = each * clients.len() as u64;
        let start = Instant::now();
        let running = clients.into_iter().map(|mut client| {
            let call = call.clone();
            tokio::spawn(async move {
                let mut took = Vec::new();
                for _ in 0..each {
                    let asked = Instant::now();
                    client = call(client).await?;
                    took.push(asked.elapsed());
                }
                anyhow::Ok(took)
            })
        });
        let mut took = Vec::new();
        for one in running.collect::<Vec<_>>() {
            took.extend(one.await??);
        }
        let a_second = all as f64 / start.elapsed().as_secs_f64();
        took.sort_unstable();
        Ok(Self { a_second, took })
    }

    /// In milliseconds.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        percentile(&self.took, percent)
    }
}

/// Of times in their order, in milliseconds.
pub(crate) fn percentile(took: &[Duration], percent: usize) -> f64 {
    let at = (took.len() * percent / 100).min(took.len().saturating_sub(1));
    took.get(at).map_or(0.0, |took| took.as_secs_f64() * 1000.0)
}
