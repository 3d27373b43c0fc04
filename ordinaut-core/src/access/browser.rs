//! The secret that a signed-in browser holds.

use crate::access::check::Access;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::fmt;

/// Octets of it.
pub(crate) const RANDOM: usize = 32;

/// What a browser that is signed in to the page holds in its cookie: 256 random bits. The database
/// has only its hash.
#[derive(Clone, PartialEq, Eq)]
pub struct BrowserSecret([u8; RANDOM]);

impl BrowserSecret {
    pub(crate) fn of(random: [u8; RANDOM]) -> Self {
        Self(random)
    }

    /// What a cookie says; `None`: it has not the form of a secret of ours.
    ///
    /// # Examples
    ///
    /// ```
    /// use ordinaut_core::access::BrowserSecret;
    ///
    /// assert!(BrowserSecret::read("not one of ours").is_none());
    /// ```
    pub fn read(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// The text of the cookie, which nobody else should see.
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What each form of the page carries: a page of somebody else cannot know it, so that it
    /// cannot send a form in this browser's name.
    pub fn form_token(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.hash_with(b"form"))
    }

    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }

    pub(crate) fn hash_with(&self, more: &[u8]) -> [u8; 32] {
        Sha256::new().chain_update(self.0).chain_update(more).finalize().into()
    }
}

impl fmt::Debug for BrowserSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BrowserSecret(…)")
    }
}

/// As whom a browser signs in, after that has been proved.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum SignIn<'a> {
    /// The agent of this name, with its password.
    Password(&'a str),
    /// An agent with its token, with which the session ends.
    Token {
        /// The agent's name.
        agent: &'a str,
        /// Its token.
        token: &'a str,
    },
    /// Somebody with the token of the settings.
    Settings {
        /// That token: with another one in the settings the session is over.
        token: &'a str,
    },
}

/// Whom a browser belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Browser {
    /// This agent, which may do this.
    Of(Access),
    /// Somebody who signed in with the token of the settings.
    OfSettings,
    /// Nobody: it never signed in, or that is over.
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_back_and_shown_by_neither_hash_nor_form() {
        let secret = BrowserSecret::of([7; RANDOM]);
        assert_eq!(BrowserSecret::read(&secret.reveal()), Some(secret.clone()));
        assert_ne!(secret.hash(), secret.hash_with(b"form"));
        assert_ne!(secret.form_token(), secret.reveal());
        assert_ne!(secret.form_token(), BrowserSecret::of([8; RANDOM]).form_token());
        assert_eq!(format!("{secret:?}"), "BrowserSecret(…)");
        for not_ours in ["", "abc", "_", &"A".repeat(44), &"A".repeat(42)] {
            assert_eq!(BrowserSecret::read(not_ours), None, "{not_ours:?}");
        }
    }
}
