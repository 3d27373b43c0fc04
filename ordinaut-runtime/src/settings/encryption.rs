//! Which arguments are encrypted, and with which keys.

use crate::settings::error::SettingError;
use crate::settings::setting::{Setting, list};
use crate::settings::source::Source;
use ordinaut_core::client::ClientBuilder;
use ordinaut_core::job::Keyring;
use ordinaut_core::program::check_name;

pub(super) const ARGS_KEYS: Setting<Keyring> = Setting::new(
    "ARGS_KEYS",
    "keys for encrypted arguments: the first encrypts, all decrypt",
    "keys such as k2:KEY,k1:KEY, each 32 random bytes in base64 under a name of its own",
    |text| text.parse().ok(),
)
.secret();

pub(super) const ARGS_ENCRYPT_KINDS: Setting<Vec<String>> = Setting::new(
    "ARGS_ENCRYPT_KINDS",
    "the kinds of jobs whose arguments are encrypted when the API or the command line enqueues them, separated by commas",
    "names of 1 to 100 characters, separated by commas, and it needs ARGS_KEYS",
    |text| list(text, |word| check_name(word).is_ok().then(|| word.to_owned())),
);

/// Which arguments are encrypted, and with which keys.
#[derive(Clone, Debug, Default)]
pub(super) struct EncryptionSettings {
    keyring: Option<Keyring>,
    kinds: Vec<String>,
}

impl EncryptionSettings {
    pub(super) fn read(source: &Source) -> Result<Self, SettingError> {
        let keyring = source.read(&ARGS_KEYS)?;
        let kinds = source.read(&ARGS_ENCRYPT_KINDS)?.unwrap_or_default();
        if keyring.is_none() && !kinds.is_empty() {
            let about = ARGS_ENCRYPT_KINDS.about;
            return Err(SettingError::Invalid { name: about.name, value: kinds.join(","), accepts: about.accepts });
        }
        Ok(Self { keyring, kinds })
    }

    /// The same client, which encrypts and decrypts.
    pub(super) fn apply(&self, client: ClientBuilder) -> ClientBuilder {
        let client = client.encrypt_kinds(&self.kinds);
        match &self.keyring {
            Some(keyring) => client.keyring(keyring.clone()),
            None => client,
        }
    }
}
