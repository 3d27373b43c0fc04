//! The Postgres schema that holds our tables.

use crate::error::InvalidField;
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};
use std::fmt;
use std::sync::Arc;

const DEFAULT: &str = "ordinaut";

/// Words that name a schema only in quotes: those that `pg_get_keywords()` calls reserved, of 15 to
/// 18.
#[rustfmt::skip]
const RESERVED: &[&str] = &[
    "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "authorization", "binary",
    "both", "case", "cast", "check", "collate", "collation", "column", "concurrently", "constraint", "create",
    "cross", "current_catalog", "current_date", "current_role", "current_schema", "current_time",
    "current_timestamp", "current_user", "default", "deferrable", "desc", "distinct", "do", "else", "end",
    "except", "false", "fetch", "for", "foreign", "freeze", "from", "full", "grant", "group", "having", "ilike",
    "in", "initially", "inner", "intersect", "into", "is", "isnull", "join", "lateral", "leading", "left", "like",
    "limit", "localtime", "localtimestamp", "natural", "not", "notnull", "null", "offset", "on", "only", "or",
    "order", "outer", "overlaps", "placing", "primary", "references", "returning", "right", "select",
    "session_user", "similar", "some", "symmetric", "system_user", "table", "tablesample", "then", "to",
    "trailing", "true", "union", "unique", "user", "using", "variadic", "verbose", "when", "where", "window",
    "with",
];

/// The Postgres schema that holds Ordinaut's tables: `ordinaut`, unless the installation says
/// otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema(Arc<str>);

impl Default for Schema {
    fn default() -> Self {
        Self(DEFAULT.into())
    }
}

impl TryFrom<&str> for Schema {
    type Error = InvalidField;

    fn try_from(name: &str) -> Result<Self, InvalidField> {
        Self::new(name)
    }
}

impl Schema {
    /// A schema by name: lower-case letters, digits and `_`, and no word that SQL or Postgres keeps
    /// for itself, so that it needs no quotes anywhere.
    ///
    /// # Errors
    ///
    /// If the name needs quotes, is longer than 63 characters, or is a reserved word of SQL or a
    /// schema of Postgres itself.
    pub fn new(name: &str) -> Result<Self, InvalidField> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty()
            || name.len() > 63
            || !name.chars().all(plain)
            || name.starts_with(|c: char| c.is_ascii_digit())
        {
            return Err(InvalidField {
                field: "schema",
                reason: "must be 1 to 63 lower-case letters, digits or _, and not start with a digit".to_owned(),
            });
        }
        if name.starts_with("pg_") || name == "information_schema" || RESERVED.contains(&name) {
            return Err(InvalidField {
                field: "schema",
                reason: format!("must not be {name}, which is a reserved word of SQL or a schema of Postgres itself"),
            });
        }
        Ok(Self(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The channel on which workers listen for hints.
    pub(crate) fn channel(&self) -> &str {
        &self.0
    }

    /// A statement of `sql/`, which names the default schema, for this one. The only place that
    /// builds SQL; what it puts in was checked above.
    pub(crate) fn sql(&self, text: &'static str) -> SqlStr {
        if &*self.0 == DEFAULT {
            return text.into_sql_str();
        }
        AssertSqlSafe(self.in_text(text)).into_sql_str()
    }

    /// The same for a text that is written out, and not sent.
    pub(crate) fn in_text(&self, text: &str) -> String {
        text.replace("ordinaut.", &format!("{}.", self.0))
    }

    /// `template` with `{schema}` filled in, for the few statements that no parameter can serve.
    pub(crate) fn fill(&self, template: &'static str) -> SqlStr {
        AssertSqlSafe(template.replace("{schema}", &self.0)).into_sql_str()
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_needs_quotes_or_belongs_to_postgres_is_refused_with_a_sentence() {
        for name in ["order", "user", "table", "pg_x", "pg_catalog", "information_schema", "Upper", "a b", "1a", ""] {
            let refused = Schema::new(name).unwrap_err();
            assert_eq!(refused.field, "schema");
            assert!(refused.reason.starts_with("must"), "{refused}");
        }
        for name in ["ordinaut", "public", "orders", "tenant_1", "values"] {
            assert!(Schema::new(name).is_ok(), "{name}");
        }
    }
}
