//! What deliveries are signed with.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// How a receiver's library knows a secret.
const PREFIX: &str = "whsec_";

/// Octets of a secret.
pub(crate) const RANDOM: usize = 32;

/// What the deliveries of a webhook are signed with. It is shown once, when it is made.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(Vec<u8>);

impl WebhookSecret {
    pub(crate) fn of(octets: impl Into<Vec<u8>>) -> Self {
        Self(octets.into())
    }

    /// As receivers' libraries take it: `whsec_` and base64.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.0))
    }

    /// The key of the HMAC.
    pub fn key(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}
