//! `http`: one request, and what its answer means for the job.

use super::executor::{Call, Executor};
use crate::State;
use crate::http::answer::Answer;
pub use crate::http::arguments::{Http, Sign};
use crate::http::client::refusal;
use crate::http::expectation::Expectation;
use crate::http::payload::Payload;
use crate::http::redirect::{Hop, NotFollowed};
use crate::http::retry_after::retry_after;
use crate::http::sign::{HEADER, Signed};
use crate::http::status::Verdict;
use crate::secrets::{Mask, Permits, named_in};
use ordinaut_core::target::Reached;
use ordinaut_core::{Context, JobError};
use ordinaut_pipeline::nesting;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode, Url};
use serde_json::{Value, json};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// Part of how a message is framed, so the client's business: a wrong one makes two messages of
/// one.
const FRAMING: [&str; 7] =
    ["connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];

/// A call that got no whole answer.
#[derive(Debug, thiserror::Error)]
#[error("could not call {host}")]
struct CallFailed {
    host: String,
    source: reqwest::Error,
}

/// As deep as the body of an answer may be nested for templates to look into it.
const MAX_JSON_NESTING: usize = 60;

impl Executor for Http {
    type Output = Answer;
    const ASKS_PERMITS: bool = true;

    async fn call(self, ctx: &Context<State>, call: &Call<'_>) -> Result<Answer, JobError> {
        let expectation =
            Expectation::read(self.response_schema.as_ref(), self.on_mismatch, &self.save, &ctx.state.schemas);
        let expectation = expectation.await?;
        let (signing_key, of_the_key) = self.signing_key(ctx).await?;
        let permits = of_the_key.and(call.permits);
        let (signing_key, key, mask) = (signing_key.as_deref(), call.key, call.mask);
        let asked = Asked { expectation: &expectation, signing_key, key, mask, permits: &permits };
        match (&self.url, &self.target) {
            (Some(url), None) if self.path.is_none() => {
                let first = self.first(url, ctx, call.key)?;
                let answered = self.send(first, false, self.timeout_seconds.0, &asked, ctx).await;
                answered.map_err(|failed| failed.error)?.ended()
            }
            (Some(_), None) => Err(JobError::fatal("args.path is for a target, and args.url has its own")),
            (None, Some(target)) => self.call_target(target, &asked, ctx).await,
            (Some(_), Some(_)) => Err(JobError::fatal("args.url must not be given with args.target")),
            (None, None) => Err(JobError::fatal("args.url is missing: an http job needs it, or a target")),
        }
    }

    /// With its body as JSON, if it is some, so that templates can look into it.
    fn handed_on(answer: Answer) -> serde_json::Result<Value> {
        let mut output = serde_json::to_value(&answer)?;
        let json = output["body"].as_str().and_then(|body| serde_json::from_str::<Value>(body).ok());
        output["json"] = json.filter(|json| nesting(json) <= MAX_JSON_NESTING).unwrap_or_default();
        Ok(output)
    }
}

/// What all requests of a call share.
struct Asked<'a> {
    expectation: &'a Expectation<'a>,
    signing_key: Option<&'a str>,
    key: &'a str,
    mask: &'a Mask,
    permits: &'a Permits,
}

/// What was answered, and what that means.
struct Answered {
    answer: Answer,
    ended: Result<(), JobError>,
    /// How the host that was called is not well, and for how long it asks not to be called.
    trouble: Option<(String, Option<Duration>)>,
}

/// A call without an answer.
struct Failed {
    error: JobError,
    fault: Fault,
}

/// What a call without an answer says of the host.
enum Fault {
    /// Nothing was sent: it was not reached.
    Unreached,
    /// It did not answer, or not in time.
    Unanswered,
    /// Nothing: the call could not be made.
    Other,
}

impl Answered {
    /// The answer is kept whatever becomes of the attempt: it is what explains it.
    fn ended(self) -> Result<Answer, JobError> {
        match self.ended {
            Ok(()) => Ok(self.answer),
            Err(error) => Err(error.with_output(&self.answer)),
        }
    }
}

impl From<JobError> for Failed {
    fn from(error: JobError) -> Self {
        Self { error, fault: Fault::Other }
    }
}

impl Http {
    /// Calls a host of a target, and another one if that is not reached; what became of the calls
    /// is told to all workers.
    async fn call_target(&self, name: &str, asked: &Asked<'_>, ctx: &Context<State>) -> Result<Answer, JobError> {
        let mut call = match ctx.target_or_value(name).await? {
            Reached::Value(value) => return Ok(Answer::declared(&value)),
            Reached::Call(call) => call,
        };
        loop {
            let first = self.first(&call.url(self.path.as_deref().unwrap_or("/"))?, ctx, asked.key)?;
            let (longest, degraded) = (self.timeout_seconds.0.min(call.timeout()), call.is_degraded());
            match self.send(first, true, longest, asked, ctx).await {
                Ok(answered) => {
                    match &answered.trouble {
                        None => call.succeeded().await,
                        Some((trouble, asked)) => {
                            let kept = |error: JobError| error.with_output(&answered.answer);
                            call.failed(trouble, *asked).await.map_err(kept)?;
                        }
                    }
                    return Answered { answer: answered.answer.degraded(degraded), ..answered }.ended();
                }
                Err(Failed { error, fault: Fault::Unreached }) => match call.unreached(&error).await? {
                    Some(next) => call = next,
                    None => return Err(error),
                },
                Err(Failed { error, fault: Fault::Unanswered }) => {
                    call.failed(&error, None).await?;
                    return Err(error);
                }
                Err(Failed { error, fault: Fault::Other }) => return Err(error),
            }
        }
    }

    /// The answer, after redirects if they are to be followed. All requests together have the time
    /// of the call. `of_target`: the first host may have any address.
    async fn send(
        &self,
        first: Hop,
        of_target: bool,
        longest: Duration,
        call: &Asked<'_>,
        ctx: &Context<State>,
    ) -> Result<Answered, Failed> {
        let (asked, mut hop, began) = (first.url.clone(), first, Instant::now());
        loop {
            let host = hop.url.host_str().unwrap_or_default().to_owned();
            // Elsewhere nothing of the job goes.
            if hop.is_home {
                call.permits.check(&host, hop.url.port_or_known_default())?;
            }
            let (method, url) = (hop.method.clone(), hop.url.clone());
            let request = if of_target && hop.is_where(&asked) {
                ctx.state.client.request_of_target(method, url)
            } else {
                ctx.state.client.request(method, url).await?
            };
            let request = request.headers(hop.headers.clone()).timeout(longest.saturating_sub(began.elapsed()));
            let request = match call.signing_key.filter(|_| hop.is_home) {
                Some(key) => request.header(HEADER, signature(&hop, key)),
                None => request,
            };
            let request = match &hop.body {
                Some(body) => request.body(body.clone()),
                None => request,
            };
            let response = request.send().await.map_err(|error| {
                let was_sent = !error.is_connect() || error.is_timeout();
                // Elsewhere it was reached, and answered with a redirect.
                let fault = if !hop.is_where(&asked) || error.is_builder() {
                    Fault::Other
                } else if was_sent {
                    Fault::Unanswered
                } else {
                    Fault::Unreached
                };
                Failed { error: failure(&host, error, longest), fault }
            })?;
            if !self.expect_status.follows_redirects() {
                return Ok(self.answered(response, &host, hop.is_where(&asked), longest, call).await);
            }
            match hop.next(response.status(), response.headers()) {
                Ok(Some(next)) => hop = next,
                Ok(None) => return Ok(self.answered(response, &host, hop.is_where(&asked), longest, call).await),
                // A server that sends callers in circles may be mended; the others mean what they
                // say.
                Err(why @ NotFollowed::TooMany) => {
                    return Err(JobError::retry(format!("{host} answered with {why}")).into());
                }
                Err(why) => return Err(JobError::fatal(format!("{host} answered with a redirect: {why}")).into()),
            }
        }
    }

    /// What an answer means for the job, and for the host if that is the one that was called.
    async fn answered(
        &self,
        mut response: Response,
        host: &str,
        is_called: bool,
        longest: Duration,
        call: &Asked<'_>,
    ) -> Answered {
        let status = response.status();
        let (body, read) = read(&mut response, call.expectation.room()).await;
        let answer = Answer::new(status.as_u16(), response.headers(), &body, read.is_ok());
        let asked = asked_wait(response.headers());
        let is_unwell = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        let trouble = match &read {
            _ if !is_called => None,
            Err(_) => Some((format!("{host} did not answer with all of its body"), None)),
            Ok(()) => is_unwell.then(|| (format!("{host} answered {status}"), asked)),
        };
        let unwanted = || format!("{host} answered {status}, and {} was expected", self.expect_status);
        let ended = match self.expect_status.verdict(status.as_u16()) {
            Verdict::Done => match read {
                Ok(()) => call.expectation.saved(host, &body, call.mask).await,
                Err(error) => Err(failure(host, error, longest)),
            },
            Verdict::Never => Err(JobError::fatal(unwanted())),
            Verdict::Again => Err(match asked {
                Some(wait) => JobError::retry(unwanted()).after(wait),
                None => JobError::retry(unwanted()),
            }),
        };
        match ended {
            Ok(saved) => Answered { answer: answer.with_saved(saved), ended: Ok(()), trouble },
            Err(error) => Answered { answer, ended: Err(error), trouble },
        }
    }

    fn first(&self, url: &str, ctx: &Context<State>, key: &str) -> Result<Hop, JobError> {
        let url = Url::parse(url).map_err(|error| invalid("url", error))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid("url", format!("its scheme {} is neither http nor https", url.scheme())));
        }
        let method = Method::from_bytes(self.method.to_uppercase().as_bytes()).ok();
        // CONNECT asks for a tunnel, and not for an answer.
        let method = method.filter(|method| *method != Method::CONNECT);
        let method = method.ok_or_else(|| invalid("method", "not a method that can be called"))?;
        if self.timeout_seconds.0.is_zero() {
            return Err(JobError::fatal("args.timeout_seconds must be more than 0"));
        }
        if !self.expect_status.is_possible() {
            return Err(JobError::fatal("args.expect_status must be a status from 200 to 599, or a list of them"));
        }
        let payload = Payload::of(self.body.as_deref(), self.form.as_ref(), self.multipart.as_deref());
        let payload = payload.map_err(JobError::fatal)?;
        let mut headers = self.headers(ctx, key)?;
        if let Some(content_type) = payload.content_type {
            if payload.insists {
                headers.insert(CONTENT_TYPE, content_type);
            } else {
                headers.entry(CONTENT_TYPE).or_insert(content_type);
            }
        }
        Ok(Hop::first(method, url, headers, payload.body))
    }

    /// The key, and where it may be used.
    async fn signing_key(&self, ctx: &Context<State>) -> Result<(Option<String>, Permits), JobError> {
        let Some(Sign { secret }) = &self.sign else { return Ok(Default::default()) };
        let names = named_in(&json!({"$secret": secret})).map_err(|reason| invalid("sign.secret", reason))?;
        let mut secrets = ctx.state.access.secrets.read(names).await?;
        Ok((secrets.values.remove(secret), secrets.permits))
    }

    fn headers(&self, ctx: &Context<State>, key: &str) -> Result<HeaderMap, JobError> {
        let mut headers = HeaderMap::new();
        for (text, value) in &self.headers {
            let name = HeaderName::try_from(text).map_err(|error| invalid("headers", error))?;
            // The value may be a secret, and is not repeated.
            let mut value = HeaderValue::try_from(value)
                .map_err(|error| JobError::fatal(format!("args.headers.{text} cannot be sent: {error}")))?;
            // No log of a library shows it.
            value.set_sensitive(true);
            if FRAMING.contains(&name.as_str()) {
                return Err(JobError::fatal(format!("args.headers.{text} is set by the worker")));
            }
            headers.insert(name, value);
        }
        let token = ctx.token();
        let (job_id, attempt) = (token.job_id.to_string(), token.attempt.to_string());
        let ours = [("x-ordinaut-job-id", &*job_id), ("x-ordinaut-attempt", &*attempt), ("idempotency-key", key)];
        for (name, value) in ours {
            headers.entry(name).or_insert(plain(value));
        }
        headers.insert("x-ordinaut-token", plain(&token.to_string()));
        Ok(headers)
    }
}

fn plain(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("digits, letters and punctuation can be a header's value")
}

fn signature(hop: &Hop, key: &str) -> String {
    let signed = Signed {
        id: hop.headers.get("idempotency-key").and_then(|id| id.to_str().ok()).unwrap_or_default(),
        nonce: &Uuid::new_v4().to_string(),
        method: &hop.method,
        url: &hop.url,
        body: hop.body.as_deref().unwrap_or_default(),
        time: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs()),
    };
    signed.header(key.as_bytes())
}

/// The value stays out of the text: it may be a secret, and errors are logged.
fn invalid(field: &str, reason: impl std::fmt::Display) -> JobError {
    JobError::fatal(format!("args.{field} cannot be used: {reason}"))
}

/// The beginning of the body, in bounded memory, and whether reading failed; no more is read than
/// is needed to tell that there is more than that.
pub(crate) async fn read(response: &mut Response, most: usize) -> (Vec<u8>, reqwest::Result<()>) {
    let mut body = Vec::new();
    while body.len() <= most {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                let room = most + 1 - body.len();
                body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            }
            Ok(None) => break,
            Err(error) => return (body, Err(error)),
        }
    }
    (body, Ok(()))
}

/// The answer's own date is what its date to come back is compared with, so that no clock here
/// matters.
pub(crate) fn asked_wait(headers: &HeaderMap) -> Option<Duration> {
    let date = headers.get(DATE).and_then(|value| httpdate::parse_http_date(value.to_str().ok()?).ok());
    retry_after(headers.get(RETRY_AFTER)?.to_str().ok()?, date.unwrap_or_else(SystemTime::now))
}

/// The url stays out of the text, because it may hold secrets, and errors are logged.
fn failure(host: &str, error: reqwest::Error, limit: Duration) -> JobError {
    if let Some(refused) = refusal(&error) {
        return JobError::fatal(refused.clone());
    }
    if error.is_timeout() {
        return JobError::retry(format!("{host} did not answer within {} s", limit.as_secs_f64()));
    }
    // Whatever cannot even be sent will not be sent the next time.
    let never = error.is_builder();
    let failed = CallFailed { host: host.to_owned(), source: error.without_url() };
    if never { JobError::fatal(failed) } else { JobError::retry(failed) }
}
