//! A private Postgres.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::place::{Place, READY_LIMIT, Running};
use crate::{Installation, ServerError};

const NAME: &str = "Postgres";

/// Part of the socket's name only; each cluster has a socket directory of its own, so the number
/// never clashes.
const PORT: u16 = 5432;

/// Postgres's data, inside the directory of the cluster: initdb makes it under another name first.
const CLUSTER: &str = "cluster";

/// What a cluster that nobody will miss need not do, and room for many tests at once. Each
/// connection that compiles a statement loads 100 MB of a compiler first.
const TEMPORARY: [(&str, &str); 4] =
    [("fsync", "off"), ("full_page_writes", "off"), ("jit", "off"), ("max_connections", "400")];

/// How a private Postgres is to be started.
#[derive(Debug, Clone, Default)]
pub struct PostgresOptions {
    installation: Option<Installation>,
    settings: Vec<(String, String)>,
}

impl PostgresOptions {
    /// The defaults of the installed server.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A server setting, such as `shared_buffers`; the last value given to a name counts.
    #[must_use]
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// These programs instead of those that [`Installation::find`] finds.
    #[must_use]
    pub fn installation(mut self, installation: Installation) -> Self {
        self.installation = Some(installation);
        self
    }

    /// See [`Postgres::start`].
    ///
    /// # Errors
    ///
    /// See [`ServerError`].
    pub fn start(&self, directory: &Path) -> Result<Postgres, ServerError> {
        let installation = self.installed()?;
        let place = free_place(directory)?;
        let cluster = place.directory.join(CLUSTER);
        check_version(&installation, &cluster)?;
        refuse_running(&cluster)?;
        self.run(&installation, place)
    }

    /// See [`Postgres::temporary`].
    ///
    /// # Errors
    ///
    /// See [`ServerError`].
    pub fn temporary(&self) -> Result<Postgres, ServerError> {
        let mut options = self.clone();
        let unasked = TEMPORARY.map(|(name, value)| (name.to_owned(), value.to_owned()));
        options.settings.splice(0..0, unasked);
        options.run(&self.installed()?, Place::temporary(NAME)?)
    }

    fn installed(&self) -> Result<Installation, ServerError> {
        match &self.installation {
            Some(installation) => Ok(installation.clone()),
            None => Ok(Installation::find()?),
        }
    }

    fn run(&self, installation: &Installation, place: Place) -> Result<Postgres, ServerError> {
        let cluster = place.directory.join(CLUSTER);
        let mut steps = Vec::new();
        if !cluster.exists() {
            steps.extend(initialise(installation, &cluster));
        }
        steps.push(self.serve(installation, &cluster, &place.sockets));
        let socket = place.sockets.join(format!(".s.PGSQL.{PORT}"));
        let mut pid = 0;
        // The socket first: a server that was killed leaves a status file that says "ready", but no
        // ear.
        let ready = || match UnixStream::connect(&socket).ok().and_then(|_| Status::of(&cluster)) {
            Some(status) if status.state == "ready" => {
                pid = status.pid;
                true
            }
            _ => false,
        };
        // SIGINT is the fast shutdown, which does not wait for clients to leave.
        let running = place.run("INT", steps, ready)?;
        tracing::info!(
            pid,
            directory = %running.directory.display(),
            "private Postgres {} runs in {}, for development only",
            installation.version,
            running.directory.display()
        );
        Ok(Postgres { running, pid })
    }

    fn serve(&self, installation: &Installation, cluster: &Path, sockets: &Path) -> Vec<OsString> {
        let mut sockets_setting = OsString::from("unix_socket_directories=");
        sockets_setting.push(sockets);
        let mut step: Vec<OsString> = vec![installation.bin.join("postgres").into(), "-D".into(), cluster.into()];
        step.extend(["-p".into(), PORT.to_string().into()]);
        step.extend(["-c".into(), "listen_addresses=".into(), "-c".into(), sockets_setting]);
        // An account that may open the socket is trusted, so that is the server's account and root.
        step.extend(["-c".into(), "unix_socket_permissions=0700".into()]);
        // Not "$user": our role is called like the usual schema, and an application's tables would
        // land in that.
        step.extend(["-c".into(), "search_path=public".into()]);
        for (name, value) in &self.settings {
            step.extend(["-c".into(), format!("{name}={value}").into()]);
        }
        step
    }
}

/// A private Postgres that runs; dropping it stops it and waits until it is down.
#[derive(Debug)]
pub struct Postgres {
    running: Running,
    pid: u32,
}

impl Postgres {
    /// A cluster that lives in `directory` and survives restarts; it is made on first use.
    ///
    /// # Errors
    ///
    /// See [`ServerError`]: among others, a server already runs there, or the data is of another
    /// version.
    pub fn start(directory: &Path) -> Result<Self, ServerError> {
        PostgresOptions::new().start(directory)
    }

    /// A cluster in a fresh directory, which is removed when the server stops or this process ends:
    /// in that of `ORDINAUT_SCRATCH`, if it is set, or that of temporary files.
    ///
    /// It gives up safety against a crash of the machine (`fsync`, `full_page_writes`), which
    /// nobody would notice.
    ///
    /// # Errors
    ///
    /// See [`ServerError`].
    pub fn temporary() -> Result<Self, ServerError> {
        PostgresOptions::new().temporary()
    }

    /// A superuser's, to the database `postgres`; sqlx and libpq (`psql`) understand it.
    #[must_use]
    pub fn url(&self) -> String {
        // The directory of sockets is plain text: see is_plain_and_short in place.rs.
        let sockets = self.running.sockets.display().to_string().replace('/', "%2F");
        format!("postgres://ordinaut@localhost:{PORT}/postgres?host={sockets}")
    }

    /// What the server was started in: its log `postgres.log`, and the data in `cluster`.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.running.directory
    }

    /// Where its socket is.
    pub(crate) fn sockets(&self) -> &Path {
        &self.running.sockets
    }

    /// The process whose children are all other processes of the server.
    #[must_use]
    pub fn postmaster_pid(&self) -> u32 {
        self.pid
    }

    /// Ends the sessions of all clients, stops the server and waits until it is down.
    ///
    /// # Errors
    ///
    /// The server is still stopping after a minute.
    pub fn stop(self) -> Result<(), ServerError> {
        self.running.stop()
    }
}

/// Waits for a server that is just stopping, since its starter has been killed.
fn free_place(directory: &Path) -> Result<Place, ServerError> {
    let start = Instant::now();
    loop {
        match Place::persistent(NAME, directory) {
            Err(ServerError::AlreadyRunning { directory, .. }) => {
                let status = Status::of(&directory.join(CLUSTER));
                let stopping = status.as_ref().is_some_and(|status| status.state == "stopping");
                if !stopping || start.elapsed() > READY_LIMIT {
                    return Err(ServerError::AlreadyRunning { directory, pid: status.map(|status| status.pid) });
                }
            }
            other => return other,
        }
    }
}

fn check_version(installation: &Installation, cluster: &Path) -> Result<(), ServerError> {
    if !cluster.exists() {
        return Ok(());
    }
    let file = cluster.join("PG_VERSION");
    let found = fs::read_to_string(&file).map_err(ServerError::io("read the version in", &file))?;
    if found.trim() == installation.major.to_string() {
        return Ok(());
    }
    Err(ServerError::OtherVersion {
        directory: cluster.to_owned(),
        found: found.trim().to_owned(),
        installed: installation.version.clone(),
        bin: installation.bin.clone(),
    })
}

/// We hold the lock, so only a server that somebody started by hand can run there.
fn refuse_running(cluster: &Path) -> Result<(), ServerError> {
    let Some(status) = Status::of(cluster) else { return Ok(()) };
    if !is_alive(status.pid) {
        return Ok(());
    }
    if UnixStream::connect(&status.socket).is_ok() {
        return Err(ServerError::AlreadyRunning { directory: cluster.to_owned(), pid: Some(status.pid) });
    }
    // The number belongs to another process by now, for which Postgres would refuse to start.
    let file = cluster.join("postmaster.pid");
    match fs::remove_file(&file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(ServerError::io("remove the stale", &file)(error)),
        _ => Ok(()),
    }
}

/// Renamed only when it is whole: a killed initdb must not leave something that looks like a
/// cluster.
fn initialise(installation: &Installation, cluster: &Path) -> [Vec<OsString>; 3] {
    let half = cluster.with_extension("new");
    let mut initdb: Vec<OsString> = vec![installation.bin.join("initdb").into(), "-D".into(), half.clone().into()];
    let options = "-U ordinaut -A trust -E UTF8 --locale=C --no-sync --no-instructions";
    initdb.extend(options.split(' ').map(OsString::from));
    let remove = vec!["rm".into(), "-rf".into(), half.clone().into()];
    [remove, initdb, vec!["mv".into(), half.into(), cluster.into()]]
}

/// What a server says of itself in `postmaster.pid`.
struct Status {
    pid: u32,
    socket: PathBuf,
    state: String,
}

impl Status {
    /// Postgres's miscadmin.h numbers the lines: 1 process, 4 port, 5 socket directory, 8 state.
    fn of(cluster: &Path) -> Option<Self> {
        let text = fs::read_to_string(cluster.join("postmaster.pid")).ok()?;
        let line = |number: usize| text.lines().nth(number - 1).unwrap_or_default().trim();
        Some(Self {
            pid: line(1).parse().ok()?,
            socket: Path::new(line(5)).join(format!(".s.PGSQL.{}", line(4))),
            state: line(8).to_owned(),
        })
    }
}

fn is_alive(pid: u32) -> bool {
    use nix::{errno::Errno, sys::signal::kill, unistd::Pid};
    i32::try_from(pid).is_ok_and(|pid| kill(Pid::from_raw(pid), None) != Err(Errno::ESRCH))
}
