//! Where persistent data can be: where it is wanted, if the account of the servers gets there.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::ServerError;
use crate::account::Account;

/// Where the data of a root's servers goes if it cannot be where it is wanted.
const INSTEAD: &str = "/var/lib/ordinaut";

/// A directory for the servers' directories.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DataDirectory {
    /// Absolute; it exists.
    pub path: PathBuf,
    /// Why it is not the directory that was wanted: a sentence to be shown.
    pub moved: Option<String>,
}

/// A directory for persistent data that the servers' account can really reach.
///
/// It is `wanted`, made if need be, unless we are root and the servers' account cannot get there
/// (root's home is closed to it); then it is one below `/var/lib/ordinaut`, always the same for the
/// same `wanted`. The servers' own directories come below it, such as `path.join("postgres")`.
///
/// # Errors
///
/// The directory cannot be made, or there is no account to run servers.
pub fn data_directory(wanted: &Path) -> Result<DataDirectory, ServerError> {
    let account = Account::of_servers()?;
    let made = account.make_directory(wanted)?;
    let path = wanted.canonicalize().map_err(ServerError::io("find the directory", wanted))?;
    if account.is_us() || can_reach(&account, &path)? {
        return Ok(DataDirectory { path, moved: None });
    }
    for useless in made.iter().rev() {
        fs::remove_dir(useless).map_err(ServerError::io("remove the directory", useless))?;
    }
    let instead = Path::new(INSTEAD).join(format!("{:016x}", fingerprint(path.as_os_str().as_bytes())));
    fs::create_dir_all(INSTEAD).map_err(ServerError::io("create the directory", Path::new(INSTEAD)))?;
    account.make_directory(&instead)?;
    let moved = format!(
        "the servers run as {}, which cannot reach {}, so the data is in {}",
        account.name,
        path.display(),
        instead.display()
    );
    Ok(DataDirectory { path: instead, moved: Some(moved) })
}

/// Whether the account can write to what we give it there.
fn can_reach(account: &Account, directory: &Path) -> Result<bool, ServerError> {
    let failed = || ServerError::io("try the directory", directory);
    let probe = tempfile::Builder::new().prefix(".probe-").tempdir_in(directory).map_err(failed())?;
    account.give(probe.path())?;
    account.can_write(probe.path()).map_err(failed())
}

/// FNV-1a: the standard library's hash may differ from one release to the next, and the data would
/// seem to be gone.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_keeps_its_fingerprint_for_ever() {
        assert_eq!(fingerprint(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fingerprint(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
