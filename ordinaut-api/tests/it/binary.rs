//! The binary from outside: how it starts, refuses to, and stops.

use crate::app::{TOKEN, client};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ordinaut_test_support::database::fresh_database;
use ordinaut_test_support::program::{KilledOnDrop, program};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Command, ExitStatus, Output, Stdio};

pub(crate) fn binary(settings: &[(&str, &str)]) -> Command {
    program(env!("CARGO_BIN_EXE_ordinaut-api"), settings)
}

/// The binary, once it listens; killed when it is dropped.
pub(crate) struct Running {
    child: KilledOnDrop,
    pub(crate) address: String,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.env("API_PORT", "0").stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let listens = log.find(|line| line.contains("the API listens on")).unwrap();
        let listens: serde_json::Value = serde_json::from_str(&listens).unwrap();
        // It writes on, and would wait for a reader.
        std::thread::spawn(move || log.for_each(drop));
        Self { child: child.into(), address: listens["address"].as_str().unwrap().to_owned() }
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has ended.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// The most memory that it had so far, in bytes.
    pub(crate) fn peak_memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() * 1024
    }
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn without_a_token_it_does_not_start() {
    let output = binary(&[("DATABASE_URL", "postgres://localhost/nothing")]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(told(&output).contains("API_ADMIN_TOKEN is not set"), "{}", told(&output));
    assert_eq!(told(&output).lines().count(), 1, "{}", told(&output));
}

#[test]
fn a_bad_setting_is_refused_by_name() {
    let output =
        binary(&[("DATABASE_URL", "postgres://localhost/nothing"), ("API_ADMIN_TOKEN", TOKEN), ("API_PORT", "eighty")])
            .output()
            .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(told(&output).contains("API_PORT is \"eighty\""), "{}", told(&output));
}

#[test]
fn a_taken_port_is_a_clear_error() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = binary(&[
        ("DATABASE_URL", "postgres://localhost/nothing"),
        ("API_ADMIN_TOKEN", TOKEN),
        ("API_HOST", "127.0.0.1"),
        ("API_PORT", &port),
    ])
    .output()
    .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let expected = format!("error: port {port} of 127.0.0.1 is taken: set API_PORT to a free one\n");
    assert_eq!(told(&output), expected);
}

#[tokio::test]
async fn it_migrates_answers_logs_the_request_id_and_stops_on_sigterm() {
    let url = fresh_database();
    let settings =
        [("DATABASE_URL", &*url), ("API_ADMIN_TOKEN", TOKEN), ("API_HOST", "127.0.0.1"), ("LOG_LEVEL", "debug")];
    let mut child = binary(&settings).env("API_PORT", "0").stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let listens = log.find(|line| line.contains("the API listens on")).unwrap();
    let address: serde_json::Value = serde_json::from_str(&listens).unwrap();
    let url = format!("http://{}/jobs", address["address"].as_str().unwrap());
    let request = client().post(url).bearer_auth(TOKEN).header("x-request-id", "find-me").body(r#"{"kind": "k"}"#);
    assert_eq!(request.send().await.unwrap().status(), 201);

    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).unwrap();
    let rest: Vec<_> = log.collect();
    assert!(rest.iter().any(|line| line.contains("answered 201") && line.contains("find-me")), "{rest:#?}");
    assert_eq!(child.wait().unwrap().code(), Some(0), "{rest:#?}");
}
