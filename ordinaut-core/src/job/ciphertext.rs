//! How encrypted arguments are stored: JSON that says with which key.

use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use uuid::Uuid;

/// Encrypted arguments. Nonce and data are base64.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Envelope {
    pub(crate) key: String,
    pub(crate) nonce: String,
    pub(crate) data: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    encrypted: Envelope,
}

impl Envelope {
    /// Arguments that are an envelope; `None`: they are readable as they are.
    pub(crate) fn read(args: &str) -> Option<Self> {
        // Nearly always it is known by the first letters.
        if !args.strip_prefix('{')?.trim_start().starts_with("\"encrypted\"") {
            return None;
        }
        serde_json::from_str(args).ok().map(|Stored { encrypted }| encrypted)
    }

    /// As it is stored.
    #[cfg(feature = "encryption")]
    pub(crate) fn into_json(self) -> String {
        serde_json::to_string(&Stored { encrypted: self }).expect("three texts can always be written as JSON")
    }
}

/// What the encryption is bound to: of another job, or of another kind, an envelope opens nothing.
#[cfg_attr(not(feature = "encryption"), allow(dead_code, reason = "there is nothing to bind"))]
pub(crate) fn bound_to(kind: &str, job_id: Uuid) -> Vec<u8> {
    [b"ordinaut args", job_id.as_bytes().as_slice(), kind.as_bytes()].concat()
}

/// Arguments as everybody may see them: of an envelope only with which key.
pub(crate) fn shown(args: Box<RawValue>) -> Box<RawValue> {
    let Some(envelope) = Envelope::read(args.get()) else { return args };
    let shown = json!({"encrypted": true, "key": envelope.key});
    RawValue::from_string(shown.to_string()).expect("what serde_json has written is JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown_of(args: &str) -> String {
        shown(RawValue::from_string(args.to_owned()).unwrap()).get().to_owned()
    }

    #[test]
    fn only_an_envelope_is_taken_for_one() {
        let envelope = r#"{"encrypted": {"key": "k1", "nonce": "AA", "data": "BB"}}"#;
        assert_eq!(shown_of(envelope), r#"{"encrypted":true,"key":"k1"}"#);
        for plain in [r#"{"encrypted": true}"#, r#"{"encrypted": {"key": "k1"}}"#, "7", r#"{"a": 1}"#, r#""encrypted""#]
        {
            assert_eq!(shown_of(plain), plain);
            assert!(Envelope::read(plain).is_none());
        }
        assert!(Envelope::read(&envelope.replace("}}", "}, \"more\": 1}")).is_none());
    }
}
