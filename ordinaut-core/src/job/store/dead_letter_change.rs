//! Dead letters that are sent back, deleted, or get other arguments.

use crate::client::DeadLetters;
use crate::error::Error;
use crate::job::ciphertext::Envelope;
use crate::job::job_change::JobChange;
use serde_json::value::RawValue;
use sqlx::PgExecutor;
use uuid::Uuid;

impl DeadLetters<'_> {
    /// Gives a dead letter other arguments, and says whether there is such a letter. They are what
    /// runs when it is sent back, and are encrypted if those before are.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client, id: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
    /// let args = serde_json::value::to_raw_value(&serde_json::json!({"to": "ann@example.org"}))?;
    /// if client.dead_letters().change_args(id, &args).await? {
    ///     let requeued = client.dead_letters().requeue(&[id]).await?;
    ///     println!("{} are back", requeued.back.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if they cannot be accepted, or are to be encrypted and the client has no
    /// key ring; [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn change_args(self, job_id: Uuid, args: &RawValue) -> Result<bool, Error> {
        let change = JobChange { args: Some(args.to_owned()), ..JobChange::default() };
        change.check()?;
        if !self.client.sees(job_id).await? {
            return Ok(false);
        }
        let letter = sqlx::query_as(self.client.sql(sql!("job/dead_letter_args"))).bind(job_id);
        let letter: Option<(String, String)> = letter.fetch_optional(self.client).await?;
        let Some((kind, before)) = letter else { return Ok(false) };
        let encrypted = Envelope::read(&before).is_some();
        let args = self.client.jobs().sealed_args(job_id, &kind, encrypted, &change)?;
        let changed: Option<Uuid> = sqlx::query_scalar(self.client.sql(sql!("job/dead_letter_change")))
            .bind(job_id)
            .bind(args)
            .fetch_optional(self.client)
            .await?;
        Ok(changed.is_some())
    }

    /// Sends these back; those that could not be are missing in the answer.
    pub(crate) async fn requeue_in<'e>(self, db: impl PgExecutor<'e>, job_ids: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
        sqlx::query_scalar(self.client.sql(sql!("job/dead_letter_requeue"))).bind(job_ids).fetch_all(db).await
    }

    /// Deletes these; the answer has those that there were.
    pub(crate) async fn delete_in<'e>(self, db: impl PgExecutor<'e>, job_ids: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
        sqlx::query_scalar(self.client.sql(sql!("job/dead_letter_delete"))).bind(job_ids).fetch_all(db).await
    }
}
