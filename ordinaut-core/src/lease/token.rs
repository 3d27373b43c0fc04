//! The token that proves the right to run a job.

use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// What every write about a leased job carries. It never repeats: a later claim of the same job has
/// another attempt, another process another session, and the nonce tells two claims of one session
/// apart even if Postgres lost the first in a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token {
    /// The job.
    pub job_id: Uuid,
    /// The number of the claim of this job; it only grows.
    pub attempt: i32,
    /// One life of a worker process.
    pub session: i64,
    /// The number of the claim within the session.
    pub nonce: i32,
}

/// `job:attempt:session:nonce`, as it is sent to others.
impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}:{}", self.job_id, self.attempt, self.session, self.nonce)
    }
}

/// As it is sent to others.
impl FromStr for Token {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, InvalidToken> {
        let read = || {
            let mut parts = text.split(':');
            let token = Self {
                job_id: parts.next()?.parse().ok()?,
                attempt: parts.next()?.parse().ok()?,
                session: parts.next()?.parse().ok()?,
                nonce: parts.next()?.parse().ok()?,
            };
            parts.next().is_none().then_some(token)
        };
        read().ok_or(InvalidToken)
    }
}

/// What is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a token as its lease has it: job:attempt:session:nonce")]
pub struct InvalidToken;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_is_written_and_nothing_else_is_one() {
        let token = Token { job_id: Uuid::from_u128(7), attempt: 2, session: i64::MAX, nonce: 3 };
        assert_eq!(token.to_string().parse(), Ok(token));
        let text = token.to_string();
        for wrong in ["", "a:1:2:3", &text[1..], &format!("{text}:1"), text.rsplit_once(':').unwrap().0] {
            assert_eq!(wrong.parse::<Token>(), Err(InvalidToken), "{wrong:?}");
        }
    }
}
