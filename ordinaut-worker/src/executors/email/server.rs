//! The mail server of a worker.

use super::EmailOutput;
use lettre::message::Mailbox;
use lettre::transport::smtp::AsyncSmtpTransport;
use lettre::transport::smtp::response::Response;
use lettre::{AsyncTransport, Message, Tokio1Executor};
use ordinaut_core::JobError;
use ordinaut_runtime::settings::SettingError;
use ordinaut_runtime::settings::executors::ExecutorSettings;
use std::fmt;
use std::time::Duration;

/// Time that one command of the protocol may take.
const COMMAND: Duration = Duration::from_secs(60);

/// As much of an answer as a run keeps, in characters.
const MAX_ANSWER: usize = 500;

/// The mail server that the settings name, if they name one. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct MailServer(Option<Server>);

/// A mail server, and the sender of its mails.
#[derive(Clone)]
pub(super) struct Server {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    pub(super) from: Mailbox,
    pub(super) host: String,
}

/// Without its password.
impl fmt::Debug for MailServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MailServer").field(&self.0.as_ref().map(|server| server.from.to_string())).finish()
    }
}

impl MailServer {
    /// That of the settings. The errors do not repeat the URL, which may hold a password.
    pub(crate) fn of(settings: &ExecutorSettings) -> Result<Self, SettingError> {
        let (url, from) = match (&settings.smtp_url, &settings.smtp_from) {
            (None, _) => return Ok(Self::default()),
            (Some(url), Some(from)) => (url, from),
            (Some(_), None) => {
                return Err(SettingError::Missing {
                    name: "WORKER_SMTP_FROM",
                    accepts: "a mail address, such as Ordinaut <jobs@example.org>, because WORKER_SMTP_URL is set",
                });
            }
        };
        let from = from.parse::<Mailbox>().map_err(|_| SettingError::Invalid {
            name: "WORKER_SMTP_FROM",
            value: from.clone(),
            accepts: "a mail address, such as Ordinaut <jobs@example.org>",
        })?;
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(|_| SettingError::Invalid {
            name: "WORKER_SMTP_URL",
            value: "(secret)".to_owned(),
            accepts: "a URL such as smtps://USER:PASSWORD@HOST",
        })?;
        let host = reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        Ok(Self(Some(Server { transport: transport.timeout(Some(COMMAND)).build(), from, host })))
    }

    /// Whether there is one.
    pub(crate) fn is_named(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn get(&self) -> Result<&Server, JobError> {
        // A step of a pipeline: the next attempt may come to a worker that has one.
        self.0.as_ref().ok_or_else(|| JobError::retry("this worker sends no mail: WORKER_SMTP_URL is not set"))
    }
}

impl Server {
    /// Sends a mail on a connection of its own.
    pub(super) async fn send(&self, mail: Message, message_id: String) -> Result<EmailOutput, JobError> {
        match self.transport.send(mail).await {
            Ok(response) => {
                Ok(EmailOutput { message_id, code: Some(response.code().into()), answer: answer(&response) })
            }
            Err(error) => {
                let code = error.status().map(u16::from);
                // What the server says may repeat addresses: it is kept with the run, as the body
                // of an answer is, and is no part of the error.
                let text = match code {
                    Some(code) => format!("the mail server refused it: {code}"),
                    None if error.is_timeout() => "the mail server did not answer in time".to_owned(),
                    None if error.is_response() => "the mail server answered with what is no SMTP".to_owned(),
                    None if error.is_tls() => format!("could not encrypt the connection to the mail server: {error}"),
                    None => format!("could not send it to the mail server: {error}"),
                };
                let told = std::error::Error::source(&error).filter(|_| code.is_some());
                let told = told.map(|told| cut(&told.to_string())).unwrap_or_default();
                let failed = if error.is_permanent() {
                    JobError::fatal(text)
                } else if is_too_long(&error) {
                    // It has answered, perhaps that it took the mail: sent again, that would arrive
                    // twice.
                    JobError::fatal(
                        "the mail server's answer is too long to be read: it may have taken the mail, which is not sent again",
                    )
                } else {
                    JobError::retry(text)
                };
                Err(failed.with_output(&EmailOutput { message_id, code, answer: told }))
            }
        }
    }
}

/// Whether a server answered with a line of more than 1,000 bytes, or with very many lines: the
/// protocol's reader tells that in words alone.
fn is_too_long(error: &lettre::transport::smtp::Error) -> bool {
    let told = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    error.is_response() && (told.ends_with("line too long") || told.ends_with("response too large"))
}

fn answer(response: &Response) -> String {
    cut(&response.message().collect::<Vec<_>>().join(" "))
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_ANSWER).collect()
}
