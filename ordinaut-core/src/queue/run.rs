//! What operators do with a queue: pause it, resume it, bound it; and whether there is room in it.

use crate::client::Queues;
use crate::error::Error;
use crate::error::InvalidField;
use crate::name;
use crate::name::ALL_QUEUES;
use crate::name::check_name;
use crate::name::check_one;
use crate::notify::{TASKS, notifier};
use crate::queue::settings::QueueChange;
use crate::queue::store::QueueRoom;

/// As much as is kept of who paused a queue, and why, in characters.
const MAX_TEXT: usize = 1000;

impl Queues<'_> {
    /// Lets no worker claim from a queue any more, from the next claim on. Jobs that were leased
    /// before go on; those that wait are neither moved nor lost. A queue that nobody has served yet
    /// may be paused too. [`ALL_QUEUES`] pauses the installation: no queue is claimed from, known
    /// or not, and no task fires by the clock, a condition or as a service.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if no queue can have the name, or if `by` or `reason` has more than 1000
    /// characters or a NUL; [`Error::Database`] if Postgres refused the statement or could not be
    /// reached.
    pub async fn pause(self, queue: &str, by: Option<&str>, reason: Option<&str>) -> Result<(), Error> {
        self.check_new_name(queue).await?;
        for (field, text) in [("by", by), ("reason", reason)] {
            if text.is_some_and(|text| text.chars().count() > MAX_TEXT || text.contains('\0')) {
                let reason = format!("must be of at most {MAX_TEXT} characters, without NUL");
                return Err(InvalidField { field, reason }.into());
            }
        }
        Ok(self.store_pause(queue, by, reason).await?)
    }

    /// Lets workers claim from a queue again, and wakes them; false: it was not paused. Jobs that
    /// became due while it was paused may wait for a worker's next sweep, a quarter of a second or
    /// so. A queue that was paused by its own name stays paused when [`ALL_QUEUES`] is resumed.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if no queue can have the name; [`Error::Database`] if Postgres refused
    /// the statement or could not be reached.
    pub async fn resume(self, queue: &str) -> Result<bool, Error> {
        check_name(queue)?;
        let resumed = self.store_resume(queue).await?;
        if resumed && queue == ALL_QUEUES {
            let queues = self.all().await?;
            notifier::tell(self.client, queues.iter().map(|queue| &*queue.name).chain([TASKS]));
        } else if resumed {
            notifier::tell(self.client, [queue]);
        }
        Ok(resumed)
    }

    /// Changes the bounds of a queue. They hold at once.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if no queue can have the name, it is [`ALL_QUEUES`], or a bound is out of
    /// its range; [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn update(self, queue: &str, change: &QueueChange) -> Result<(), Error> {
        check_one(queue)?;
        self.check_new_name(queue).await?;
        change.check()?;
        Ok(self.store_queue(queue, change).await?)
    }

    /// Number of jobs that may wait in a queue, number that do, and how urgent a job has to be to
    /// be taken; `None`: any number may wait, and all are taken. Nothing is locked, so that what
    /// others enqueue at the same moment may pass the bound.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if no queue can have the name; [`Error::Database`] if Postgres refused
    /// the statement or could not be reached.
    pub async fn room(self, queue: &str) -> Result<Option<QueueRoom>, Error> {
        check_name(queue)?;
        Ok(self.count_room(queue).await?)
    }

    /// A queue that is there keeps its name, whatever it is.
    async fn check_new_name(self, queue: &str) -> Result<(), Error> {
        check_name(queue)?;
        match name::check_queue(queue) {
            Err(reason) if !self.knows_queue(queue).await? => {
                Err(InvalidField { field: "queue", reason: reason.to_owned() }.into())
            }
            _ => Ok(()),
        }
    }
}
