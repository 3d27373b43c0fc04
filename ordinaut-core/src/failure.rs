//! What a failure of Postgres means: the one place that looks at SQLSTATEs and at the kinds of
//! [`sqlx::Error`].

mod driver;

pub use driver::is_connection_limit;
pub(crate) use driver::{
    UNREACHED, is_forgotten_statement, is_lock_timeout, is_pool_timeout, is_taken, is_too_much, is_undone_for_others,
    only_reads, said, silence, unreached,
};

use driver::{CONNECTION_LIMIT, LOCK_TIMEOUT, OnlyReads, STATEMENT_KNOWN, STATEMENT_UNKNOWN};
use std::fmt;
use std::io;

/// What a failing connection, statement or row means. The table in `ARCHITECTURE.md` ("What a
/// failure means") has the consequences of each for every part of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// No connection was made: the statement was not sent.
    Unreachable,
    /// The connection broke, or nobody answered in time: the statement may have been done.
    Lost,
    /// Postgres takes no more connections, or no connection of the pool became free in time.
    NoRoom,
    /// The server has no disk space or memory left, or cannot write to its disk.
    Full,
    /// The account, its password or the database's name is refused. Another person can mend that.
    AccessRefused,
    /// The server only reads: a standby, or one that was told so.
    ReadOnly,
    /// Other transactions were in the way: a serialization failure, a deadlock, a lock that was not
    /// had in time.
    Contention,
    /// The statement was cancelled: it took longer than it may, or somebody cancelled it.
    GivenUp,
    /// Postgres refused a value that it was sent.
    BadData,
    /// A row came that cannot be read.
    Undecodable,
    /// The schema, a right or a setting is not as this program needs it. A person must mend that.
    Setup,
    /// Nothing of these: a mistake of ours, or of Postgres.
    Bug,
}

/// What a part of the system does about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// Say it, wait longer each time, and try again.
    Retry,
    /// Ask for less, down to one job; bury the one that still fails, with the reason. The others go
    /// on.
    BuryAlone,
    /// End with an error that says the reason.
    End,
}

impl FailureKind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Unreachable,
        Self::Lost,
        Self::NoRoom,
        Self::Full,
        Self::AccessRefused,
        Self::ReadOnly,
        Self::Contention,
        Self::GivenUp,
        Self::BadData,
        Self::Undecodable,
        Self::Setup,
        Self::Bug,
    ];

    /// What an error means.
    ///
    /// ```
    /// use ordinaut_core::error::FailureKind;
    ///
    /// assert_eq!(FailureKind::of(&sqlx::Error::PoolTimedOut), FailureKind::NoRoom);
    /// assert!(FailureKind::NoRoom.is_transient());
    /// ```
    pub fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(told) => told.code().map_or(Self::Bug, |code| Self::of_sqlstate(&code)),
            sqlx::Error::Io(error) if error.get_ref().is_some_and(|inner| inner.is::<OnlyReads>()) => Self::ReadOnly,
            sqlx::Error::Io(error) => match error.kind() {
                // A socket that is not there, and what no connection is made through.
                io::ErrorKind::ConnectionRefused
                | io::ErrorKind::NotFound
                | io::ErrorKind::AddrNotAvailable
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::NetworkUnreachable => Self::Unreachable,
                _ => Self::Lost,
            },
            sqlx::Error::Tls(_) => Self::Unreachable,
            sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed | sqlx::Error::PoolClosed => Self::Lost,
            sqlx::Error::PoolTimedOut => Self::NoRoom,
            sqlx::Error::Encode(_) => Self::BadData,
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::Undecodable,
            sqlx::Error::Configuration(_) | sqlx::Error::ConfigFile(_) => Self::Setup,
            sqlx::Error::Migrate(error) => Self::of_migration(error),
            _ => Self::Bug,
        }
    }

    /// What a failed migration means: Postgres may have been away in the middle of it.
    pub(crate) fn of_migration(error: &sqlx::migrate::MigrateError) -> Self {
        match error {
            sqlx::migrate::MigrateError::Execute(error) | sqlx::migrate::MigrateError::ExecuteMigration(error, _) => {
                Self::of(error)
            }
            _ => Self::Setup,
        }
    }

    /// What an SQLSTATE means (Appendix A of the manual of Postgres).
    pub(crate) fn of_sqlstate(code: &str) -> Self {
        match code {
            // Poolers forget prepared statements: a new connection, or a transaction, is what
            // helps.
            STATEMENT_UNKNOWN | STATEMENT_KNOWN => Self::Lost,
            "08001" | "08004" | "57P03" => Self::Unreachable,
            // Idle time-outs end the connection; the outcome of 40003 is unknown.
            "25P03" | "40003" | "57P01" | "57P02" | "57P04" | "57P05" => Self::Lost,
            CONNECTION_LIMIT => Self::NoRoom,
            "25006" => Self::ReadOnly,
            "25P04" | "57014" => Self::GivenUp,
            "3D000" => Self::AccessRefused,
            LOCK_TIMEOUT | "55006" | "72000" => Self::Contention,
            _ => match code.get(..2).unwrap_or_default() {
                "08" => Self::Lost,
                "53" | "58" => Self::Full,
                "28" => Self::AccessRefused,
                "40" => Self::Contention,
                "57" => Self::GivenUp,
                "22" | "23" | "44" | "54" => Self::BadData,
                // Features and states that a server lacks, names and rights.
                "0A" | "0L" | "0P" | "3F" | "42" | "55" | "F0" => Self::Setup,
                _ => Self::Bug,
            },
        }
    }

    /// What a loop does that has worked before: claims, settles, renewals, the scheduler's duties,
    /// the relay.
    pub fn in_a_loop(self) -> Consequence {
        match self {
            Self::BadData | Self::Undecodable => Consequence::BuryAlone,
            _ => Consequence::Retry,
        }
    }

    /// What a worker does before its first claim has succeeded: a schema that is missing, or may
    /// not be used, ends it, because a program that waits without a word is harder to understand.
    pub fn before_the_first_claim(self) -> Consequence {
        match self {
            Self::Setup => Consequence::End,
            _ => self.in_a_loop(),
        }
    }

    /// What a process does that starts, and migrates or checks the schema.
    pub fn at_start(self) -> Consequence {
        match self {
            Self::Setup | Self::BadData | Self::Undecodable | Self::Bug => Consequence::End,
            _ => Consequence::Retry,
        }
    }

    /// Whether the same statement may succeed later, without a change of this program or of what it
    /// was given.
    pub fn is_transient(self) -> bool {
        !matches!(self, Self::BadData | Self::Undecodable | Self::Setup | Self::Bug)
    }

    /// Whether a statement, or a commit, may have been done although it failed so: its answer was
    /// lost, or could not be read.
    pub fn may_be_done(self) -> bool {
        matches!(self, Self::Lost | Self::Undecodable | Self::Bug)
    }

    /// The status of an answer of the API. 503 only where nothing was stored: what may have been
    /// stored is 504, unless the request only looks.
    pub fn http_status(self, only_looks: bool) -> u16 {
        match self {
            Self::Lost if !only_looks => 504,
            Self::BadData => 422,
            Self::Undecodable | Self::Bug => 500,
            _ => 503,
        }
    }

    /// One word for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Lost => "lost",
            Self::NoRoom => "no_room",
            Self::Full => "full",
            Self::AccessRefused => "access_refused",
            Self::ReadOnly => "read_only",
            Self::Contention => "contention",
            Self::GivenUp => "given_up",
            Self::BadData => "bad_data",
            Self::Undecodable => "undecodable",
            Self::Setup => "setup",
            Self::Bug => "bug",
        }
    }

    /// What happened, for people; names no host and no account.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Unreachable => "Postgres cannot be reached",
            Self::Lost => "the connection to Postgres was lost before it answered",
            Self::NoRoom => {
                "no connection to Postgres was free in time: all that DATABASE_MAX_CONNECTIONS allows are in use, or Postgres \
                 is at its own max_connections or cannot be reached"
            }
            Self::Full => "Postgres has no disk space or memory left",
            Self::AccessRefused => "Postgres refuses the account, its password or the name of the database",
            Self::ReadOnly => "Postgres is read-only",
            Self::Contention => "other transactions in Postgres were in the way",
            Self::GivenUp => "Postgres cancelled the statement: it took too long, or somebody cancelled it",
            Self::BadData => "Postgres refused a value that it was sent",
            Self::Undecodable => "a row in Postgres cannot be read",
            Self::Setup => "the schema, a right or a setting in Postgres is not as this program needs it",
            Self::Bug => "this should not have happened",
        }
    }

    /// What the caller should do, to be put behind the sentence. `only_looks`: nothing can have
    /// been done.
    pub fn advice(self, only_looks: bool) -> &'static str {
        match self {
            Self::Undecodable | Self::Bug | Self::BadData => "",
            Self::Setup | Self::AccessRefused => "; an operator must fix that",
            Self::Lost if !only_looks => ": the operation may still have completed, so look before you ask again",
            _ => "; try again",
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// What Postgres tells, and the kind that it means.
    const TOLD: &[(&[&str], FailureKind)] = &[
        (&["08001", "08004", "57P03"], FailureKind::Unreachable),
        (&["08000", "08003", "08006", "08P01", "57P01", "57P02", "57P04", "57P05"], FailureKind::Lost),
        (&["25P03", "40003", "26000", "42P05"], FailureKind::Lost),
        (&["53300"], FailureKind::NoRoom),
        (&["53000", "53100", "53200", "58030"], FailureKind::Full),
        (&["28000", "28P01", "3D000"], FailureKind::AccessRefused),
        (&["25006"], FailureKind::ReadOnly),
        (&["40001", "40P01", "55P03", "55006"], FailureKind::Contention),
        (&["57014", "25P04"], FailureKind::GivenUp),
        (&["22008", "22P02", "22021", "23502", "23505", "23514", "54000"], FailureKind::BadData),
        (&["42501", "42P01", "42703", "42883", "3F000", "0A000", "55000"], FailureKind::Setup),
        (&["25P02", "P0001", "XX000", "XX001", "", "0"], FailureKind::Bug),
    ];

    #[test]
    fn every_sqlstate_has_its_kind() {
        for (codes, kind) in TOLD {
            for code in *codes {
                assert_eq!(FailureKind::of_sqlstate(code), *kind, "{code}");
            }
        }
    }

    #[test]
    fn what_no_server_told_has_its_kind() {
        let io = |kind: io::ErrorKind| FailureKind::of(&sqlx::Error::Io(kind.into()));
        assert_eq!(io(io::ErrorKind::ConnectionRefused), FailureKind::Unreachable);
        assert_eq!(io(io::ErrorKind::NotFound), FailureKind::Unreachable);
        assert_eq!(io(io::ErrorKind::UnexpectedEof), FailureKind::Lost);
        assert_eq!(FailureKind::of(&silence(Duration::from_secs(1))), FailureKind::Lost);
        assert_eq!(FailureKind::of(&only_reads("a standby")), FailureKind::ReadOnly);
        assert_eq!(FailureKind::of(&sqlx::Error::PoolTimedOut), FailureKind::NoRoom);
        assert_eq!(FailureKind::of(&sqlx::Error::Decode("no tag".into())), FailureKind::Undecodable);
        assert_eq!(FailureKind::of(&sqlx::Error::RowNotFound), FailureKind::Bug);
        let torn = sqlx::Error::Protocol("expected to read 5 bytes".to_owned());
        assert_eq!(FailureKind::of_migration(&sqlx::migrate::MigrateError::Execute(torn)), FailureKind::Lost);
        assert_eq!(FailureKind::of_migration(&sqlx::migrate::MigrateError::VersionMissing(2)), FailureKind::Setup);
    }

    /// A kind's row of the table in ARCHITECTURE.md.
    fn row(kind: FailureKind) -> String {
        let words = |consequence| match consequence {
            Consequence::Retry => "retry",
            Consequence::BuryAlone => "bury alone",
            Consequence::End => "end",
        };
        let (looks, changes) = (kind.http_status(true), kind.http_status(false));
        let status = if looks == changes { looks.to_string() } else { format!("{changes}, {looks} of a GET") };
        let stored = if kind.may_be_done() { "perhaps" } else { "no" };
        let again = if kind.is_transient() { "try again" } else { "of no use" };
        format!(
            "| `{kind}` | {} | {} | {} | {status} | {stored} | {again} |",
            words(kind.in_a_loop()),
            words(kind.before_the_first_claim()),
            words(kind.at_start()),
        )
    }

    #[test]
    fn the_table_in_the_architecture_has_every_kind_and_its_consequences() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("ARCHITECTURE.md");
        let text = std::fs::read_to_string(path).unwrap();
        let (_, below) = text.split_once("\n## What a failure means\n").unwrap();
        let section = below.split("\n## ").next().unwrap();
        let told: Vec<_> = section.lines().filter(|line| line.starts_with("| `")).collect();
        assert_eq!(told, FailureKind::ALL.map(row), "\n{}", FailureKind::ALL.map(row).join("\n"));
    }
}
