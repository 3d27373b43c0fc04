//! A future that is dropped while a transaction begins leaves no connection of the pool in it: what
//! comes by that connection next would be answered, and committed by nobody.

use crate::fixture::{database, enqueue};
use futures_util::FutureExt;
use ordinaut_core::Client;
use serde_json::json;

#[tokio::test]
async fn what_is_enqueued_after_a_transaction_was_given_up_is_there() {
    let db = database().await;
    let client: Client = db.to_builder().max_connections(1).connect().await.unwrap();
    let mut given_up = 0;
    for _ in 0..5 {
        // The only connection is free: this much is sent, and hardly ever answered at once.
        given_up += usize::from(Box::pin(client.begin()).now_or_never().is_none());
        let job_id = enqueue(&client).await;
        assert!(db.jobs().get(job_id).await.unwrap().is_some(), "it was answered, and is not there");
        // Most verbs begin one of another kind.
        let payload = json!({});
        given_up +=
            usize::from(Box::pin(client.tasks().publish("a.topic", "", "e", &payload)).now_or_never().is_none());
        let job_id = enqueue(&client).await;
        assert!(db.jobs().get(job_id).await.unwrap().is_some(), "it was answered, and is not there");
    }
    assert!(given_up > 0, "all were answered at once");
}
