//! The token that an agent calls with: `ord_ID_SECRET`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::fmt;

const PREFIX: &str = "ord_";

/// Octets of the part that finds the row, and of the part that nobody else knows.
pub(crate) const RANDOM: usize = 6 + 32;

/// What an agent calls with. It is shown once, when it is made: the database has only its hash.
#[derive(Clone, PartialEq, Eq)]
pub struct AgentToken(String);

impl AgentToken {
    /// Of random octets.
    pub(crate) fn of(random: &[u8; RANDOM]) -> Self {
        let (id, secret) = random.split_at(6);
        let id: String = id.iter().map(|octet| format!("{octet:02x}")).collect();
        Self(format!("{PREFIX}{id}_{}", URL_SAFE_NO_PAD.encode(secret)))
    }

    /// The token's text, which nobody else should see.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub(crate) fn parts(&self) -> Option<Parts> {
        Parts::of(&self.0)
    }
}

impl fmt::Debug for AgentToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AgentToken(…)")
    }
}

/// What the database knows of a token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) id: String,
    pub(crate) hash: [u8; 32],
}

impl Parts {
    /// `None`: it has not the form of a token of ours, and no look is needed.
    pub(crate) fn of(token: &str) -> Option<Self> {
        let (id, secret) = token.strip_prefix(PREFIX)?.split_once('_')?;
        let well_formed = id.len() == 12 && id.bytes().all(|b| b.is_ascii_hexdigit()) && secret.len() == 43;
        well_formed.then(|| Self { id: id.to_owned(), hash: Sha256::digest(secret.as_bytes()).into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_told_by_its_form_and_hashes_its_secret_alone() {
        let token = AgentToken::of(&[0xab; RANDOM]);
        assert!(token.reveal().starts_with("ord_abababababab_"), "{}", token.reveal());
        assert!(!format!("{token:?}").contains("abab"));
        let parts = token.parts().unwrap();
        assert_eq!(parts.id, "abababababab");
        let mut other = [0xab; RANDOM];
        other[RANDOM - 1] = 0;
        assert_ne!(AgentToken::of(&other).parts().unwrap().hash, parts.hash);
        for not_ours in ["", "ord_", "ord_abababababab_short", "ord_xyzxyzxyzxyz_", "admin", "ord_ab_ab"] {
            assert_eq!(Parts::of(not_ours), None, "{not_ours}");
        }
    }
}
