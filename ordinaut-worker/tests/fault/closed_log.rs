//! Worker, scheduler and API whose logs cannot be written, because the pipe's read end is closed or
//! the disk is full: jobs run, tasks fire, the API answers, and SIGTERM ends each of them.

use crate::checker::Rules;
use crate::lab::{LEASE, Lab};
use crate::process::Process;
use nix::sys::signal::Signal;
use ordinaut_core::NewJob;
use ordinaut_core::schedule::{Schedule, ScheduleKind};
use ordinaut_core::task::TaskDefinition;
use serde_json::json;
use std::fs::File;
use std::io::{Read, Write, pipe};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::time::{Duration, Instant};

const TOKEN: &str = "a-token-that-is-long-enough";
const JOBS: usize = 500;
const FIRES: i64 = 5;

/// SIGTERM to the end, beyond any lease or grace that nothing here uses up.
const END: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes half a minute: ./ops/test.sh fault closed_log"]
async fn processes_whose_log_cannot_be_written_do_their_work() {
    for how in ["closed", "full"] {
        let mut lab = Lab::start().await;
        // The one that can log.
        lab.others.clear();
        let (url, lease) = (lab.server.url(), LEASE.as_secs().to_string());
        let api = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let port = api.port().to_string();
        let common = [("DATABASE_URL", &*url), ("LOG_LEVEL", "debug")];
        let worker = [("WORKER_LEASE_SECONDS", &*lease), ("WORKER_HTTP_ALLOW", "127.0.0.1")];
        let door = [("API_ADMIN_TOKEN", TOKEN), ("API_HOST", "127.0.0.1"), ("API_PORT", &*port)];
        let mut processes = Vec::new();
        for (program, own) in [("ordinaut-worker", &worker[..]), ("ordinaut-scheduler", &[]), ("ordinaut-api", &door)] {
            let arguments: &[&str] = if program == "ordinaut-worker" { &["--fault-kinds"] } else { &[] };
            let settings: Vec<_> = common.iter().chain(own).copied().collect();
            let log = lab.scratch().join(program);
            processes.push(Process::start_logging_to(unwritable(how), program, arguments, &settings, log));
        }

        let every = TaskDefinition::new("Often", "echo", Schedule::new(ScheduleKind::Every, "1s")).args(json!({}));
        let task = lab.database.tasks().create(&every).await.unwrap().id;
        let mut jobs: Vec<NewJob> = (0..JOBS).map(|_| lab.call_of(5)).collect();
        // Ends that the settler warns of.
        jobs.extend((0..50).map(|_| NewJob::new("fail", &json!({"how": "fatal"})).unwrap()));
        lab.database.enqueue_many(&jobs).await.unwrap();
        lab.wait(async || answer(api, "GET /health/live").is_some()).await;
        for _ in 0..20 {
            // A request with an id is logged by the route.
            assert_eq!(answer(api, "GET /queues"), Some(200));
            assert_eq!(answer(api, "GET /nothing"), Some(404));
        }
        let fires = "select count(*) from ordinaut.fire where job_id is not null";
        lab.wait(async || lab.number(fires).await >= Some(FIRES)).await;
        lab.database.tasks().pause(task).await.unwrap();
        lab.until_idle().await;
        for process in &mut processes {
            assert_eq!(process.ended(), None, "{how}");
        }

        let asked = Instant::now();
        for process in &processes {
            process.signal(Signal::SIGTERM);
        }
        for process in &mut processes {
            let status = tokio::time::timeout(END, process.end()).await.expect("SIGTERM ends it");
            assert!(status.success(), "{how}: {status}");
        }
        let ended = asked.elapsed();
        let answered: Vec<_> = jobs.iter().map(NewJob::id).collect();
        let findings = lab.judge(&answered, Rules { max_attempts: 1, postgres_crashes: false }).await;
        eprintln!("log {how}: {JOBS} jobs and {FIRES} fires were done; SIGTERM ended all three within {ended:.1?}");
        findings.hold();
    }
}

fn unwritable(how: &str) -> Stdio {
    match how {
        // Its read end is dropped here.
        "closed" => pipe().unwrap().1.into(),
        _ => File::options().write(true).open("/dev/full").unwrap().into(),
    }
}

/// The code of an answer; `None`: nobody listens.
fn answer(api: SocketAddr, request: &str) -> Option<u16> {
    let mut connection = TcpStream::connect(api).ok()?;
    connection.set_read_timeout(Some(END)).unwrap();
    let head =
        format!("{request} HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n");
    connection.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer.get(9..12)?.parse().ok()
}
