//! TLS of the port, and the Unix socket beside it, with the real binary.

use crate::app::{TOKEN, client};
use crate::binary::{Running, binary};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ordinaut_test_support::database::fresh_database;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use reqwest::{Certificate, Client, Identity};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A new certificate must be served within this time.
const SERVED: Duration = Duration::from_secs(20);

/// Who signs certificates.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// A certificate for a name, and its key.
    fn sign(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned(), "127.0.0.1".to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    /// A client that trusts nobody else, perhaps with a certificate of its own.
    fn client(&self, own: Option<(String, String)>) -> Client {
        // An error is another test that was first.
        rustls::crypto::ring::default_provider().install_default().ok();
        let trusted = Certificate::from_pem(self.pem.as_bytes()).unwrap();
        // Each request makes a handshake.
        let client = Client::builder().no_proxy().pool_max_idle_per_host(0).tls_certs_only([trusted]);
        let own = own.map(|(cert, key)| Identity::from_pem(format!("{cert}{key}").as_bytes()).unwrap());
        own.into_iter().fold(client, reqwest::ClientBuilder::identity).build().unwrap()
    }
}

/// Where the files are that the API reads.
struct Files {
    place: TempDir,
}

impl Files {
    fn new((cert, key): &(String, String)) -> Self {
        let files = Self { place: tempfile::tempdir().unwrap() };
        files.write("key.pem", key);
        files.write("cert.pem", cert);
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// The API with them.
    fn start(&self, more: &[(&str, &Path)]) -> Running {
        let url = fresh_database();
        let settings = [("DATABASE_URL", &*url), ("API_ADMIN_TOKEN", TOKEN), ("API_HOST", "127.0.0.1")];
        let mut command = binary(&settings);
        command.env("API_TLS_CERT", self.path("cert.pem")).env("API_TLS_KEY", self.path("key.pem"));
        Running::start(command.envs(more.iter().copied()))
    }
}

async fn health(client: &Client, api: &Running) -> Result<u16, reqwest::Error> {
    client.get(format!("https://{}/health/ready", api.address)).send().await.map(|answer| answer.status().as_u16())
}

#[tokio::test]
async fn the_port_speaks_https_and_tells_a_client_of_plain_http_so() {
    let authority = Authority::new();
    let files = Files::new(&authority.sign("api.test"));
    let api = files.start(&[]);
    let answer = authority.client(None).post(format!("https://{}/jobs", api.address)).bearer_auth(TOKEN);
    let answer = answer.body(r#"{"kind": "k"}"#).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (201, reqwest::Version::HTTP_2));
    // Both of HTTP's versions.
    let trusted = Certificate::from_pem(authority.pem.as_bytes()).unwrap();
    let old = Client::builder().no_proxy().http1_only().tls_certs_only([trusted]).build().unwrap();
    let answer = old.get(format!("https://{}/health/ready", api.address)).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (200, reqwest::Version::HTTP_11));

    assert!(health(&Authority::new().client(None), &api).await.is_err(), "a stranger signed it");
    let plain = client().get(format!("http://{}/health", api.address)).send().await.unwrap();
    assert_eq!(plain.status(), 400);
    assert_eq!(plain.text().await.unwrap(), "this port speaks https, not http.\n");
}

#[tokio::test]
async fn a_new_certificate_is_served_without_a_restart_and_a_broken_one_is_not() {
    let (first, second) = (Authority::new(), Authority::new());
    let files = Files::new(&first.sign("api.test"));
    let api = files.start(&[]);
    let (before, after) = (first.client(None), second.client(None));
    assert_eq!(health(&before, &api).await.unwrap(), 200);
    let (cert, key) = second.sign("api.test");
    // The certificate without its key is no use yet, and neither is half of it.
    files.write("cert.pem", &cert[..cert.len() / 2]);
    let broken = Instant::now();
    while broken.elapsed() < Duration::from_secs(5) {
        assert_eq!(health(&before, &api).await.unwrap(), 200);
    }
    files.write("cert.pem", &cert);
    files.write("key.pem", &key);
    let written = Instant::now();
    while health(&after, &api).await.is_err() {
        assert!(written.elapsed() < SERVED, "the new certificate is not served");
    }
    assert!(health(&before, &api).await.is_err());
}

#[tokio::test]
async fn who_has_no_certificate_of_the_authority_is_refused() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let files = Files::new(&authority.sign("api.test"));
    files.write("clients.pem", &authority.pem);
    let api = files.start(&[("API_TLS_CLIENT_CA", &files.path("clients.pem"))]);
    assert_eq!(health(&authority.client(Some(authority.sign("a client"))), &api).await.unwrap(), 200);
    assert!(health(&authority.client(None), &api).await.is_err());
    assert!(health(&authority.client(Some(stranger.sign("a client"))), &api).await.is_err());
}

#[test]
fn files_that_cannot_be_used_are_refused_at_the_start() {
    let authority = Authority::new();
    let (cert, _) = authority.sign("api.test");
    let (_, key) = authority.sign("api.test");
    let files = Files::new(&(cert, key));
    let refused = |files: &Files| {
        let settings = [
            ("DATABASE_URL", "postgres://localhost/nothing"),
            ("API_ADMIN_TOKEN", TOKEN),
            ("API_HOST", "127.0.0.1"),
            ("API_PORT", "0"),
        ];
        let mut command = binary(&settings);
        command.env("API_TLS_CERT", files.path("cert.pem")).env("API_TLS_KEY", files.path("key.pem"));
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(refused(&files).contains("cert.pem with key"), "{}", refused(&files));
    files.write("key.pem", "");
    assert!(refused(&files).contains("key.pem holds no private key in PEM"), "{}", refused(&files));
    std::fs::remove_file(files.path("key.pem")).unwrap();
    assert!(refused(&files).contains("could not read"), "{}", refused(&files));
}

#[tokio::test]
async fn clients_that_never_end_their_handshake_are_in_nobodys_way() {
    const SLOW: usize = 200;
    let authority = Authority::new();
    let files = Files::new(&authority.sign("api.test"));
    let api = files.start(&[]);
    let slow: Vec<TcpStream> = (0..SLOW)
        .map(|n| {
            let mut stream = TcpStream::connect(&api.address).unwrap();
            // Half of them begin a record of TLS, the others say nothing at all.
            if n % 2 == 0 {
                stream.write_all(&[22, 3, 1, 2]).unwrap();
            }
            stream
        })
        .collect();
    let client = authority.client(None);
    for _ in 0..20 {
        let asked = Instant::now();
        assert_eq!(health(&client, &api).await.unwrap(), 200);
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    }
    // Each is closed in the end.
    for mut stream in slow {
        stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
        let end = stream.read_to_end(&mut Vec::new());
        let timed_out = end.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
        assert!(!timed_out, "a connection was left open");
    }
}

#[tokio::test]
async fn a_unix_socket_answers_beside_the_port_and_goes_with_its_process() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("api.sock");
    // Left behind by a process that was killed.
    drop(UnixListener::bind(&path).unwrap());
    let url = fresh_database();
    let settings = [("DATABASE_URL", &*url), ("API_ADMIN_TOKEN", TOKEN), ("API_HOST", "127.0.0.1")];
    let mut api = Running::start(binary(&settings).env("API_SOCKET", &path));
    let curl = |more: &[&str]| {
        let output = Command::new("curl").args(["-sS", "--unix-socket"]).arg(&path).args(more).output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let enqueued = curl(&["-H", &bearer, "-d", r#"{"kind": "k"}"#, "http://localhost/jobs"]);
    assert!(enqueued.starts_with(r#"{"id":"#), "{enqueued}");
    let stranger = curl(&["http://localhost/jobs"]);
    assert!(stranger.contains("Authorization: Bearer"), "{stranger}");
    let port = client().get(format!("http://{}/health/ready", api.address)).send().await.unwrap();
    assert_eq!(port.status(), 200);

    let second = binary(&settings).env("API_SOCKET", &path).env("API_PORT", "0").output().unwrap();
    let told = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(1), "{told}");
    assert!(told.contains("another process listens there"), "{told}");
    assert!(curl(&["http://localhost/health/ready"]).contains("\"ready\""), "it is still the first one's");

    kill(Pid::from_raw(api.id().cast_signed()), Signal::SIGTERM).unwrap();
    assert_eq!(api.wait().code(), Some(0));
    assert!(!path.exists());
}
