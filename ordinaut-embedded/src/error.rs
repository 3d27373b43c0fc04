//! What can keep a private server from starting or stopping, as sentences for who has to deal with
//! it.

use std::io;
use std::path::{Path, PathBuf};

/// There is no Postgres server on this machine that could be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Missing {
    /// None of the usual places has one.
    #[error(
        "no Postgres server was found on this machine; install one ({}), name its bin directory in ORDINAUT_PG_BIN, \
         or set DATABASE_URL to a server that runs elsewhere",
        install_command("postgresql")
    )]
    Nowhere,
    /// `ORDINAUT_PG_BIN` was believed, and is wrong.
    #[error("ORDINAUT_PG_BIN is {}, which has no programs postgres and initdb that run", .bin.display())]
    NotThere {
        /// What the variable says.
        bin: PathBuf,
    },
    /// The best that was found is older than the oldest that Ordinaut works with.
    #[error(
        "Postgres {version} in {} is too old, Ordinaut needs 14 or newer; install one ({}) or set DATABASE_URL to a \
         server that runs elsewhere",
        .bin.display(), install_command("postgresql")
    )]
    TooOld {
        /// As the server says it, for example `13.4`.
        version: String,
        /// Where it is.
        bin: PathBuf,
    },
}

/// A private server could not be started, or not be stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// There is no Postgres to start.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// There is no Redis to start; Ordinaut works without one.
    #[error(
        "no redis-server was found on this machine; install it ({}), or set REDIS_URL to a server that runs elsewhere",
        install_command("redis")
    )]
    RedisMissing,
    /// There is no PgBouncer to start.
    #[error("no pgbouncer was found on this machine; install it ({})", install_command("pgbouncer"))]
    PgBouncerMissing,
    /// Postgres refuses to run as root, and there is nobody else.
    #[error(
        "could not start a server: it must not run as root, and this machine has no account called postgres or nobody"
    )]
    NoAccount,
    /// The operating system refused something.
    #[error("could not {doing} {}", .path.display())]
    Io {
        /// The verb, and what comes between it and the path.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// See [`data_directory`](crate::data_directory), which finds one that can be reached.
    #[error("the account {account}, which the server runs as, cannot write to {}", .directory.display())]
    Unreachable {
        /// Who cannot.
        account: String,
        /// Where.
        directory: PathBuf,
    },
    /// Giving away a directory that has something in it could hurt the account that it belongs to.
    #[error(
        "{} is not empty and belongs to uid {owner}, and the server would run as {account}; remove it, use another \
         directory, or start as the user that it belongs to",
        .directory.display()
    )]
    Foreign {
        /// Who the server would run as.
        account: String,
        /// Where.
        directory: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// Data is never converted nor thrown away.
    #[error(
        "{} holds data of Postgres {found}, and the server in {} is Postgres {installed}; set ORDINAUT_PG_BIN to the \
         bin directory of a Postgres {found}, or remove the data",
        .directory.display(), .bin.display()
    )]
    OtherVersion {
        /// Where the data is.
        directory: PathBuf,
        /// The major version that wrote it.
        found: String,
        /// The version that would have to read it.
        installed: String,
        /// Where that server is.
        bin: PathBuf,
    },
    /// Most likely another `ordinaut dev`.
    #[error(
        "a server{} already runs in {}; stop that one first",
        .pid.map(|pid| format!(" (process {pid})")).unwrap_or_default(), .directory.display()
    )]
    AlreadyRunning {
        /// Where.
        directory: PathBuf,
        /// Not known while that server is only being started.
        pid: Option<u32>,
    },
    /// Its log says why.
    #[error("{server} ended while it was starting; the end of its log:\n{log}")]
    Died {
        /// Which of the two.
        server: &'static str,
        /// The last lines.
        log: String,
    },
    /// It neither answered nor ended.
    #[error("{server} was not ready within {seconds} s; the end of its log:\n{log}")]
    NotReady {
        /// Which of the two.
        server: &'static str,
        /// Time that it was given.
        seconds: u64,
        /// The last lines.
        log: String,
    },
    /// It was told to stop and goes on stopping by itself; the directory is not free yet.
    #[error("{server} was told to stop and did not within {seconds} s; its attendant is process {attendant}")]
    StillRunning {
        /// Which of the two.
        server: &'static str,
        /// Time that it was given.
        seconds: u64,
        /// The process that waits for it.
        attendant: u32,
    },
}

impl ServerError {
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }
}

/// How this machine's package manager would be asked.
fn install_command(package: &str) -> String {
    let has = |program: &str| Path::new(program).exists();
    if has("/usr/bin/apt-get") {
        format!("apt-get install {package}")
    } else if has("/usr/bin/dnf") {
        let package = if package == "postgresql" { "postgresql-server" } else { package };
        format!("dnf install {package}")
    } else if cfg!(target_os = "macos") {
        format!("brew install {package}")
    } else {
        format!("your package manager's {package} package")
    }
}
