//! Services: each second those are looked for that have no job, and get the next one when it is due.

use super::due::Room;
use crate::store::database::Database;
use crate::store::task::fire::Due;
use crate::store::task::service::{Idle, ServiceEnd};
use crate::vocabulary::schedule::definition::Compiled;
use crate::wakeup::hinter;
use std::collections::HashSet;

/// As many tasks as one transaction looks at.
const BATCH: i64 = 200;

impl Database {
    /// Starts every service whose next job is due; says how many.
    pub(crate) async fn restart_services(&self) -> sqlx::Result<usize> {
        let (mut after, mut fired) = (None, 0);
        loop {
            let mut tx = self.begin_by_key().await?;
            let mut services = self.idle_services(BATCH, after, &mut tx).await?;
            let Some(last) = services.last() else { return Ok(fired) };
            after = Some(last.id);
            let ends = self.service_ends(services.iter().map(|service| service.id).collect(), &mut tx).await?;
            services.retain(|service| ends.get(&service.id).is_some_and(|end| is_due(service, end)));
            let starting = services.iter().map(|service| (service.id, &service.definition));
            let mut unfinished = self.unfinished(starting, &mut tx).await?;
            let (mut due, mut taken_keys) = (Vec::new(), HashSet::new());
            for service in &services {
                let now = ends[&service.id].now;
                let mut room = Room::of(&service.definition, unfinished.remove(&service.id).unwrap_or_default());
                let outcome = room.firing(now, &mut taken_keys);
                due.push(Due {
                    task_id: service.id,
                    definition: &service.definition,
                    at: Some(now),
                    outcome,
                    event: None,
                });
            }
            fired += due.len();
            let made = self.record(due, &mut tx).await?.queues;
            tx.commit().await?;
            hinter::tell(self, made.iter().map(|queue| &**queue));
        }
    }
}

fn is_due(service: &Idle, end: &ServiceEnd) -> bool {
    let schedule = &service.definition.schedule;
    match schedule.compile(&[]) {
        Ok(Compiled::Service(rule)) => !end.runs && schedule.is_open(end.now) && rule.is_due(end.ended_at, end.now),
        _ => false,
    }
}
