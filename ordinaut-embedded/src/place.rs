//! Where a server lives: a directory that its account owns, its log, and a path short enough for
//! its socket.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::ServerError;
use crate::account::Account;
use crate::attendant::{Attendant, Orders, STOP_LIMIT, Wait};
use crate::log::Log;

/// The name of a unix socket has 103 bytes on macOS and 107 on Linux; the rest is for the file in
/// the directory.
const SOCKET_DIRECTORY_BYTES: usize = 80;

/// Recovery after a crash happens before a server is ready.
pub(crate) const READY_LIMIT: Duration = Duration::from_secs(60);

/// Where one server lives.
pub(crate) struct Place {
    server: &'static str,
    account: Account,
    pub(crate) directory: PathBuf,
    /// The directory itself, unless its path is too long.
    pub(crate) sockets: PathBuf,
    log: Log,
    /// What the attendant removes at the end; ours to remove until there is an attendant.
    scrap: Option<TempDir>,
}

/// A server that answers.
#[derive(Debug)]
pub(crate) struct Running {
    server: &'static str,
    attendant: Attendant,
    pub(crate) directory: PathBuf,
    pub(crate) sockets: PathBuf,
}

impl Place {
    pub(crate) fn persistent(server: &'static str, wanted: &Path) -> Result<Self, ServerError> {
        let account = Account::of_servers()?;
        let directory = own(&account, wanted)?;
        let Some(log) = Log::lock(&log_path(server, &directory))? else {
            return Err(ServerError::AlreadyRunning { directory, pid: None });
        };
        account.give(&log_path(server, &directory))?;
        let scrap = if is_plain_and_short(&directory) { None } else { Some(scratch(&account)?) };
        let sockets = scrap.as_ref().map_or(directory.as_path(), TempDir::path).to_owned();
        Ok(Self { server, account, directory, sockets, log, scrap })
    }

    pub(crate) fn temporary(server: &'static str) -> Result<Self, ServerError> {
        let account = Account::of_servers()?;
        let scrap = scratch(&account)?;
        let directory = scrap.path().to_owned();
        let Some(log) = Log::lock(&log_path(server, &directory))? else {
            return Err(ServerError::AlreadyRunning { directory, pid: None });
        };
        Ok(Self { server, account, sockets: directory.clone(), directory, log, scrap: Some(scrap) })
    }

    /// Runs the steps, the last of which is the server, until it is ready.
    pub(crate) fn run(
        self,
        signal: &'static str,
        steps: Vec<Vec<OsString>>,
        ready: impl FnMut() -> bool,
    ) -> Result<Running, ServerError> {
        let Self { server, account, directory, sockets, log, scrap } = self;
        let failed = || ServerError::io("start a server in", &directory);
        let orders = Orders { steps, signal, scrap: scrap.as_ref().map(TempDir::path) };
        let output = log.output().map_err(failed())?;
        let mut attendant = Attendant::start(&account, &orders, output).map_err(failed())?;
        // From here on it is the attendant's to remove.
        scrap.map(TempDir::keep);
        match attendant.wait_until(READY_LIMIT, ready).map_err(failed())? {
            Wait::Ready => Ok(Running { server, attendant, directory, sockets }),
            Wait::Died => Err(ServerError::Died { server, log: log.last_lines() }),
            Wait::TimedOut => {
                Err(ServerError::NotReady { server, seconds: READY_LIMIT.as_secs(), log: log.last_lines() })
            }
        }
    }
}

impl Running {
    pub(crate) fn stop(mut self) -> Result<(), ServerError> {
        let attendant = self.attendant.pid();
        match self.attendant.dismiss().map_err(ServerError::io("stop the server in", &self.directory))? {
            true => Ok(()),
            false => Err(ServerError::StillRunning { server: self.server, seconds: STOP_LIMIT.as_secs(), attendant }),
        }
    }
}

/// Makes the directory, or takes it if it is the account's already or empty.
fn own(account: &Account, wanted: &Path) -> Result<PathBuf, ServerError> {
    account.make_directory(wanted)?;
    let failed = || ServerError::io("use the directory", wanted);
    let directory = wanted.canonicalize().map_err(failed())?;
    let owner = fs::metadata(&directory).map_err(failed())?.uid();
    if owner != account.uid {
        if fs::read_dir(&directory).map_err(failed())?.next().is_some() {
            return Err(ServerError::Foreign { account: account.name.clone(), directory, owner });
        }
        account.give(&directory)?;
    }
    if !account.can_write(&directory).map_err(failed())? {
        return Err(ServerError::Unreachable { account: account.name.clone(), directory });
    }
    Ok(directory)
}

/// A fresh directory of the account's, in one from which it can remove it again: that of
/// `ORDINAUT_SCRATCH`, if it is set, or that of temporary files.
fn scratch(account: &Account) -> Result<TempDir, ServerError> {
    let chosen = env::var_os("ORDINAUT_SCRATCH").filter(|directory| !directory.is_empty()).map(PathBuf::from);
    let mut parents: Vec<_> = chosen.into_iter().collect();
    parents.extend([env::temp_dir(), "/tmp".into(), "/var/tmp".into()]);
    parents.retain(|parent| is_plain_and_short(&parent.join("ordinaut-abcdef")));
    let parent = parents
        .into_iter()
        .find(|parent| account.can_write(parent).unwrap_or(false))
        .ok_or_else(|| ServerError::Unreachable { account: account.name.clone(), directory: env::temp_dir() })?;
    let failed = || ServerError::io("make a temporary directory in", &parent);
    let scratch = tempfile::Builder::new().prefix("ordinaut-").tempdir_in(&parent).map_err(failed())?;
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o700)).map_err(failed())?;
    account.give(scratch.path())?;
    Ok(scratch)
}

fn log_path(server: &str, directory: &Path) -> PathBuf {
    directory.join(format!("{}.log", server.to_lowercase()))
}

/// Whether a socket in it can be named in a setting and in a URL without a second thought.
fn is_plain_and_short(directory: &Path) -> bool {
    let bytes = directory.as_os_str().as_bytes();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-".contains(byte);
    directory.is_absolute() && bytes.len() <= SOCKET_DIRECTORY_BYTES && bytes.iter().all(plain)
}
