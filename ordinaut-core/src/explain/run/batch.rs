//! Looks up what the explanation of a batch rests on.

use crate::client::Batches;
use crate::error::Error;
use crate::explain::answer::BatchExplanation;
use crate::explain::facts::{BatchFacts, Unended};
use crate::explain::of_batch;
use uuid::Uuid;

/// Members that are looked at, of the oldest and of the newest.
const MEMBERS: i64 = 5000;

impl Batches<'_> {
    /// Which members hold a batch up, and why, or what its callbacks wait for; `None`: there is no
    /// such batch.
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client, id: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
    /// if let Some(explanation) = client.batches().explain(id).await? {
    ///     println!("{explanation}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn explain(self, id: Uuid) -> Result<Option<BatchExplanation>, Error> {
        let Some(batch) = self.get(id).await? else { return Ok(None) };
        let client = self.client;
        let places = if batch.ended_at.is_none() { client.places_of(id, MEMBERS).await? } else { Vec::new() };
        let called = if batch.ended_at.is_some() { vec![batch.on_success, batch.on_complete] } else { Vec::new() };
        let first = places.iter().filter(|place| place.place.is_some()).map(|place| place.first);
        let mut examples = Vec::new();
        for job in first.chain(called.into_iter().flatten()) {
            // One that has ended in the meantime holds nothing up.
            let explained = client.jobs().explain(job).await?.filter(|job| !job.state.is_final());
            examples.extend(explained.map(|explanation| Unended { id: job, explanation }));
        }
        let schedulers = client.schedulers().list().await?.into_iter().filter(|one| one.alive).count();
        Ok(Some(of_batch::explanation(&BatchFacts { batch, places, examples, schedulers })))
    }
}
