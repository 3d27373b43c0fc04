//! A Postgres that can be killed, with all of its processes at once, and started again on the same
//! data.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ordinaut_embedded::{Postgres, PostgresOptions, ServerError};
use std::path::PathBuf;
use uuid::Uuid;

/// A server whose data outlives its processes.
pub struct Server {
    directory: PathBuf,
    options: PostgresOptions,
    running: Option<Postgres>,
}

impl Server {
    /// One with the settings of a production server.
    pub async fn start() -> Self {
        Self::start_with(PostgresOptions::new()).await
    }

    /// One with these settings.
    pub async fn start_with(options: PostgresOptions) -> Self {
        // Short enough that its socket lies in it too, so that its address stays the same.
        let directory = std::env::temp_dir().join(format!("ordinaut-{:.8}", Uuid::new_v4().simple().to_string()));
        Self::start_in(directory, options).await
    }

    /// In a directory whose name is as short.
    pub async fn start_in(directory: PathBuf, options: PostgresOptions) -> Self {
        let mut server = Self { directory, options, running: None };
        server.start_again().await;
        server
    }

    /// Its address.
    pub fn url(&self) -> String {
        self.running.as_ref().unwrap().url()
    }

    /// Kills all processes before any of them can tell another, so that what was not written yet is
    /// lost.
    pub async fn kill(&mut self) {
        let postgres = self.running.take().unwrap();
        let postmaster = postgres.postmaster_pid();
        // One that is stopped starts no further process.
        signal(postmaster, Signal::SIGSTOP);
        let children = children(postmaster);
        children.iter().for_each(|child| signal(*child, Signal::SIGSTOP));
        children.iter().for_each(|child| signal(*child, Signal::SIGKILL));
        signal(postmaster, Signal::SIGKILL);
        tokio::task::spawn_blocking(|| drop(postgres)).await.unwrap();
    }

    /// The socket that clients connect to.
    pub fn socket(&self) -> PathBuf {
        self.directory.join(".s.PGSQL.5432")
    }

    /// Tells the postmaster to shut down in the way that this signal means; `gone` waits for it.
    pub fn ask_to_end(&self, how: Signal) {
        signal(self.running.as_ref().unwrap().postmaster_pid(), how);
    }

    /// Whether the postmaster has ended by itself, as it does when it cannot recover.
    pub fn has_ended(&self) -> bool {
        let pid = Pid::from_raw(self.running.as_ref().unwrap().postmaster_pid().try_into().unwrap());
        kill(pid, None).is_err()
    }

    /// Waits until the postmaster has ended.
    pub async fn gone(&mut self) {
        let postgres = self.running.take().unwrap();
        let pid = Pid::from_raw(postgres.postmaster_pid().try_into().unwrap());
        while kill(pid, None).is_ok() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        tokio::task::spawn_blocking(|| drop(postgres)).await.unwrap();
    }

    /// Starts it on the data that are there.
    pub async fn start_again(&mut self) {
        let (directory, options) = (self.directory.clone(), self.options.clone());
        let start = move || {
            loop {
                match options.start(&directory) {
                    // The last of its processes is not quite gone.
                    Err(ServerError::AlreadyRunning { .. }) => {}
                    outcome => return outcome.unwrap(),
                }
            }
        };
        self.running = Some(tokio::task::spawn_blocking(start).await.unwrap());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.running.take());
        std::fs::remove_dir_all(&self.directory).ok();
    }
}

/// One that has just ended needs no signal.
fn signal(pid: u32, signal: Signal) {
    kill(Pid::from_raw(pid.try_into().unwrap()), signal).ok();
}

fn children(parent: u32) -> Vec<u32> {
    let lists = format!("/proc/{parent}/task/{parent}/children");
    let text = std::fs::read_to_string(lists).unwrap();
    text.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}
