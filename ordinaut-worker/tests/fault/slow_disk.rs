//! A disk that needs 1.5 s for each commit: no living worker loses its leases, and nothing is left
//! behind.

use crate::checker::Rules;
use crate::lab::Lab;
use crate::seed;
use ordinaut_core::NewJob;
use ordinaut_embedded::{Installation, PostgresOptions};
use ordinaut_test_support::killable_postgres::Server;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use uuid::Uuid;

const WORKERS: usize = 2;
const SLOW_FOR: Duration = Duration::from_secs(40);

/// After the disk is fast again.
const SOON: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute: ./ops/test.sh fault slow_disk"]
async fn a_disk_that_needs_a_second_and_a_half_for_each_commit_costs_no_lease() {
    let mut random = seed::random();
    let disk = SlowDisk::new();
    let mut lab = Lab::start_on(Server::start_with(disk.options()).await).await;
    lab.add_workers(WORKERS, &[("WORKER_LEASE_SECONDS", "10")]).await;
    let mut answered = Vec::new();
    disk.is_slow(true);
    let began = Instant::now();
    let mut slowest = Duration::ZERO;
    while began.elapsed() < SLOW_FOR {
        let jobs: Vec<NewJob> = (0..20).map(|_| lab.call(&mut random)).collect();
        let asked = Instant::now();
        lab.database.enqueue_many(&jobs).await.unwrap();
        slowest = slowest.max(asked.elapsed());
        answered.extend(jobs.iter().map(NewJob::id));
    }
    disk.is_slow(false);
    let after = lab.until_idle().await;
    let findings = lab.judge(&answered, Rules { max_attempts: 0, postgres_crashes: false }).await;
    eprintln!("{} jobs; enqueues took {slowest:.1?} at most; all ended {after:.1?} after", answered.len());
    findings.hold();
    assert!(slowest >= Duration::from_millis(1400), "the disk was not slow");
    assert_eq!(findings.lost, 0);
    assert!(after <= SOON, "{after:?}");
    lab.assert_that_all_live();
}

/// The installed Postgres, with a library before its own that makes it wait for the disk.
struct SlowDisk {
    directory: PathBuf,
    installation: Installation,
}

impl SlowDisk {
    fn new() -> Self {
        let directory = std::env::temp_dir().join(format!("ordinaut-disk-{:.8}", Uuid::new_v4().simple().to_string()));
        fs::create_dir(&directory).unwrap();
        let (library, mut installation) = (directory.join("slow_disk.so"), Installation::find().unwrap());
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fault/slow_disk.c");
        let switch = format!("-DSWITCH=\"{}\"", Self::switch(&directory).display());
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", &switch, "-o"]).arg(&library).args([source, "-ldl"]);
        assert!(cc.status().unwrap().success(), "cc makes the library that delays the disk");
        for program in fs::read_dir(&installation.bin).unwrap().map(|entry| entry.unwrap()) {
            symlink(program.path(), directory.join(program.file_name())).unwrap();
        }
        let postgres = directory.join("postgres");
        fs::remove_file(&postgres).unwrap();
        let real = installation.bin.join("postgres");
        let script = format!("#!/bin/sh\nexec env LD_PRELOAD={} {} \"$@\"\n", library.display(), real.display());
        fs::write(&postgres, script).unwrap();
        // The account that Postgres runs under is another one.
        for path in [&directory, &postgres, &library] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        installation.bin.clone_from(&directory);
        Self { directory, installation }
    }

    fn options(&self) -> PostgresOptions {
        PostgresOptions::new().installation(self.installation.clone())
    }

    fn is_slow(&self, slow: bool) {
        let switch = Self::switch(&self.directory);
        if slow { fs::write(switch, "").unwrap() } else { fs::remove_file(switch).unwrap() }
    }

    fn switch(directory: &Path) -> PathBuf {
        directory.join("slow")
    }
}

impl Drop for SlowDisk {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.directory).ok();
    }
}
