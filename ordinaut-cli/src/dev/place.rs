//! Where `ordinaut dev` keeps its things: `.ordinaut` in the current directory.

use anyhow::{Context, bail};
use nix::unistd::geteuid;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Other commands hold the lock too, for the moment in which they look whether a dev runs.
const LOOKERS: Duration = Duration::from_millis(500);

pub(crate) struct Place {
    root: PathBuf,
}

/// What other commands need to know of a dev that runs.
#[derive(Serialize, Deserialize)]
pub(crate) struct Running {
    /// Settings that it chose itself, because nobody said anything about them.
    pub(crate) settings: BTreeMap<String, String>,
}

impl Place {
    pub(crate) fn here() -> Self {
        Self { root: PathBuf::from(".ordinaut") }
    }

    pub(crate) fn create(&self) -> anyhow::Result<()> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(&self.root)
            .with_context(|| format!("could not create the directory {}", self.root.display()))?;
        self.check_that_it_is_ours()
    }

    /// Somebody who may write here could put in a token that they know, or a link to a file of ours
    /// to be overwritten.
    fn check_that_it_is_ours(&self) -> anyhow::Result<()> {
        let (root, found) = (self.root.display(), fs::symlink_metadata(&self.root));
        let found = found.with_context(|| format!("could not look at {}", self.root.display()))?;
        if !found.is_dir() {
            bail!("{root} is not a directory: remove it, or run this elsewhere");
        }
        if found.uid() != geteuid().as_raw() {
            bail!("{root} belongs to another user: remove it, or run this elsewhere");
        }
        if found.mode() & 0o022 != 0 {
            bail!("{root} is writable for other users: chmod go-w {root}");
        }
        Ok(())
    }

    /// What the servers keep. Apart from the rest, because as root they run under another account,
    /// which owns it.
    pub(crate) fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    pub(crate) fn token_file(&self) -> PathBuf {
        self.root.join("api_token")
    }

    /// The API's token, made if there is none, readable by its user only.
    pub(crate) fn token(&self) -> anyhow::Result<String> {
        let path = self.token_file();
        if let Ok(token) = fs::read_to_string(&path) {
            return Ok(token.trim().to_owned());
        }
        let token: String = (0..4).map(|_| format!("{:016x}", rand::random::<u64>())).collect();
        write_private(&path, &format!("{token}\n"))?;
        Ok(token)
    }

    /// Takes the place for this process: held until the file is dropped, or the process ends
    /// however it ends.
    pub(crate) fn occupy(&self) -> anyhow::Result<File> {
        let path = self.lock_file();
        let lock = File::create(&path).with_context(|| format!("could not write {}", path.display()))?;
        let patience = Instant::now() + LOOKERS;
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(lock),
                Err(TryLockError::WouldBlock) if Instant::now() < patience => sleep(LOOKERS / 20),
                Err(TryLockError::WouldBlock) => bail!("`ordinaut dev` runs in this directory already"),
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("could not lock {}", path.display()));
                }
            }
        }
    }

    /// Tells other commands where the servers are.
    pub(crate) fn announce(&self, running: &Running) -> anyhow::Result<()> {
        write_private(&self.running_file(), &serde_json::to_string_pretty(running)?)
    }

    pub(crate) fn withdraw(&self) {
        // A dev that was killed leaves it too; the lock tells.
        fs::remove_file(self.running_file()).ok();
    }

    /// The dev that runs here, if one does.
    pub(crate) fn running(&self) -> Option<Running> {
        self.check_that_it_is_ours().ok()?;
        let lock = File::open(self.lock_file()).ok()?;
        if lock.try_lock_shared().is_ok() {
            return None;
        }
        serde_json::from_str(&fs::read_to_string(self.running_file()).ok()?).ok()
    }

    fn lock_file(&self) -> PathBuf {
        self.root.join("lock")
    }

    fn running_file(&self) -> PathBuf {
        self.root.join("running.json")
    }
}

fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let write = || {
        // A new file each time, so that nothing that lies there is followed or keeps its mode.
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())
    };
    write().with_context(|| format!("could not write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    #[test]
    fn a_place_that_is_not_ours_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let place = Place { root: directory.path().join(".ordinaut") };
        place.create().unwrap();
        fs::set_permissions(&place.root, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(place.create().unwrap_err().to_string().contains("is writable for other users"));
        fs::set_permissions(&place.root, fs::Permissions::from_mode(0o755)).unwrap();
        place.create().unwrap();
        // Only root can give it away.
        if geteuid().is_root() {
            chown(&place.root, Some(65534), None).unwrap();
            assert!(place.create().unwrap_err().to_string().contains("belongs to another user"));
            assert!(place.running().is_none());
        }
        let link = Place { root: directory.path().join("link") };
        symlink(directory.path(), &link.root).unwrap();
        assert!(link.create().unwrap_err().to_string().contains("is not a directory"));
    }

    #[test]
    fn a_link_is_replaced_and_its_target_stays() {
        let directory = tempfile::tempdir().unwrap();
        let (target, path) = (directory.path().join("target"), directory.path().join("running.json"));
        fs::write(&target, "theirs").unwrap();
        symlink(&target, &path).unwrap();
        write_private(&path, "ours").unwrap();
        assert_eq!(
            (fs::read_to_string(&target).unwrap(), fs::read_to_string(&path).unwrap()),
            ("theirs".into(), "ours".into())
        );
        assert_eq!(fs::symlink_metadata(&path).unwrap().mode() & 0o777, 0o600);
    }
}
