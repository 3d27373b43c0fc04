//! Clients of `GET /events/stream`, for the cases that have many of them.

use crate::lab::Lab;
use crate::process::Process;
use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

const TOKEN: &str = "a-token-that-is-long-enough";

/// The API, once it answers.
pub(crate) struct Api {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

impl Api {
    pub(crate) async fn start(lab: &Lab, more: &[(&str, &str)]) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let (url, port) = (lab.server.url(), address.port().to_string());
        let own =
            [("DATABASE_URL", &*url), ("API_ADMIN_TOKEN", TOKEN), ("API_HOST", "127.0.0.1"), ("API_PORT", &*port)];
        let settings = [&own[..], more].concat();
        let process = Process::start("ordinaut-api", &[], &settings, lab.scratch().join("api.log"));
        let api = Self { process, address };
        lab.wait(async || api.health().await.is_ok()).await;
        api
    }

    /// Asks for its health, and tells the time that the answer took.
    pub(crate) async fn health(&self) -> std::io::Result<Duration> {
        let asked = Instant::now();
        let answer = self.get("/health/ready").await?;
        if answer.starts_with("HTTP/1.1 200 ") { Ok(asked.elapsed()) } else { Err(Error::other(answer)) }
    }

    pub(crate) async fn get(&self, path: &str) -> std::io::Result<String> {
        let mut connection = TcpStream::connect(self.address).await?;
        connection.write_all(request(path, None, "close").as_bytes()).await?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    /// The most memory that it had so far, in MB.
    pub(crate) fn peak_memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() / 1024
    }
}

fn request(path: &str, last: Option<i64>, connection: &str) -> String {
    let last = last.map_or(String::new(), |last| format!("Last-Event-ID: {last}\r\n"));
    format!(
        "GET {path} HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {TOKEN}\r\n{last}Connection: {connection}\r\n\r\n"
    )
}

/// One stream. Chunks of its answer are told apart by the lines that only events have.
pub(crate) struct Stream {
    connection: TcpStream,
    unread: Vec<u8>,
    /// Where it goes on if it is cut off, as a browser keeps it.
    pub(crate) place: i64,
    /// The id of the block that is being read.
    id: i64,
    has_data: bool,
}

impl Stream {
    /// From the event after `last` on.
    pub(crate) async fn open(api: SocketAddr, query: &str, last: Option<i64>) -> std::io::Result<Self> {
        Self::open_on(TcpSocket::new_v4()?, api, query, last).await
    }

    /// The same on a socket that was made otherwise.
    pub(crate) async fn open_on(
        socket: TcpSocket,
        api: SocketAddr,
        query: &str,
        last: Option<i64>,
    ) -> std::io::Result<Self> {
        let mut connection = socket.connect(api).await?;
        let path = format!("/events/stream?{query}");
        connection.write_all(request(&path, last, "keep-alive").as_bytes()).await?;
        let place = last.unwrap_or_default();
        let mut stream = Self { connection, unread: Vec::new(), place, id: place, has_data: false };
        let head = stream.line().await?;
        if head.starts_with("HTTP/1.1 200 ") { Ok(stream) } else { Err(Error::other(head)) }
    }

    /// The number of the next event.
    pub(crate) async fn next(&mut self) -> std::io::Result<i64> {
        loop {
            let line = self.line().await?;
            if let Some(n) = line.strip_prefix("id: ") {
                self.id = n.parse().map_err(|_| Error::other(line.clone()))?;
            }
            self.has_data |= line.starts_with("data: ");
            if line.is_empty() {
                self.place = self.id;
                if std::mem::take(&mut self.has_data) {
                    return Ok(self.id);
                }
            }
            if line == "event: resume" {
                return Err(Error::new(ErrorKind::ConnectionAborted, "it was cut off"));
            }
        }
    }

    /// Safe to be dropped in the middle.
    async fn line(&mut self) -> std::io::Result<String> {
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            if self.connection.read_buf(&mut self.unread).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }
}
