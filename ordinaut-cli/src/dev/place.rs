//! Where `ordinaut dev` keeps its things: `.ordinaut` in the current directory.

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
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
    pub(crate) database_url: Option<String>,
    pub(crate) redis_url: Option<String>,
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
            .with_context(|| format!("could not make the directory {}", self.root.display()))
    }

    /// What the servers keep. Apart from the rest, because as root they run under another account, which owns it.
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

    /// Takes the place for this process: held until the file is dropped, or the process ends however it ends.
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
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())
    };
    write().with_context(|| format!("could not write {}", path.display()))
}
