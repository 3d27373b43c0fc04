//! The fold: ends that somebody follows are taken, what follows from them is done, and their rows
//! are deleted, in one transaction. One is under way at a time; any process may do it.

use crate::batch::child::Verdict;
use crate::batch::tally::tally;
use crate::client::Batches;
use crate::db::contention::undisturbed;
use crate::error::Error;
use crate::failure::{Consequence, FailureKind};
use crate::notify::{CANCELS, notifier};
use crate::step::run::tell_of_settled;
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tracing::error;
use uuid::Uuid;

/// Maximum number of rows that one transaction folds.
const ROWS: i64 = 2000;

/// Maximum number of ends that one transaction tells to jobs that wait for them: a thousand jobs
/// may wait for each of a thousand.
const EDGES: i64 = 5000;

/// Maximum number of members of a batch that one transaction looks at to cancel them.
const MEMBERS: i64 = 500;

/// Time after which a row is looked for again that somebody else held.
const AGAIN: Duration = Duration::from_millis(100);

/// Time after which a row is tried again that Postgres refused: what it is about may have changed.
const REFUSED: Duration = Duration::from_secs(60);

/// What a fold did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Folded {
    /// There was nothing to do.
    Nothing,
    /// Somebody else folds at this moment.
    Busy,
    /// It did something.
    Done {
        /// Whether jobs are due now that waited.
        released: bool,
        /// Whether there is more to do at once.
        more: bool,
    },
}

/// What one transaction does.
#[derive(Default)]
struct Work {
    /// Jobs that ended, and how.
    ends: BTreeMap<Uuid, String>,
    /// What batches count: ends, and dead jobs that were sent back.
    counted: Vec<(Uuid, String)>,
    /// Members that came to batches.
    added: Vec<(Uuid, i64)>,
    /// Batches that may have ended.
    look: BTreeSet<Uuid>,
    /// Batches of which members are to be cancelled.
    stop: BTreeSet<Uuid>,
    /// Whether jobs that run were asked to stop.
    asked: bool,
    /// Jobs whose handlers waited for one of the ends.
    waiting: Vec<Uuid>,
    /// Whether it ended jobs that others may follow.
    ended: bool,
    release: Vec<Uuid>,
    cancel: Vec<(Uuid, String)>,
    bury: Vec<(Uuid, String)>,
    /// What is to be done in the next transaction.
    rest: Vec<(Uuid, &'static str)>,
    /// What is to be done after a while.
    again: Vec<(Uuid, &'static str)>,
    queues: BTreeSet<String>,
}

impl Batches<'_> {
    /// Folds some of what there is to fold. What Postgres refuses is asked for in smaller parts: a
    /// row that it refuses alone is put off, and keeps no other one up.
    pub(crate) async fn fold(self) -> Result<Folded, Error> {
        let mut rows = ROWS;
        loop {
            match undisturbed(|| self.fold_once(rows)).await {
                Err(error) if rows > 1 && error.kind() == FailureKind::GivenUp => rows = (rows / 8).max(1),
                Err(error) if error.kind().in_a_loop() == Consequence::BuryAlone => {
                    if rows == 1 {
                        return self.put_off_after(error).await;
                    }
                    rows = (rows / 8).max(1);
                }
                result => return result,
            }
        }
    }

    async fn put_off_after(self, refused: Error) -> Result<Folded, Error> {
        if let Some((id, word)) = self.put_off(REFUSED).await? {
            error!(
                error = %refused,
                "what follows from {word:?} of {id} could not be done, and is tried again in {} s", REFUSED.as_secs()
            );
        }
        Ok(Folded::Done { released: false, more: true })
    }

    async fn fold_once(self, rows: i64) -> Result<Folded, Error> {
        let mut tx = self.client.begin_by_key().await?;
        let Some(taken) = self.take(&mut tx, rows).await? else { return Ok(Folded::Busy) };
        if taken.is_empty() {
            return Ok(Folded::Nothing);
        }
        let (mut work, mut children, mut parents) = (Work::default(), Vec::new(), Vec::new());
        for row in &taken {
            match &*row.word {
                "follow" => children.push(row.id),
                "rest" => parents.push(row.id),
                "added" => work.added.push((row.id, row.n.into())),
                "look" => drop(work.look.insert(row.id)),
                "stop" => drop(work.stop.insert(row.id)),
                "requeued" => work.counted.push((row.id, row.word.clone())),
                _ => {
                    work.counted.push((row.id, row.word.clone()));
                    work.ends.insert(row.id, row.word.clone());
                }
            }
        }
        self.follow_parents(&mut tx, &children, &parents, &mut work).await?;
        self.tell_children(&mut tx, &mut work).await?;
        self.count_members(&mut tx, &mut work).await?;
        self.stop_batches(&mut tx, &mut work).await?;
        self.end_batches(&mut tx, &mut work).await?;
        self.do_all(&mut tx, &mut work).await?;
        tx.commit().await?;
        if !work.waiting.is_empty() {
            tell_of_settled(self.client.clone(), work.waiting).await;
        }
        notifier::tell(self.client, work.queues.iter().map(|queue| &**queue));
        if work.asked {
            notifier::tell(self.client, [CANCELS]);
        }
        let ended = work.ended || !work.cancel.is_empty() || !work.bury.is_empty();
        let more = taken.len() as i64 == rows || ended || !work.rest.is_empty();
        Ok(Folded::Done { released: !work.queues.is_empty(), more })
    }

    /// Parents that nobody follows yet are followed, and those that have ended already count.
    async fn follow_parents(
        self,
        tx: &mut PgConnection,
        children: &[Uuid],
        parents: &[Uuid],
        work: &mut Work,
    ) -> Result<(), Error> {
        if children.is_empty() && parents.is_empty() {
            return Ok(());
        }
        let mut busy = false;
        for (parent, outcome) in self.follow(tx, children, parents).await? {
            match &*outcome {
                "busy" => busy = true,
                // It was there when it was named, and has ended so long ago that nothing is left.
                "unknown" => drop(work.ends.entry(parent).or_insert_with(|| "cancelled".to_owned())),
                _ => drop(work.ends.entry(parent).or_insert(outcome)),
            }
        }
        if busy {
            work.again.extend(children.iter().map(|child| (*child, "follow")));
        }
        Ok(())
    }

    /// Ends reach the jobs that wait for them.
    async fn tell_children(self, tx: &mut PgConnection, work: &mut Work) -> Result<(), Error> {
        if work.ends.is_empty() {
            return Ok(());
        }
        work.waiting.extend(self.client.jobs().answer_ended(&work.ends, tx).await?);
        let children = self.resolve(tx, &work.ends, EDGES).await?;
        if children.iter().map(|child| child.ends).sum::<i64>() >= EDGES {
            work.rest.extend(work.ends.keys().map(|parent| (*parent, "rest")));
        }
        for child in children {
            match child.verdict() {
                Verdict::Nothing => {}
                Verdict::Again => work.again.push((child.child_id, "follow")),
                Verdict::Release => work.release.push(child.child_id),
                Verdict::Cancel(why) => work.cancel.push((child.child_id, why)),
                Verdict::Bury(why) => work.bury.push((child.child_id, why)),
            }
        }
        Ok(())
    }

    async fn count_members(self, tx: &mut PgConnection, work: &mut Work) -> Result<(), Error> {
        if work.counted.is_empty() && work.added.is_empty() {
            return Ok(());
        }
        let ended: Vec<Uuid> = work.counted.iter().map(|(job, _)| *job).collect();
        let members: BTreeMap<Uuid, Uuid> = self.members(tx, &ended).await?.into_iter().collect();
        let batches: BTreeSet<Uuid> = members.values().copied().collect();
        let called = match batches.len() {
            0 => BTreeSet::new(),
            _ => self.called(tx, &Vec::from_iter(batches)).await?.into_iter().collect(),
        };
        let tallies = tally(&work.counted, &members, &called, &work.added);
        if tallies.is_empty() {
            return Ok(());
        }
        for (batch, stops) in self.count(tx, &tallies).await? {
            work.look.insert(batch);
            if stops {
                work.stop.insert(batch);
            }
        }
        Ok(())
    }

    /// Cancels what is left of batches that are stopped, some members at a time.
    async fn stop_batches(self, tx: &mut PgConnection, work: &mut Work) -> Result<(), Error> {
        for batch in std::mem::take(&mut work.stop) {
            let stopped = self.stop(tx, batch, MEMBERS).await?;
            work.asked |= stopped.asked > 0;
            work.ended |= stopped.looked > 0;
            if stopped.busy > 0 {
                work.again.push((batch, "stop"));
            } else if stopped.looked == MEMBERS {
                work.rest.push((batch, "stop"));
            }
        }
        Ok(())
    }

    /// Ends batches of which all members have ended, and lets the jobs go that they call.
    async fn end_batches(self, tx: &mut PgConnection, work: &mut Work) -> Result<(), Error> {
        let looked: Vec<Uuid> = work.look.iter().copied().collect();
        if looked.is_empty() {
            return Ok(());
        }
        let (held, busy): (Vec<_>, Vec<_>) = self.over(tx, &looked).await?.into_iter().partition(|(_, held)| *held);
        // Members are being added: it may not end before they are there.
        work.again.extend(busy.into_iter().map(|(batch, _)| (batch, "look")));
        if held.is_empty() {
            return Ok(());
        }
        let held: Vec<Uuid> = held.into_iter().map(|(batch, _)| batch).collect();
        for batch in self.finish(tx, &held).await? {
            work.release.extend(batch.on_complete);
            match batch.on_success {
                Some(job) if batch.state == "succeeded" => work.release.push(job),
                // Dead members may be sent back; with others that failed it cannot succeed any
                // more.
                Some(job) if batch.state != "failed" || batch.cancelled > 0 => {
                    work.cancel.push((job, format!("its batch {} has not succeeded", batch.id)));
                }
                _ => {}
            }
        }
        Ok(())
    }

    async fn do_all(self, tx: &mut PgConnection, work: &mut Work) -> Result<(), Error> {
        if !work.release.is_empty() {
            work.queues.extend(self.release(tx, &work.release).await?);
        }
        if !work.cancel.is_empty() {
            self.give_up(tx, &work.cancel).await?;
        }
        if !work.bury.is_empty() {
            self.bury(tx, &work.bury).await?;
        }
        for (asked, wait) in [(&work.rest, Duration::ZERO), (&work.again, AGAIN)] {
            if !asked.is_empty() {
                self.put_back(tx, asked, wait).await?;
            }
        }
        Ok(())
    }
}
