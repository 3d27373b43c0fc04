//! Where a host is, and what is asked of it: what may stand in the URL of a call.

const REASON: &str = "must be names or addresses, each with a port if it is not the scheme's, such as 10.0.0.1:8080";

/// What may stand between `http://` and a path, without a user.
pub(crate) fn check_host(host: &str) -> Result<(), &'static str> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let (address, rest) = rest.split_once(']').ok_or(REASON)?;
            address.parse::<std::net::Ipv6Addr>().map_err(|_| REASON)?;
            ("v6", rest.strip_prefix(':').or(if rest.is_empty() { None } else { Some("") }))
        }
        None => host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port))),
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.is_empty() || name.len() > 253 || !name.chars().all(is_name) {
        return Err(REASON);
    }
    match port.map(str::parse::<u16>) {
        None => Ok(()),
        Some(Ok(1..)) if port.is_some_and(|port| port.chars().all(|c| c.is_ascii_digit())) => Ok(()),
        Some(_) => Err(REASON),
    }
}

/// The same host in one way of many: in lower case, without the port of its scheme, without zeros
/// before a port.
pub(crate) fn one_form(host: &str, scheme: &str) -> String {
    let host = host.to_ascii_lowercase();
    let (name, port) = match host.rsplit_once(':') {
        // Colons within brackets are of an address.
        Some((name, port)) if !port.contains(']') => (name, port.trim_start_matches('0')),
        _ => (&*host, ""),
    };
    let of_scheme = if scheme == "https" { "443" } else { "80" };
    if port.is_empty() || port == of_scheme { name.to_owned() } else { format!("{name}:{port}") }
}

/// A path of a host, which may have a query.
pub(crate) fn check_path(path: &str) -> Result<(), &'static str> {
    let stays = path.starts_with('/') && !path.contains(['\\', '#']);
    if !stays || path.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("must be a path that begins with a slash, without spaces and fragment");
    }
    if path.len() > 8000 { Err("must be a path of 8000 bytes at most") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_and_nothing_that_leads_elsewhere() {
        for host in ["a", "a.b-c_d:1", "10.0.0.1:65535", "[::1]:80", "[fd00::1]"] {
            assert_eq!(check_host(host), Ok(()), "{host}");
        }
        for host in
            ["", ":80", "a:", "a:0", "a:+1", "a:65536", "u@a:80", "a/b", "a b", "[::1", "[x]:1", "[::1]80", "::1"]
        {
            assert!(check_host(host).is_err(), "{host}");
        }
        for path in ["charge", "", "/a b", "/a\\b", "/a#b", "/a\n"] {
            assert!(check_path(path).is_err(), "{path:?}");
        }
        assert_eq!(check_path("/charge?id=7&x=%20"), Ok(()));
    }

    #[test]
    fn one_host_has_one_form() {
        for (host, scheme, form) in [
            ("H", "http", "h"),
            ("h:80", "http", "h"),
            ("h:0080", "http", "h"),
            ("h:443", "http", "h:443"),
            ("h:443", "https", "h"),
            ("10.0.0.1:08080", "http", "10.0.0.1:8080"),
            ("[FD00::1]", "http", "[fd00::1]"),
            ("[fd00::1]:80", "http", "[fd00::1]"),
            ("[fd00::1]:81", "http", "[fd00::1]:81"),
        ] {
            assert_eq!(one_form(host, scheme), form, "{host} {scheme}");
        }
    }
}
