//! Encrypted arguments: what an enqueue stores, and with which keys.

use crate::client::Client;
use crate::job::keyring::{Keyring, NONCE_BYTES};
use crate::job::new_job::{NewJob, Seal};
use rand::TryRngCore;
use rand::rngs::OsRng;
use std::borrow::{Borrow, Cow};
use uuid::Uuid;

impl Client {
    pub(crate) fn keyring_or_none(&self) -> Option<&Keyring> {
        self.secrets().keyring.as_ref()
    }

    /// Whether a kind's arguments are encrypted, as far as this value knows.
    pub(crate) fn encrypts(&self, kind: &str) -> bool {
        self.secrets().kinds.contains(kind)
    }

    /// A job with the keys that it is to be stored with, and as its caller may enqueue it.
    pub(crate) fn sealing<J: Borrow<NewJob>>(&self, job: J) -> Sealing<J> {
        let seal = match (&job.borrow().seal, self.keyring_or_none()) {
            (Seal::With(_), _) => None,
            (Seal::Asked, keyring) => keyring.cloned().map(Seal::With),
            (Seal::No, keyring) if self.encrypts(&job.borrow().kind) => {
                Some(keyring.cloned().map_or(Seal::Asked, Seal::With))
            }
            _ => None,
        };
        let sealed = seal.map(|seal| NewJob { seal, ..job.borrow().clone() });
        let mine = match self.sight() {
            Some(sight) => Some(sight.own(sealed.unwrap_or_else(|| job.borrow().clone()))),
            None => sealed,
        };
        mine.map_or(Sealing::AsItIs(job), |job| Sealing::With(Box::new(job)))
    }
}

/// A job that may have been given keys.
pub(crate) enum Sealing<J> {
    AsItIs(J),
    With(Box<NewJob>),
}

impl<J: Borrow<NewJob>> Borrow<NewJob> for Sealing<J> {
    fn borrow(&self) -> &NewJob {
        match self {
            Self::AsItIs(job) => job.borrow(),
            Self::With(job) => job,
        }
    }
}

/// A job's arguments as they are stored: as late as possible, because keys of unique jobs are made
/// from what they say. Fails if the system has no random numbers.
pub(crate) fn stored_args(job: &NewJob) -> sqlx::Result<Cow<'_, str>> {
    let Seal::With(keyring) = &job.seal else { return Ok(Cow::Borrowed(job.plain_args.get())) };
    encrypted(keyring, job.plain_args.get(), &job.kind, job.id).map(Cow::Owned)
}

/// JSON of a job, encrypted. Fails if the system has no random numbers.
pub(crate) fn encrypted(keyring: &Keyring, json: &str, kind: &str, job_id: Uuid) -> sqlx::Result<String> {
    let mut nonce = [0; NONCE_BYTES];
    OsRng.try_fill_bytes(&mut nonce).map_err(|error| sqlx::Error::Encode(error.into()))?;
    Ok(keyring.seal(json, nonce, kind, job_id))
}
