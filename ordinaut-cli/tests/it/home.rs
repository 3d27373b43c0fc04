//! A directory, what is typed in it, and a `dev` that runs there.

use crate::process::{Answer, Process};
use nix::sys::signal::Signal;
use ordinaut_test_support::fact::eventually;
use serde_json::Value;
use std::fs;
use std::ops::Deref;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tempfile::TempDir;

/// The current directory of every command of a test.
pub(crate) struct Home {
    directory: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        // As root the private servers run under another account, which has to get there.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self { directory }
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.directory.path().join(inside)
    }

    /// A command as it is typed, but without quotes: words end at spaces. It knows no setting but a
    /// free port.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ordinaut"));
        command.args(line.split_whitespace()).current_dir(self.directory.path());
        command.env_clear().env("API_PORT", "0");
        command
    }

    pub(crate) fn run(&self, line: &str) -> Answer {
        Answer::of(&mut self.command(line))
    }

    /// What a command says to programs.
    #[track_caller]
    pub(crate) fn json(&self, line: &str) -> Value {
        self.run(&format!("{line} --json")).good().parse().unwrap()
    }

    /// Enqueues a job and returns its id.
    #[track_caller]
    pub(crate) fn enqueue(&self, what: &str) -> String {
        self.run(&format!("job enqueue {what}")).good().to_owned()
    }

    #[track_caller]
    pub(crate) fn job(&self, id: &str) -> Value {
        self.json(&format!("job show {id}"))
    }

    /// Waits until a job is in a state, and returns it.
    #[track_caller]
    pub(crate) fn job_in(&self, state: &str, id: &str) -> Value {
        let job = || Some(self.job(id)).filter(|job| job["state"] == state);
        eventually(&format!("job {id} is {state}"), job)
    }

    /// Waits until so many workers live, and returns them.
    pub(crate) fn living_workers(&self, number: usize) -> Vec<Value> {
        eventually(&format!("{number} workers live"), || {
            let workers = self.json("worker list");
            let living: Vec<_> =
                workers.as_array().unwrap().iter().filter(|worker| worker["alive"] == true).cloned().collect();
            (living.len() == number).then_some(living)
        })
    }

    pub(crate) fn dev(&self, arguments: &str) -> Dev {
        Dev::start(&mut self.command(&format!("dev {arguments}")))
    }

    /// Where the private servers' data is.
    pub(crate) fn data(&self) -> PathBuf {
        self.path(".ordinaut/data")
    }

    /// The process whose end is the end of the private Postgres.
    pub(crate) fn postmaster(&self) -> i32 {
        let text = fs::read_to_string(self.data().join("postgres/cluster/postmaster.pid")).unwrap();
        text.lines().next().unwrap().parse().unwrap()
    }

    /// Whether nobody listens on a private server's socket.
    pub(crate) fn is_quiet(&self) -> bool {
        let listens = |socket: &str| UnixStream::connect(self.data().join(socket)).is_ok();
        !listens("postgres/.s.PGSQL.5432") && !listens("redis/redis.sock")
    }
}

/// A `dev` that runs; dropping it terminates it and waits until it has ended.
pub(crate) struct Dev {
    process: Process,
    /// The API's address, as its greeting says it.
    pub(crate) api: String,
}

impl Dev {
    /// Starts it, and waits for its greeting.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut dev = Self { process: Process::start(command), api: String::new() };
        dev.greets();
        dev
    }

    /// Waits for its greeting, or for another if it began anew.
    pub(crate) fn greets(&mut self) {
        let line = self.process.line("API ");
        line.split_whitespace().nth(1).unwrap().clone_into(&mut self.api);
    }

    /// The next line that begins so.
    pub(crate) fn says(&mut self, begin: &str) -> String {
        self.process.line(begin)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Waits for its end.
    pub(crate) fn ends(mut self) -> Option<i32> {
        self.process.shown_code()
    }

    pub(crate) fn terminate(self) -> Option<i32> {
        self.signal(Signal::SIGTERM);
        self.ends()
    }

    /// `kill -9`.
    pub(crate) fn kill(self) {
        self.signal(Signal::SIGKILL);
        self.ends();
    }
}

/// A dev that tests share which ask only for what is their own; it stops when the last of them
/// ends.
pub(crate) struct Shared {
    // Stops before its directory goes. Nobody listens to it, but threads could not share what could
    // be listened to.
    _dev: Mutex<Dev>,
    /// The API's address.
    pub(crate) api: String,
    home: Home,
}

impl Deref for Shared {
    type Target = Home;

    fn deref(&self) -> &Home {
        &self.home
    }
}

pub(crate) fn shared() -> Arc<Shared> {
    static SHARED: Mutex<Weak<Shared>> = Mutex::new(Weak::new());
    let mut place = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(shared) = place.upgrade() {
        return shared;
    }
    let home = Home::new();
    let dev = home.dev("--fault-kinds");
    let shared = Arc::new(Shared { api: dev.api.clone(), _dev: Mutex::new(dev), home });
    shared.living_workers(1);
    *place = Arc::downgrade(&shared);
    shared
}
