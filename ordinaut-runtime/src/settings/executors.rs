//! What the executors of a worker are given: certificates, a proxy, secrets, databases, a mail
//! server.

use crate::settings::error::SettingError;
use crate::settings::setting::Setting;
use crate::settings::source::Source;
use std::fmt;
use std::path::PathBuf;

const A_FILE: &str = "the path of a file";

fn path(text: &str) -> Option<PathBuf> {
    (!text.is_empty()).then(|| text.into())
}

fn text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// A URL of one of these schemes, with a host.
fn url(text: &str, schemes: &[&str]) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    (schemes.contains(&scheme) && !rest.is_empty() && !text.contains(char::is_whitespace)).then(|| text.to_owned())
}

pub(super) const WORKER_HTTP_CLIENT_CERT_FILE: Setting<PathBuf> = Setting::new(
    "WORKER_HTTP_CLIENT_CERT_FILE",
    "the certificate that http jobs show to servers that ask for one, in PEM, with the certificates of its issuers after it",
    A_FILE,
    path,
);

pub(super) const WORKER_HTTP_CLIENT_KEY_FILE: Setting<PathBuf> =
    Setting::new("WORKER_HTTP_CLIENT_KEY_FILE", "the private key of that certificate, in PEM", A_FILE, path);

pub(super) const WORKER_HTTP_CA_FILE: Setting<PathBuf> = Setting::new(
    "WORKER_HTTP_CA_FILE",
    "certificate authorities that http jobs trust beside those of the system, in PEM",
    A_FILE,
    path,
);

pub(super) const WORKER_HTTP_PROXY: Setting<String> = Setting::new(
    "WORKER_HTTP_PROXY",
    "the proxy that http jobs call through, with its user and password if it asks for them",
    "a URL such as http://proxy.example:3128",
    |text| url(text, &["http", "https"]),
)
.secret();

pub(super) const WORKER_SECRETS_DIR: Setting<PathBuf> = Setting::new(
    "WORKER_SECRETS_DIR",
    "the directory of the secrets that jobs may name in their arguments, a file for each",
    "the path of a directory",
    path,
);

pub(super) const WORKER_SECRETS_STRICT: Setting<bool> = Setting::new(
    "WORKER_SECRETS_STRICT",
    "whether a secret is refused that has no list of the hosts it may go to (NAME.hosts beside it)",
    "true or false",
    |text| text.to_ascii_lowercase().parse().ok(),
)
.or("false");

pub(super) const WORKER_SQL_FILE: Setting<PathBuf> = Setting::new(
    "WORKER_SQL_FILE",
    "the list of the databases that sql jobs may ask, in TOML; a worker without it takes no such jobs",
    A_FILE,
    path,
);

pub(super) const WORKER_SMTP_URL: Setting<String> = Setting::new(
    "WORKER_SMTP_URL",
    "the mail server of email jobs, with its user and password; a worker without it takes no such jobs",
    "smtps://USER:PASSWORD@HOST, smtp://HOST?tls=required, or smtp://HOST for one without encryption",
    |text| url(text, &["smtp", "smtps"]),
)
.secret();

pub(super) const WORKER_SMTP_FROM: Setting<String> = Setting::new(
    "WORKER_SMTP_FROM",
    "the sender of email jobs",
    "a mail address, such as Ordinaut <jobs@example.org>",
    text,
);

/// What the executors of a worker are given.
#[derive(Clone, Default)]
pub struct ExecutorSettings {
    /// The certificate of `http` jobs.
    pub http_client_cert: Option<PathBuf>,
    /// Its private key.
    pub http_client_key: Option<PathBuf>,
    /// Certificate authorities beside those of the system.
    pub http_ca: Option<PathBuf>,
    /// The proxy of `http` jobs.
    pub http_proxy: Option<String>,
    /// The directory of secrets.
    pub secrets_dir: Option<PathBuf>,
    /// Whether a secret without a list of hosts is refused.
    pub secrets_strict: bool,
    /// The list of databases.
    pub sql_file: Option<PathBuf>,
    /// The mail server.
    pub smtp_url: Option<String>,
    /// The sender of mails.
    pub smtp_from: Option<String>,
}

/// Without the URLs, which may hold passwords.
impl fmt::Debug for ExecutorSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecutorSettings")
            .field("http_client_cert", &self.http_client_cert)
            .field("http_client_key", &self.http_client_key)
            .field("http_ca", &self.http_ca)
            .field("secrets_dir", &self.secrets_dir)
            .field("secrets_strict", &self.secrets_strict)
            .field("sql_file", &self.sql_file)
            .field("smtp_from", &self.smtp_from)
            .finish_non_exhaustive()
    }
}

impl ExecutorSettings {
    /// Reads them.
    pub(super) fn read(source: &Source) -> Result<Self, SettingError> {
        Ok(Self {
            http_client_cert: source.read(&WORKER_HTTP_CLIENT_CERT_FILE)?,
            http_client_key: source.read(&WORKER_HTTP_CLIENT_KEY_FILE)?,
            http_ca: source.read(&WORKER_HTTP_CA_FILE)?,
            http_proxy: source.read(&WORKER_HTTP_PROXY)?,
            secrets_dir: source.read(&WORKER_SECRETS_DIR)?,
            secrets_strict: source.get(&WORKER_SECRETS_STRICT)?,
            sql_file: source.read(&WORKER_SQL_FILE)?,
            smtp_url: source.read(&WORKER_SMTP_URL)?,
            smtp_from: source.read(&WORKER_SMTP_FROM)?,
        })
    }
}
