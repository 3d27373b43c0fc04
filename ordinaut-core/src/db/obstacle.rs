//! What keeps a program from its work although Postgres answers: a server that only reads, rows
//! that policies hide, and what a connection carries from its role, its database or the server.

use crate::client::Diagnostics;
use crate::error::Error;
use std::fmt;

/// What keeps a program from its work although Postgres answers, as one sentence that also says how
/// to mend it. It names no host and no account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Obstacle {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, and how to mend it.
    pub text: String,
}

/// How bad an [`Obstacle`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Severity {
    /// No work can be done.
    Stops,
    /// Work may fail, or be lost.
    Bad,
    /// Work gets done; something is slower, or may surprise.
    Note,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What a connection carries.
#[derive(Clone, Debug, sqlx::FromRow)]
struct Carried {
    in_recovery: bool,
    read_only: bool,
    encoding: String,
    isolation: String,
    forgets_commits: bool,
    compiles: bool,
    short_timeouts: Vec<String>,
    hidden_tables: Vec<String>,
    given: Vec<String>,
}

impl Diagnostics<'_> {
    /// What keeps a program from its work although Postgres answers. Connections that are made by
    /// this library carry settings of their own; those of a pool that an application made carry
    /// what its role, its database and the server give them.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn obstacles(self) -> Result<Vec<Obstacle>, Error> {
        let carried: Carried = sqlx::query_as(self.client.sql(sql!("db/carried")))
            .bind(self.client.schema().as_str())
            .fetch_one(self.client)
            .await?;
        Ok(carried.obstacles())
    }
}

impl Carried {
    fn obstacles(&self) -> Vec<Obstacle> {
        let mut found = Vec::new();
        let mut add = |severity, text: String| found.push(Obstacle { severity, text });
        if self.in_recovery {
            add(
                Severity::Stops,
                "Postgres takes no writes: it is a standby; promote it, or name its primary".to_owned(),
            );
        } else if self.read_only {
            let text = "Postgres takes no writes: default_transaction_read_only is on; reset it where it is set: the server's \
                        configuration, the connection's options, the role or the database";
            add(Severity::Stops, text.to_owned());
        }
        if !self.hidden_tables.is_empty() {
            let tables = self.hidden_tables.join(", ");
            let text = format!(
                "row-level security hides rows of {tables} from this account: `alter role … bypassrls`, or \
                 `alter table … disable row level security`"
            );
            add(Severity::Stops, text);
        }
        if self.encoding != "UTF8" {
            let text = format!(
                "the database's encoding is {}, and must be UTF8: move the data to one that has it",
                self.encoding
            );
            add(Severity::Bad, text);
        }
        if self.isolation != "read committed" {
            let text = format!(
                "connections begin transactions at the isolation level {}, at which statements of ours fail beside others: \
                 reset default_transaction_isolation",
                self.isolation
            );
            add(Severity::Bad, text);
        }
        if self.forgets_commits {
            let text = "synchronous_commit is off: an enqueue that was answered is lost if the server crashes soon after; reset it";
            add(Severity::Bad, text.to_owned());
        }
        if !self.short_timeouts.is_empty() {
            let text = format!(
                "connections carry {}: retention and changes of many jobs may never finish; reset it for the account",
                self.short_timeouts.join(", ")
            );
            add(Severity::Note, text);
        }
        if self.compiles {
            let text = "jit is on: Postgres may compile a statement of a millisecond for a second; `alter role … set jit = off`";
            add(Severity::Note, text.to_owned());
        }
        if !self.given.is_empty() {
            let text = format!(
                "the role or the database sets {}: Ordinaut's own connections go without, those of an application's own pool \
                 and of psql do not",
                self.given.join(", ")
            );
            add(Severity::Note, text);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Carried {
        Carried {
            in_recovery: false,
            read_only: false,
            encoding: "UTF8".to_owned(),
            isolation: "read committed".to_owned(),
            forgets_commits: false,
            compiles: false,
            short_timeouts: Vec::new(),
            hidden_tables: Vec::new(),
            given: Vec::new(),
        }
    }

    /// The only obstacle of what such a connection carries.
    fn check(carried: Carried, severity: Severity, says: &str) {
        let found = carried.obstacles();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].severity, severity, "{found:?}");
        assert!(found[0].text.contains(says), "{found:?}");
    }

    #[test]
    fn each_obstacle_is_one_sentence() {
        assert_eq!(good().obstacles(), []);
        let words = |word: &str| vec![word.to_owned()];
        check(Carried { in_recovery: true, read_only: true, ..good() }, Severity::Stops, "standby");
        check(Carried { read_only: true, ..good() }, Severity::Stops, "default_transaction_read_only");
        check(Carried { hidden_tables: words("due_work"), ..good() }, Severity::Stops, "due_work");
        check(Carried { encoding: "LATIN1".to_owned(), ..good() }, Severity::Bad, "LATIN1");
        check(Carried { isolation: "serializable".to_owned(), ..good() }, Severity::Bad, "serializable");
        check(Carried { forgets_commits: true, ..good() }, Severity::Bad, "synchronous_commit");
        check(Carried { short_timeouts: words("lock_timeout = 1 s"), ..good() }, Severity::Note, "lock_timeout = 1 s");
        check(Carried { compiles: true, ..good() }, Severity::Note, "jit");
        check(Carried { given: words("jit=on"), ..good() }, Severity::Note, "jit=on");
    }
}
