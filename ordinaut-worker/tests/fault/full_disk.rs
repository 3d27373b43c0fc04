//! The disk of Postgres is full for a while: the API says so, every process lives on, and no job is
//! lost.

use crate::checker::Rules;
use crate::lab::Lab;
use crate::seed;
use ordinaut_core::NewJob;
use ordinaut_embedded::PostgresOptions;
use ordinaut_test_support::killable_postgres::Server;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};
use uuid::Uuid;

const TOKEN: &str = "a-token-that-is-long-enough";
const FULL_FOR: Duration = Duration::from_secs(10);

/// After there is room again, which may be after a start of Postgres.
const SOON: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes half a minute and the right to mount: ./ops/test.sh fault full_disk"]
async fn a_disk_that_is_full_for_a_while_is_told_of_and_loses_nothing() {
    let mut random = seed::random();
    let disk = Disk::mount();
    let mut lab = Lab::start_on(Server::start_in(disk.directory.clone(), PostgresOptions::new()).await).await;
    let api = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (url, port) = (lab.server.url(), api.port().to_string());
    let door = [("DATABASE_URL", &*url), ("API_ADMIN_TOKEN", TOKEN), ("API_HOST", "127.0.0.1"), ("API_PORT", &*port)];
    lab.add_other("ordinaut-api", &door);
    lab.add_workers(2, &[]).await;
    lab.wait(async || ask(api, "GET /health/ready", "").is_some_and(|(code, _)| code == 200)).await;

    // They are waiting and running when the disk is full.
    let jobs: Vec<NewJob> = (0..2_000).map(|_| lab.call(&mut random)).collect();
    lab.database.enqueue_many(&jobs).await.unwrap();
    let mut answered: Vec<Uuid> = jobs.iter().map(NewJob::id).collect();
    disk.fill();
    let (began, mut refused, mut accepted, mut reasons) = (Instant::now(), 0, 0, BTreeSet::new());
    while began.elapsed() < FULL_FOR {
        // So large that it needs new pages.
        let text: String = (0..1_000).map(|_| Uuid::new_v4().simple().to_string()).collect();
        let job = json!({"kind": "echo", "args": {"text": text}}).to_string();
        match ask(api, "POST /jobs", &job) {
            Some((201, body)) => {
                accepted += 1;
                let job: Value = serde_json::from_str(&body).unwrap();
                answered.push(job["id"].as_str().unwrap().parse().unwrap());
            }
            Some((503, body)) => {
                refused += 1;
                let problem: Value = serde_json::from_str(&body).unwrap();
                reasons.insert(problem["detail"].as_str().unwrap().to_owned());
            }
            other => panic!("{other:?}"),
        }
        // It may be full again only after vacuum has used what it had freed.
        disk.fill();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let waiting = lab.number("select count(*) from ordinaut.due_work").await;
    disk.make_room();
    let room = Instant::now();
    let has_ended = lab.server.has_ended();
    if has_ended {
        lab.server.gone().await;
        lab.server.start_again().await;
    }
    lab.wait(async || ask(api, "GET /health/ready", "").is_some_and(|(code, _)| code == 200)).await;
    lab.until_idle().await;
    let after = room.elapsed();

    let findings = lab.judge(&answered, Rules { max_attempts: answered.len(), postgres_crashes: has_ended }).await;
    eprintln!(
        "{accepted} jobs accepted and {refused} refused on a full disk, {waiting:?} waited at its end; all ended \
         {after:.1?} after there was room; Postgres had to be started again: {has_ended}"
    );
    findings.hold();
    assert!(refused > 0, "the disk was not full");
    assert!(reasons.iter().any(|reason| reason.contains("no disk space")), "{reasons:?}");
    assert!(after <= SOON, "{after:?}");
    lab.assert_that_all_live();
}

/// The code and body of an answer; `None`: nobody listens.
fn ask(api: SocketAddr, request: &str, body: &str) -> Option<(u16, String)> {
    let mut connection = TcpStream::connect(api).ok()?;
    connection.set_read_timeout(Some(SOON)).unwrap();
    let head = format!(
        "{request} HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.get(9..12)?.parse().ok()?, body.to_owned()))
}

/// A small file system in memory, unmounted when this is dropped.
struct Disk {
    directory: PathBuf,
}

impl Disk {
    fn mount() -> Self {
        // Short enough that the server's socket lies in it too.
        let directory = std::env::temp_dir().join(format!("ordinaut-{:.8}", Uuid::new_v4().simple().to_string()));
        fs::create_dir(&directory).unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=200m", "tmpfs"]).arg(&directory).status();
        assert!(mount.unwrap().success(), "this case mounts a file system, as root");
        Self { directory }
    }

    /// Leaves no room.
    fn fill(&self) {
        let mut filler = File::options().create(true).append(true).open(self.filler()).unwrap();
        let page = [1; 4096];
        // The error is that it is full.
        while filler.write_all(&page).is_ok() {}
    }

    fn make_room(&self) {
        fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> PathBuf {
        self.directory.join("filler")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        Command::new("umount").arg(&self.directory).status().ok();
        fs::remove_dir(&self.directory).ok();
    }
}
