//! The Postgres that is installed on this machine: where its programs are, and how old it is.

use std::cmp::Reverse;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Missing;

/// The oldest major version that the schema works on.
const OLDEST: u32 = 14;

/// Directories with one installation for each version: parent, what stands before the version,
/// where its programs are.
const VERSIONED: [(&str, &str, &str); 5] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

/// A Postgres server's programs.
#[derive(Debug, Clone)]
pub struct Installation {
    /// The directory that has `postgres`, `initdb` and most often `psql`.
    pub bin: PathBuf,
    /// As the server says it, for example `15.18`.
    pub version: String,
    /// What a cluster has in common with the servers that can read it.
    pub major: u32,
}

impl Installation {
    /// `ORDINAUT_PG_BIN` if that is set; else the first of the usual places that has Postgres 14 or
    /// newer.
    ///
    /// The places are `pg_config --bindir`, PATH, Debian's, PGDG's and Homebrew's directories (the
    /// highest version first) and Postgres.app.
    ///
    /// # Errors
    ///
    /// The error says what to install, or what to set instead.
    pub fn find() -> Result<Self, Missing> {
        if let Some(bin) = env::var_os("ORDINAUT_PG_BIN").filter(|bin| !bin.is_empty()).map(PathBuf::from) {
            let found = Self::at(&bin).ok_or(Missing::NotThere { bin })?;
            return if found.major < OLDEST { Err(found.too_old()) } else { Ok(found) };
        }
        let mut missing = Missing::Nowhere;
        for bin in usual_places() {
            match Self::at(&bin) {
                Some(found) if found.major >= OLDEST => return Ok(found),
                Some(found) => missing = found.too_old(),
                None => {}
            }
        }
        Err(missing)
    }

    /// None: it has no server. Clients are often installed alone, and `pg_config` comes with a
    /// library.
    fn at(bin: &Path) -> Option<Self> {
        if !bin.join("initdb").is_file() {
            return None;
        }
        let said = output(Command::new(bin.join("postgres")).arg("--version"))?;
        let version = version_in(&said)?;
        let major = major_of(version)?;
        Some(Self { bin: bin.to_owned(), version: version.to_owned(), major })
    }

    fn too_old(self) -> Missing {
        Missing::TooOld { version: self.version, bin: self.bin }
    }
}

fn usual_places() -> Vec<PathBuf> {
    let mut places = Vec::new();
    places.extend(output(Command::new("pg_config").arg("--bindir")).map(PathBuf::from));
    let path = env::var_os("PATH").unwrap_or_default();
    places.extend(env::split_paths(&path).filter_map(|directory| {
        // Homebrew and Debian's administrators link single programs into PATH; initdb is beside the
        // real one.
        Some(directory.join("postgres").canonicalize().ok()?.parent()?.to_owned())
    }));
    places.extend(VERSIONED.iter().flat_map(|&(parent, prefix, bin)| versions(Path::new(parent), prefix, bin)));
    places
}

/// Highest version first.
fn versions(parent: &Path, prefix: &str, bin: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.file_name();
            Some((major_of(name.to_str()?.strip_prefix(prefix)?)?, entry.path().join(bin)))
        })
        .collect();
    found.sort_by_key(|(major, _)| Reverse(*major));
    found.into_iter().map(|(_, bin)| bin).collect()
}

fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// The number in `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn version_in(said: &str) -> Option<&str> {
    said.split_once("(PostgreSQL) ")?.1.split_whitespace().next()
}

/// Of `15.18`, of a directory's `15`, and of `19beta1`.
fn major_of(version: &str) -> Option<u32> {
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

    use super::*;

    #[test]
    fn the_version_is_read_from_what_distributions_print() {
        for (said, version, major) in [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", "15.18", 15),
            ("postgres (PostgreSQL) 17.5", "17.5", 17),
            ("postgres (PostgreSQL) 19beta1", "19beta1", 19),
        ] {
            assert_eq!(version_in(said), Some(version));
            assert_eq!(major_of(version), Some(major));
        }
        assert_eq!(version_in("redis-server 7"), None);
    }

    #[test]
    fn the_highest_version_comes_first_by_number_and_not_by_letter() {
        let parent = tempfile::tempdir().unwrap();
        for name in ["pgsql-9", "pgsql-17", "pgsql-14", "lib", "pgsql-"] {
            fs::create_dir(parent.path().join(name)).unwrap();
        }
        let expected: Vec<_> = ["17", "14", "9"].map(|v| parent.path().join(format!("pgsql-{v}/bin"))).into();
        assert_eq!(versions(parent.path(), "pgsql-", "bin"), expected);
    }
}
