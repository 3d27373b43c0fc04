//! A private Redis, for machines that have one: Ordinaut works without.

use std::env;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::ServerError;
use crate::place::{Place, Running};

const NAME: &str = "Redis";

const SOCKET: &str = "redis.sock";

/// Where Homebrew and servers' packages put it, in case PATH is short.
const USUAL_PLACES: [&str; 4] = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/opt/homebrew/bin"];

/// A Redis that listens and does not answer is loading, or stuck; either way we ask again.
const ANSWER_LIMIT: Duration = Duration::from_secs(1);

/// A private Redis that runs; dropping it stops it and waits until it is down.
#[derive(Debug)]
pub struct Redis {
    running: Running,
}

impl Redis {
    /// The installed `redis-server`, if there is one.
    #[must_use]
    pub fn find() -> Option<PathBuf> {
        let path = env::var_os("PATH").unwrap_or_default();
        let usual = USUAL_PLACES.iter().map(PathBuf::from);
        env::split_paths(&path).chain(usual).map(|place| place.join("redis-server")).find(|program| program.is_file())
    }

    /// A Redis that keeps its data in `directory`, in an append-only file.
    ///
    /// # Errors
    ///
    /// See [`ServerError`].
    pub fn start(directory: &Path) -> Result<Self, ServerError> {
        let program = Self::find().ok_or(ServerError::RedisMissing)?;
        Self::run(program, Place::persistent(NAME, directory)?, "yes")
    }

    /// A Redis that keeps nothing, in a fresh directory that is removed when it stops or this
    /// process ends.
    ///
    /// # Errors
    ///
    /// See [`ServerError`].
    pub fn temporary() -> Result<Self, ServerError> {
        let program = Self::find().ok_or(ServerError::RedisMissing)?;
        Self::run(program, Place::temporary(NAME)?, "no")
    }

    fn run(program: PathBuf, place: Place, append_only: &str) -> Result<Self, ServerError> {
        let socket = place.sockets.join(SOCKET);
        let mut step: Vec<OsString> = vec![program.into(), "--port".into(), "0".into()];
        step.extend(["--unixsocket".into(), socket.clone().into(), "--unixsocketperm".into(), "700".into()]);
        step.extend(["--dir".into(), place.directory.clone().into()]);
        // The append-only file is all that is kept; snapshots would only cost memory.
        step.extend(["--appendonly".into(), append_only.into(), "--save".into(), "".into()]);
        let running = place.run("TERM", vec![step], || answers(&socket))?;
        tracing::info!(
            directory = %running.directory.display(),
            "private Redis runs in {}, for development only",
            running.directory.display()
        );
        Ok(Self { running })
    }

    /// Of its unix socket; `fred` understands it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// The unix socket, for `redis-cli -s`.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.running.sockets.join(SOCKET)
    }

    /// What the server was started in: its data and its log `redis.log`.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.running.directory
    }

    /// Stops the server and waits until it is down.
    ///
    /// # Errors
    ///
    /// The server is still stopping after a minute.
    pub fn stop(self) -> Result<(), ServerError> {
        self.running.stop()
    }
}

/// Listening is not enough: while it loads its data it refuses all commands.
fn answers(socket: &Path) -> bool {
    let ping = || -> std::io::Result<bool> {
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        stream.write_all(b"PING\r\n")?;
        let mut answer = [0; 7];
        stream.read_exact(&mut answer)?;
        Ok(&answer == b"+PONG\r\n")
    };
    ping().unwrap_or(false)
}
