//! `webhook`: tells a webhook of one event, signed.

use crate::State;
use crate::executors::http::{asked_wait, read};
use crate::http::answer::{Answer, MAX_BODY_BYTES};
use crate::http::client::refusal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ordinaut_core::job::FatalExt;
use ordinaut_core::webhook::{KIND, Target, WebhookDelivery};
use ordinaut_core::{Context, Job, JobError};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, StatusCode, Url};
use ring::hmac::{HMAC_SHA256, Key, sign};
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Time that a receiver has to answer.
const TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Webhook(WebhookDelivery);

impl Job for Webhook {
    const KIND: &'static str = KIND;
}

/// What came of one attempt.
enum Attempt {
    Delivered(Answer),
    /// The receiver does not want to be told any more.
    Gone(Answer),
    Refused(Answer, Option<Duration>),
    Failed(JobError),
}

pub(crate) async fn deliver(Webhook(delivery): Webhook, ctx: Context<State>) -> Result<Option<Answer>, JobError> {
    let Some(database) = &ctx.state.database else { return Err(JobError::fatal("a delivery needs a database")) };
    let webhooks = database.webhooks();
    let target = webhooks.target(delivery.webhook).await.map_err(JobError::retry)?;
    let Some(target) = target else {
        return Err(JobError::cancel("the webhook is disabled, or was deleted"));
    };
    let host = Url::parse(&target.url).ok().and_then(|url| Some(url.host_str()?.to_owned())).unwrap_or_default();
    let attempt = send(&delivery, &target, &host, &ctx).await;
    let (error, output) = match attempt {
        Attempt::Delivered(answer) => {
            webhooks.attempted(delivery.webhook, None).await.map_err(JobError::retry)?;
            return Ok(Some(answer));
        }
        Attempt::Gone(answer) => (JobError::fatal(format!("{host} answered 410 Gone")), Some(answer)),
        Attempt::Refused(answer, wait) => {
            let error = JobError::retry(format!("{host} answered {}, and 2xx was expected", answer.status()));
            let error = match wait {
                Some(wait) => error.after(wait),
                None => error,
            };
            (error, Some(answer))
        }
        Attempt::Failed(error) => (error, None),
    };
    // A look that fails costs the count of this failure, and not the retry.
    webhooks.attempted(delivery.webhook, Some(&error.to_string())).await.ok();
    Err(match output {
        Some(answer) => error.with_output(&answer),
        None => error,
    })
}

async fn send(delivery: &WebhookDelivery, target: &Target, host: &str, ctx: &Context<State>) -> Attempt {
    let url = match Url::parse(&target.url).fatal() {
        Ok(url) => url,
        Err(error) => return Attempt::Failed(error),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs()).to_string();
    let request = match ctx.state.client.request(Method::POST, url).await {
        Ok(request) => request,
        Err(error) => return Attempt::Failed(error),
    };
    let sent = request
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", &delivery.id)
        .header("webhook-timestamp", &now)
        .header("webhook-signature", signature(target, &delivery.id, &now, delivery.body.get()))
        .body(delivery.body.get().to_owned())
        .timeout(TIMEOUT)
        .send()
        .await;
    let mut response = match sent {
        Ok(response) => response,
        Err(error) => return Attempt::Failed(failure(host, error)),
    };
    let (status, wait) = (response.status(), asked_wait(response.headers()));
    let (body, read) = read(&mut response, MAX_BODY_BYTES).await;
    let answer = Answer::new(status.as_u16(), response.headers(), &body, read.is_ok());
    match status {
        status if status.is_success() => Attempt::Delivered(answer),
        StatusCode::GONE => Attempt::Gone(answer),
        _ => Attempt::Refused(answer, wait),
    }
}

/// One signature for each secret, the newest first: a receiver takes any that it knows.
fn signature(target: &Target, id: &str, timestamp: &str, body: &str) -> String {
    let signed = format!("{id}.{timestamp}.{body}");
    let of = |key: &[u8]| format!("v1,{}", STANDARD.encode(sign(&Key::new(HMAC_SHA256, key), signed.as_bytes())));
    target.secrets.iter().map(|secret| of(secret.key())).collect::<Vec<_>>().join(" ")
}

/// The url stays out of the text, because it may hold secrets.
fn failure(host: &str, error: reqwest::Error) -> JobError {
    match refusal(&error) {
        Some(refused) => JobError::fatal(refused.clone()),
        None if error.is_timeout() => JobError::retry(format!("{host} did not answer within {} s", TIMEOUT.as_secs())),
        None => JobError::retry(format!("could not call {host}: {}", error.without_url())),
    }
}
