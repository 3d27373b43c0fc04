//! Where a request comes from: the address that the socket shows, or beyond proxies that are
//! trusted the one that they tell.

use axum::extract::{Request, State};
use axum::http::header::FORWARDED;
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::Response;
use ordinaut_runtime::Peer;
use ordinaut_runtime::settings::api::TrustedProxy;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Where a request comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    Address(IpAddr),
    Socket,
    /// It came over no connection, as in a test.
    #[default]
    Unknown,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Socket => f.write_str("unix"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

impl Origin {
    /// Of a request that has passed [`locate`].
    pub(crate) fn of(request: &Request) -> Self {
        request.extensions().get().copied().unwrap_or_default()
    }

    fn is_among(self, proxies: &[TrustedProxy]) -> bool {
        proxies.iter().any(|proxy| match (proxy, self) {
            (TrustedProxy::Network(network), Self::Address(address)) => network.contains(&address),
            (TrustedProxy::Socket, Self::Socket) => true,
            _ => false,
        })
    }
}

/// Notes where a request comes from, for all that it passes from here on.
pub(crate) async fn locate(State(proxies): State<Arc<[TrustedProxy]>>, mut request: Request, next: Next) -> Response {
    let peer = match request.extensions().get::<Peer>() {
        // An address of IPv4 that comes to a socket of both is one.
        Some(Peer::Address(address)) => Origin::Address(address.ip().to_canonical()),
        Some(Peer::Socket) => Origin::Socket,
        None => Origin::Unknown,
    };
    let origin = beyond(&proxies, peer, request.headers());
    request.extensions_mut().insert(origin);
    next.run(request).await
}

/// The nearest address that is none of the proxies': each of them adds the one that it sees at the
/// end, and what stands before that anybody may have written.
fn beyond(proxies: &[TrustedProxy], peer: Origin, headers: &HeaderMap) -> Origin {
    let told = |name: &HeaderName, address: fn(&str) -> Option<IpAddr>| {
        headers.contains_key(name).then(|| {
            let mut nearest = peer;
            let lines: Vec<&str> = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or_default()).collect();
            for element in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
                match address(element) {
                    Some(address) if nearest.is_among(proxies) => nearest = Origin::Address(address.to_canonical()),
                    // What a proxy does not know, or does not tell, ends what is known.
                    _ => break,
                }
            }
            nearest
        })
    };
    match (told(&X_FORWARDED_FOR, address), told(&FORWARDED, forwarded)) {
        (None, None) => peer,
        (Some(told), None) | (None, Some(told)) => told,
        (Some(one), Some(other)) if one == other => one,
        // A proxy writes one of them, and hands on the other as its client wrote it: which, is not
        // known here.
        _ => peer,
    }
}

/// An address, perhaps with a port, perhaps in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    inner.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

/// The address of an element of `Forwarded`.
fn forwarded(element: &str) -> Option<IpAddr> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| address(value.trim().trim_matches('"')))?
    };
    element.split(';').find_map(pair)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where a request comes from whose socket shows 10.0.0.1, a proxy.
    fn seen(headers: &[(&'static str, &str)]) -> String {
        seen_from("10.0.0.1", headers)
    }

    fn seen_from(peer: &str, headers: &[(&'static str, &str)]) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        let proxies = ["10.0.0.0/8", "fd00::/8"].map(|network| TrustedProxy::Network(network.parse().unwrap()));
        beyond(&proxies, Origin::Address(peer.parse().unwrap()), &map).to_string()
    }

    #[test]
    fn the_nearest_address_that_is_no_proxy_counts() {
        for (told, address) in [
            ("203.0.113.7", "203.0.113.7"),
            ("1.1.1.1, 203.0.113.7", "203.0.113.7"),
            ("1.1.1.1, 203.0.113.7, 10.9.9.9", "203.0.113.7"),
            ("10.2.2.2, 10.9.9.9", "10.2.2.2"),
            ("203.0.113.7:4711", "203.0.113.7"),
            ("[2001:db8::7]:4711, fd00::1", "2001:db8::7"),
            ("2001:db8::7", "2001:db8::7"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("203.0.113.7, unknown", "10.0.0.1"),
            ("1.1.1.1, garbage, 10.9.9.9", "10.9.9.9"),
            ("", "10.0.0.1"),
        ] {
            assert_eq!(seen(&[("x-forwarded-for", told)]), address, "{told:?}");
        }
        // Lines are one list.
        assert_eq!(seen(&[("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "203.0.113.7")]), "203.0.113.7");
    }

    #[test]
    fn a_client_that_comes_without_a_proxy_is_not_believed() {
        assert_eq!(seen_from("203.0.113.9", &[("x-forwarded-for", "10.0.0.7")]), "203.0.113.9");
        assert_eq!(seen_from("203.0.113.9", &[("forwarded", "for=10.0.0.7")]), "203.0.113.9");
        let told: HeaderMap = [(X_FORWARDED_FOR, "1.1.1.1".parse().unwrap())].into_iter().collect();
        assert_eq!(beyond(&[], Origin::Socket, &told), Origin::Socket);
        assert_eq!(beyond(&[TrustedProxy::Socket], Origin::Socket, &told).to_string(), "1.1.1.1");
    }

    #[test]
    fn forwarded_is_read_too_and_two_that_differ_are_not() {
        for (told, address) in [
            ("for=203.0.113.7", "203.0.113.7"),
            ("proto=https;For=\"[2001:db8::7]:80\";by=10.0.0.1", "2001:db8::7"),
            ("for=1.1.1.1, for=203.0.113.7;proto=http", "203.0.113.7"),
            ("for=\"1.1.1.1, for=203.0.113.7", "203.0.113.7"),
            ("for=203.0.113.7, for=_hidden", "10.0.0.1"),
            ("proto=https", "10.0.0.1"),
        ] {
            assert_eq!(seen(&[("forwarded", told)]), address, "{told:?}");
        }
        let both = |other| seen(&[("x-forwarded-for", "203.0.113.7"), ("forwarded", other)]);
        assert_eq!(both("for=203.0.113.7"), "203.0.113.7");
        assert_eq!(both("for=192.0.2.1"), "10.0.0.1");
    }
}
