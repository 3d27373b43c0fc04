//! TLS of a port: its certificate, its key, and who may connect, read again when the files change.

use crate::settings::tls::TlsSettings;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig};
use tracing::{error, info};

/// Between two looks at the files: a new certificate is served well before its predecessor ends.
const LOOK: Duration = Duration::from_secs(2);

/// Why files cannot be used for TLS.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("could not read {path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{path} holds no {what} in PEM")]
    NotPem {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// Why.
        source: Option<pem::Error>,
    },
    /// The certificate or its key cannot be used, or they do not belong together.
    #[error("certificate {cert} with key {key} cannot be used")]
    Unusable {
        /// The file of the certificate.
        cert: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// An authority for certificates of clients cannot be used.
    #[error("{path} holds an authority that cannot be used")]
    Authority {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// The authorities cannot be used together.
    #[error("the authorities of {path} cannot be used")]
    Authorities {
        /// The file.
        path: PathBuf,
        /// Why.
        source: VerifierBuilderError,
    },
}

/// What the files held when they were read.
#[derive(PartialEq, Eq)]
struct Files {
    cert: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

/// What a port needs for TLS.
pub struct Tls {
    settings: TlsSettings,
    /// What the last look found, whether or not it could be used.
    seen: Mutex<Arc<Files>>,
    serving: Mutex<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads the files.
    pub fn load(settings: TlsSettings) -> Result<Self, TlsError> {
        let files = read(&settings)?;
        let config = Arc::new(config(&settings, &files)?);
        Ok(Self { settings, seen: Mutex::new(Arc::new(files)), serving: Mutex::new(config) })
    }

    /// What the next connection is to be spoken to with.
    pub(crate) fn serving(&self) -> Arc<ServerConfig> {
        self.serving.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at the files for as long as it is polled.
    pub(crate) async fn watch(&self) {
        let mut unreadable = false;
        loop {
            tokio::time::sleep(LOOK).await;
            let settings = self.settings.clone();
            // A file may be on a disk that does not answer.
            let Ok(read) = tokio::task::spawn_blocking(move || read(&settings)).await else { continue };
            match read {
                Ok(files) => {
                    unreadable = false;
                    self.take(files);
                }
                // Said once for as long as it lasts.
                Err(error) if !unreadable => {
                    unreadable = true;
                    keep(&error);
                }
                Err(_) => {}
            }
        }
    }

    /// Serves with what the files hold now, if they changed and it can be used.
    fn take(&self, files: Files) {
        let files = Arc::new(files);
        let seen = std::mem::replace(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner), files.clone());
        if seen == files {
            return;
        }
        match config(&self.settings, &files) {
            Ok(config) => {
                *self.serving.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
                let cert = self.settings.cert.display();
                info!(%cert, "the certificate of {cert} has changed, and is served to new connections");
            }
            Err(error) => keep(&error),
        }
    }
}

fn keep(error: &TlsError) {
    let reason = std::error::Error::source(error).map_or(String::new(), |source| format!(": {source}"));
    error!("{error}{reason}; the certificate that was read before is served on");
}

fn read(settings: &TlsSettings) -> Result<Files, TlsError> {
    let read = |path: &Path| std::fs::read(path).map_err(|source| TlsError::Unreadable { path: path.into(), source });
    let client_ca = settings.client_ca.as_deref().map(read).transpose()?;
    Ok(Files { cert: read(&settings.cert)?, key: read(&settings.key)?, client_ca })
}

fn config(settings: &TlsSettings, files: &Files) -> Result<ServerConfig, TlsError> {
    let TlsSettings { cert, key, .. } = settings;
    let unusable = |source| TlsError::Unusable { cert: cert.clone(), key: key.clone(), source };
    let chain = certificates(cert, &files.cert)?;
    let private = PrivateKeyDer::from_pem_slice(&files.key).map_err(|source| TlsError::NotPem {
        path: key.clone(),
        what: "private key",
        source: Some(source),
    })?;
    let provider = Arc::new(default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone());
    let builder = builder.with_safe_default_protocol_versions().map_err(unusable)?;
    let builder = match (&settings.client_ca, &files.client_ca) {
        (Some(path), Some(pem)) => {
            let mut roots = RootCertStore::empty();
            for authority in certificates(path, pem)? {
                roots.add(authority).map_err(|source| TlsError::Authority { path: path.clone(), source })?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            let verifier = verifier.map_err(|source| TlsError::Authorities { path: path.clone(), source })?;
            builder.with_client_cert_verifier(verifier)
        }
        _ => builder.with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(chain, private).map_err(unusable)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn certificates(path: &Path, text: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let not_pem = |source| TlsError::NotPem { path: path.into(), what: "certificate", source };
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    let found = found.map_err(|source| not_pem(Some(source)))?;
    if found.is_empty() { Err(not_pem(None)) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(name: &str) -> (String, String) {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn files_that_do_not_belong_together_change_nothing_until_they_do() {
        let place = tempfile::tempdir().unwrap();
        let (cert, key) = (place.path().join("cert.pem"), place.path().join("key.pem"));
        let settings = TlsSettings { cert: cert.clone(), key: key.clone(), client_ca: None };
        let write = |(cert_pem, key_pem): (&str, &str)| {
            std::fs::write(&cert, cert_pem).unwrap();
            std::fs::write(&key, key_pem).unwrap();
        };
        let (old, new) = (certificate("old.test"), certificate("new.test"));
        write((&old.0, &old.1));
        let tls = Tls::load(settings.clone()).unwrap();
        let first = tls.serving();
        tls.take(read(&settings).unwrap());
        assert!(Arc::ptr_eq(&first, &tls.serving()), "nothing has changed");
        for wrong in [(&*new.0, &*old.1), ("no certificate", &*new.1), (&*new.0, "no key"), ("", "")] {
            write(wrong);
            tls.take(read(&settings).unwrap());
            assert!(Arc::ptr_eq(&first, &tls.serving()), "{wrong:?}");
            assert!(Tls::load(settings.clone()).is_err(), "{wrong:?}");
        }
        write((&new.0, &new.1));
        tls.take(read(&settings).unwrap());
        assert!(!Arc::ptr_eq(&first, &tls.serving()));
    }
}
