//! Batch after batch of the operations that are not finished.

use crate::client::Client;
use crate::error::Error;
use crate::notify::{CANCELS, notifier};
use std::time::{Duration, Instant};
use tracing::warn;

/// A turn begins no further batch after this.
const TURN: Duration = Duration::from_secs(30);

/// Works on what is not finished, as far as rates allow, for as long as a turn lasts.
pub(crate) async fn work(client: &Client) -> Result<(), Error> {
    let (began, bulk, mut passed) = (Instant::now(), client.bulk(), Vec::new());
    while began.elapsed() < TURN {
        let mut tx = client.begin_by_key().await?;
        let Some(held) = bulk.hold(&mut tx, &passed).await? else { break };
        let id = held.operation.id;
        if held.allowed <= 0 {
            passed.push(id);
            continue;
        }
        match bulk.step(&mut tx, &held).await {
            Ok(batch) => {
                tx.commit().await?;
                if batch.asked {
                    notifier::tell(client, [CANCELS]);
                }
                notifier::tell(client, held.operation.queue.as_deref());
            }
            // It is tried again at the next turn; others go on.
            Err(error) => {
                tx.rollback().await.ok();
                warn!(%error, bulk.id = %id, "a batch of the bulk operation {id} failed, and will be tried again");
                bulk.failed(id, &error.to_string()).await?;
                passed.push(id);
            }
        }
    }
    Ok(())
}
