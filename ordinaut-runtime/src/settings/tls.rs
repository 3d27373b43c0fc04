//! How the API's port speaks, and the Unix socket beside it.

use crate::settings::error::SettingError;
use crate::settings::setting::{About, Setting};
use crate::settings::source::Source;
use std::path::PathBuf;

pub(super) const API_SOCKET: Setting<PathBuf> = Setting::new(
    "API_SOCKET",
    "a Unix socket that the API listens on beside its port, for its own account and group; it never speaks TLS there",
    "the path of a file, at most 90 bytes",
    |text| (text.len() <= LONGEST_SOCKET).then(|| PathBuf::from(text)),
);

/// What the system takes, less room for what is put behind the name while the socket is made.
const LONGEST_SOCKET: usize = 90;

pub(super) const API_TLS_CERT: Setting<PathBuf> = Setting::new(
    "API_TLS_CERT",
    "the certificate that the API serves, before those of its authorities, in PEM; with it its port speaks https only. Read again when the file changes",
    "the path of a file, and it needs API_TLS_KEY",
    path,
);

pub(super) const API_TLS_KEY: Setting<PathBuf> = Setting::new(
    "API_TLS_KEY",
    "the private key of API_TLS_CERT, in PEM. Read again when the file changes",
    "the path of a file, and it needs API_TLS_CERT",
    path,
);

pub(super) const API_TLS_CLIENT_CA: Setting<PathBuf> = Setting::new(
    "API_TLS_CLIENT_CA",
    "the authorities, in PEM, of which one must have signed the certificate of each client of the port. Not given: clients need none",
    "the path of a file, and it needs API_TLS_CERT and API_TLS_KEY",
    path,
);

fn path(text: &str) -> Option<PathBuf> {
    Some(PathBuf::from(text))
}

/// The files of TLS.
#[derive(Clone, Debug)]
pub struct TlsSettings {
    /// The certificate, before those of its authorities.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The authorities of the certificates that clients must have; none: clients need none.
    pub client_ca: Option<PathBuf>,
}

impl TlsSettings {
    /// Reads them; `None`: no TLS.
    pub(super) fn read(source: &Source) -> Result<Option<Self>, SettingError> {
        let (cert, key) = (source.read(&API_TLS_CERT)?, source.read(&API_TLS_KEY)?);
        let client_ca = source.read(&API_TLS_CLIENT_CA)?;
        let missing = |about: &About| SettingError::Missing { name: about.name, accepts: about.accepts };
        match (cert, key) {
            (Some(cert), Some(key)) => Ok(Some(Self { cert, key, client_ca })),
            (None, None) if client_ca.is_none() => Ok(None),
            (None, _) => Err(missing(&API_TLS_CERT.about)),
            (Some(_), None) => Err(missing(&API_TLS_KEY.about)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_needs_its_key_and_an_authority_of_clients_both() {
        let read = |names: &[&str]| {
            let pairs: Vec<_> = names.iter().map(|name| ((*name).to_owned(), "/x.pem".to_owned())).collect();
            TlsSettings::read(&Source::new(pairs, []))
        };
        assert!(read(&[]).unwrap().is_none());
        assert!(read(&["API_TLS_CERT", "API_TLS_KEY"]).unwrap().unwrap().client_ca.is_none());
        assert!(read(&["API_TLS_CERT", "API_TLS_KEY", "API_TLS_CLIENT_CA"]).unwrap().unwrap().client_ca.is_some());
        for (names, missing) in [
            (&["API_TLS_CERT"][..], "API_TLS_KEY"),
            (&["API_TLS_KEY"], "API_TLS_CERT"),
            (&["API_TLS_CLIENT_CA"], "API_TLS_CERT"),
            (&["API_TLS_CLIENT_CA", "API_TLS_CERT"], "API_TLS_KEY"),
        ] {
            let error = read(names).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{missing} is not set")), "{names:?}: {error}");
        }
    }
}
