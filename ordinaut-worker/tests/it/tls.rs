//! Certificates of `http` jobs, and their proxy.

use crate::fixture::Fixture;
use crate::server::Server;
use ordinaut_runtime::settings::executors::ExecutorSettings;
use ordinaut_runtime::settings::worker::WorkerSettings;
use ordinaut_worker::Commands;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::json;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Certificates that one authority has signed.
struct Authority {
    place: TempDir,
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { place: TempDir::new().unwrap(), pem, issuer: Issuer::new(params, key) }
    }

    fn sign(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    fn file(&self, name: &str, text: &str) -> Option<PathBuf> {
        let path = self.place.path().join(name);
        std::fs::write(&path, text).unwrap();
        Some(path)
    }

    /// A server that wants a certificate of its clients; its port.
    async fn server(&self) -> u16 {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.pem.as_bytes()).unwrap()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
        let (certificate, key) = self.sign("127.0.0.1");
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
                PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
            )
            .unwrap();
        let (acceptor, listener) =
            (TlsAcceptor::from(Arc::new(config)), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut socket) = acceptor.accept(socket).await else { return };
                    let Ok(1..) = socket.read(&mut [0; 4096]).await else { return };
                    socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await.ok();
                    socket.shutdown().await.ok();
                });
            }
        });
        port
    }
}

#[tokio::test]
async fn a_server_that_asks_for_a_certificate_gets_the_workers() {
    let (fixture, authority) = (Fixture::new().await, Authority::new());
    let url = format!("https://127.0.0.1:{}/", authority.server().await);
    let (certificate, key) = authority.sign("worker");
    let trusting = ExecutorSettings { http_ca: authority.file("ca", &authority.pem), ..ExecutorSettings::default() };
    let knowing = ExecutorSettings {
        http_client_cert: authority.file("cert", &certificate),
        http_client_key: authority.file("key", &key),
        ..trusting.clone()
    };
    let ran = fixture.run_given(&knowing, "http", json!({"url": url})).await;
    assert_eq!(ran.succeeded()["body"], "hi");
    for given in [trusting, ExecutorSettings::default()] {
        let ran = fixture.run_given(&given, "http", json!({"url": url})).await;
        assert!(ran.failed().starts_with("could not call 127.0.0.1"), "{:?}", ran.run);
    }
}

#[tokio::test]
async fn files_that_are_no_certificates_are_named_at_the_start() {
    let (fixture, authority) = (Fixture::new().await, Authority::new());
    let (certificate, key) = authority.sign("worker");
    let (certificate, key) = (authority.file("cert", &certificate), authority.file("key", &key));
    let nothing = ExecutorSettings::default();
    for (executors, named) in [
        (ExecutorSettings { http_client_cert: certificate.clone(), ..nothing.clone() }, "belong together"),
        (ExecutorSettings { http_ca: authority.file("x", "x"), ..nothing.clone() }, "WORKER_HTTP_CA_FILE"),
        (
            ExecutorSettings { http_client_cert: key, http_client_key: certificate, ..nothing.clone() },
            "WORKER_HTTP_CLIENT_CERT_FILE",
        ),
        (ExecutorSettings { http_proxy: Some("http://ann:s3cret@[".to_owned()), ..nothing }, "WORKER_HTTP_PROXY"),
    ] {
        let settings = WorkerSettings { executors, ..WorkerSettings::default() };
        let refused = fixture.try_worker(settings, Commands::default()).err().unwrap();
        let text = format!("{refused:#}");
        assert!(text.contains(named) && !text.contains("s3cret"), "{text}");
    }
}

/// A proxy that refuses everything, and what it was asked.
async fn proxy() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, asked) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(Vec::new())));
    let heard = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut text = vec![0; 4096];
            let read = socket.read(&mut text).await.unwrap();
            heard.lock().unwrap().push(String::from_utf8_lossy(&text[..read]).into_owned());
            socket.write_all(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n").await.ok();
        }
    });
    (port, asked)
}

#[tokio::test]
async fn a_proxy_is_asked_for_what_may_be_called_and_for_nothing_else() {
    let (fixture, server) = (Fixture::new().await, Server::answering(|_| "").await);
    let (port, asked) = proxy().await;
    let http_proxy = Some(format!("http://ann:s3cret@localhost:{port}"));
    let given = ExecutorSettings { http_proxy, ..ExecutorSettings::default() };
    let run = async |allow: &[&str], url: &str| {
        let worker = fixture.worker_given(allow, Commands::default(), given.clone());
        fixture.run_on(worker, "http", json!({"url": url})).await
    };
    // The proxy's own address is the operator's choice, and needs no permission.
    for url in [server.url("/"), format!("http://localhost:{}/", server.port), "https://169.254.169.254/".to_owned()] {
        let ran = run(&[], &url).await;
        assert!(ran.died().ends_with("only if WORKER_HTTP_ALLOW lists it"), "{url}: {:?}", ran.run);
    }
    assert_eq!(asked.lock().unwrap().len(), 0);

    let ran = run(&["127.0.0.0/8"], &server.url("/x")).await;
    assert!(ran.failed().contains("502"), "{:?}", ran.run);
    let ran = run(&["127.0.0.0/8"], "https://127.0.0.1:1/x").await;
    assert!(!ran.failed().contains("s3cret"), "{:?}", ran.run);
    let asked = asked.lock().unwrap();
    assert!(asked[0].starts_with(&format!("GET {} HTTP/1.1", server.url("/x"))), "{asked:?}");
    assert!(asked[1].starts_with("CONNECT 127.0.0.1:1 HTTP/1.1"), "{asked:?}");
    assert!(asked.iter().all(|text| text.to_lowercase().contains("proxy-authorization: basic ")), "{asked:?}");
    assert_eq!(server.calls().len(), 0);
}
