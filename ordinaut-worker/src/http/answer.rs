//! What a run keeps of an answer.

use super::expectation::MAX_SAVED;
use reqwest::header::HeaderMap;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// As much of a body as a run keeps, in bytes.
pub(crate) const MAX_BODY_BYTES: usize = 32 * 1024;

/// Maximum length of a body once it is JSON: a control character takes six bytes there, and a run
/// keeps 64 KiB at most.
const MAX_BODY_JSON: usize = 56 * 1024;

/// As much of each header as a run keeps, in characters.
const MAX_HEADER_CHARS: usize = 500;

/// The few headers that help to understand an answer. Others may carry secrets.
const HEADERS: [&str; 4] = ["content-type", "content-length", "location", "retry-after"];

/// What a run keeps of an answer.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Answer {
    /// Its status.
    status: u16,
    /// `content-type`, `content-length`, `location` and `retry-after`, as far as it has them; 500
    /// characters of each.
    headers: BTreeMap<&'static str, String>,
    /// The beginning of its body, 32 KiB at most.
    body: String,
    /// Whether the body was longer, or did not arrive whole.
    truncated: bool,
    /// Whether its target took no calls, and this is the answer of what stands for it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    degraded: bool,
    /// What `save` found in the body, by its names.
    #[serde(skip_serializing_if = "Map::is_empty")]
    saved: Map<String, Value>,
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    /// `body` is as much of it as was read; `whole` says that this is all of it.
    pub(crate) fn new(status: u16, headers: &HeaderMap, body: &[u8], whole: bool) -> Self {
        let head = &body[..character_boundary(body, MAX_BODY_BYTES)];
        let text = String::from_utf8_lossy(head);
        let fitting = fitting(&text, MAX_BODY_JSON);
        let header = |name: &'static str| {
            let text = String::from_utf8_lossy(headers.get(name)?.as_bytes()).chars().take(MAX_HEADER_CHARS).collect();
            Some((name, text))
        };
        Self {
            status,
            headers: HEADERS.into_iter().filter_map(header).collect(),
            truncated: !whole || head.len() < body.len() || fitting.len() < text.len(),
            body: fitting.to_owned(),
            degraded: false,
            saved: Map::new(),
        }
    }

    /// The value that is declared to be the answer while a target takes no calls.
    pub(crate) fn declared(value: &serde_json::Value) -> Self {
        let body = value.to_string();
        let headers = BTreeMap::from([("content-type", "application/json".to_owned())]);
        Self { status: 200, headers, body, truncated: false, degraded: true, saved: Map::new() }
    }

    /// Says that something else answered than what was to be called.
    pub(crate) fn degraded(mut self, degraded: bool) -> Self {
        self.degraded = degraded;
        self
    }

    /// The same with what was saved of it, for which the body makes room.
    pub(crate) fn with_saved(mut self, saved: Map<String, Value>) -> Self {
        if !saved.is_empty() {
            let kept = fitting(&self.body, MAX_BODY_JSON - MAX_SAVED).len();
            self.truncated |= kept < self.body.len();
            self.body.truncate(kept);
        }
        Self { saved, ..self }
    }
}

/// The last place up to `limit` where a character of UTF-8 does not go on.
fn character_boundary(bytes: &[u8], limit: usize) -> usize {
    if bytes.len() <= limit {
        return bytes.len();
    }
    // No character is longer than four bytes; what looks longer is no UTF-8, and can be cut
    // anywhere.
    (limit - 3..=limit).rev().find(|at| bytes[*at] & 0b1100_0000 != 0b1000_0000).unwrap_or(limit)
}

/// As much of a text as its bounds allow.
fn fitting(text: &str, most: usize) -> &str {
    let mut json = 0;
    for (at, character) in text.char_indices() {
        json += json_length(character);
        if json > most || at + character.len_utf8() > MAX_BODY_BYTES {
            return &text[..at];
        }
    }
    text
}

/// Length of a character in a JSON string, in bytes.
pub(crate) fn json_length(character: char) -> usize {
    match character {
        '"' | '\\' | '\n' | '\r' | '\t' => 2,
        '\0'..='\x1f' => 6,
        _ => character.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(body: &[u8]) -> (usize, bool) {
        let answer = Answer::new(200, &HeaderMap::new(), body, true);
        assert!(serde_json::to_string(&answer).unwrap().len() < 60 * 1024);
        (answer.body.len(), answer.truncated)
    }

    #[test]
    fn a_body_within_the_bound_is_kept_whole() {
        assert_eq!(kept(b""), (0, false));
        assert_eq!(kept(&[b'x'; MAX_BODY_BYTES]), (MAX_BODY_BYTES, false));
    }

    #[test]
    fn a_longer_body_is_cut_between_two_characters() {
        assert_eq!(kept(&[b'x'; MAX_BODY_BYTES + 1]), (MAX_BODY_BYTES, true));
        let text = format!("x{}", "ü".repeat(MAX_BODY_BYTES));
        assert_eq!(kept(text.as_bytes()), (MAX_BODY_BYTES - 1, true));
    }

    #[test]
    fn what_grows_as_text_or_as_json_is_cut_too() {
        assert_eq!(kept(&[0; MAX_BODY_BYTES]), (MAX_BODY_JSON / 6, true));
        assert_eq!(kept(&[b'"'; MAX_BODY_BYTES]), (MAX_BODY_JSON / 2, true));
        // Each byte that is no UTF-8 becomes a replacement character, of three bytes.
        assert_eq!(kept(&[0xff; MAX_BODY_BYTES]), (MAX_BODY_BYTES / 3 * 3, true));
    }

    #[test]
    fn a_body_that_did_not_arrive_whole_says_so() {
        assert!(Answer::new(200, &HeaderMap::new(), b"x", false).truncated);
    }
}
