//! What `http` jobs and steps are given.

use super::expectation::OnMismatch;
use super::payload::Part;
use super::status::ExpectStatus;
use crate::seconds::Seconds;
use ordinaut_core::Job;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::time::Duration;

/// One request. The answer's status and the beginning of its body become the output of the run.
///
/// It carries `x-ordinaut-job-id`, `x-ordinaut-attempt`, `idempotency-key` (the job's id) and
/// `x-ordinaut-token`, so that a server can tell a repeated call from a new one.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Any method but `CONNECT`.
    #[serde(default = "get")]
    pub method: String,
    /// `http` or `https`, of a public address, or one that `WORKER_HTTP_ALLOW` lists. Up to five
    /// redirects are followed, but none from https to http. Another origin gets none of the headers
    /// but `accept` and `user-agent`, and no body. Must be given if `target` is not.
    #[serde(default)]
    pub url: Option<String>,
    /// The name of a target, one of whose hosts is called, in the place of `url`: see
    /// `docs/targets.md`. The hosts may have any address.
    #[serde(default)]
    pub target: Option<String>,
    /// The path of the host of a target, which begins with a slash and may have a query; `/` if not
    /// given.
    #[serde(default)]
    pub path: Option<String>,
    /// Names and values. Those that the worker would send are replaced, but for the token; those
    /// that frame the message (`content-length`, `connection` …) are refused.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// A string is sent as it is, anything else as JSON with `content-type: application/json`, with
    /// its numbers as they were given. Nothing is sent if it is not given.
    #[serde(default)]
    #[schemars(with = "Value")]
    pub body: Option<Box<RawValue>>,
    /// Fields, sent as `application/x-www-form-urlencoded`, in the place of `body`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<BTreeMap<String, String>>,
    /// Parts, sent as `multipart/form-data`, in the place of `body`: each with `name`, `text` or
    /// `base64`, and if need be `file_name` and `content_type`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multipart: Option<Vec<Part>>,
    /// Which statuses are a success; 200 to 299 if not given. A redirect that is among them is not
    /// followed.
    #[serde(default)]
    pub expect_status: ExpectStatus,
    /// Time that the whole call may take, redirects and body included. The target may say less.
    #[serde(default = "half_a_minute")]
    pub timeout_seconds: Seconds,
    /// A JSON Schema that the body of a success must fit: JSON of 1 MiB at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_schema: Option<Value>,
    /// What becomes of the job if it does not, or if it is no JSON that `save` could look into.
    #[serde(default)]
    pub on_mismatch: OnMismatch,
    /// Names and `JMESPath` expressions: what they find in the body, which must be JSON, becomes
    /// `saved` of the output, null where there is nothing. 32 names and 16 KiB at most.
    #[serde(default)]
    pub save: BTreeMap<String, String>,
    /// Signs the request with a secret of the worker, so that its receiver knows the sender and
    /// refuses a replay. Another origin gets no signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign: Option<Sign>,
}

/// How a request is signed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sign {
    /// The name of the secret, in `WORKER_SECRETS_DIR`.
    pub secret: String,
}

impl Job for Http {
    const KIND: &'static str = "http";
}

fn get() -> String {
    "GET".to_owned()
}

fn half_a_minute() -> Seconds {
    Seconds(Duration::from_secs(30))
}
