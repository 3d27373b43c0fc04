//! A private PgBouncer, for tests of what a pooler in transaction mode does.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use crate::place::{Place, Running};
use crate::{Postgres, ServerError};

const NAME: &str = "PgBouncer";

/// Part of the socket's name only.
const PORT: u16 = 6432;

/// Where servers' packages put it, in case PATH is short.
const USUAL_PLACES: [&str; 3] = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin"];

/// A private PgBouncer in transaction mode that runs; dropping it stops it and waits until it is
/// down.
#[derive(Debug)]
pub struct PgBouncer {
    running: Running,
}

impl PgBouncer {
    /// The installed `pgbouncer`, if there is one.
    #[must_use]
    pub fn find() -> Option<PathBuf> {
        let path = env::var_os("PATH").unwrap_or_default();
        let usual = USUAL_PLACES.iter().map(PathBuf::from);
        env::split_paths(&path).chain(usual).map(|place| place.join("pgbouncer")).find(|program| program.is_file())
    }

    /// A pooler for every database of a private Postgres, in a fresh directory that is removed when
    /// it stops or this process ends.
    ///
    /// # Errors
    ///
    /// See [`ServerError`].
    pub fn temporary(postgres: &Postgres) -> Result<Self, ServerError> {
        let program = Self::find().ok_or(ServerError::PgBouncerMissing)?;
        let place = Place::temporary(NAME)?;
        let (configuration, users) = (place.directory.join("pgbouncer.ini"), place.directory.join("users.txt"));
        // Servers are given back soon, because each database of a test has its own.
        let text = format!(
            "[databases]\n* = host={} port=5432\n[pgbouncer]\nlisten_addr =\nlisten_port = {PORT}\n\
             unix_socket_dir = {}\nunix_socket_mode = 0700\npool_mode = transaction\nauth_type = trust\nauth_file = {}\n\
             max_client_conn = 1000\ndefault_pool_size = 20\nserver_idle_timeout = 1\n",
            postgres.sockets().display(),
            place.sockets.display(),
            users.display(),
        );
        fs::write(&configuration, text).map_err(ServerError::io("write", &configuration))?;
        fs::write(&users, "\"ordinaut\" \"\"\n").map_err(ServerError::io("write", &users))?;
        let socket = place.sockets.join(format!(".s.PGSQL.{PORT}"));
        let step: Vec<OsString> = vec![program.into(), configuration.into()];
        let running = place.run("INT", vec![step], || UnixStream::connect(&socket).is_ok())?;
        Ok(Self { running })
    }

    /// To the database `postgres`, as [`Postgres::url`].
    #[must_use]
    pub fn url(&self) -> String {
        let sockets = self.running.sockets.display().to_string().replace('/', "%2F");
        format!("postgres://ordinaut@localhost:{PORT}/postgres?host={sockets}")
    }
}
