//! `email`: one mail, through the worker's mail server.

mod mail;
mod server;

pub use mail::Recipients;
pub(crate) use server::MailServer;

use super::executor::{Call, Executor};
use crate::State;
use crate::seconds::Seconds;
use ordinaut_core::{Context, Job, JobError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Sends one mail through the mail server of the worker (`WORKER_SMTP_URL`), from its address
/// (`WORKER_SMTP_FROM`). Each attempt of a job sends it under the same `Message-ID`, so that a mail
/// that arrives twice is seen to be the same one.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// Addresses such as `ann@example.org` or `Ann <ann@example.org>`; with `cc` and `bcc` 100 at
    /// most.
    pub to: Recipients,
    /// Addresses that get a copy.
    #[serde(default)]
    pub cc: Recipients,
    /// Addresses that get a copy, and that nobody else sees.
    #[serde(default)]
    pub bcc: Recipients,
    /// Addresses that answers go to.
    #[serde(default)]
    pub reply_to: Recipients,
    /// One line.
    pub subject: String,
    /// The text; this, `html`, or both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The same as HTML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// Time that the mail server may take.
    #[serde(default = "a_minute")]
    pub timeout_seconds: Seconds,
}

fn a_minute() -> Seconds {
    Seconds(Duration::from_secs(60))
}

impl Job for Email {
    const KIND: &'static str = "email";
}

/// What the mail server said.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct EmailOutput {
    /// The mail's `Message-ID`.
    message_id: String,
    /// The code of the server's answer, such as 250; null if it gave none.
    code: Option<u16>,
    /// Its answer, 500 characters at most.
    answer: String,
}

impl Executor for Email {
    type Output = EmailOutput;
    const ASKS_PERMITS: bool = true;

    async fn call(self, ctx: &Context<State>, call: &Call<'_>) -> Result<EmailOutput, JobError> {
        let server = ctx.state.access.mail.get()?;
        call.permits.check(&server.host, None)?;
        let limit = self.timeout_seconds.0;
        if limit.is_zero() {
            return Err(JobError::fatal("args.timeout_seconds must be more than 0"));
        }
        let (mail, message_id) = self.mail(&server.from, call.key).map_err(JobError::fatal)?;
        tokio::select! {
            sent = tokio::time::timeout(limit, server.send(mail, message_id)) => {
                let late = || JobError::retry(format!("the mail server did not take it within {} s", limit.as_secs_f64()));
                sent.unwrap_or_else(|_| Err(late()))
            }
            () = ctx.cancelled() => Err(JobError::cancel("cancelled while the mail was sent")),
        }
    }
}
