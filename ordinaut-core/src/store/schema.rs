//! The Postgres schema that holds our tables.

use crate::vocabulary::new_job::InvalidField;
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};
use std::fmt;
use std::sync::Arc;

const DEFAULT: &str = "ordinaut";

/// The Postgres schema that holds Ordinaut's tables: `ordinaut`, unless the installation says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema(Arc<str>);

impl Default for Schema {
    fn default() -> Self {
        Self(DEFAULT.into())
    }
}

impl Schema {
    /// A schema by name: lower-case letters, digits and `_`, so that it needs no quotes anywhere.
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

    /// A statement of `sql/`, which names the default schema, for this one. The only place that builds SQL; what
    /// it puts in was checked above.
    pub(crate) fn sql(&self, text: &'static str) -> SqlStr {
        if &*self.0 == DEFAULT {
            return text.into_sql_str();
        }
        AssertSqlSafe(text.replace("ordinaut.", &format!("{}.", self.0))).into_sql_str()
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
