//! The client of `http` jobs: it connects to no address that was not checked.

use super::address::{ForbiddenAddress, forbidden};
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder, Url};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tracing::warn;

const USER_AGENT: &str = concat!("ordinaut-worker/", env!("CARGO_PKG_VERSION"));

pub(crate) struct HttpClient {
    client: reqwest::Client,
    /// Connects to any address.
    unchecked: reqwest::Client,
    allow: Arc<[IpNet]>,
}

impl HttpClient {
    /// A client that may call public addresses and those of `allow`.
    pub(crate) fn new(allow: &[IpNet]) -> anyhow::Result<Self> {
        let (allow, tls) = (Arc::<[IpNet]>::from(allow), tls()?);
        let builder = || Self::builder(tls.clone());
        let client = builder().dns_resolver(Resolver(allow.clone())).build()?;
        Ok(Self { client, unchecked: builder().build()?, allow })
    }

    fn builder(tls: ClientConfig) -> reqwest::ClientBuilder {
        reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .tls_backend_preconfigured(tls)
            // It would carry the job's headers to wherever a redirect leads; `redirect.rs` does
            // not.
            .redirect(Policy::none())
            .referer(false)
            // A proxy would connect to addresses that nobody checked.
            .no_proxy()
            // The job is what is tried again.
            .retry(reqwest::retry::never())
    }

    /// A request to an address that may be called. Redirects are not followed.
    pub(crate) fn request(&self, method: Method, url: Url) -> Result<RequestBuilder, ForbiddenAddress> {
        check_literal(&url, &self.allow)?;
        Ok(self.client.request(method, url))
    }

    /// A request to a host that an operator has named in a target: it may be anywhere.
    pub(crate) fn request_of_target(&self, method: Method, url: Url) -> RequestBuilder {
        self.unchecked.request(method, url)
    }
}

/// The address that a request was refused for, if that is why it failed.
pub(crate) fn refusal(error: &reqwest::Error) -> Option<&ForbiddenAddress> {
    std::iter::successors(error.source(), |error| (*error).source()).find_map(|error| error.downcast_ref())
}

/// A host that is an address is never resolved, so nobody else would check it.
fn check_literal(url: &Url, allow: &[IpNet]) -> Result<(), ForbiddenAddress> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let Ok(ip) = host.parse::<IpAddr>() else { return Ok(()) };
    match forbidden(ip, allow) {
        Some(reason) => Err(ForbiddenAddress { host: ip.to_string(), ip, reason }),
        None => Ok(()),
    }
}

/// Checks what a name resolves to. The client connects to what this returns and does not ask again,
/// so a name that changes its address between the check and the call gains nothing.
struct Resolver(Arc<[IpNet]>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow = self.0.clone();
        Box::pin(async move {
            let (mut allowed, mut refused) = (Vec::<SocketAddr>::new(), None);
            // The client puts the port in place of the 0.
            for address in tokio::net::lookup_host((name.as_str(), 0)).await? {
                let ip = address.ip();
                match forbidden(ip, &allow) {
                    None => allowed.push(address),
                    Some(reason) => refused = Some(ForbiddenAddress { host: name.as_str().to_owned(), ip, reason }),
                }
            }
            match refused {
                Some(refused) if allowed.is_empty() => Err(refused.into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

/// With a provider of its own, so that a program that embeds this need not have installed one for
/// the process.
fn tls() -> Result<ClientConfig, rustls::Error> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        warn!(
            "this system has no certificate authorities, so that http jobs cannot call https: name a file of them in SSL_CERT_FILE"
        );
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
