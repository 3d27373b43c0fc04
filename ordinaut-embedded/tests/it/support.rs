//! What several tests need: a directory that the servers' account reaches, and waiting for facts.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use nix::{errno::Errno, sys::signal::kill, unistd::Pid};
use ordinaut_embedded::Installation;
use tempfile::TempDir;

/// Far more than anything here needs, on a machine that does much else.
const LIMIT: Duration = Duration::from_secs(60);

/// Anybody may write there, as in /tmp.
pub(crate) fn open_directory() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    directory
}

pub(crate) fn psql(url: &str, sql: &str) -> String {
    let psql = Installation::find().unwrap().bin.join("psql");
    let output = Command::new(psql).args([url, "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Other processes tell us nothing when they end, so this has to look again and again.
pub(crate) fn eventually(fact: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < LIMIT, "{fact}: not after {LIMIT:?}");
        thread::park_timeout(Duration::from_millis(5));
    }
}

pub(crate) fn is_alive(pid: u32) -> bool {
    kill(Pid::from_raw(pid.try_into().unwrap()), None) != Err(Errno::ESRCH)
}

pub(crate) fn is_empty(directory: &Path) -> bool {
    fs::read_dir(directory).unwrap().next().is_none()
}
