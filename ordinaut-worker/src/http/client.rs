//! The client of `http` jobs: it connects to no address that was not checked.

use super::address::{ForbiddenAddress, forbidden};
use anyhow::anyhow;
use ipnet::IpNet;
use ordinaut_core::JobError;
use ordinaut_runtime::settings::worker::WorkerSettings;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Method, Proxy, RequestBuilder, Url};
use rustls::ClientConfig;
use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

const USER_AGENT: &str = concat!("ordinaut-worker/", env!("CARGO_PKG_VERSION"));

#[derive(Clone)]
pub(crate) struct HttpClient {
    client: reqwest::Client,
    /// Connects to any address.
    unchecked: reqwest::Client,
    allow: Arc<[IpNet]>,
    by_proxy: bool,
}

impl HttpClient {
    /// A client that may call public addresses and those that the settings allow.
    pub(crate) fn new(settings: &WorkerSettings) -> anyhow::Result<Self> {
        let allow = Arc::<[IpNet]>::from(&*settings.http_allow);
        let proxy = settings.executors.http_proxy.as_deref();
        // The error of one may hold its password.
        let named = proxy.map(|url| Url::parse(url).map_err(|_| anyhow!("WORKER_HTTP_PROXY is no URL"))).transpose()?;
        let trusted = named.and_then(|url| Some(url.host_str()?.to_owned()));
        let tls = super::tls::config(&settings.executors)?;
        let builder = || Self::builder(tls.clone());
        let client = match proxy {
            Some(url) => builder().proxy(Proxy::all(url).map_err(|_| anyhow!("WORKER_HTTP_PROXY cannot be used"))?),
            // One of the environment would connect to addresses that nobody checked.
            None => builder().no_proxy(),
        };
        let client = client.dns_resolver(Resolver { allow: allow.clone(), trusted }).build()?;
        // The hosts of targets are the operator's, as the proxy is, and are called without it.
        Ok(Self { client, unchecked: builder().no_proxy().build()?, allow, by_proxy: proxy.is_some() })
    }

    fn builder(tls: ClientConfig) -> reqwest::ClientBuilder {
        reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .tls_backend_preconfigured(tls)
            // It would carry the job's headers to wherever a redirect leads; `redirect.rs` does
            // not.
            .redirect(Policy::none())
            .referer(false)
            // The job is what is tried again.
            .retry(reqwest::retry::never())
    }

    /// A request to an address that may be called. Redirects are not followed.
    pub(crate) async fn request(&self, method: Method, url: Url) -> Result<RequestBuilder, JobError> {
        check_literal(&url, &self.allow).map_err(JobError::fatal)?;
        if self.by_proxy {
            self.check_name(&url).await?;
        }
        Ok(self.client.request(method, url))
    }

    /// A request to a host that an operator has named in a target: it may be anywhere.
    pub(crate) fn request_of_target(&self, method: Method, url: Url) -> RequestBuilder {
        self.unchecked.request(method, url)
    }

    /// The proxy looks the name up once more, and takes any of its addresses: so all of them must
    /// be allowed.
    async fn check_name(&self, url: &Url) -> Result<(), JobError> {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let addresses = tokio::net::lookup_host((host, 0)).await;
        let addresses =
            addresses.map_err(|error| JobError::retry(format!("could not look up {host} for the proxy: {error}")))?;
        for ip in addresses.map(|address| address.ip()) {
            if let Some(reason) = forbidden(ip, &self.allow) {
                return Err(JobError::fatal(ForbiddenAddress { host: host.to_owned(), ip, reason }));
            }
        }
        Ok(())
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
struct Resolver {
    allow: Arc<[IpNet]>,
    /// The proxy's host, which the operator has named.
    trusted: Option<String>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (allow, is_trusted) = (self.allow.clone(), self.trusted.as_deref() == Some(name.as_str()));
        Box::pin(async move {
            let (mut allowed, mut refused) = (Vec::<SocketAddr>::new(), None);
            // The client puts the port in place of the 0.
            for address in tokio::net::lookup_host((name.as_str(), 0)).await? {
                let ip = address.ip();
                match forbidden(ip, &allow) {
                    _ if is_trusted => allowed.push(address),
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
