//! A request's body: JSON, whatever its content type says, so that a plain `curl -d` works.

use crate::problem::Problem;
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use futures_util::StreamExt;
use ordinaut_core::json::check_integers;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_json::value::RawValue;

/// Maximum size of a body in bytes.
const LIMIT: usize = 1024 * 1024;

/// Maximum size in bytes of a body that is an array of jobs.
const LIMIT_OF_MANY: usize = 16 * LIMIT;

/// As much of a body that is too large is read and thrown away: a client that is still sending when
/// the connection closes may never see the answer.
const LONGEST_DRAIN: usize = 32 * LIMIT;

/// A body that is a JSON object with the fields of `T`.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        parse(&read(request.into_body()).await?).map(Self)
    }
}

/// The same for a `T` that holds JSON values, in which large integers would be rounded: they are
/// refused, by the field's name.
pub(crate) struct ExactJsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for ExactJsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = read(request.into_body()).await?;
        let value = parse(&bytes)?;
        // What was read is UTF-8.
        check_integers(&String::from_utf8_lossy(&bytes))?;
        Ok(Self(value))
    }
}

/// The same as `JsonBody`, or nothing at all.
pub(crate) struct OptionalJsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned + Default, S: Sync> FromRequest<S> for OptionalJsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = read(request.into_body()).await?;
        if bytes.is_empty() { Ok(Self(T::default())) } else { parse(&bytes).map(Self) }
    }
}

async fn read(body: Body) -> Result<Vec<u8>, Problem> {
    read_up_to(LIMIT, body).await
}

/// One thing, or an array of them.
pub(crate) enum OneOrMany<T> {
    One(Box<T>),
    Many(Vec<T>),
}

/// A body that is one JSON object with the fields of `T`, or an array of these, which may be
/// larger.
pub(crate) struct JsonOneOrMany<T>(pub(crate) OneOrMany<T>);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for JsonOneOrMany<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = read_up_to(LIMIT_OF_MANY, request.into_body()).await?;
        if bytes.trim_ascii_start().first() == Some(&b'[') {
            let items: Vec<&RawValue> = read_json(&bytes)?;
            let parsed = items.iter().enumerate();
            let many: Result<_, _> =
                parsed.map(|(n, item)| parse(item.get().as_bytes()).map_err(|p| p.within(n))).collect();
            return many.map(OneOrMany::Many).map(Self);
        }
        if bytes.len() > LIMIT {
            return Err(too_large(LIMIT));
        }
        parse(&bytes).map(|one| Self(OneOrMany::One(Box::new(one))))
    }
}

/// Also of what may be an array of things.
pub(crate) async fn read_many(body: Body) -> Result<Vec<u8>, Problem> {
    read_up_to(LIMIT_OF_MANY, body).await
}

fn too_large(limit: usize) -> Problem {
    let detail = format!("body must not be larger than {} MiB", limit / 1024 / 1024);
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail).about("body")
}

async fn read_up_to(limit: usize, body: Body) -> Result<Vec<u8>, Problem> {
    let (mut stream, mut bytes, mut size) = (body.into_data_stream(), Vec::new(), 0);
    while let Some(chunk) = stream.next().await {
        let broken = |_| {
            Problem::new(StatusCode::BAD_REQUEST, "could not read the body: the connection broke off").about("body")
        };
        let chunk = chunk.map_err(broken)?;
        size += chunk.len();
        if size > LONGEST_DRAIN {
            break;
        }
        if size <= limit {
            bytes.extend_from_slice(&chunk);
        }
    }
    if size > limit {
        return Err(too_large(limit));
    }
    Ok(bytes)
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // serde would take an array as the fields in their order.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(Problem::invalid("body", "must be a JSON object"));
    }
    read_json(bytes)
}

fn read_json<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        problem(error.inner(), if path == "." { "body" } else { &path })
    })?;
    reader.end().map_err(|error| problem(&error, "body"))?;
    Ok(value)
}

/// The error's own text says at which line and column.
fn problem(error: &serde_json::Error, field: &str) -> Problem {
    match error.classify() {
        Category::Data => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{field}: {error}")).about(field.to_owned())
        }
        _ => Problem::new(StatusCode::BAD_REQUEST, format!("the body is not JSON: {error}")).about("body"),
    }
}
