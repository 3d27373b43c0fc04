//! The mode of a deployment: where the programs run, as they find out themselves unless it is said.
//! It has defaults of its own, and says under which name a service is found.

use crate::settings::setting::Setting;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// What a pod of Kubernetes has.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// What containers have.
const CONTAINER_FILES: [&str; 2] = ["/.dockerenv", "/run/.containerenv"];

/// How a value names a service whose address the mode knows: `redis://{host:redis}:6379`.
const PLACE: &str = "{host:";

/// The settings whose values may name services so. The hosts in `TARGETS_FILE` may too.
pub(super) const ADDRESSES: [&str; 5] =
    ["DATABASE_URL", "DATABASE_DIRECT_URL", "REDIS_URL", "WORKER_HTTP_PROXY", "WORKER_SMTP_URL"];

pub(super) const ORDINAUT_MODE: Setting<Mode> = Setting::new(
    "ORDINAUT_MODE",
    "where the programs run, which says their defaults and under which name {host:SERVICE} in an address finds a service; found out if not set",
    "local, docker_local, distributed or kubernetes",
    Mode::of,
);

pub(super) const ORDINAUT_DOMAIN: Setting<String> = Setting::new(
    "ORDINAUT_DOMAIN",
    "the domain of the services that {host:SERVICE} names, in the modes distributed and kubernetes; in a pod its namespace's if not set",
    "the name of a domain, such as jobs.example.org",
    |text| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        let good = !text.starts_with('.') && !text.ends_with('.') && text.chars().all(plain);
        good.then(|| text.to_ascii_lowercase())
    },
);

/// Where the programs run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Mode {
    /// Beside each other on one machine.
    #[default]
    Local,
    /// In containers of one machine, which find each other by their services' names.
    DockerLocal,
    /// On machines of a domain. It is never found out: it has to be said.
    Distributed,
    /// In pods.
    Kubernetes,
}

/// A mode, and why it is that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deployment {
    /// The mode.
    pub mode: Mode,
    /// Why, for people.
    pub because: String,
    /// The domain of its services, if one is known.
    pub domain: Option<String>,
}

/// What a process sees of where it runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Surroundings {
    /// A file that only containers have.
    container: Option<String>,
    /// The files of a pod's service account are there.
    service_account: bool,
    /// The pod's namespace.
    namespace: Option<String>,
}

impl Mode {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::DockerLocal => "docker_local",
            Self::Distributed => "distributed",
            Self::Kubernetes => "kubernetes",
        }
    }

    fn of(word: &str) -> Option<Self> {
        let word = word.to_ascii_lowercase().replace('-', "_");
        [Self::Local, Self::DockerLocal, Self::Distributed, Self::Kubernetes]
            .into_iter()
            .find(|mode| mode.as_str() == word)
    }

    /// The defaults of the mode: `ops/config/MODE.toml`, as it was when the binary was built.
    pub(super) const fn file(self) -> &'static str {
        match self {
            Self::Local => include_str!("../../../ops/config/local.toml"),
            Self::DockerLocal => include_str!("../../../ops/config/docker_local.toml"),
            Self::Distributed => include_str!("../../../ops/config/distributed.toml"),
            Self::Kubernetes => include_str!("../../../ops/config/kubernetes.toml"),
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Surroundings {
    /// Of this process.
    pub(super) fn here() -> Self {
        let file = CONTAINER_FILES.iter().find(|file| Path::new(file).exists()).map(|file| format!("{file} is there"));
        let group = || {
            let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
            let words = ["/docker", "/kubepods", "/containerd", "/libpod"];
            words.iter().any(|word| groups.contains(word)).then(|| "its control group is a container's".to_owned())
        };
        let namespace = std::fs::read_to_string(Path::new(SERVICE_ACCOUNT).join("namespace")).ok();
        Self {
            container: file.or_else(group),
            service_account: Path::new(SERVICE_ACCOUNT).join("token").exists(),
            namespace: namespace.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()),
        }
    }
}

impl Deployment {
    /// The mode that was said, or else the one that is found.
    pub(super) fn find(
        said: Option<Mode>,
        domain: Option<String>,
        environment: &BTreeMap<String, String>,
        seen: &Surroundings,
    ) -> Self {
        let in_a_pod = environment.contains_key("KUBERNETES_SERVICE_HOST");
        let (mode, because) = match (said, &seen.container) {
            (Some(mode), _) => (mode, "ORDINAUT_MODE says so".to_owned()),
            (None, _) if in_a_pod => (Mode::Kubernetes, "KUBERNETES_SERVICE_HOST is set".to_owned()),
            (None, _) if seen.service_account => {
                (Mode::Kubernetes, format!("there is a service account in {SERVICE_ACCOUNT}"))
            }
            (None, Some(container)) => (Mode::DockerLocal, container.clone()),
            (None, None) => (Mode::Local, "nothing tells of a container or a pod".to_owned()),
        };
        let of_the_pod = || {
            let namespace = seen.namespace.as_ref().filter(|_| mode == Mode::Kubernetes)?;
            Some(format!("{namespace}.svc.cluster.local"))
        };
        Self { mode, because, domain: domain.or_else(of_the_pod) }
    }

    /// Under which name a service is found.
    fn host(&self, service: &str) -> String {
        match (self.mode, &self.domain) {
            (Mode::Local, _) => "localhost".to_owned(),
            (Mode::Distributed | Mode::Kubernetes, Some(domain)) => format!("{service}.{domain}"),
            (Mode::DockerLocal | Mode::Distributed | Mode::Kubernetes, _) => service.to_owned(),
        }
    }

    /// A text with the names of services in the places of `{host:SERVICE}`.
    pub(super) fn fill_in(&self, text: &str) -> String {
        let (mut filled, mut rest) = (String::new(), text);
        while let Some(begin) = rest.find(PLACE) {
            let (before, behind) = (&rest[..begin], &rest[begin + PLACE.len()..]);
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            let length = behind.find(|c| !plain(c)).unwrap_or(behind.len());
            filled.push_str(before);
            match behind[length..].strip_prefix('}').filter(|_| length > 0) {
                Some(after) => {
                    filled.push_str(&self.host(&behind[..length]));
                    rest = after;
                }
                None => {
                    filled.push_str(PLACE);
                    rest = behind;
                }
            }
        }
        filled.push_str(rest);
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(said: Option<Mode>, environment: &[&str], seen: &Surroundings) -> (Mode, String) {
        let environment = environment.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect();
        let found = Deployment::find(said, None, &environment, seen);
        (found.mode, found.because)
    }

    #[test]
    fn what_is_said_wins_over_what_is_found() {
        let container = Surroundings { container: Some("/.dockerenv is there".to_owned()), ..Surroundings::default() };
        let pod = Surroundings { service_account: true, namespace: Some("jobs".to_owned()), ..container.clone() };
        assert_eq!(found(None, &[], &Surroundings::default()).0, Mode::Local);
        assert_eq!(found(None, &[], &container), (Mode::DockerLocal, "/.dockerenv is there".to_owned()));
        assert_eq!(found(None, &["KUBERNETES_SERVICE_HOST"], &container).0, Mode::Kubernetes);
        assert_eq!(found(None, &[], &pod).0, Mode::Kubernetes);
        assert_eq!(found(Some(Mode::Local), &["KUBERNETES_SERVICE_HOST"], &pod).0, Mode::Local);
        let in_a_pod = Deployment::find(None, None, &BTreeMap::new(), &pod);
        assert_eq!(in_a_pod.domain.as_deref(), Some("jobs.svc.cluster.local"));
        for word in ["local", "docker_local", "DOCKER-LOCAL", "distributed", "kubernetes"] {
            assert!(Mode::of(word).is_some(), "{word}");
        }
        assert_eq!(Mode::of("cloud"), None);
    }

    #[test]
    fn a_service_has_the_address_of_its_mode() {
        let filled = |mode, domain: Option<&str>, text: &str| {
            Deployment { mode, domain: domain.map(str::to_owned), ..Deployment::default() }.fill_in(text)
        };
        let redis = "redis://{host:redis}:6379";
        assert_eq!(filled(Mode::Local, Some("d.example"), redis), "redis://localhost:6379");
        assert_eq!(filled(Mode::DockerLocal, Some("d.example"), redis), "redis://redis:6379");
        assert_eq!(filled(Mode::Distributed, Some("d.example"), redis), "redis://redis.d.example:6379");
        assert_eq!(filled(Mode::Kubernetes, None, redis), "redis://redis:6379");
        let two = "postgres://u:p@{host:pg-1}:5432,{host:pg-2}:5432/jobs";
        assert_eq!(
            filled(Mode::Distributed, Some("d.example"), two),
            "postgres://u:p@pg-1.d.example:5432,pg-2.d.example:5432/jobs"
        );
        for other in ["{host:}", "{host:a b}", "{host:a", "{hosts}", "ü{host:"] {
            assert_eq!(filled(Mode::Local, None, other), other);
        }
    }
}
