//! Fire what is due: plan its instants, record each as fired or skipped, and say when it is due
//! next, in one transaction.

use crate::client::Tasks;
use crate::notify::notifier;
use crate::schedule::calendar::Calendar;
use crate::schedule::definition::Compiled;
use crate::schedule::jitter::jitter;
use crate::schedule::plan::{Plan, plan};
use crate::schedule::timezone::Zone;
use crate::task::run::next_run::blocking;
use crate::task::store::due::{Advance, DueTask};
use crate::task::store::fire::{Due, Firing};
use chrono::TimeDelta;
use sqlx::{Postgres, Transaction};
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Maximum number of instants that one transaction records, of all its tasks together.
const INSTANTS: usize = 10_000;

/// What one transaction fired.
#[derive(Debug, Default)]
pub(crate) struct Fired {
    /// Number of tasks that were due.
    pub(crate) tasks: usize,
    pub(crate) fires: usize,
    pub(crate) skips: usize,
    /// Tasks that were passed over, because this version cannot read them.
    pub(crate) unreadable: Vec<(Uuid, String)>,
    /// Tasks that were paused, because they cannot be told when they are due, or make no job.
    pub(crate) paused: Vec<(Uuid, String)>,
    /// Whether more may be due.
    pub(crate) more: bool,
}

impl Tasks<'_> {
    /// Fires up to `limit` tasks that are due. Instants later than `grace` are misfires, for tasks
    /// that do not say. Tasks that cannot be read stay due: a scheduler of another version may read
    /// them.
    pub(crate) async fn fire_due(self, limit: i64, grace: Duration, passed_over: &PassedOver) -> sqlx::Result<Fired> {
        let mut tx = self.client.begin_by_key().await?;
        let (tasks, unreadable) = self.due_tasks(limit, &passed_over.ids(), &mut tx).await?;
        passed_over.add(unreadable.iter().map(|(id, _)| *id));
        let more = i64::try_from(tasks.len() + unreadable.len()).is_ok_and(|tasks| tasks >= limit);
        let fired = self.fire(tasks, limit, grace, TimeDelta::zero(), tx).await?;
        Ok(Fired { unreadable, more: fired.more || more, ..fired })
    }

    /// Fires tasks that were taken; their jobs run earlier than they are due by this time, which is
    /// for tests alone.
    pub(crate) async fn fire(
        self,
        tasks: Vec<DueTask>,
        limit: i64,
        grace: Duration,
        ahead: TimeDelta,
        mut tx: Transaction<'_, Postgres>,
    ) -> sqlx::Result<Fired> {
        if tasks.is_empty() {
            return Ok(Fired::default());
        }
        let mut rooms = self.rooms(tasks.iter().map(|task| (task.id, &task.definition)), &mut tx).await?;
        let named: HashSet<&String> = tasks.iter().flat_map(|task| &task.definition.calendars).collect();
        let calendars =
            if named.is_empty() { Vec::new() } else { self.client.calendars().stored(None, &mut tx).await? };
        let planned = blocking(move || plan_all(tasks, &calendars, grace)).await?;

        let mut fired = Fired::default();
        let (mut due, mut advances) = (Vec::new(), Vec::new());
        for (task, planned) in &planned {
            let (plan, last_error) = match planned {
                Ok(plan) => (plan.clone(), None),
                Err(reason) => {
                    fired.paused.push((task.id, reason.clone()));
                    (Plan::default(), Some(reason.clone()))
                }
            };
            // It was cut, or the policy has more to say.
            fired.more |= plan.next.is_some_and(|next| next <= task.now);
            let instant = |at, outcome| Due {
                task_id: task.id,
                definition: &task.definition,
                at: Some(at),
                outcome,
                event: None,
            };
            let planned = plan.fires.iter().chain(plan.skips.iter().map(|(at, _)| at));
            let last = planned.max().copied();
            let zone = Zone::named(&task.definition.schedule.timezone).ok();
            let wall = last.and_then(|at| Some(zone?.wall(at)));
            due.extend(plan.skips.iter().map(|(at, reason)| instant(*at, Firing::Skip(*reason))));
            for at in plan.fires {
                let max = Duration::try_from_secs_f64(task.definition.jitter).unwrap_or_default();
                let late = TimeDelta::from_std(jitter(task.id, at, max)).unwrap_or_default();
                let outcome = Firing::within(rooms.get_mut(&task.id), at + late - ahead);
                due.push(instant(at, outcome));
            }
            advances.push(Advance {
                id: task.id,
                next_run_at: plan.next,
                after: last.unwrap_or(task.now),
                wall,
                last_error,
                misfires: i64::try_from(plan.misfires).unwrap_or(i64::MAX),
            });
        }
        fired.tasks = advances.len();
        fired.more |= i64::try_from(fired.tasks).is_ok_and(|tasks| tasks >= limit);
        fired.fires = due.iter().filter(|due| matches!(due.outcome, Firing::Job { .. })).count();
        fired.skips = due.len() - fired.fires;
        let queues = self.record(due, &mut tx).await?.queues;
        self.advance_tasks(advances, &mut tx).await?;
        tx.commit().await?;
        notifier::tell(self.client, queues.iter().map(|queue| &**queue));
        Ok(fired)
    }
}

/// Tasks that are due and that this process could not read. Each look that took them again would
/// find nothing else when there are many; so they are left out for a while.
#[derive(Debug, Default)]
pub(crate) struct PassedOver(Mutex<HashMap<Uuid, Instant>>);

impl PassedOver {
    /// A task that somebody mended is seen after this.
    const WHILE: Duration = Duration::from_secs(60);

    pub(crate) fn ids(&self) -> Vec<Uuid> {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ids.retain(|_, since| since.elapsed() < Self::WHILE);
        ids.keys().copied().collect()
    }

    fn add(&self, unreadable: impl Iterator<Item = Uuid>) {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ids.extend(unreadable.map(|id| (id, Instant::now())));
    }
}

type Planned = (DueTask, Result<Plan, String>);

/// Plans each task; one whose schedule cannot be expanded any more says why.
fn plan_all(tasks: Vec<DueTask>, calendars: &[Calendar], grace: Duration) -> Vec<Planned> {
    let most = (INSTANTS / tasks.len()).max(1);
    let by_name: HashMap<&str, &Calendar> = calendars.iter().map(|calendar| (&*calendar.name, calendar)).collect();
    let plan_one = |task: &DueTask| {
        let definition = &task.definition;
        // Written by hand, it may be one whose job Postgres refuses, and with it the jobs of all
        // others.
        definition.check().map_err(|invalid| invalid.to_string())?;
        let mut calendars = Vec::new();
        for name in &definition.calendars {
            let calendar = by_name.get(&**name).ok_or_else(|| format!("there is no calendar \"{name}\" any more"))?;
            calendars.push((*calendar).clone());
        }
        let occurrences = match definition.schedule.compile(&calendars) {
            Ok(Compiled::Times(occurrences)) => occurrences,
            Ok(_) => return Ok(Plan::default()),
            Err(invalid) => return Err(invalid.to_string()),
        };
        let grace =
            definition.misfire_grace.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or(grace);
        plan(&occurrences, task.next_run_at, task.now, grace, definition.misfire, most)
            .map_err(|error| error.to_string())
    };
    tasks
        .into_iter()
        .map(|task| {
            let planned = plan_one(&task);
            (task, planned)
        })
        .collect()
}
