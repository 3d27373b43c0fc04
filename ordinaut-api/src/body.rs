//! A request's body: JSON, whatever its content type says, so that a plain `curl -d` works.

use crate::problem::Problem;
use crate::request_id;
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use futures_util::StreamExt;
use ordinaut_core::json::check_integers;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use serde_json::value::RawValue;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::sync::Semaphore;
use utoipa::openapi::schema::{ArrayBuilder, OneOfBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

/// Maximum size of a body in bytes.
pub(crate) const LIMIT: usize = 1024 * 1024;

/// Maximum size in bytes of a body that is an array of jobs.
const LIMIT_OF_MANY: usize = 16 * LIMIT;

/// As much of a body that is too large is read and thrown away: a client that is still sending when
/// the connection closes may never see the answer.
const LONGEST_DRAIN: usize = 32 * LIMIT;

/// Room in memory for all bodies at once that are larger than a plain one, in KiB: agents with a
/// token may send large ones, and many of them.
const ROOM: usize = 64 * 1024;

/// Up to this size a body needs no room of its own, in bytes.
const PLAIN: usize = 16 * 1024;

/// Longest wait for room.
const ROOM_TIMEOUT: Duration = Duration::from_secs(5);

/// Time in which a body must have come.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);

static BODIES: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(ROOM)));

/// A body that is a JSON object with the fields of `T`.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        parse(&read(request).await?).map(Self)
    }
}

/// The same of a body that may be as large as an array of jobs.
pub(crate) struct LargeJsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for LargeJsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        parse(&read_many(request).await?).map(Self)
    }
}

/// The same for a `T` that holds JSON values, in which large integers would be rounded: they are
/// refused, by the field's name.
pub(crate) struct ExactJsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for ExactJsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = read(request).await?;
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
        let bytes = read(request).await?;
        if bytes.is_empty() { Ok(Self(T::default())) } else { parse(&bytes).map(Self) }
    }
}

async fn read(request: Request) -> Result<Vec<u8>, Problem> {
    read_up_to(LIMIT, request).await
}

/// A body that is JSON, as it was sent.
pub(crate) async fn read_json_of_any_shape(request: Request) -> Result<Vec<u8>, Problem> {
    let bytes = read(request).await?;
    read_json::<IgnoredAny>(&bytes)?;
    Ok(bytes)
}

/// Marks a request that another one makes, whose body is a part of that one's: it has its room.
#[derive(Clone, Copy)]
pub(crate) struct RoomTaken;

/// One thing, or an array of them.
pub(crate) enum OneOrMany<T> {
    One(Box<T>),
    Many(Vec<T>),
}

impl<T: ToSchema> PartialSchema for OneOrMany<T> {
    fn schema() -> RefOr<Schema> {
        let one = Ref::from_schema_name(T::name());
        let many = ArrayBuilder::new().items(one.clone()).min_items(Some(1)).max_items(Some(10_000));
        OneOfBuilder::new().item(one).item(many).into()
    }
}

impl<T: ToSchema> ToSchema for OneOrMany<T> {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}

/// A body that is one JSON object with the fields of `T`, or an array of these, which may be
/// larger.
pub(crate) struct JsonOneOrMany<T>(pub(crate) OneOrMany<T>);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for JsonOneOrMany<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = read_up_to(LIMIT_OF_MANY, request).await?;
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

/// Of a field that may be absent: null is a value, or a fault, and not the same as nothing.
pub(crate) fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// Also of what may be an array of things.
pub(crate) async fn read_many(request: Request) -> Result<Vec<u8>, Problem> {
    read_up_to(LIMIT_OF_MANY, request).await
}

fn too_large(limit: usize) -> Problem {
    let detail = format!("body must not be larger than {} MiB", limit / 1024 / 1024);
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail).about("body")
}

async fn read_up_to(limit: usize, request: Request) -> Result<Vec<u8>, Problem> {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > LONGEST_DRAIN) {
        return Err(too_large(limit));
    }
    if request.extensions().get::<RoomTaken>().is_none() {
        make_room(length.map_or(limit, |length| length.min(limit))).await?;
    }
    let late = |_| {
        let detail = format!("the body did not come within {} s, and nothing was done", BODY_TIMEOUT.as_secs());
        Problem::new(StatusCode::REQUEST_TIMEOUT, detail).about("body")
    };
    tokio::time::timeout(BODY_TIMEOUT, collect(limit, request.into_body())).await.map_err(late)?
}

/// Waits until there is room for a body, which the request then has until it is answered.
async fn make_room(bytes: usize) -> Result<(), Problem> {
    if bytes <= PLAIN || request_id::has_room() {
        return Ok(());
    }
    // The largest body has a quarter of the room.
    let kib = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
    match tokio::time::timeout(ROOM_TIMEOUT, BODIES.clone().acquire_many_owned(kib)).await {
        Ok(Ok(room)) => {
            request_id::keep_room(room);
            Ok(())
        }
        _ => Err(Problem::unavailable("too many large bodies at once; try again").about("body")),
    }
}

async fn collect(limit: usize, body: Body) -> Result<Vec<u8>, Problem> {
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
