//! Where a secret may go: a list of hosts beside it, `NAME.hosts`.

use ordinaut_core::JobError;
use std::path::Path;

/// What the name of a list ends with.
pub(super) const LIST: &str = ".hosts";

/// The setting that refuses secrets without a list.
const STRICT: &str = "WORKER_SECRETS_STRICT";

/// The hosts to which the secrets of a call may go. Empty for most calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Permits {
    /// Names of secrets that have a list, and what is in it.
    lists: Vec<(String, Vec<Host>)>,
}

/// A line of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Host {
    name: String,
    /// Names below it, and not it itself.
    below: bool,
    port: Option<u16>,
}

impl Permits {
    /// Reads the list of a secret, if there is one.
    pub(super) fn read(&mut self, directory: &Path, name: &str, strict: bool) -> Result<(), String> {
        let list = format!("{name}{LIST}");
        let text = match std::fs::read_to_string(directory.join(&list)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let missing =
                    format!("the secret {name:?} of this worker has no list of hosts ({list}), and {STRICT} is on");
                return if strict { Err(missing) } else { Ok(()) };
            }
            Err(error) => return Err(format!("the list of hosts {list} of this worker could not be read: {error}")),
        };
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        let hosts = lines.filter(|line| !line.is_empty()).map(|line| {
            Host::of(line).ok_or_else(|| format!("the list of hosts {list} of this worker has a line that is no host"))
        });
        self.lists.push((name.to_owned(), hosts.collect::<Result<_, _>>()?));
        Ok(())
    }

    /// Those of both.
    pub(crate) fn and(mut self, others: &Self) -> Self {
        self.lists.extend(others.lists.iter().cloned());
        self
    }

    /// Refuses a host that is not on the list of each secret that has one. Nothing was sent.
    pub(crate) fn check(&self, host: &str, port: Option<u16>) -> Result<(), JobError> {
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        let refused = self.lists.iter().find(|(_, hosts)| !hosts.iter().any(|one| one.is(&host, port)));
        refused.map_or(Ok(()), |(name, _)| {
            Err(JobError::fatal(format!("the secret {name:?} may not go to {host}: {name}{LIST} does not have it")))
        })
    }

    /// Refuses what is no host where a secret may go to hosts alone.
    pub(crate) fn hosts_alone(&self, what: &str) -> Result<(), JobError> {
        self.lists.first().map_or(Ok(()), |(name, _)| {
            Err(JobError::fatal(format!("the secret {name:?} may go to the hosts of {name}{LIST}, and not to {what}")))
        })
    }
}

impl Host {
    /// `api.example.org`, `*.example.org`, `10.0.0.1:8080` or `[::1]:443`.
    fn of(line: &str) -> Option<Self> {
        let (name, port) = match line.strip_prefix('[') {
            Some(rest) => {
                let (address, rest) = rest.split_once(']')?;
                (address, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
            }
            None => line.split_once(':').map_or((line, None), |(name, port)| (name, Some(port))),
        };
        let (name, below) = name.strip_prefix("*.").map_or((name, false), |name| (name, true));
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        let good = !name.is_empty() && name.chars().all(plain);
        let port = port.map(str::parse).transpose().ok()?;
        good.then(|| Self { name: name.to_ascii_lowercase(), below, port })
    }

    fn is(&self, host: &str, port: Option<u16>) -> bool {
        let named = if self.below {
            host.strip_suffix(&*self.name).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
        } else {
            host == self.name
        };
        named && self.port.is_none_or(|only| port == Some(only))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_host_or_what_is_below_one() {
        let may = |line: &str, host: &str, port: u16| Host::of(line).unwrap().is(host, Some(port));
        assert!(may("API.example.org", "api.example.org", 443));
        assert!(!may("example.org", "api.example.org", 443) && !may("example.org", "example.org.evil", 443));
        assert!(may("*.example.org", "a.b.example.org", 443));
        for other in ["example.org", ".example.org", "evilexample.org"] {
            assert!(!may("*.example.org", other, 443), "{other}");
        }
        assert!(may("10.0.0.1:8080", "10.0.0.1", 8080) && !may("10.0.0.1:8080", "10.0.0.1", 80));
        assert!(may("[::1]:443", "::1", 443) && may("[::1]", "::1", 1));
        for wrong in ["https://a", "a b", "*", "a:b", "*.", "[::1", "a:70000"] {
            assert_eq!(Host::of(wrong), None, "{wrong}");
        }
    }
}
