//! The directory of a worker's secrets: a file for each, read when it is needed, so that a new
//! value holds at once.

use super::mask::Mask;
use super::permits::{LIST, Permits};
use ordinaut_core::JobError;
use ordinaut_runtime::settings::SettingError;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What names the directory.
const SETTING: &str = "WORKER_SECRETS_DIR";

/// Maximum length of a secret, in bytes.
const LONGEST: u64 = 16 * 1024;

/// Minimum length: what is shorter is in many texts by chance, so that masking it would tell it.
const SHORTEST: usize = 8;

/// The secrets of a worker. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct SecretFiles {
    directory: Option<PathBuf>,
    /// Secrets without a list of hosts are refused.
    strict: bool,
}

/// Secrets that were read.
#[derive(Default)]
pub(crate) struct Secrets {
    pub(crate) values: BTreeMap<String, String>,
    pub(crate) mask: Mask,
    pub(crate) permits: Permits,
}

impl SecretFiles {
    /// Those of a directory that others of the machine may not write to.
    pub(crate) fn in_directory(directory: Option<&PathBuf>, strict: bool) -> Result<Self, SettingError> {
        let Some(path) = directory else { return Ok(Self::default()) };
        let unreadable = |source| SettingError::Unreadable { name: SETTING.to_owned(), path: path.clone(), source };
        let entry = std::fs::metadata(path).map_err(unreadable)?;
        let refused =
            |reason: &str| SettingError::File { name: SETTING, path: path.clone(), reason: reason.to_owned() };
        if !entry.is_dir() {
            return Err(refused("is no directory"));
        }
        if entry.permissions().mode() & 0o002 != 0 {
            return Err(refused("everybody on this machine may write to it"));
        }
        Ok(Self { directory: Some(path.clone()), strict })
    }

    /// The values of these names, what masks them, and where they may go. Another worker, or this
    /// one later, may have what is missing here.
    pub(crate) async fn read(&self, names: BTreeSet<String>) -> Result<Secrets, JobError> {
        if names.is_empty() {
            return Ok(Default::default());
        }
        let Some(directory) = self.directory.clone() else {
            return Err(JobError::retry(format!("this worker has no secrets: {SETTING} is not set")));
        };
        let strict = self.strict;
        let reading = tokio::task::spawn_blocking(move || -> Result<Secrets, String> {
            let mut secrets = Secrets::default();
            for name in names {
                let value = value(&directory, &name)?;
                secrets.permits.read(&directory, &name, strict)?;
                secrets.values.insert(name, value);
            }
            secrets.mask = Mask::of(secrets.values.values());
            Ok(secrets)
        });
        reading.await.map_err(JobError::retry)?.map_err(JobError::retry)
    }
}

/// The error names the secret, and nothing of it.
fn value(directory: &Path, name: &str) -> Result<String, String> {
    let fault = |reason: &str| format!("the secret {name:?} of this worker {reason}");
    if name.ends_with(LIST) {
        return Err(fault("is a list of hosts, and no secret"));
    }
    let file =
        std::fs::File::open(directory.join(name)).map_err(|error| fault(&format!("could not be read: {error}")))?;
    let mut text = String::new();
    let read = file.take(LONGEST + 1).read_to_string(&mut text);
    read.map_err(|error| fault(&format!("could not be read: {error}")))?;
    let text = text.strip_suffix('\n').map_or(&*text, |text| text.strip_suffix('\r').unwrap_or(text));
    match text.len() {
        length if length < SHORTEST => Err(fault(&format!("has less than {SHORTEST} bytes: it could not be masked"))),
        length if length as u64 > LONGEST => Err(fault(&format!("has more than {LONGEST} bytes"))),
        _ => Ok(text.to_owned()),
    }
}
