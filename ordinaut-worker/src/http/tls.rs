//! The certificates of `http` jobs: whom they trust, and what they show.

use anyhow::{Context as _, ensure};
use ordinaut_runtime::settings::executors::ExecutorSettings;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;
use tracing::warn;

/// With a provider of its own, so that a program that embeds this need not have installed one for
/// the process.
pub(super) fn config(settings: &ExecutorSettings) -> anyhow::Result<ClientConfig> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if let Some(path) = &settings.http_ca {
        for certificate in certificates(path).context("WORKER_HTTP_CA_FILE")? {
            roots.add(certificate).with_context(|| format!("WORKER_HTTP_CA_FILE: {}", path.display()))?;
        }
    }
    if roots.is_empty() {
        warn!(
            "this system has no certificate authorities, so that http jobs cannot call https: name a file of them in SSL_CERT_FILE"
        );
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let mut config = match (&settings.http_client_cert, &settings.http_client_key) {
        (None, None) => config.with_no_client_auth(),
        (Some(certificate), Some(key)) => {
            let chain = certificates(certificate).context("WORKER_HTTP_CLIENT_CERT_FILE")?;
            let key = PrivateKeyDer::from_pem_file(key)
                .with_context(|| format!("WORKER_HTTP_CLIENT_KEY_FILE: could not read {}", key.display()))?;
            config.with_client_auth_cert(chain, key).context("WORKER_HTTP_CLIENT_CERT_FILE and its key")?
        }
        _ => anyhow::bail!("WORKER_HTTP_CLIENT_CERT_FILE and WORKER_HTTP_CLIENT_KEY_FILE belong together: set both"),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn certificates(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let read = || format!("could not read {}", path.display());
    let found: Vec<_> =
        CertificateDer::pem_file_iter(path).with_context(read)?.collect::<Result<_, _>>().with_context(read)?;
    ensure!(!found.is_empty(), "{} has no certificate", path.display());
    Ok(found)
}
