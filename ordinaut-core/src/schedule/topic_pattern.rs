//! Patterns of topics.

use crate::error::InvalidField;
use crate::schedule::refusal::refuse;
use serde::{Deserialize, Serialize};
use std::fmt;

const MAX_BYTES: usize = 200;

/// A pattern of topics: words with dots between them, where `*` stands for one word and `#` for any
/// number of them, also none.
///
/// ```
/// use ordinaut_core::schedule::TopicPattern;
///
/// let paid = TopicPattern::parse("orders.*.paid")?;
/// assert!(paid.matches("orders.17.paid") && !paid.matches("orders.paid"));
/// assert!(TopicPattern::parse("orders.#")?.matches("orders"));
/// # Ok::<(), ordinaut_core::error::InvalidField>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TopicPattern(String);

/// Refuses what is no topic.
pub(crate) fn check_topic(topic: &str) -> Result<(), InvalidField> {
    if TopicPattern::parse(topic).is_err() || topic.contains(['*', '#']) {
        let reason = "must be words of letters, digits, - and _ with dots between them".to_owned();
        return Err(InvalidField { field: "topic", reason });
    }
    Ok(())
}

impl TopicPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// With the field `expr`, if it is not words of letters, digits, `-` and `_`, or the wildcards
    /// `*` and `#`, with dots between them, or is too long.
    pub fn parse(text: &str) -> Result<Self, InvalidField> {
        let text = text.trim();
        if text.len() > MAX_BYTES {
            return refuse(format!("must not be longer than {MAX_BYTES} bytes"));
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if !text.split('.').all(|word| matches!(word, "*" | "#") || (!word.is_empty() && word.bytes().all(plain))) {
            return refuse("must be a topic such as orders.*.paid: words with dots between them, * for one, # for any");
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether a topic matches. The work is at most the words of the one times those of the other.
    pub fn matches(&self, topic: &str) -> bool {
        let words: Vec<&str> = topic.split('.').collect();
        // reached[n]: what was read of the pattern matches the first n words.
        let mut reached = vec![false; words.len() + 1];
        reached[0] = true;
        for part in self.0.split('.') {
            if part == "#" {
                let first = reached.iter().position(|reached| *reached).unwrap_or(reached.len());
                reached[first..].fill(true);
            } else {
                for n in (0..words.len()).rev() {
                    reached[n + 1] = reached[n] && (part == "*" || part == words[n]);
                }
                reached[0] = false;
            }
        }
        reached[words.len()]
    }
}

impl fmt::Display for TopicPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for TopicPattern {
    type Error = InvalidField;

    fn try_from(text: String) -> Result<Self, InvalidField> {
        Self::parse(&text)
    }
}

impl From<TopicPattern> for String {
    fn from(topic: TopicPattern) -> Self {
        topic.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_topics() {
        let cases = [
            ("a", "a", true),
            ("a", "a.b", false),
            ("*", "a.b", false),
            ("#", "a.b", true),
            ("#", "", true),
            ("a.#", "a", true),
            ("a.#", "b.a", false),
            ("#.z", "a.b.z", true),
            ("#.z", "z", true),
            ("a.#.z", "a.z", true),
            ("a.#.*", "a", false),
            ("a.*.#.z", "a.z", false),
            ("a.*.#.z", "a.b.c.z", true),
        ];
        for (pattern, topic, expected) in cases {
            assert_eq!(TopicPattern::parse(pattern).unwrap().matches(topic), expected, "{pattern} {topic}");
        }
    }

    #[test]
    fn many_wildcards_are_no_trouble() {
        let pattern = TopicPattern::parse(&vec!["#"; 100].join(".")).unwrap();
        assert!(pattern.matches(&vec!["a"; 10_000].join(".")));
        for text in ["", ".", "a.", "a..b", "a b", "a*", "##", "é", &"a".repeat(201)] {
            assert!(TopicPattern::parse(text).is_err(), "{text}");
        }
    }
}
