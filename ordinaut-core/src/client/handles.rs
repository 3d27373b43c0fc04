//! What a client does, feature by feature.

use super::Client;

/// What a [`Client`] does with one feature. Each is as cheap to make as a reference.
macro_rules! handles {
    ($($(#[$doc:meta])* $visible:vis $method:ident: $handle:ident)*) => {
        $(
            #[doc = concat!("What [`Client::", stringify!($method), "`] answers; it has the methods of this feature.")]
            #[derive(Clone, Copy, Debug)]
            $visible struct $handle<'a> {
                pub(crate) client: &'a Client,
            }
        )*

        impl Client {
            $(
                $(#[$doc])*
                $visible fn $method(&self) -> $handle<'_> {
                    $handle { client: self }
                }
            )*
        }
    };
}

handles! {
    /// Jobs: look at them, cancel them, wait for their results, erase them.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client, id: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
    /// let found = client.jobs().get(id).await?;
    /// println!("{:?}", found.map(|job| job.state));
    /// let cancelled = client.jobs().cancel(id).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub jobs: Jobs
    /// Attempts that ended, of all jobs.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use ordinaut_core::Outcome;
    /// use ordinaut_core::job::RunFilter;
    ///
    /// for run in client.runs().list(&RunFilter::default().outcome(Outcome::Failed), 50).await? {
    ///     println!("{} {}: {:?}", run.job_id, run.attempt, run.error);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub runs: Runs
    /// Jobs that failed for good: list them, send them back.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client, id: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
    /// let dead = client.dead_letters().list(10, None).await?;
    /// let ids: Vec<_> = dead.iter().map(|letter| letter.job_id).collect();
    /// let requeued = client.dead_letters().requeue(&ids).await?;
    /// println!("{} are back", requeued.back.len());
    /// # Ok(())
    /// # }
    /// ```
    pub dead_letters: DeadLetters
    /// Queues: look at them, pause, resume and bound them.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client, id: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
    /// use ordinaut_core::queue::QueueChange;
    ///
    /// client.queues().pause("mail", Some("ann"), Some("the relay is down")).await?;
    /// client.queues().update("mail", &QueueChange::default().max_waiting(Some(10_000))).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub queues: Queues
    /// Limits: how much may run at once, and how much may start in a while.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client, id: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
    /// use ordinaut_core::Limit;
    ///
    /// // Two invoices at a time for each customer.
    /// let limit = Limit::new("invoices").kind("send_invoice").key("customer.id").concurrency(2);
    /// client.limits().put(&limit).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub limits: Limits
    /// Rollouts: which part of a kind's jobs a version of its workers runs.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// client.rollouts().put("send_invoice", "2.0.0", 25).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub rollouts: Rollouts
    /// Targets: services outside that handlers call by a name, and whether they take calls.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use ordinaut_core::target::Target;
    ///
    /// client.targets().put(&Target::new("billing", ["10.0.0.1:8080", "10.0.0.2:8080"])).await?;
    /// let billing = client.targets().get("billing").await?;
    /// println!("{:?}", billing.map(|status| status.available));
    /// # Ok(())
    /// # }
    /// ```
    pub targets: Targets
    /// Tasks: create, change, pause, run and delete them; published topics and facts, which make
    /// them fire.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client, id: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
    /// use ordinaut_core::schedule::Schedule;
    /// use ordinaut_core::task::TaskDefinition;
    ///
    /// let nightly = Schedule::cron("30 2 * * *").timezone("Europe/Chisinau");
    /// let report = TaskDefinition::new("Nightly report", "report", nightly).dedupe_key("report");
    /// // At each start of the program: the task is there once.
    /// let put = client.tasks().put(&report).await?;
    /// println!("next at {:?}", put.task().next_run_at);
    /// # Ok(())
    /// # }
    /// ```
    pub tasks: Tasks
    /// Calendars: sets of dates that tasks go by.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client, id: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
    /// use ordinaut_core::schedule::{Calendar, CalendarMode};
    ///
    /// let holidays = ["2027-01-01".parse()?, "2027-01-07".parse()?];
    /// client.calendars().put(&Calendar::new("holidays", CalendarMode::Exclude, holidays)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub calendars: Calendars
    /// What happened, numbered in the order of the commits.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client, id: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
    /// let last = client.events().last().await?;
    /// for event in client.events().after(last - 100, 100).await? {
    ///     println!("{}: {}", event.n, event.r#type);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub events: Events
    /// Agents: who may call the API, and what each may do.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use ordinaut_core::access::{NewAgent, Scope};
    ///
    /// let new = NewAgent::new("dashboard").scope(Scope::JobsRead).tenant("acme");
    /// let (_, token) = client.agents().create(&new, "setup").await?;
    /// println!("{}", token.reveal());
    /// # Ok(())
    /// # }
    /// ```
    pub agents: Agents
    /// The audit of the API: who changed what, and who was refused.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let newest = client.audit().list(&Default::default(), 10).await?;
    /// for entry in newest.items {
    ///     println!("{} did {}", entry.actor, entry.action);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub audit: Audit
    /// Answers that are kept under the keys of requests, so that a repeated request changes nothing
    /// twice.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use ordinaut_core::access::Repeat;
    ///
    /// let known = client.idempotency().begin("billing", "key-7", &[b"POST /jobs"]).await?;
    /// if let Repeat::Unanswered(id) = known {
    ///     println!("what this request makes has the id {id}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub idempotency: Idempotency
    /// Policies of kinds: when their jobs may run, and how long they may take.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use ordinaut_core::policy::{AllowedHours, HoursMode, KindPolicy};
    ///
    /// let quiet = AllowedHours::new(HoursMode::Never, ["22:00-06:00".parse()?]);
    /// client.policies().put("newsletter", &KindPolicy::default().hours(quiet)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub policies: Policies
    /// The catalogue of tools: what jobs of a kind take and return.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use ordinaut_core::tool::Tool;
    ///
    /// let input = serde_json::json!({"type": "object", "required": ["to"]});
    /// client.tools().put("send_letter", &Tool::new(input)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub tools: Tools
    /// Commands for machines, of the list of their workers.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use ordinaut_core::command::CommandRequest;
    ///
    /// let given = client.commands().give(&CommandRequest::new("uptime")).await?;
    /// let now = client.commands().get(given.command.id).await?;
    /// println!("{:?}", now.map(|command| command.nodes));
    /// # Ok(())
    /// # }
    /// ```
    pub commands: Commands
    /// Bulk operations: one verb to all jobs that a filter names.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client) -> Result<(), ordinaut_core::Error> {
    /// use ordinaut_core::bulk::{BulkRequest, BulkVerb};
    /// use ordinaut_core::job::CancelFilter;
    ///
    /// let mails = CancelFilter::default().queue("mail").kind("newsletter");
    /// let started = client.bulk().start(&BulkRequest::new(BulkVerb::Move("slow".into()), mails), "ann").await?;
    /// let now = client.bulk().get(started.id).await?;
    /// println!("{:?}", now.map(|operation| operation.done));
    /// # Ok(())
    /// # }
    /// ```
    pub bulk: Bulk
    /// Batches: jobs that belong together, and what follows when all of them have ended.
    pub batches: Batches
    /// Webhooks: URLs outside that are told of events.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client) -> Result<(), ordinaut_core::webhook::WebhookError> {
    /// use ordinaut_core::webhook::NewWebhook;
    ///
    /// let webhook = NewWebhook::new("billing", "https://billing.example.org/jobs").queues(["invoices"]);
    /// let (webhook, secret) = client.webhooks().create(&webhook, "setup").await?;
    /// println!("{} checks signatures with {}", webhook.name, secret.reveal());
    /// # Ok(())
    /// # }
    /// ```
    pub webhooks: Webhooks
    /// Worker processes: look at them, drain them.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client, id: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
    /// // Before its machine is taken away: it leases nothing more.
    /// let name = client.workers().drain("worker-7").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub workers: Workers
    /// Scheduler processes.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client, id: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
    /// let alive = client.schedulers().list().await?.into_iter().filter(|scheduler| scheduler.alive).count();
    /// println!("{alive} schedulers are alive");
    /// # Ok(())
    /// # }
    /// ```
    pub schedulers: Schedulers
    /// Every process of the installation: of the API, schedulers, workers.
    pub instances: Instances
    /// Machines on which the installation runs: how healthy each is, and which is the best for the
    /// next job.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// for node in client.nodes().recommend(&["gpu".to_owned()], 3).await? {
    ///     println!("{} {}: {:.2}", node.report.name, node.level, node.score.total);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub nodes: Nodes
    /// Alerts: what is wrong now, the rules that say when something is, and silences.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client, id: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
    /// use ordinaut_core::alert::{AlertRule, AlertSource};
    ///
    /// client.alerts().put_rule("disk-full", &AlertRule::new(AlertSource::Disk, 90.0)).await?;
    /// client.alerts().acknowledge(id, "ann", Some("I am at it")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub alerts: Alerts
    /// What came and ended in a time, and how long it took.
    pub stats: Stats
    /// What a scheduler does to keep tables in shape.
    pub maintenance: Maintenance
    /// What an operator asks of the database itself.
    pub diagnostics: Diagnostics
}
