//! Dispatch: each event that a webhook wants becomes a job that delivers it.

use crate::client::Client;
use crate::error::Error;
use crate::event::record::Event;
use crate::event::run::follower::FollowerBatch;
use crate::job::new_job::NewJob;
use crate::webhook::delivery::WebhookDelivery;
use crate::webhook::store::Webhook;
use uuid::Uuid;

/// The name under which the log is followed.
const FOLLOWER: &str = "ordinaut.webhooks";

/// Batches of one turn; what is left is dealt with at the next.
const BATCHES: usize = 100;

/// Makes jobs of the events that there are. Without webhooks it only looks whether there are any.
pub(crate) async fn dispatch(client: &Client) -> Result<(), Error> {
    let webhooks = client.webhooks().wanting().await?;
    if webhooks.is_empty() {
        return Ok(());
    }
    let mut follower = client.events().follower(FOLLOWER)?.from_start();
    for _ in 0..BATCHES {
        let Some(batch) = follower.next().await? else { break };
        deliver(client, &webhooks, batch).await?;
    }
    Ok(())
}

async fn deliver(client: &Client, webhooks: &[Webhook], mut batch: FollowerBatch) -> Result<(), Error> {
    let (events, tx) = batch.parts();
    let pairs = events.iter().flat_map(|event| webhooks.iter().map(move |webhook| (webhook, event)));
    let made = pairs.filter(|(webhook, event)| webhook.wants(event)).map(|(webhook, event)| job(webhook, event));
    let made = made.collect::<Result<Vec<_>, _>>().map_err(|error| sqlx::Error::Encode(error.into()))?;
    if !made.is_empty() {
        let (kept, jobs): (Vec<_>, Vec<_>) = made.into_iter().unzip();
        client.in_tx(&mut *tx).enqueue_many(jobs).await.map_err(|error| sqlx::Error::Encode(error.into()))?;
        client.webhooks().keep_deliveries(tx, &kept).await?;
    }
    batch.commit().await
}

/// What is kept of a delivery, and its job.
fn job(webhook: &Webhook, event: &Event) -> Result<((Uuid, i64, Uuid), NewJob), serde_json::Error> {
    let job = WebhookDelivery::new(webhook, event)?.job(&webhook.queue)?;
    Ok(((webhook.id, event.n, job.id()), job))
}
