//! A typed argument of a command: which values it takes, and the text that becomes of one.

use regex::Regex;
use serde::Deserialize;
use serde_json::{Number, Value};

/// Maximum length of a text, in characters of four bytes at most: Linux takes 128 KiB in one place.
const LONGEST: usize = 30_000;

/// An argument as the file says it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ArgumentEntry {
    r#type: Type,
    pattern: Option<String>,
    max_length: Option<usize>,
    min: Option<Number>,
    max: Option<Number>,
    values: Option<Vec<String>>,
    default: Option<Value>,
    #[serde(default)]
    may_begin_with_dash: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Type {
    String,
    Integer,
    Number,
    Boolean,
    OneOf,
}

/// An argument that can be used.
#[derive(Clone, Debug)]
pub(super) struct Argument {
    takes: Takes,
    default: Option<Value>,
    pub(super) may_begin_with_dash: bool,
}

#[derive(Clone, Debug)]
enum Takes {
    /// The pattern matches all of the text.
    Text {
        pattern: Regex,
        max_length: usize,
    },
    Integer {
        min: i64,
        max: i64,
    },
    Number {
        min: f64,
        max: f64,
    },
    Boolean,
    OneOf(Vec<String>),
}

impl Argument {
    /// Reads what the file says; an error begins with the field's name.
    pub(super) fn read(entry: ArgumentEntry) -> Result<Self, String> {
        entry.refuse_fields_of_other_types()?;
        let ArgumentEntry { default, may_begin_with_dash, .. } = entry;
        let takes = match entry.r#type {
            Type::String => text(entry.pattern, entry.max_length)?,
            Type::Integer => {
                let bound = |field: &str, bound: Option<Number>| {
                    bound.and_then(|bound| bound.as_i64()).ok_or(format!("{field}: must be a whole number"))
                };
                Takes::Integer { min: bound("min", entry.min)?, max: bound("max", entry.max)? }
            }
            Type::Number => {
                let bound = |field: &str, bound: Option<Number>| {
                    let finite = bound.and_then(|bound| bound.as_f64()).filter(|bound| bound.is_finite());
                    finite.ok_or(format!("{field}: must be a number"))
                };
                Takes::Number { min: bound("min", entry.min)?, max: bound("max", entry.max)? }
            }
            Type::Boolean => Takes::Boolean,
            Type::OneOf => {
                let values = entry.values.filter(|values| !values.is_empty());
                Takes::OneOf(values.ok_or("values: must be a list of texts, with one at least")?)
            }
        };
        let argument = Self { takes, default: None, may_begin_with_dash };
        if let Some(default) = &default {
            argument.text(Some(default)).map_err(|reason| format!("default: {reason}"))?;
        }
        Ok(Self { default, ..argument })
    }

    /// The text of a value, or of the default if there is none. An error does not repeat the value:
    /// it may be a secret.
    pub(super) fn text(&self, value: Option<&Value>) -> Result<String, String> {
        let value = value.or(self.default.as_ref()).ok_or("is missing")?;
        match (&self.takes, value) {
            (Takes::Text { pattern, max_length }, Value::String(text)) => {
                if text.chars().count() > *max_length {
                    return Err(format!("must have {max_length} characters at most"));
                }
                if text.contains('\0') || !pattern.is_match(text) {
                    return Err("does not match the pattern".to_owned());
                }
                Ok(text.clone())
            }
            (Takes::Text { .. }, _) => Err("must be a string".to_owned()),
            (Takes::Integer { min, max }, value) => {
                let number = value.as_i64().filter(|number| (min..=max).contains(&number));
                number.map(|number| number.to_string()).ok_or(format!("must be a whole number from {min} to {max}"))
            }
            (Takes::Number { min, max }, value) => {
                let number = value.as_f64().filter(|number| (min..=max).contains(&number));
                number.map(|number| number.to_string()).ok_or(format!("must be a number from {min} to {max}"))
            }
            (Takes::Boolean, value) => {
                value.as_bool().map(|value| value.to_string()).ok_or("must be true or false".to_owned())
            }
            (Takes::OneOf(values), value) => {
                let known = value.as_str().filter(|text| values.iter().any(|value| value == text));
                known.map(str::to_owned).ok_or_else(|| format!("must be one of {}", values.join(", ")))
            }
        }
    }
}

fn text(pattern: Option<String>, max_length: Option<usize>) -> Result<Takes, String> {
    let pattern = pattern.ok_or("pattern: must be a regular expression for the whole text")?;
    // By itself first: a parenthesis too many must not end the group around it.
    let whole = Regex::new(&pattern).and_then(|_| Regex::new(&format!(r"\A(?:{pattern})\z")));
    let pattern = whole.map_err(|error| format!("pattern: {error}"))?;
    let max_length = max_length.filter(|length| (1..=LONGEST).contains(length));
    let max_length = max_length.ok_or(format!("max_length: must be a number from 1 to {LONGEST}"))?;
    Ok(Takes::Text { pattern, max_length })
}

impl ArgumentEntry {
    /// Somebody expects something of a field, and it would do nothing.
    fn refuse_fields_of_other_types(&self) -> Result<(), String> {
        let is_text = self.r#type == Type::String;
        let is_number = matches!(self.r#type, Type::Integer | Type::Number);
        for (field, is_given, belongs, of) in [
            ("pattern", self.pattern.is_some(), is_text, "string"),
            ("max_length", self.max_length.is_some(), is_text, "string"),
            ("min", self.min.is_some(), is_number, "integer or number"),
            ("max", self.max.is_some(), is_number, "integer or number"),
            ("values", self.values.is_some(), self.r#type == Type::OneOf, "one_of"),
        ] {
            if is_given && !belongs {
                return Err(format!("{field}: is for the type {of}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(toml: &str) -> Result<Argument, String> {
        Argument::read(toml::from_str(toml).map_err(|error| error.message().to_owned())?)
    }

    #[test]
    fn a_value_must_be_of_the_type_and_within_its_bounds() {
        let text = |toml: &str, value: Value| read(toml).unwrap().text(Some(&value));
        let word = "type = 'string'\npattern = '[a-z]+'\nmax_length = 3";
        assert_eq!(text(word, json!("abc")).unwrap(), "abc");
        for wrong in [json!("abcd"), json!("a1"), json!("a\n"), json!("\na"), json!(""), json!(1), json!(["a"])] {
            assert!(text(word, wrong.clone()).is_err(), "{wrong}");
        }
        let either = "type = 'string'\npattern = 'a|b'\nmax_length = 9";
        assert!(text(either, json!("ab")).is_err() && text(either, json!("b")).is_ok());
        assert!(text("type = 'string'\npattern = '(?s).*'\nmax_length = 9", json!("a\0")).is_err());
        let count = "type = 'integer'\nmin = -2\nmax = 9";
        assert_eq!(text(count, json!(-2)).unwrap(), "-2");
        for wrong in [json!(10), json!(1.5), json!("1"), json!(null), json!(u64::MAX)] {
            assert!(text(count, wrong.clone()).is_err(), "{wrong}");
        }
        assert_eq!(text("type = 'number'\nmin = 0\nmax = 1", json!(0.5)).unwrap(), "0.5");
        assert!(text("type = 'number'\nmin = 0\nmax = 1", json!(1.1)).is_err());
        assert_eq!(text("type = 'boolean'", json!(true)).unwrap(), "true");
        assert_eq!(text("type = 'one_of'\nvalues = ['a b', 'c']", json!("a b")).unwrap(), "a b");
        assert!(text("type = 'one_of'\nvalues = ['a b', 'c']", json!("a")).is_err());
    }

    #[test]
    fn a_default_takes_the_place_of_what_is_missing_and_must_be_a_value_itself() {
        let argument = read("type = 'integer'\nmin = 1\nmax = 2\ndefault = 2").unwrap();
        assert_eq!(argument.text(None).unwrap(), "2");
        assert_eq!(read("type = 'boolean'").unwrap().text(None).unwrap_err(), "is missing");
        let refused = read("type = 'integer'\nmin = 1\nmax = 2\ndefault = 3").unwrap_err();
        assert_eq!(refused, "default: must be a whole number from 1 to 2");
    }

    #[test]
    fn what_the_file_says_wrongly_is_named() {
        for (toml, begin) in [
            ("type = 'string'\nmax_length = 1", "pattern: must be"),
            ("type = 'string'\npattern = 'a)|(b'\nmax_length = 1", "pattern: "),
            ("type = 'string'\npattern = 'a'", "max_length: must be"),
            ("type = 'string'\npattern = 'a'\nmax_length = 30001", "max_length: must be"),
            ("type = 'integer'\nmin = 1.5\nmax = 2", "min: must be"),
            ("type = 'number'\nmin = 1", "max: must be"),
            ("type = 'one_of'\nvalues = []", "values: must be"),
            ("type = 'boolean'\npattern = 'a'", "pattern: is for the type string"),
            ("type = 'boolean'\nlenght = 1", "unknown field `lenght`"),
            ("type = 'text'", "unknown variant `text`"),
        ] {
            let refused = read(toml).unwrap_err();
            assert!(refused.starts_with(begin), "{toml}: {refused}");
        }
    }
}
