//! Passwords of people who sign in to the page: hashed by argon2id, which takes time and memory so
//! that guessing does.

use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use std::sync::LazyLock;

/// The fewest characters of a password.
pub const SHORTEST_PASSWORD: usize = 10;

/// The most: hashing a longer one would only cost time.
pub const LONGEST_PASSWORD: usize = 200;

/// What OWASP asks of argon2id at least: 19 MiB, twice, on one core.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;

/// What a name without a password is compared with, so that the time of an answer does not tell
/// which names there are.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash_password("nobody has this password").unwrap_or_default());

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// What is stored of a password. It takes tens of milliseconds.
///
/// # Errors
///
/// Why the password cannot be used, as it follows "the password" in a sentence.
pub fn hash_password(password: &str) -> Result<String, String> {
    let length = password.chars().count();
    if !(SHORTEST_PASSWORD..=LONGEST_PASSWORD).contains(&length) {
        return Err(format!("must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters, and has {length}"));
    }
    let salt = SaltString::generate(&mut OsRng);
    let hash = argon2().hash_password(password.as_bytes(), &salt);
    hash.map(|hash| hash.to_string()).map_err(|error| format!("could not be hashed: {error}"))
}

/// Whether a password is the one that hashes to this. Without a hash it takes the same time, and is
/// not. It takes tens of milliseconds.
pub fn is_password(password: &str, hash: Option<&str>) -> bool {
    let known = hash.unwrap_or(&NOBODY);
    let same = PasswordHash::new(known).is_ok_and(|hash| argon2().verify_password(password.as_bytes(), &hash).is_ok());
    hash.is_some() && same && password.chars().count() <= LONGEST_PASSWORD
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_told_from_others_and_two_hashes_of_it_differ() {
        let [one, other] = ["correct horse", "correct horse"].map(|password| hash_password(password).unwrap());
        assert_ne!(one, other);
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert!(is_password("correct horse", Some(&one)) && is_password("correct horse", Some(&other)));
        assert!(!is_password("correct horsf", Some(&one)));
        assert!(!is_password("correct horse", Some("garbage")));
        assert!(!is_password("nobody has this password", None));
    }

    #[test]
    fn a_password_that_is_too_short_or_too_long_is_refused() {
        assert_eq!(hash_password("short").unwrap_err(), "must have 10 to 200 characters, and has 5");
        assert!(hash_password(&"x".repeat(201)).is_err());
    }
}
