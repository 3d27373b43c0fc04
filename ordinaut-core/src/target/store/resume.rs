//! What a scheduler does about jobs that wait for targets.

use crate::client::Client;
use crate::db::fields::Fields;
use crate::error::Error;
use crate::target::resume::{LetIn, WaitedFor};
use sqlx::FromRow;
use sqlx::postgres::PgRow;

impl FromRow<'_, PgRow> for WaitedFor {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let fields = Fields::of(row);
        Ok(Self {
            name: fields.get("name")?,
            resume_rate: fields.get("resume_rate")?,
            room: fields.get("room")?,
            called: fields.get("called")?,
            may_be_tried: fields.get("may_be_tried")?,
        })
    }
}

/// Targets that jobs wait for, by name: up to `limit`, after the one named.
pub(crate) async fn waited_for(client: &Client, limit: i64, after: &str) -> Result<Vec<WaitedFor>, Error> {
    let list = sqlx::query_as(client.sql(sql!("target/waiting"))).bind(limit).bind(after);
    Ok(list.fetch_all(client.by_key()).await?)
}

/// Lets jobs of a target go, unless another scheduler just has; the queues in which that was so.
pub(crate) async fn let_in(client: &Client, name: &str, turn: LetIn) -> Result<Vec<String>, Error> {
    let queues = sqlx::query_scalar(client.sql(sql!("target/let_in")))
        .bind(name)
        .bind(turn.jobs_a_second)
        .bind(turn.after)
        .bind(turn.oldest)
        .bind(turn.at_most)
        .fetch_all(client.by_key())
        .await?;
    Ok(queues)
}
