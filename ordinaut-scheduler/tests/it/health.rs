//! What supervisors are told: over HTTP, and systemd.

use ordinaut_embedded::Postgres;
use ordinaut_test_support::program::{KilledOnDrop, program};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Far more than anything here needs, on a machine that does much else.
const LIMIT: Duration = Duration::from_secs(60);

struct Scheduler {
    _process: KilledOnDrop,
    address: SocketAddr,
}

impl Scheduler {
    /// The binary with nothing but these settings, and a port that was free a moment ago.
    fn start(settings: &[(&str, &str)]) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = program(env!("CARGO_BIN_EXE_ordinaut-scheduler"), settings);
        command.env("SCHEDULER_HEALTH_PORT", address.port().to_string()).stderr(Stdio::null());
        Self { _process: command.spawn().unwrap().into(), address }
    }

    /// The code and the body; none while nobody listens.
    fn ask(&self, path: &str) -> Option<(u16, String)> {
        let mut connection = TcpStream::connect(self.address).ok()?;
        connection.set_read_timeout(Some(LIMIT)).unwrap();
        write!(connection, "GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        let body = answer.split_once("\r\n\r\n").unwrap().1.to_owned();
        Some((answer[9..12].parse().unwrap(), body))
    }

    /// Asks again and again until the answer has this code, and returns its body.
    fn until(&self, path: &str, code: u16) -> String {
        let begun = Instant::now();
        loop {
            let answer = self.ask(path);
            match answer {
                Some((found, body)) if found == code => return body,
                answer => assert!(begun.elapsed() < LIMIT, "{path} is not {code}: {answer:?}"),
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn it_is_ready_when_its_loops_turn_and_only_alive_without_postgres() {
    let postgres = Postgres::temporary().unwrap();
    let scheduler = Scheduler::start(&[("DATABASE_URL", &postgres.url())]);
    scheduler.until("/health/ready", 200);
    assert_eq!(scheduler.until("/health/live", 200), r#"{"status":"live"}"#);
    postgres.stop().unwrap();
    let why = scheduler.until("/health/ready", 503);
    // A connection may be cut, or not be had.
    assert!(["Postgres does not answer", "Postgres cannot be reached"].iter().any(|said| why.contains(said)), "{why}");
    scheduler.until("/health/live", 200);
}

#[test]
fn while_it_waits_for_postgres_it_says_so() {
    let scheduler = Scheduler::start(&[("DATABASE_URL", "postgres://x@localhost/x?host=%2Fno%2Fsuch%2Fplace")]);
    let why = scheduler.until("/health/ready", 503);
    assert!(why.contains("it waits for Postgres"), "{why}");
    scheduler.until("/health/live", 200);
}

#[test]
fn a_taken_port_ends_it_and_the_setting_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let settings =
        [("DATABASE_URL", "postgres://x@localhost/x?host=%2Fno%2Fsuch%2Fplace"), ("SCHEDULER_HEALTH_PORT", &*port)];
    let ended = program(env!("CARGO_BIN_EXE_ordinaut-scheduler"), &settings).output().unwrap();
    let text = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{text}");
    assert!(text.contains("SCHEDULER_HEALTH_PORT, HEALTH_HOST"), "{text}");
}

#[test]
fn systemd_is_told_that_it_started_and_from_then_on_that_it_lives() {
    let path = std::env::temp_dir().join(format!("ordinaut-notify-{}", std::process::id()));
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    let _scheduler = Scheduler::start(&[
        ("DATABASE_URL", "postgres://x@localhost/x?host=%2Fno%2Fsuch%2Fplace"),
        ("NOTIFY_SOCKET", path.to_str().unwrap()),
        ("WATCHDOG_USEC", "200000"),
    ]);
    let told = || {
        let mut buffer = [0; 64];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).trim().to_owned()
    };
    let heard = [told(), told(), told()];
    std::fs::remove_file(&path).unwrap();
    assert_eq!(heard, ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]);
}
