//! Which addresses `http` jobs may call: public ones, and those that `WORKER_HTTP_ALLOW` lists.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address that a job may not call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) struct ForbiddenAddress {
    /// As the url says it: a name, or the address itself.
    pub(crate) host: String,
    pub(crate) ip: IpAddr,
    pub(crate) reason: &'static str,
}

impl fmt::Display for ForbiddenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, ip, reason } = self;
        if *host == ip.to_string() {
            write!(f, "{ip} is {reason}")?;
        } else {
            write!(f, "{host} is at {ip}, {reason}")?;
        }
        f.write_str(", which http jobs may call only if WORKER_HTTP_ALLOW lists it")
    }
}

/// Why an address may not be called, to follow "is"; `None` if it may.
pub(crate) fn forbidden(ip: IpAddr, allow: &[IpNet]) -> Option<&'static str> {
    // A socket to ::ffff:10.0.0.1 is one to 10.0.0.1.
    let canonical = ip.to_canonical();
    if allow.iter().any(|net| net.contains(&ip) || net.contains(&canonical)) {
        return None;
    }
    match canonical {
        IpAddr::V4(ip) => V4.iter().find(|(net, _)| net.contains(&ip)).map(|(_, reason)| *reason),
        IpAddr::V6(ip) => match V6.iter().find(|(net, _)| net.contains(&ip)) {
            Some((_, reason)) => Some(*reason),
            None => match embedded(ip) {
                Some(ip) => forbidden(ip.into(), allow),
                None => (!GLOBAL_UNICAST.contains(&ip)).then_some(RESERVED),
            },
        },
    }
}

const UNSPECIFIED: &str = "an unspecified address";
const LOOPBACK: &str = "a loopback address";
const PRIVATE: &str = "a private address";
const LINK_LOCAL: &str = "a link-local address";
const CARRIER: &str = "an address behind a carrier's NAT";
const DOCUMENTATION: &str = "an address for documentation";
const BENCHMARKING: &str = "an address for benchmarks";
const MULTICAST: &str = "a multicast address";
const BROADCAST: &str = "the broadcast address";
const RESERVED: &str = "a reserved address";

/// The first that contains an address says why; what none contains is public.
const V4: &[(Ipv4Net, &str)] = &[
    (v4([0, 0, 0, 0], 32), UNSPECIFIED),
    (v4([0, 0, 0, 0], 8), RESERVED),
    (v4([10, 0, 0, 0], 8), PRIVATE),
    (v4([100, 64, 0, 0], 10), CARRIER),
    (v4([127, 0, 0, 0], 8), LOOPBACK),
    // Clouds tell a machine its credentials at 169.254.169.254.
    (v4([169, 254, 0, 0], 16), LINK_LOCAL),
    (v4([172, 16, 0, 0], 12), PRIVATE),
    (v4([192, 0, 0, 0], 24), RESERVED),
    (v4([192, 0, 2, 0], 24), DOCUMENTATION),
    (v4([192, 88, 99, 0], 24), RESERVED),
    (v4([192, 168, 0, 0], 16), PRIVATE),
    (v4([198, 18, 0, 0], 15), BENCHMARKING),
    (v4([198, 51, 100, 0], 24), DOCUMENTATION),
    (v4([203, 0, 113, 0], 24), DOCUMENTATION),
    (v4([224, 0, 0, 0], 4), MULTICAST),
    (v4([255, 255, 255, 255], 32), BROADCAST),
    (v4([240, 0, 0, 0], 4), RESERVED),
];

/// The first that contains an address says why. What none contains, and what is not global unicast,
/// is reserved.
const V6: &[(Ipv6Net, &str)] = &[
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 128), UNSPECIFIED),
    (v6([0, 0, 0, 0, 0, 0, 0, 1], 128), LOOPBACK),
    // A NAT64 of one's own, which may lead anywhere inside.
    (v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48), PRIVATE),
    (v6([0x2001, 2, 0, 0, 0, 0, 0, 0], 48), BENCHMARKING),
    // Teredo and others that wrap or stand for something else.
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), RESERVED),
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), DOCUMENTATION),
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), DOCUMENTATION),
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), PRIVATE),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), LINK_LOCAL),
    (v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), PRIVATE),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), MULTICAST),
];

const GLOBAL_UNICAST: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);
const IPV4_COMPATIBLE: Ipv6Net = v6([0, 0, 0, 0, 0, 0, 0, 0], 96);
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);
const SIX_TO_FOUR: Ipv6Net = v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16);

/// The IPv4 address that packets to this one may end up at.
fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let octets = ip.octets();
    let at = |from: usize| Ipv4Addr::new(octets[from], octets[from + 1], octets[from + 2], octets[from + 3]);
    if IPV4_COMPATIBLE.contains(&ip) || NAT64.contains(&ip) {
        Some(at(12))
    } else {
        SIX_TO_FOUR.contains(&ip).then(|| at(2))
    }
}

const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6([a, b, c, d, e, f, g, h]: [u16; 8], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ip: &str, allow: &[&str]) -> Option<&'static str> {
        let allow: Vec<_> = allow.iter().map(|net| net.parse().unwrap()).collect();
        forbidden(ip.parse().unwrap(), &allow)
    }

    #[test]
    fn each_kind_of_address_that_is_not_public_is_refused_by_name() {
        for (ip, reason) in [
            ("0.0.0.0", UNSPECIFIED),
            ("0.1.2.3", RESERVED),
            ("10.0.0.1", PRIVATE),
            ("100.64.0.1", CARRIER),
            ("100.127.255.255", CARRIER),
            ("127.0.0.1", LOOPBACK),
            ("127.255.255.254", LOOPBACK),
            ("169.254.169.254", LINK_LOCAL),
            ("172.16.0.1", PRIVATE),
            ("172.31.255.255", PRIVATE),
            ("192.0.0.8", RESERVED),
            ("192.0.2.1", DOCUMENTATION),
            ("192.88.99.1", RESERVED),
            ("192.168.1.1", PRIVATE),
            ("198.18.0.1", BENCHMARKING),
            ("198.19.255.255", BENCHMARKING),
            ("198.51.100.1", DOCUMENTATION),
            ("203.0.113.1", DOCUMENTATION),
            ("224.0.0.1", MULTICAST),
            ("239.255.255.255", MULTICAST),
            ("240.0.0.1", RESERVED),
            ("255.255.255.255", BROADCAST),
            ("::", UNSPECIFIED),
            ("::1", LOOPBACK),
            ("::ffff:127.0.0.1", LOOPBACK),
            ("::ffff:a9fe:a9fe", LINK_LOCAL),
            ("::10.0.0.1", PRIVATE),
            ("64:ff9b::192.168.0.1", PRIVATE),
            ("64:ff9b:1::1", PRIVATE),
            ("100::1", RESERVED),
            ("2001::1", RESERVED),
            ("2001:2::1", BENCHMARKING),
            ("2001:db8::1", DOCUMENTATION),
            ("2002:7f00:1::", LOOPBACK),
            ("2002:a9fe:a9fe::1", LINK_LOCAL),
            ("3fff::1", DOCUMENTATION),
            ("4000::1", RESERVED),
            ("fc00::1", PRIVATE),
            ("fd12:3456::1", PRIVATE),
            ("fe80::1", LINK_LOCAL),
            ("fec0::1", PRIVATE),
            ("ff02::1", MULTICAST),
        ] {
            assert_eq!(check(ip, &[]), Some(reason), "{ip}");
        }
    }

    #[test]
    fn public_addresses_may_be_called() {
        for ip in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2001:200::1",
            "2002:101:101::1",
            "64:ff9b::1.1.1.1",
            "::ffff:1.1.1.1",
        ] {
            assert_eq!(check(ip, &[]), None, "{ip}");
        }
    }

    #[test]
    fn what_is_listed_may_be_called_and_nothing_beside_it() {
        assert_eq!(check("10.1.2.3", &["10.1.0.0/16"]), None);
        assert_eq!(check("10.2.2.3", &["10.1.0.0/16"]), Some(PRIVATE));
        assert_eq!(check("::ffff:10.1.2.3", &["10.1.0.0/16"]), None);
        assert_eq!(check("64:ff9b::10.1.2.3", &["10.1.0.0/16"]), None);
        assert_eq!(check("127.0.0.1", &["::1/128", "10.0.0.0/8"]), Some(LOOPBACK));
        assert_eq!(check("::1", &["::1/128"]), None);
        assert_eq!(check("fd00::1", &["::/0"]), None);
    }

    #[test]
    fn the_refusal_says_what_would_allow_it() {
        let refused =
            |host: &str| ForbiddenAddress { host: host.to_owned(), ip: "127.0.0.1".parse().unwrap(), reason: LOOPBACK };
        assert_eq!(
            refused("127.0.0.1").to_string(),
            "127.0.0.1 is a loopback address, which http jobs may call only if WORKER_HTTP_ALLOW lists it"
        );
        assert!(refused("localhost").to_string().starts_with("localhost is at 127.0.0.1, a loopback address"));
    }
}
