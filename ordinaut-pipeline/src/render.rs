//! Rendering: a document's own texts, once. What comes from a value is never a template.

use crate::expression::MAX_NESTING;
use crate::fault::Fault;
use crate::instant;
use crate::template::{Part, bare, read};
use chrono::{DateTime, Utc};
use jmespath::Rcvar;
use serde_json::{Map, Value};
use std::time::{Duration, Instant};

/// Octets of a rendered document.
const MAX_RENDERED: usize = 1024 * 1024;

/// Time that filling in one document may take: it holds up what else the thread has to do.
const MAX_TIME: Duration = Duration::from_secs(1);

/// What is left while a document is filled in.
struct Room {
    octets: usize,
    began: Instant,
}

/// What templates can name, at one moment.
pub struct Scope {
    data: Rcvar,
    now: DateTime<Utc>,
}

impl Scope {
    /// The fields of `data`, at this instant.
    pub(crate) fn of(data: Rcvar, now: DateTime<Utc>) -> Self {
        Self { data, now }
    }

    /// A document with all of its templates filled in. `path` says where it stands.
    ///
    /// # Errors
    ///
    /// The template that could not be filled in, and why.
    pub fn render(&self, document: &Value, path: &str) -> Result<Value, Fault> {
        let mut room = Room { octets: MAX_RENDERED, began: Instant::now() };
        self.fill(document, path, 0, &mut room)
    }

    /// Whether a condition holds, with or without `${}` around it.
    ///
    /// # Errors
    ///
    /// Why it cannot be told.
    pub fn holds(&self, condition: &str, path: &str) -> Result<bool, Fault> {
        let fault = |reason| Fault::new(path, reason);
        match bare(condition).map_err(fault)? {
            Part::Value(expression) => expression.is_true(&self.data).map_err(fault),
            Part::Text(_) | Part::Instant(_) => Ok(true),
        }
    }

    fn fill(&self, document: &Value, path: &str, depth: usize, room: &mut Room) -> Result<Value, Fault> {
        let large = || Fault::new(path, "is larger than 1 MiB when it is filled in");
        let deep = || Fault::new(path, format!("is nested more than {MAX_NESTING} deep when it is filled in"));
        if depth > MAX_NESTING {
            return Err(deep());
        }
        Ok(match document {
            Value::String(text) => {
                let value = self.text(text, room).map_err(|reason| Fault::new(path, reason))?;
                if depth + nesting(&value) > MAX_NESTING {
                    return Err(deep());
                }
                room.octets = room.octets.checked_sub(size(&value)).ok_or_else(large)?;
                value
            }
            Value::Array(items) => {
                let filled =
                    items.iter().enumerate().map(|(n, item)| self.fill(item, &format!("{path}[{n}]"), depth + 1, room));
                Value::Array(filled.collect::<Result<_, _>>()?)
            }
            Value::Object(fields) => {
                let mut filled = Map::new();
                for (name, value) in fields {
                    filled.insert(name.clone(), self.fill(value, &format!("{path}.{name}"), depth + 1, room)?);
                }
                Value::Object(filled)
            }
            other => other.clone(),
        })
    }

    fn text(&self, text: &str, room: &Room) -> Result<Value, String> {
        let parts = read(text)?;
        if room.began.elapsed() > MAX_TIME {
            return Err("takes more than a second to fill in".to_owned());
        }
        if let [part] = &parts[..] {
            return self.part(part);
        }
        let mut filled = String::new();
        for part in &parts {
            if room.began.elapsed() > MAX_TIME {
                return Err("takes more than a second to fill in".to_owned());
            }
            match self.part(part)? {
                Value::String(text) => filled.push_str(&text),
                Value::Null => {
                    return Err(format!("has nothing to put into the text {text:?}: give a default with ||"));
                }
                value => filled.push_str(&value.to_string()),
            }
            if filled.len() > MAX_RENDERED {
                return Err("is larger than 1 MiB when it is filled in".to_owned());
            }
        }
        Ok(Value::String(filled))
    }

    fn part(&self, part: &Part) -> Result<Value, String> {
        match part {
            Part::Text(text) => Ok(Value::String(text.clone())),
            Part::Value(expression) => expression.value(&self.data),
            Part::Instant(span) => instant::write(self.now, *span).map(Value::String),
        }
    }
}

/// How deep arrays and objects are within each other.
pub fn nesting(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(nesting).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(nesting).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// About the octets that a value takes.
fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(size).sum::<usize>() + 2,
        Value::Object(fields) => fields.iter().map(|(name, value)| name.len() + size(value) + 4).sum::<usize>() + 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jmespath::Variable;
    use serde_json::json;

    fn scope(data: &Value) -> Scope {
        Scope::of(Rcvar::new(Variable::try_from(data).unwrap()), DateTime::UNIX_EPOCH)
    }

    fn render(document: &Value) -> Result<Value, Fault> {
        let data = json!({
            "params": {"n": 3, "evil": "${params.secret}", "secret": "s", "list": [1]},
            "steps": {"a": {"url": "http://x", "none": null}},
        });
        scope(&data).render(document, "with")
    }

    #[test]
    fn a_whole_value_keeps_its_type_and_an_embedded_one_becomes_text() {
        let document =
            json!({"n": "${params.n}", "l": ["${params.list}"], "t": "n=${params.n} l=${params.list}", "k": 5});
        let filled = json!({"n": 3, "l": [[1]], "t": "n=3 l=[1]", "k": 5});
        assert_eq!(render(&document).unwrap(), filled);
        assert_eq!(render(&json!("${now+1d}")).unwrap(), "1970-01-02T00:00:00Z");
    }

    #[test]
    fn what_is_too_deep_or_takes_too_long_is_refused() {
        let deep = |levels: usize| (0..levels).fold(json!("${steps.deep}"), |inner, _| json!([inner]));
        let data = json!({"steps": {"deep": deep(60)}, "l": (0..50_000).collect::<Vec<_>>()});
        let scope = scope(&data);
        assert!(scope.render(&deep(4), "with").is_ok());
        assert!(scope.render(&deep(5), "with").unwrap_err().reason.contains("nested more than 64 deep"));
        let long = "${length(sort(map(&to_string(@), l)))} ".repeat(2_000);
        assert!(scope.render(&json!(long), "with").unwrap_err().reason.contains("more than a second"));
    }

    #[test]
    fn what_a_value_holds_is_never_a_template() {
        assert_eq!(render(&json!("${params.evil}")).unwrap(), "${params.secret}");
        assert_eq!(render(&json!("x${params.evil}")).unwrap(), "x${params.secret}");
    }

    #[test]
    fn what_is_missing_is_named_with_where_it_was_asked_for() {
        let fault = render(&json!({"a": [{"b": "${steps.b.c}"}]})).unwrap_err();
        assert_eq!(fault.path, "with.a[0].b");
        assert!(fault.reason.starts_with("steps.b is missing"), "{fault}");
        assert!(render(&json!("x ${steps.a.none}")).unwrap_err().reason.starts_with("has nothing to put"));
        assert_eq!(render(&json!("x ${steps.a.none || 'y'}")).unwrap(), "x y");
    }
}
