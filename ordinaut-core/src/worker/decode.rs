//! Arguments on their way to a handler: decrypted, and decoded.

use crate::job::Job;
use crate::job::ciphertext::Envelope;
use crate::job::job_error::JobError;
use crate::job::keyring::{Keyring, open};
use crate::worker::options::Undecodable;
use std::borrow::Cow;
use uuid::Uuid;

/// Arguments that can be read. They live for as long as it takes to decode them.
pub(crate) struct Args<'a> {
    text: Cow<'a, str>,
    /// They were encrypted: nothing that is written anywhere may tell of them.
    secret: bool,
    undecodable: Undecodable,
}

impl<'a> Args<'a> {
    /// Stored arguments. A key that is missing may be deployed later, so that this is worth a
    /// retry.
    pub(crate) fn read(
        stored: &'a str,
        kind: &str,
        job_id: Uuid,
        keyring: Option<&Keyring>,
        undecodable: Undecodable,
    ) -> Result<Self, JobError> {
        match Envelope::read(stored) {
            None => Ok(Self { text: Cow::Borrowed(stored), secret: false, undecodable }),
            Some(envelope) => {
                let text = open(keyring, &envelope, kind, job_id)?;
                Ok(Self { text: Cow::Owned(text), secret: true, undecodable })
            }
        }
    }

    /// The arguments as a handler takes them. The error names the field and the kind, and shows no
    /// value.
    pub(crate) fn decode<J: Job>(&self) -> Result<J, JobError> {
        J::read(&self.text).map_err(|error| {
            let text = if self.secret {
                // Its path may hold the key of a map, and its text a value.
                "args could not be decoded; why is not told, because they are encrypted".to_owned()
            } else {
                let field = match error.path {
                    path if path == "." => "args".to_owned(),
                    path => format!("args.{path}"),
                };
                // The place is one in Postgres' own writing of the arguments, which nobody can look
                // at.
                let place = format!(" at line {} column {}", error.source.line(), error.source.column());
                let reason = error.source.to_string();
                let reason = without_values(reason.strip_suffix(&place).unwrap_or(&reason));
                format!("{field} could not be decoded for kind {:?}: {reason}", J::KIND)
            };
            match self.undecodable {
                Undecodable::Retry => JobError::retry(text),
                Undecodable::Bury => JobError::fatal(text),
            }
        })
    }
}

/// What is wrong, without the value that is: it may be a secret, and errors are logged. The forms
/// are serde's; what a type says in its own words may hold anything.
fn without_values(reason: &str) -> String {
    let names_no_value = ["missing field ", "duplicate field ", "unknown field ", "data did not match any variant"];
    if names_no_value.iter().any(|form| reason.starts_with(form)) {
        return reason.to_owned();
    }
    for form in ["invalid type", "invalid value", "invalid length", "unknown variant"] {
        // The value may hold the same words, so the last ones are serde's.
        if let Some((_, expected)) = reason.strip_prefix(form).and_then(|rest| rest.rsplit_once(", expected ")) {
            return format!("{form}, expected {expected}");
        }
    }
    "invalid value".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_keep_their_form_and_lose_their_values() {
        for (reason, told) in [
            ("missing field `url`", "missing field `url`"),
            (r#"invalid type: string "a, expected b", expected a map"#, "invalid type, expected a map"),
            ("unknown variant `a`, expected `b` or `c`", "unknown variant, expected `b` or `c`"),
            ("`secret` is no duration", "invalid value"),
        ] {
            assert_eq!(without_values(reason), told);
        }
    }
}
