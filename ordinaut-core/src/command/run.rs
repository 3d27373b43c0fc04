//! Commands are given, and looked at: a batch of one job for each machine.

use crate::batch::{Batch, BatchState};
use crate::client::Commands;
use crate::command::error::CommandError;
use crate::command::request::{CommandRequest, MOST_NODES, node_of};
use crate::command::result::{Command, CommandResult, CommandState};
use crate::command::whom::{LeftOut, chosen};
use crate::error::{Error, InvalidField};
use crate::job::{JobFilter, JobSummary};
use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

/// What the names of their batches begin with.
const NAME: &str = "command: ";

/// Jobs that are listed at once.
const A_PAGE: i64 = 500;

/// A command that was given, and the machines that it leaves out.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = GivenCommand))]
#[non_exhaustive]
pub struct Given {
    /// What came of it so far.
    #[serde(flatten)]
    pub command: Command,
    /// The machines that it leaves out, and why.
    pub left_out: Vec<LeftOut>,
}

impl Commands<'_> {
    /// Gives a command to its machines. One whose workers are drained, or do not run commands of
    /// this queue, is left out.
    ///
    /// # Errors
    ///
    /// [`CommandError::Invalid`] names the field that cannot be accepted, or is missing because
    /// there are more than 1,000 machines; [`CommandError::Nobody`]: all machines are left out.
    pub async fn give(self, request: &CommandRequest) -> Result<Given, CommandError> {
        self.give_as(Uuid::now_v7(), request).await
    }

    /// The same under an id of one's own: what comes again is the same command.
    ///
    /// # Errors
    ///
    /// Those of [`Commands::give`].
    pub async fn give_as(self, id: Uuid, request: &CommandRequest) -> Result<Given, CommandError> {
        request.check()?;
        let workers = self.client.workers().all().await?;
        let (chosen, left_out) = chosen(&workers, request.nodes.as_deref(), request.kind(), &request.queue);
        if chosen.is_empty() {
            return Err(CommandError::Nobody(left_out));
        }
        if chosen.len() > MOST_NODES {
            let reason = format!("must be given: there are {} nodes, and 1000 at most take a command", chosen.len());
            return Err(InvalidField { field: "nodes", reason }.into());
        }
        let mut batch = self.client.batch(format!("{NAME}{}", request.command)).with_id(id);
        for node in &chosen {
            batch = batch.add(request.job(node)?);
        }
        let id = batch.deadline_in(request.time()).commit().await?;
        let command = self.get(id).await?.ok_or(CommandError::Nobody(Vec::new()))?;
        Ok(Given { command, left_out })
    }

    /// What came of a command, machine by machine. `None`: none has this id.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn get(self, id: Uuid) -> Result<Option<Command>, Error> {
        let Some(batch) = self.client.batches().get(id).await? else { return Ok(None) };
        let Some(command) = batch.name.strip_prefix(NAME).map(str::to_owned) else { return Ok(None) };
        // Its clock decides, not that of the machine that looks.
        let is_over = is_over(&batch, self.client.diagnostics().server().await?.now);
        let mut nodes = Vec::new();
        let mut filter = JobFilter::default().batch(id);
        loop {
            let page = self.client.jobs().list(&filter, A_PAGE).await?;
            for job in &page.items {
                nodes.extend(self.of_job(job, is_over).await?);
            }
            match page.next {
                Some(next) => filter.before = Some(next),
                None => break,
            }
        }
        nodes.sort_by(|one, other| one.node.cmp(&other.node));
        Ok(Some(Command {
            id,
            command,
            created_by: batch.created_by,
            created_at: batch.created_at,
            deadline: batch.deadline,
            ended: nodes.iter().all(|node| node.state.is_end()),
            nodes,
        }))
    }

    /// What came of it on one machine; `None`: the job is somebody's who added it to the batch.
    async fn of_job(self, job: &JobSummary, is_over: bool) -> Result<Option<CommandResult>, Error> {
        let Some(node) = node_of(&job.tags) else { return Ok(None) };
        let state = CommandState::of(job.state, is_over);
        let mut result =
            CommandResult { node: node.to_owned(), state, job: job.id, took: None, output: None, error: None };
        if matches!(state, CommandState::Succeeded | CommandState::Failed)
            && let Some(run) = self.client.jobs().runs(job.id).await?.items.pop()
        {
            result.took = run.started_at.map(|at| (run.finished_at - at).as_seconds_f64());
            (result.output, result.error) = (run.output, run.error);
        }
        Ok(Some(result))
    }
}

fn is_over(batch: &Batch, now: DateTime<Utc>) -> bool {
    let runs = batch.state == BatchState::Running && batch.stopping != Some(BatchState::Cancelled);
    batch.state == BatchState::Expired
        || batch.stopping == Some(BatchState::Expired)
        || (runs && batch.deadline.is_some_and(|deadline| deadline <= now))
}
