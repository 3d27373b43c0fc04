//! What a session tells of itself when it begins.

use std::time::Duration;

/// What a session tells of itself when it begins.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionProfile {
    /// Its worker's name for people.
    pub name: String,
    /// The machine's name.
    pub host: String,
    /// The queues that it serves.
    pub queues: Vec<String>,
    /// The kinds of jobs that it runs.
    pub kinds: Vec<String>,
    /// Maximum number of jobs that it runs at once.
    pub concurrency: usize,
    /// Number of attempts of a job that may fail where the job does not say it: for jobs that are
    /// rescued.
    pub max_attempts: i16,
    /// Time for which its leases hold unless it is renewed.
    pub lease: Duration,
    /// The version of the program that runs the jobs; `None`: this one.
    pub version: Option<String>,
    /// What the worker has, of what jobs may ask of theirs, such as `gpu` or `zone=a`. Beside these
    /// a session has `worker=NAME`, `node=HOST` and, unless it says another, `version=VERSION`.
    pub labels: Vec<String>,
    /// The agent that the jobs are leased for, if they run elsewhere; `None`: they run here.
    pub agent: Option<String>,
}

impl SessionProfile {
    /// A session that serves nothing yet: one job at a time, of which 20 attempts may fail, on a
    /// machine without a name.
    pub fn new(name: impl Into<String>, lease: Duration) -> Self {
        let (host, queues, kinds) = (String::new(), Vec::new(), Vec::new());
        let (version, agent, labels) = (None, None, Vec::new());
        Self { name: name.into(), host, queues, kinds, concurrency: 1, max_attempts: 20, lease, version, labels, agent }
    }

    /// The machine's name.
    #[must_use]
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = host.into();
        self
    }

    /// The queues that it serves; they are made known.
    #[must_use]
    pub fn queues(mut self, queues: impl IntoIterator<Item: Into<String>>) -> Self {
        self.queues = queues.into_iter().map(Into::into).collect();
        self
    }

    /// The kinds of jobs that it runs.
    #[must_use]
    pub fn kinds(mut self, kinds: impl IntoIterator<Item: Into<String>>) -> Self {
        self.kinds = kinds.into_iter().map(Into::into).collect();
        self
    }

    /// Maximum number of jobs that it runs at once.
    #[must_use]
    pub fn concurrency(mut self, jobs: usize) -> Self {
        self.concurrency = jobs;
        self
    }

    /// The program that runs the jobs elsewhere, and the agent that it calls as.
    #[must_use]
    pub fn elsewhere(mut self, agent: impl Into<String>, version: impl Into<String>) -> Self {
        (self.agent, self.version) = (Some(agent.into()), Some(version.into()));
        self
    }

    /// What the worker has, of what jobs may ask of theirs.
    #[must_use]
    pub fn labels(mut self, labels: impl IntoIterator<Item: Into<String>>) -> Self {
        self.labels = labels.into_iter().map(Into::into).collect();
        self
    }

    /// The version of the program that runs the jobs.
    pub(crate) fn program_version(&self) -> &str {
        self.version.as_deref().unwrap_or(env!("CARGO_PKG_VERSION"))
    }

    /// All labels of the session, with those that each has.
    pub(crate) fn all_labels(&self) -> Vec<String> {
        let mut labels = self.labels.clone();
        if !labels.iter().any(|label| label.starts_with("version=")) {
            labels.push(format!("version={}", self.program_version()));
        }
        labels.extend([format!("worker={}", self.name), format!("node={}", self.host)]);
        labels
    }

    /// Number of attempts of a job that may fail where the job does not say it.
    #[must_use]
    pub fn max_attempts(mut self, attempts: i16) -> Self {
        self.max_attempts = attempts;
        self
    }
}
