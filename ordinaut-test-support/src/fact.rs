//! Facts that nobody tells a test: it has to look again and again.

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use std::fmt::Debug;
use std::thread;
use std::time::{Duration, Instant};

/// Far more than anything here needs, on a machine that does much else.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Waits until there is an answer; `fact` is what the test says if there never is.
#[track_caller]
pub fn eventually<T>(fact: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < LIMIT, "{fact}: not after {LIMIT:?}");
        thread::park_timeout(Duration::from_millis(5));
    }
}

/// Waits until something holds.
#[track_caller]
pub fn until(fact: &str, mut holds: impl FnMut() -> bool) {
    eventually(fact, || holds().then_some(()));
}

/// Whether a process is there.
pub fn is_alive(pid: impl TryInto<i32, Error: Debug>) -> bool {
    kill(Pid::from_raw(pid.try_into().unwrap()), None) != Err(Errno::ESRCH)
}
