//! What a job has recorded, as one attempt knows it.

use crate::step::error::StepError;
use crate::step::name::{check, numbered};
use crate::step::record::{MAX_RESULTS_BYTES, MAX_STEPS};
use serde::Deserialize;
use std::collections::HashMap;

/// Results by name, as JSON that is not encrypted, and which names the handler has asked for.
#[derive(Debug, Default)]
pub(crate) struct Book {
    results: HashMap<String, String>,
    bytes: usize,
    asked: HashMap<String, u32>,
    /// Number of recorded steps that the handler has not asked for in this attempt.
    unasked: usize,
}

impl Book {
    pub(crate) fn new(results: impl IntoIterator<Item = (String, String)>) -> Self {
        let results: HashMap<_, _> = results.into_iter().collect();
        let (bytes, unasked) = (results.values().map(String::len).sum(), results.len());
        Self { results, bytes, asked: HashMap::new(), unasked }
    }

    /// The step that a handler asks for next by this name, and its result if it was recorded.
    pub(crate) fn ask(&mut self, name: &str) -> Result<(String, Option<String>), StepError> {
        check(name).map_err(|reason| StepError::invalid(name, "name", reason))?;
        let nth = self.asked.entry(name.to_owned()).or_default();
        *nth += 1;
        let step = numbered(name, *nth);
        let result = self.results.get(&step).cloned();
        self.unasked -= usize::from(result.is_some());
        Ok((step, result))
    }

    /// Whether one more result may be recorded.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        self.results.len() < MAX_STEPS && self.bytes.saturating_add(bytes) <= MAX_RESULTS_BYTES
    }

    pub(crate) fn add(&mut self, name: String, result: String) {
        self.bytes += result.len();
        self.results.insert(name, result);
    }

    /// Whether everything that was recorded was asked for: the attempt has come to where the job
    /// has never been.
    pub(crate) fn is_at_its_end(&self) -> bool {
        self.unasked == 0
    }

    /// The events that answered waits of the job for a topic and a key.
    pub(crate) fn seen(&self, topic: &str, key: &str) -> Vec<i64> {
        #[derive(Deserialize)]
        struct Event {
            n: i64,
            topic: String,
            key: String,
        }
        let events = self.results.values().filter(|result| result.contains("\"topic\""));
        let events = events.filter_map(|result| serde_json::from_str::<Event>(result).ok());
        events.filter(|event| event.topic == topic && event.key == key).map(|event| event.n).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(results: &[(&str, &str)]) -> Book {
        Book::new(results.iter().map(|(name, result)| ((*name).to_owned(), (*result).to_owned())))
    }

    #[test]
    fn a_loop_finds_its_steps_in_their_order() {
        let mut book = book(&[("mail", "1"), ("mail#2", "2")]);
        let next = |book: &mut Book| book.ask("mail").unwrap();
        assert!(!book.is_at_its_end());
        assert_eq!(next(&mut book), ("mail".to_owned(), Some("1".to_owned())));
        assert_eq!(next(&mut book), ("mail#2".to_owned(), Some("2".to_owned())));
        assert!(book.is_at_its_end());
        assert_eq!(next(&mut book), ("mail#3".to_owned(), None));
        assert!(book.ask("").is_err());
    }

    #[test]
    fn events_that_answered_are_not_taken_again() {
        let event = r#"{"n": 7, "topic": "paid", "key": "1", "payload": null}"#;
        let book = book(&[("paid", event), ("other", r#""topic""#), ("third", "null")]);
        assert_eq!((book.seen("paid", "1"), book.seen("paid", "2")), (vec![7], vec![]));
    }

    #[test]
    fn a_job_records_so_much_and_no_more() {
        let mut book = Book::default();
        assert!(book.has_room(MAX_RESULTS_BYTES) && !book.has_room(MAX_RESULTS_BYTES + 1));
        (0..MAX_STEPS).for_each(|n| book.add(n.to_string(), String::new()));
        assert!(!book.has_room(0));
    }
}
