//! Answers that are kept for requests that come again.

use crate::client::Idempotency;
use crate::error::Error;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// What is known of a request that names a key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Repeat {
    /// It has not been answered. What it makes has this id, so that an attempt whose answer was
    /// lost is not repeated.
    Unanswered(Uuid),
    /// It has been answered so.
    Answered(KeptAnswer),
    /// The key is another request's.
    AnotherRequest,
}

/// An answer of the API.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
#[non_exhaustive]
pub struct KeptAnswer {
    /// The status, from 200 to 499.
    pub status: i16,
    /// What kind of text the body is.
    pub content_type: Option<String>,
    /// Where what was made is found.
    pub location: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl KeptAnswer {
    /// An answer to be kept.
    pub fn new(status: i16, content_type: Option<String>, location: Option<String>, body: Vec<u8>) -> Self {
        Self { status, content_type, location, body }
    }
}

#[derive(sqlx::FromRow)]
struct Known {
    request: Vec<u8>,
    subject: Uuid,
    status: Option<i16>,
    content_type: Option<String>,
    location: Option<String>,
    body: Option<Vec<u8>>,
}

/// The hash of a request.
fn hash(request: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in request {
        // Parts that are cut elsewhere make another request.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

impl Idempotency<'_> {
    /// What is known of a request, which is told by its parts, under a key of an agent; from now on
    /// something is.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client, body: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
    /// use ordinaut_core::access::Repeat;
    ///
    /// match client.idempotency().begin("billing", "key-7", &[b"POST /jobs", body]).await? {
    ///     Repeat::Unanswered(id) => println!("make it under the id {id}, then finish"),
    ///     Repeat::Answered(answer) => println!("answer {} again", answer.status),
    ///     _ => println!("the key is another request's"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn begin(self, agent: &str, key: &str, request: &[&[u8]]) -> Result<Repeat, Error> {
        let hash = hash(request);
        loop {
            let known: Option<Known> = sqlx::query_as(self.client.sql(sql!("access/idempotency_begin")))
                .bind(agent)
                .bind(key)
                .bind(&hash[..])
                .bind(Uuid::now_v7())
                .fetch_optional(self.client)
                .await?;
            // Another attempt has inserted the row after this statement began.
            let Some(known) = known else { continue };
            return Ok(match known {
                Known { request, .. } if request != hash => Repeat::AnotherRequest,
                Known { status: Some(status), content_type, location, body, .. } => {
                    Repeat::Answered(KeptAnswer { status, content_type, location, body: body.unwrap_or_default() })
                }
                Known { subject, .. } => Repeat::Unanswered(subject),
            });
        }
    }

    /// Forgets a request that was refused for its form, so that its key is free for the mended one.
    ///
    /// # Errors
    ///
    /// If Postgres refused the statement or could not be reached.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client, body: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
    /// client.idempotency().forget("billing", "key-7", &[b"POST /jobs", body]).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn forget(self, agent: &str, key: &str, request: &[&[u8]]) -> Result<(), Error> {
        sqlx::query(self.client.sql(sql!("access/idempotency_forget")))
            .bind(agent)
            .bind(key)
            .bind(&hash(request)[..])
            .execute(self.client)
            .await?;
        Ok(())
    }

    /// Keeps the answer of a request, unless one is kept.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client, body: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
    /// use ordinaut_core::access::KeptAnswer;
    ///
    /// let answer = KeptAnswer::new(201, Some("application/json".to_owned()), None, b"{}".to_vec());
    /// client.idempotency().finish("billing", "key-7", &[b"POST /jobs", body], &answer).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn finish(self, agent: &str, key: &str, request: &[&[u8]], answer: &KeptAnswer) -> Result<(), Error> {
        sqlx::query(self.client.sql(sql!("access/idempotency_finish")))
            .bind(agent)
            .bind(key)
            .bind(&hash(request)[..])
            .bind(answer.status)
            .bind(&answer.content_type)
            .bind(&answer.location)
            .bind(&answer.body)
            .execute(self.client)
            .await?;
        Ok(())
    }
}
