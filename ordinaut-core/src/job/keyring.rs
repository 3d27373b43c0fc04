//! Keys for encrypted arguments: the first encrypts, all decrypt.

#[cfg(feature = "encryption")]
pub use real::Keyring;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Without the feature `encryption` there is none.
#[cfg(not(feature = "encryption"))]
#[derive(Clone, Debug)]
pub(crate) enum Keyring {}

use crate::job::ciphertext::Envelope;
use uuid::Uuid;

/// Number of random bytes in each encryption: enough that they never repeat.
pub(crate) const NONCE_BYTES: usize = 24;

/// Why an envelope was not opened. It never tells anything of the arguments.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unopened {
    #[error("args are encrypted with the key {0:?}, which this worker does not have")]
    UnknownKey(String),
    #[error(
        "args cannot be decrypted with the key {0:?}: they were changed, moved from another job, or encrypted with another key of this name"
    )]
    #[cfg_attr(not(feature = "encryption"), allow(dead_code, reason = "nothing is opened"))]
    Broken(String),
}

/// Opens an envelope, with the keys that there are.
pub(crate) fn open(
    keyring: Option<&Keyring>,
    envelope: &Envelope,
    kind: &str,
    job_id: Uuid,
) -> Result<String, Unopened> {
    match keyring {
        Some(keyring) => keyring.open(envelope, kind, job_id),
        None => Err(Unopened::UnknownKey(envelope.key.clone())),
    }
}

#[cfg(not(feature = "encryption"))]
impl Keyring {
    pub(crate) fn seal(&self, _: &str, _: [u8; NONCE_BYTES], _: &str, _: Uuid) -> String {
        match *self {}
    }

    fn open(&self, _: &Envelope, _: &str, _: Uuid) -> Result<String, Unopened> {
        match *self {}
    }
}

#[cfg(feature = "encryption")]
mod real {
    use super::{NONCE_BYTES, Unopened};
    use crate::error::InvalidField;
    use crate::job::ciphertext::{Envelope, bound_to};
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use chacha20poly1305::aead::{Aead, KeyInit, Payload};
    use chacha20poly1305::{XChaCha20Poly1305, XNonce};
    use std::fmt;
    use std::str::FromStr;
    use std::sync::Arc;
    use uuid::Uuid;

    /// Keys for encrypted arguments, each of 32 bytes and with a name: the first encrypts, all
    /// decrypt. To rotate, deploy a new key as the last of the ring everywhere, then make it the
    /// first, and drop an old one when no job has it any more.
    ///
    /// Encrypted is with XChaCha20-Poly1305 under a random nonce, bound to the job's id and kind:
    /// an envelope that was changed, or moved to another job, opens nothing.
    ///
    /// ```
    /// use ordinaut_core::NewJob;
    /// use ordinaut_core::job::Keyring;
    ///
    /// let keyring = Keyring::new([("k2", [2; 32]), ("k1", [1; 32])])?; // use random bytes
    /// let job = NewJob::new("charge", &serde_json::json!({"card": "4111"}))?.encrypted(&keyring);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Clone)]
    pub struct Keyring(Arc<[Key]>);

    struct Key {
        name: String,
        /// Forgets the key when it is dropped.
        cipher: XChaCha20Poly1305,
    }

    /// The names only.
    impl fmt::Debug for Keyring {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_list().entries(self.0.iter().map(|key| &key.name)).finish()
        }
    }

    impl Keyring {
        /// A ring of at least one key. Names are of 1 to 64 letters, digits, `-`, `_` and `.`, and
        /// each is there once.
        ///
        /// # Errors
        ///
        /// If there is no key, a name is none of these, or two keys have the same name.
        pub fn new<N: Into<String>>(keys: impl IntoIterator<Item = (N, [u8; 32])>) -> Result<Self, InvalidField> {
            let mut ring: Vec<Key> = Vec::new();
            for (name, bytes) in keys {
                let name = name.into();
                let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
                if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
                    return Err(invalid("must have names of 1 to 64 letters, digits, -, _ and ."));
                }
                if ring.iter().any(|key| key.name == name) {
                    return Err(invalid(&format!("must not have two keys of the name {name:?}")));
                }
                ring.push(Key { name, cipher: XChaCha20Poly1305::new(&bytes.into()) });
            }
            if ring.is_empty() {
                return Err(invalid("must have at least one key"));
            }
            Ok(Self(ring.into()))
        }

        /// Encrypts arguments with the first key; `nonce` is random.
        pub(crate) fn seal(&self, args: &str, nonce: [u8; NONCE_BYTES], kind: &str, job_id: Uuid) -> String {
            let key = &self.0[0];
            let payload = Payload { msg: args.as_bytes(), aad: &bound_to(kind, job_id) };
            let sealed = key.cipher.encrypt(&XNonce::from(nonce), payload);
            let data = sealed.expect("arguments of a mebibyte are far from the cipher's limit of 256 GiB");
            let (nonce, data) = (BASE64_STANDARD.encode(nonce), BASE64_STANDARD.encode(data));
            Envelope { key: key.name.clone(), nonce, data }.into_json()
        }

        pub(crate) fn open(&self, envelope: &Envelope, kind: &str, job_id: Uuid) -> Result<String, Unopened> {
            let key = self.0.iter().find(|key| key.name == envelope.key);
            let key = key.ok_or_else(|| Unopened::UnknownKey(envelope.key.clone()))?;
            let opened = || {
                let nonce: [u8; NONCE_BYTES] = BASE64_STANDARD.decode(&envelope.nonce).ok()?.try_into().ok()?;
                let data = BASE64_STANDARD.decode(&envelope.data).ok()?;
                let payload = Payload { msg: &data, aad: &bound_to(kind, job_id) };
                String::from_utf8(key.cipher.decrypt(&XNonce::from(nonce), payload).ok()?).ok()
            };
            opened().ok_or_else(|| Unopened::Broken(key.name.clone()))
        }
    }

    /// `name:key` in base64, separated by commas: `k2:…,k1:…`. An error shows nothing of the keys.
    impl FromStr for Keyring {
        type Err = InvalidField;

        fn from_str(text: &str) -> Result<Self, InvalidField> {
            let key = |part: &str| {
                let (name, bytes) = part.trim().split_once(':')?;
                Some((name.to_owned(), BASE64_STANDARD.decode(bytes).ok()?.try_into().ok()?))
            };
            let keys: Option<Vec<_>> = text.split(',').map(key).collect();
            Self::new(
                keys.ok_or_else(|| invalid("must be name:key, each key 32 bytes in base64, separated by commas"))?,
            )
        }
    }

    fn invalid(reason: &str) -> InvalidField {
        InvalidField { field: "keyring", reason: reason.to_owned() }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        const NONCE: [u8; NONCE_BYTES] = [7; NONCE_BYTES];
        const ARGS: &str = r#"{"card":"4111"}"#;

        fn ring(names: &[&str]) -> Keyring {
            Keyring::new(names.iter().map(|name| (*name, [name.as_bytes()[1]; 32]))).unwrap()
        }

        fn sealed(keyring: &Keyring, job_id: Uuid) -> Envelope {
            let json = keyring.seal(ARGS, NONCE, "charge", job_id);
            assert!(!json.contains("4111"));
            Envelope::read(&json).unwrap()
        }

        #[test]
        fn every_key_of_the_ring_decrypts_and_the_first_encrypts() {
            let job_id = Uuid::now_v7();
            let old = sealed(&ring(&["k1"]), job_id);
            let rotated = ring(&["k2", "k1"]);
            assert_eq!(rotated.open(&old, "charge", job_id).unwrap(), ARGS);
            let new = sealed(&rotated, job_id);
            assert_eq!(new.key, "k2");
            assert_eq!(ring(&["k1"]).open(&new, "charge", job_id), Err(Unopened::UnknownKey("k2".to_owned())));
        }

        #[test]
        fn nothing_opens_what_was_changed_or_moved() {
            let (job_id, keyring) = (Uuid::now_v7(), ring(&["k1"]));
            let broken = Err(Unopened::Broken("k1".to_owned()));
            let envelope = || sealed(&keyring, job_id);
            assert_eq!(keyring.open(&envelope(), "charge", Uuid::now_v7()), broken);
            assert_eq!(keyring.open(&envelope(), "charge2", job_id), broken);
            let flip = |text: &str| {
                if text.starts_with('A') { text.replacen('A', "B", 1) } else { format!("A{}", &text[1..]) }
            };
            let Envelope { key, nonce, data } = envelope();
            let changed = |nonce: String, data: String| Envelope { key: key.clone(), nonce, data };
            assert_eq!(keyring.open(&changed(flip(&nonce), data.clone()), "charge", job_id), broken);
            assert_eq!(keyring.open(&changed(nonce.clone(), flip(&data)), "charge", job_id), broken);
            assert_eq!(keyring.open(&changed("?".to_owned(), data.clone()), "charge", job_id), broken);
            assert_eq!(keyring.open(&changed(nonce, String::new()), "charge", job_id), broken);
            let namesake = Keyring::new([("k1", [0; 32])]).unwrap();
            assert_eq!(namesake.open(&envelope(), "charge", job_id), broken);
        }

        #[test]
        fn a_ring_is_read_and_a_bad_one_refused_without_its_keys() {
            let key = BASE64_STANDARD.encode([9; 32]);
            let keyring: Keyring = format!("k2:{key}, k1:{key}").parse().unwrap();
            assert_eq!(format!("{keyring:?}"), r#"["k2", "k1"]"#);
            for bad in [
                String::new(),
                key.clone(),
                format!("k1:{key},k1:{key}"),
                format!(":{key}"),
                format!("k1:{}", &key[4..]),
            ] {
                let error = bad.parse::<Keyring>().unwrap_err().to_string();
                assert!(error.starts_with("keyring must") && !error.contains(&key[4..]), "{error}");
            }
        }
    }
}

/// What a database knows of encryption.
#[derive(Clone, Debug, Default)]
pub(crate) struct Secrets {
    pub(crate) keyring: Option<Keyring>,
    pub(crate) kinds: Arc<BTreeSet<String>>,
}

impl Secrets {
    /// The kinds that are encrypted though no Rust type says so.
    pub(crate) fn set_kinds(&mut self, kinds: impl IntoIterator<Item: Into<String>>) {
        self.kinds = Arc::new(kinds.into_iter().map(Into::into).collect());
    }
}
