//! A database of its own for each test, and a worker on it.

use ordinaut_core::job::{JobDetails, JobState, Redaction, RunRecord};
use ordinaut_core::worker::{Step, Undecodable, WorkerLiveness, WorkerOptions};
use ordinaut_core::{Client, NewJob, Outcome, Worker};
use ordinaut_runtime::settings::executors::ExecutorSettings;
use ordinaut_runtime::settings::worker::WorkerSettings;
use ordinaut_test_support::database::fresh_database;
use ordinaut_worker::{Access, Commands, Config, State};
use serde_json::Value;
use uuid::Uuid;

pub(crate) struct Fixture {
    pub(crate) url: String,
    pub(crate) database: Client,
}

impl Fixture {
    /// A fresh database with the schema in it.
    pub(crate) async fn new() -> Self {
        let url = fresh_database();
        let database = Client::builder(&url).max_connections(3).connect().await.unwrap();
        database.migrate().await.unwrap();
        Self { url, database }
    }

    pub(crate) async fn enqueue(&self, kind: &str, args: Value) -> Uuid {
        self.database.enqueue(&NewJob::new(kind, &args).unwrap()).await.unwrap().id()
    }

    pub(crate) async fn job(&self, id: Uuid) -> JobDetails {
        self.database.jobs().get(id).await.unwrap().unwrap()
    }

    pub(crate) async fn state(&self, id: Uuid) -> JobState {
        self.job(id).await.state
    }

    /// The attempts of a job that ended.
    pub(crate) async fn runs(&self, id: Uuid) -> Vec<RunRecord> {
        self.database.jobs().runs(id).await.unwrap().items
    }

    /// A worker with all kinds, whose http jobs may call the addresses of `allow`.
    pub(crate) fn worker(&self, allow: &[&str]) -> Worker<State> {
        self.worker_with(allow, Commands::default())
    }

    /// The same, whose process jobs may start these programs.
    pub(crate) fn worker_with(&self, allow: &[&str], commands: Commands) -> Worker<State> {
        self.worker_given(allow, commands, ExecutorSettings::default())
    }

    /// The same, whose executors are given this.
    pub(crate) fn worker_given(
        &self,
        allow: &[&str],
        commands: Commands,
        executors: ExecutorSettings,
    ) -> Worker<State> {
        let http_allow = allow.iter().map(|net| net.parse().unwrap()).collect();
        // One attempt tells.
        let mut options = WorkerOptions::default();
        options.undecodable = Undecodable::Bury;
        let settings = WorkerSettings { options, http_allow, executors, ..WorkerSettings::default() };
        self.try_worker(settings, commands).unwrap()
    }

    /// A worker with these settings, if they can be used.
    pub(crate) fn try_worker(&self, settings: WorkerSettings, commands: Commands) -> anyhow::Result<Worker<State>> {
        ordinaut_worker::worker(Config {
            database: self.database.clone(),
            access: Access::of(&settings)?,
            settings,
            commands,
            fault_kinds: true,
            redaction: Redaction::new(["password"]),
            pulse: WorkerLiveness::default(),
            when_stuck: None,
        })
    }

    /// Runs one job once, with loopback allowed, as its servers need.
    pub(crate) async fn run(&self, kind: &str, args: Value) -> Ran {
        self.run_allowing(&["127.0.0.0/8"], kind, args).await
    }

    pub(crate) async fn run_allowing(&self, allow: &[&str], kind: &str, args: Value) -> Ran {
        self.run_on(self.worker(allow), kind, args).await
    }

    /// Runs one job once, on a worker whose executors are given this.
    pub(crate) async fn run_given(&self, executors: &ExecutorSettings, kind: &str, args: Value) -> Ran {
        self.run_on(self.worker_given(&["127.0.0.0/8"], Commands::default(), executors.clone()), kind, args).await
    }

    pub(crate) async fn run_on(&self, mut worker: Worker<State>, kind: &str, args: Value) -> Ran {
        let id = self.enqueue(kind, args).await;
        assert_eq!(worker.step().await.unwrap(), Step::Worked(id));
        let run = self.runs(id).await.pop().unwrap();
        let output = run.output.as_ref().map_or(Value::Null, |output| output.get().parse().unwrap());
        let job = self.job(id).await;
        // One that failed must not come back while the next one runs.
        self.database.jobs().cancel(id).await.unwrap();
        Ran { job, run, output }
    }
}

/// A job after its only attempt.
pub(crate) struct Ran {
    pub(crate) job: JobDetails,
    pub(crate) run: RunRecord,
    pub(crate) output: Value,
}

impl Ran {
    #[track_caller]
    pub(crate) fn succeeded(&self) -> &Value {
        assert_eq!((self.run.outcome, self.job.state), (Outcome::Succeeded, JobState::Succeeded), "{:?}", self.run);
        &self.output
    }

    /// Dead at its first attempt, and why.
    #[track_caller]
    pub(crate) fn died(&self) -> &str {
        assert_eq!((self.run.outcome, self.job.state), (Outcome::Dead, JobState::Dead), "{:?}", self.run);
        self.run.error.as_deref().unwrap()
    }

    /// To be tried again, and why.
    #[track_caller]
    pub(crate) fn failed(&self) -> &str {
        assert_eq!((self.run.outcome, self.job.failures), (Outcome::Failed, 1), "{:?}", self.run);
        self.run.error.as_deref().unwrap()
    }

    /// Seconds from the end of the attempt until the job is due again.
    pub(crate) fn wait(&self) -> f64 {
        (self.job.run_at.unwrap() - self.run.finished_at).as_seconds_f64()
    }
}
