//! What the API answers when it does not do what was asked: one shape for all of it, RFC 9457.

use crate::request_id;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ordinaut_core::EnqueueError;
use ordinaut_core::Error;
use ordinaut_core::alert::AlertError;
use ordinaut_core::command::CommandError;
use ordinaut_core::error::FailureKind;
use ordinaut_core::error::InvalidField;
use ordinaut_core::json::InvalidJson;
use ordinaut_core::limit::LimitError;
use ordinaut_core::node::NodeError;
use ordinaut_core::placement::RolloutError;
use ordinaut_core::policy::PolicyError;
use ordinaut_core::target::TargetError;
use ordinaut_core::task::TaskError;
use ordinaut_core::tool::ToolError;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::any::Any;
use std::borrow::Cow;
use tracing::error;

const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Why a request was not answered as hoped. What is for the operator goes to the log, never to the
/// client.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: Cow<'static, str>,
    field: Option<Cow<'static, str>>,
    /// Boxed, as few problems have more to tell.
    more: Option<Box<Map<String, Value>>>,
    cause: Option<sqlx::Error>,
    /// Of a failure of Postgres.
    kind: Option<FailureKind>,
    /// In how many seconds it is worth asking again.
    retry_after: Option<u32>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, detail: detail.into(), field: None, more: None, cause: None, kind: None, retry_after: None }
    }

    /// A field or parameter that cannot be accepted; `reason` follows its name in a sentence.
    pub(crate) fn invalid(field: impl Into<Cow<'static, str>>, reason: impl AsRef<str>) -> Self {
        let field = field.into();
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{field} {}", reason.as_ref())).about(field)
    }

    pub(crate) fn not_found(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub(crate) fn conflict(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    pub(crate) fn too_many(detail: impl Into<Cow<'static, str>>, retry_after: u32) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(StatusCode::TOO_MANY_REQUESTS, detail) }
    }

    pub(crate) fn unavailable(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }

    /// Whether the answer of Postgres was lost, so that what was asked for may have been done.
    pub(crate) fn was_lost(&self) -> bool {
        self.kind == Some(FailureKind::Lost)
    }

    /// Whether Postgres worked at it for longer than a statement may take.
    pub(crate) fn was_given_up(&self) -> bool {
        self.kind == Some(FailureKind::GivenUp)
    }

    /// The same, with another text for the client.
    #[must_use]
    pub(crate) fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = detail.into();
        self
    }

    /// The same, with the seconds after which it is worth asking again.
    #[must_use]
    pub(crate) fn after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Names the part of the request that is at fault.
    #[must_use]
    pub(crate) fn about(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Tells a fact more, under its own name.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, fact: impl Into<Value>) -> Self {
        self.more.get_or_insert_default().insert(name.to_owned(), fact.into());
        self
    }

    /// The same, of one of several things that were asked for.
    pub(crate) fn within(self, index: usize) -> Self {
        let field = self.field.as_deref().unwrap_or_default();
        let field = if field == "body" { format!("[{index}]") } else { format!("[{index}].{field}") };
        self.about(field)
    }

    /// What it says of one of several things that were asked for.
    pub(crate) fn of_item(self, index: usize) -> Value {
        json!({ "index": index, "field": self.field, "detail": self.detail })
    }

    pub(crate) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "an error of ours; the log has it under the request_id")
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        let problem = match FailureKind::of(&error) {
            // What Postgres says of a value names nothing but that value and its column.
            kind @ FailureKind::BadData => Self::from(kind).detail(format!("{}: {error}", kind.sentence())),
            kind => kind.into(),
        };
        Self { cause: Some(error), ..problem }
    }
}

impl From<FailureKind> for Problem {
    fn from(kind: FailureKind) -> Self {
        let only_looks = request_id::only_looks();
        let advice = match kind {
            FailureKind::Undecodable | FailureKind::Bug => return Self::internal(),
            FailureKind::BadData => "",
            FailureKind::Setup | FailureKind::AccessRefused => "; an operator must fix that",
            FailureKind::Lost if !only_looks => {
                ": the operation may still have completed, so look before you ask again"
            }
            _ => "; try again",
        };
        let status = StatusCode::from_u16(kind.http_status(only_looks)).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        Self { kind: Some(kind), ..Self::new(status, format!("{}{advice}", kind.sentence())) }
    }
}

impl From<InvalidField> for Problem {
    fn from(invalid: InvalidField) -> Self {
        Self::invalid(invalid.field, invalid.reason)
    }
}

impl From<InvalidJson> for Problem {
    fn from(invalid: InvalidJson) -> Self {
        let field = if invalid.field == "." { "body".to_owned() } else { invalid.field };
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{field}: {}", invalid.reason)).about(field)
    }
}

/// Of a route that names no task.
impl From<TaskError> for Problem {
    fn from(error: TaskError) -> Self {
        match error {
            TaskError::Invalid(invalid) => invalid.into(),
            TaskError::Unreadable(invalid) => invalid.into(),
            TaskError::Exhausted(exhausted) => {
                InvalidJson { field: "expr".to_owned(), reason: exhausted.to_string() }.into()
            }
            TaskError::Database(error) => error.into(),
            _ => Self::internal(),
        }
    }
}

impl From<LimitError> for Problem {
    fn from(error: LimitError) -> Self {
        match error {
            LimitError::Invalid(invalid) => invalid.into(),
            LimitError::Busy => Self::new(StatusCode::SERVICE_UNAVAILABLE, LimitError::Busy.to_string()),
            LimitError::Database(error) => error.into(),
            _ => Self::internal(),
        }
    }
}

impl From<TargetError> for Problem {
    fn from(error: TargetError) -> Self {
        match error {
            TargetError::Invalid(invalid) => invalid.into(),
            TargetError::Database(error) => error.into(),
            _ => Self::internal(),
        }
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Invalid(invalid) => invalid.into(),
            CommandError::Nobody(_) => Self::new(StatusCode::CONFLICT, error.to_string()),
            CommandError::Enqueue(error) => error.into(),
            CommandError::Database(error) => error.into(),
            _ => Self::internal(),
        }
    }
}

impl From<NodeError> for Problem {
    fn from(error: NodeError) -> Self {
        match error {
            NodeError::Invalid(invalid) => invalid.into(),
            NodeError::Database(error) => error.into(),
            _ => Self::internal(),
        }
    }
}

impl From<AlertError> for Problem {
    fn from(error: AlertError) -> Self {
        match error {
            AlertError::Invalid(invalid) => invalid.into(),
            AlertError::Database(error) => error.into(),
            _ => Self::internal(),
        }
    }
}

impl From<RolloutError> for Problem {
    fn from(error: RolloutError) -> Self {
        match error {
            RolloutError::Invalid(invalid) => invalid.into(),
            RolloutError::Database(error) => error.into(),
            _ => Self::internal(),
        }
    }
}

impl From<PolicyError> for Problem {
    fn from(error: PolicyError) -> Self {
        match error {
            PolicyError::Invalid(invalid) => invalid.into(),
            PolicyError::Database(error) => error.into(),
            _ => Self::internal(),
        }
    }
}

impl From<ToolError> for Problem {
    fn from(error: ToolError) -> Self {
        match error {
            ToolError::Invalid(invalid) => invalid.into(),
            ToolError::Full => Self::new(StatusCode::CONFLICT, ToolError::Full.to_string()),
            ToolError::Database(error) => error.into(),
            _ => Self::internal(),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(invalid) => invalid.into(),
            Error::Database(error) => error.into(),
            _ => Self::internal(),
        }
    }
}

impl From<EnqueueError> for Problem {
    fn from(error: EnqueueError) -> Self {
        match error {
            EnqueueError::Invalid(invalid) => invalid.into(),
            EnqueueError::Encode(_) => Self::invalid("args", "could not be written as JSON"),
            EnqueueError::Duplicate { id } => {
                Self::conflict(format!("job {id} holds the unique key")).about("unique").with("job_id", id.to_string())
            }
            EnqueueError::Database(error) => error.into(),
            _ => Self::internal(),
        }
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    request_id: String,
    #[serde(flatten)]
    more: Option<&'a Map<String, Value>>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if let Some(cause) = &self.cause {
            error!(error = %cause, "a request failed with {}: {cause}", self.status);
        }
        let answer = Answer {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            field: self.field.as_deref(),
            request_id: request_id::current(),
            more: self.more.as_deref(),
        };
        let body = serde_json::to_vec(&answer).expect("text and a number can be written as JSON");
        let mut response = (self.status, [(header::CONTENT_TYPE, MEDIA_TYPE)], body).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// What a client learns of a panic; the panic's own text went to the log.
#[expect(clippy::needless_pass_by_value, reason = "tower-http hands the payload over")]
pub(crate) fn of_panic(payload: Box<dyn Any + Send>) -> Response {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no text");
    error!("a route panicked: {text}");
    Problem::internal().into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_503_and_a_mistake_of_ours_500() {
        let problem = Problem::from(FailureKind::NoRoom);
        assert_eq!(problem.status, 503);
        assert!(problem.detail.contains("DATABASE_MAX_CONNECTIONS"), "{}", problem.detail);
        assert_eq!(Problem::from(sqlx::Error::RowNotFound).status, 500);
    }

    #[tokio::test]
    async fn what_may_have_been_stored_is_not_503() {
        let lost = || sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
        request_id::within("r", false, async {
            let problem = Problem::from(lost());
            assert_eq!((problem.status.as_u16(), problem.was_lost()), (504, true));
            assert!(problem.detail.contains("may still have completed"), "{}", problem.detail);
            let refused = sqlx::Error::Io(std::io::ErrorKind::ConnectionRefused.into());
            assert_eq!(Problem::from(refused).status, 503);
        })
        .await;
        request_id::within("r", true, async { assert_eq!(Problem::from(lost()).status, 503) }).await;
    }
}
