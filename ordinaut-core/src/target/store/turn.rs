//! What workers write of calls of targets that have limits.

use crate::client::Targets;
use crate::lease::token::Token;
use uuid::Uuid;

impl Targets<'_> {
    /// Begins a call in the attempt of a job: 0 if it may begin, else seconds until one may;
    /// infinite: until another ends.
    pub(crate) async fn take_turn(self, name: &str, call: Uuid, attempt: Token) -> sqlx::Result<f64> {
        sqlx::query_scalar(self.client.sql(sql!("target/take")))
            .bind(name)
            .bind(call)
            .bind(attempt.job_id)
            .bind(attempt.attempt)
            .bind(attempt.session)
            .fetch_one(self.client)
            .await
    }

    /// Ends calls, each with its target; the queues of the jobs that go in their place.
    pub(crate) async fn give_turns_back(self, calls: &[(String, Uuid)]) -> sqlx::Result<Vec<String>> {
        sqlx::query_scalar(self.client.sql(sql!("target/give_back")))
            .bind(calls.iter().map(|(target, _)| &**target).collect::<Vec<_>>())
            .bind(calls.iter().map(|(_, call)| *call).collect::<Vec<_>>())
            .fetch_all(self.client)
            .await
    }
}
