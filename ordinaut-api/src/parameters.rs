//! What the address of a request says: the id or name in its path, and the parameters of its query.

use crate::problem::Problem;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::header::IF_MATCH;
use axum::http::request::Parts;
use chrono::{DateTime, Datelike, Utc};
use std::ops::RangeInclusive;
use std::str::FromStr;
use uuid::Uuid;

const LIMITS: RangeInclusive<i64> = 1..=500;
const DEFAULT_LIMIT: i64 = 50;

/// The id of a job, in the path.
pub(crate) struct JobId(pub(crate) Uuid);

impl<S: Send + Sync> FromRequestParts<S> for JobId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        id_in_path(parts, state, "job").await.map(Self)
    }
}

/// The id of a bulk operation, in the path.
pub(crate) struct BulkId(pub(crate) Uuid);

impl<S: Send + Sync> FromRequestParts<S> for BulkId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        id_in_path(parts, state, "bulk operation").await.map(Self)
    }
}

/// The id of an alert, in the path.
pub(crate) struct AlertId(pub(crate) Uuid);

impl<S: Send + Sync> FromRequestParts<S> for AlertId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        id_in_path(parts, state, "alert").await.map(Self)
    }
}

/// The id of a silence, in the path.
pub(crate) struct SilenceId(pub(crate) Uuid);

impl<S: Send + Sync> FromRequestParts<S> for SilenceId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        id_in_path(parts, state, "silence").await.map(Self)
    }
}

/// The id of a batch, in the path.
pub(crate) struct BatchId(pub(crate) Uuid);

impl<S: Send + Sync> FromRequestParts<S> for BatchId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        id_in_path(parts, state, "batch").await.map(Self)
    }
}

/// The id of a command, in the path.
pub(crate) struct CommandId(pub(crate) Uuid);

impl<S: Send + Sync> FromRequestParts<S> for CommandId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        id_in_path(parts, state, "command").await.map(Self)
    }
}

/// The id of a task, in the path.
pub(crate) struct TaskId(pub(crate) Uuid);

impl<S: Send + Sync> FromRequestParts<S> for TaskId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        id_in_path(parts, state, "task").await.map(Self)
    }
}

/// A name in the path; the route that uses it checks it. What is not UTF-8 is empty, and no name
/// is.
pub(crate) struct Name(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self(in_path(parts, state).await))
    }
}

/// A name and a number in the path.
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) n: i64,
}

impl<S: Send + Sync> FromRequestParts<S> for Place {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<(String, String)>::from_request_parts(parts, state).await;
        let (name, n) = path.map(|Path(both)| both).unwrap_or_default();
        let n = n.parse().map_err(|_| Problem::invalid("n", "must be the number of an event"))?;
        Ok(Self { name, n })
    }
}

async fn id_in_path<S: Send + Sync>(parts: &mut Parts, state: &S, of: &str) -> Result<Uuid, Problem> {
    let text = in_path(parts, state).await;
    text.parse().map_err(|_| Problem::invalid("id", format!("must be the id of a {of}, a UUID")))
}

async fn in_path<S: Send + Sync>(parts: &mut Parts, state: &S) -> String {
    Path::<String>::from_request_parts(parts, state).await.map(|Path(text)| text).unwrap_or_default()
}

/// The version of a task that the client saw: the `ETag` of an answer, in `If-Match`. None:
/// whatever it is now.
pub(crate) struct SeenVersion(pub(crate) Option<i64>);

impl<S: Sync> FromRequestParts<S> for SeenVersion {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(IF_MATCH) else { return Ok(Self(None)) };
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(Self(None));
        }
        let quoted = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        match quoted.and_then(|number| number.parse().ok()) {
            Some(version) => Ok(Self(Some(version))),
            None => Err(Problem::invalid("If-Match", "must be the ETag of a task, such as \"3\", or *")),
        }
    }
}

/// The parameters of a query, taken one by one; what is left at the end is unknown.
pub(crate) struct Parameters(Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for Parameters {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Query(pairs) =
            Query::try_from_uri(&parts.uri).map_err(|_| Problem::invalid("query", "could not be decoded"))?;
        Ok(Self(pairs))
    }
}

impl Parameters {
    /// A parameter's value; an empty one is an absent one. `must_be` says what `parse` accepts.
    pub(crate) fn take<T>(
        &mut self,
        name: &'static str,
        must_be: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let (mine, others) = std::mem::take(&mut self.0).into_iter().partition(|(key, _)| key == name);
        self.0 = others;
        let mine: Vec<(String, String)> = mine;
        match &*mine {
            [] => Ok(None),
            [(_, value)] if value.is_empty() => Ok(None),
            [(_, value)] => parse(value).map(Some).ok_or_else(|| Problem::invalid(name, format!("must be {must_be}"))),
            _ => Err(Problem::invalid(name, "must not be given twice")),
        }
    }

    /// All parameters whose names begin so, by the rest of their names.
    pub(crate) fn take_all(&mut self, prefix: &str) -> Vec<(String, String)> {
        let (mine, others) = std::mem::take(&mut self.0).into_iter().partition(|(key, _)| key.starts_with(prefix));
        self.0 = others;
        let mine: Vec<(String, String)> = mine;
        mine.into_iter().map(|(key, value)| (key[prefix.len()..].to_owned(), value)).collect()
    }

    /// The name of a kind or a queue. Postgres could not even compare one with a NUL.
    pub(crate) fn name(&mut self, name: &'static str) -> Result<Option<String>, Problem> {
        self.take(name, "a name without control characters", |text| {
            (!text.chars().any(char::is_control)).then(|| text.to_owned())
        })
    }

    /// An instant of a year that Postgres and RFC 3339 both know.
    pub(crate) fn instant(&mut self, name: &'static str) -> Result<Option<DateTime<Utc>>, Problem> {
        self.take(name, "an instant such as 2030-12-31T23:59:59Z", |text| {
            let at = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
            (0..=9999).contains(&at.year()).then_some(at)
        })
    }

    /// Where the page before ended.
    pub(crate) fn after<T: FromStr>(&mut self) -> Result<Option<T>, Problem> {
        self.take("after", "the \"next\" of another page", |text| text.parse().ok())
    }

    /// The same in a list by name. Postgres could not even compare a name with a NUL.
    pub(crate) fn after_name(&mut self) -> Result<Option<String>, Problem> {
        self.take("after", "the \"next\" of another page", |text| (!text.contains('\0')).then(|| text.to_owned()))
    }

    /// Number of rows that the client wants.
    pub(crate) fn limit(&mut self) -> Result<i64, Problem> {
        let limit = self
            .take("limit", "a number from 1 to 500", |text| text.parse().ok().filter(|limit| LIMITS.contains(limit)))?;
        Ok(limit.unwrap_or(DEFAULT_LIMIT))
    }

    /// Refuses what nobody took: a filter with a typo would show everything.
    pub(crate) fn end(self) -> Result<(), Problem> {
        match self.0.into_iter().next() {
            None => Ok(()),
            Some((name, _)) => Err(Problem::invalid(name, "is not a parameter here")),
        }
    }
}
