//! Services: each second those are looked for that have no job, and get the next one when it is
//! due.

use crate::client::Tasks;
use crate::notify::notifier;
use crate::schedule::definition::{Compiled, Schedule};
use crate::task::definition::TaskDefinition;
use crate::task::run::condition::readable;
use crate::task::store::fire::{Due, Firing};
use crate::task::store::service::{Idle, ServiceEnd};
use uuid::Uuid;

/// Maximum number of tasks that one transaction looks at.
const BATCH: i64 = 200;

impl Tasks<'_> {
    /// Starts every service whose next job is due; says how many.
    pub(crate) async fn restart_services(self) -> sqlx::Result<usize> {
        let (mut after, mut fired) = (None, 0);
        loop {
            let mut tx = self.client.begin_by_key().await?;
            let services = self.idle_services(BATCH, after, &mut tx).await?;
            let Some(last) = services.last() else { return Ok(fired) };
            after = Some(last.id);
            let ends = self.service_ends(services.iter().map(|service| service.id).collect(), &mut tx).await?;
            let is_due = |service: &&Idle| ends.get(&service.id).is_some_and(|end| is_due(&service.schedule, end));
            let ids: Vec<Uuid> = services.iter().filter(is_due).map(|service| service.id).collect();
            if ids.is_empty() {
                continue;
            }
            let texts = self.definitions(&ids, false, &mut tx).await?;
            let starting: Vec<(Uuid, TaskDefinition)> =
                texts.into_iter().filter_map(|(id, text)| Some((id, readable(id, &text)?))).collect();
            let each = starting.iter().map(|(id, definition)| (*id, definition));
            let mut rooms = self.rooms(each, &mut tx).await?;
            let mut due = Vec::new();
            for (task_id, definition) in &starting {
                let now = ends[task_id].now;
                let outcome = Firing::within(rooms.get_mut(task_id), now);
                due.push(Due { task_id: *task_id, definition, at: Some(now), outcome, event: None });
            }
            fired += due.len();
            let made = self.record(due, &mut tx).await?.queues;
            tx.commit().await?;
            notifier::tell(self.client, made.iter().map(|queue| &**queue));
        }
    }
}

/// One whose schedule cannot be read never is.
fn is_due(schedule: &str, end: &ServiceEnd) -> bool {
    let Ok(schedule) = serde_json::from_str::<Schedule>(schedule) else { return false };
    match schedule.compile(&[]) {
        Ok(Compiled::Service(rule)) => !end.runs && schedule.is_open(end.now) && rule.is_due(end.ended_at, end.now),
        _ => false,
    }
}
