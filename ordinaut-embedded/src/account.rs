//! Who the servers run as: ourselves, or, where we are root, an account that is not.

use std::env;
use std::ffi::OsStr;
use std::fs::DirBuilder;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, lchown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::{Uid, User};

use crate::ServerError;

/// Postgres's own account first: on a machine that has it, it can reach whatever its packages set
/// up.
const INSTEAD_OF_ROOT: [&str; 2] = ["postgres", "nobody"];

/// All that a server gets of our environment: what is in the rest (tokens, PGPORT) is none of its
/// business.
const ENVIRONMENT: [&str; 2] = ["PATH", "LD_LIBRARY_PATH"];

/// The account that the servers run as.
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) uid: u32,
    /// None: it is us, there is nothing to change and nothing to give.
    gid: Option<u32>,
}

impl Account {
    pub(crate) fn of_servers() -> Result<Self, ServerError> {
        let own = Uid::effective();
        if !own.is_root() {
            return Ok(Self { name: format!("uid {own}"), uid: own.as_raw(), gid: None });
        }
        INSTEAD_OF_ROOT
            .iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .map(|user| Self { name: user.name, uid: user.uid.as_raw(), gid: Some(user.gid.as_raw()) })
            .ok_or(ServerError::NoAccount)
    }

    pub(crate) fn is_us(&self) -> bool {
        self.gid.is_none()
    }

    /// A command run by this account, in a directory that it can enter.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir("/");
        command.envs(ENVIRONMENT.iter().filter_map(|name| Some((name, env::var_os(name)?))));
        // Messages in one language, and the same answers from initdb's guess of the time zone
        // everywhere.
        command.env("LC_ALL", "C").env("TZ", "UTC");
        if let Some(gid) = self.gid {
            command.uid(self.uid).gid(gid);
        }
        command
    }

    pub(crate) fn give(&self, path: &Path) -> Result<(), ServerError> {
        match self.gid {
            None => Ok(()),
            Some(gid) => lchown(path, Some(self.uid), Some(gid)).map_err(ServerError::io("change the owner of", path)),
        }
    }

    /// Makes the directory and those above it that are missing, and returns what it made, outermost
    /// first.
    ///
    /// All of them are this account's: it could not get into a directory below one that only root
    /// may enter.
    pub(crate) fn make_directory(&self, directory: &Path) -> Result<Vec<PathBuf>, ServerError> {
        let missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
        let mut made: Vec<PathBuf> = directory.ancestors().take_while(missing).map(Path::to_owned).collect();
        made.reverse();
        for path in &made {
            match DirBuilder::new().mode(0o700).create(path) {
                // Somebody else was faster, and has the same in mind.
                Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => {}
                outcome => outcome.map_err(ServerError::io("create the directory", path))?,
            }
            self.give(path)?;
        }
        Ok(made)
    }

    /// Asks the kernel, as this account: modes alone do not tell (parents, read-only mounts, access
    /// lists).
    pub(crate) fn can_write(&self, directory: &Path) -> io::Result<bool> {
        let mut test = self.command("/bin/sh");
        test.args(["-c", r#"test -w "$1" && test -x "$1""#, "sh"]).arg(directory);
        Ok(test.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?.success())
    }
}
