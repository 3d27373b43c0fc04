//! The arguments of a job as fields, one for each that its tool takes: who does not know JSON need
//! not type it.

use super::show::{Fields, first_sentence, prose};
use super::visit::Fault;
use axum::http::StatusCode;
use maud::{Markup, html};
use serde_json::Value;
use serde_json::value::RawValue;

/// Before the name of a field of the form, so that none is taken for one of the job's own.
const PREFIX: &str = "arg.";

/// Number of references that are followed before a field is one for JSON.
const REFERENCES: usize = 8;

/// What a tool takes, as fields.
pub(super) struct Arguments(Vec<Argument>);

struct Argument {
    name: String,
    about: String,
    is_required: bool,
    takes: Takes,
}

/// What is typed into a field.
#[derive(Debug, PartialEq, Eq)]
enum Takes {
    Text,
    One(Vec<String>),
    Flag,
    Number,
    Json,
}

impl Arguments {
    /// Those of a JSON Schema, in the order that it has; none if it does not say what they are
    /// called.
    pub(super) fn of(input: &Value) -> Option<Self> {
        let properties = input.get("properties")?.as_object().filter(|properties| !properties.is_empty())?;
        let required = input.list("required");
        let argument = |(name, schema): (&String, &Value)| Argument {
            name: name.clone(),
            about: about(schema).to_owned(),
            is_required: required.iter().any(|one| one == name),
            takes: takes(resolved(input, schema), input),
        };
        let mut arguments: Vec<_> = properties.iter().map(argument).collect();
        // What must be there comes first.
        arguments.sort_by_key(|argument| !argument.is_required);
        Some(Self(arguments))
    }

    pub(super) fn show(&self, value: &impl Fn(&str) -> Option<String>) -> Markup {
        html! {
            @for argument in &self.0 {
                @let name = format!("{PREFIX}{}", argument.name);
                @let typed = value(&name).unwrap_or_default();
                label.field {
                    span title=[Some(&argument.about).filter(|about| !about.is_empty())] {
                        b { (argument.name) } @if argument.is_required { " *" } @if argument.takes == Takes::Json { " (JSON)" }
                        @if !argument.about.is_empty() { ": " (prose(first_sentence(&argument.about))) }
                    }
                    @match &argument.takes {
                        Takes::One(words) => (choice(&name, words, &typed)),
                        Takes::Flag => (choice(&name, &["true".to_owned(), "false".to_owned()], &typed)),
                        Takes::Number => input name=(name) value=(typed) inputmode="decimal" autocomplete="off";,
                        Takes::Text | Takes::Json => textarea.grows name=(name) rows="1" spellcheck="false" { (typed) },
                    }
                }
            }
        }
    }

    /// What was typed, as JSON. Numbers stay as they are written, and what was left empty is
    /// absent.
    pub(super) fn read(&self, value: impl Fn(&str) -> Option<String>) -> Result<String, Fault> {
        let mut fields = Vec::new();
        for argument in &self.0 {
            let Some(typed) = value(&format!("{PREFIX}{}", argument.name)) else { continue };
            fields.push(format!("{}:{}", Value::from(&*argument.name), argument.json(&typed)?));
        }
        Ok(format!("{{{}}}", fields.join(",")))
    }
}

impl Argument {
    fn json(&self, typed: &str) -> Result<String, Fault> {
        let unclear = |what: &str| {
            let text = format!("{} must be {what}, and is {typed:?}.", self.name);
            Err(Fault::new(StatusCode::UNPROCESSABLE_ENTITY, text))
        };
        let raw = serde_json::from_str::<Box<RawValue>>(typed).ok();
        // The name of a secret stands for a text.
        let secret = || serde_json::from_str::<Value>(typed).is_ok_and(|value| value.get("$secret").is_some());
        match &self.takes {
            Takes::Text if !secret() => Ok(Value::from(typed).to_string()),
            Takes::One(words) if !words.iter().any(|word| word == typed) => {
                unclear(&format!("one of {}", words.join(", ")))
            }
            Takes::One(_) => Ok(Value::from(typed).to_string()),
            Takes::Number if typed.parse::<f64>().is_err() => unclear("a number"),
            Takes::Flag if !matches!(typed, "true" | "false") => unclear("true or false"),
            Takes::Text | Takes::Number | Takes::Flag | Takes::Json => match raw {
                Some(raw) => Ok(raw.get().to_owned()),
                None => unclear("JSON"),
            },
        }
    }
}

fn choice(name: &str, words: &[String], typed: &str) -> Markup {
    html! {
        select name=(name) {
            option value="" {}
            @for word in words { option value=(word) selected[word == typed] { (word) } }
        }
    }
}

/// The schema itself: what it refers to, or the one of several that is not null.
fn resolved<'a>(root: &'a Value, mut schema: &'a Value) -> &'a Value {
    for _ in 0..REFERENCES {
        let several = ["anyOf", "oneOf", "allOf"].iter().find_map(|name| schema.get(name)?.as_array());
        let real = several.map(|several| several.iter().filter(|one| one["type"] != "null").collect::<Vec<_>>());
        schema = match (schema.get("$ref").and_then(Value::as_str), real.as_deref()) {
            (Some(place), _) => match place.strip_prefix('#').and_then(|place| root.pointer(place)) {
                Some(found) => found,
                None => return schema,
            },
            (None, Some([one])) => one,
            _ => return schema,
        };
    }
    schema
}

fn takes(schema: &Value, root: &Value) -> Takes {
    if let Some(words) = words(schema, root) {
        return Takes::One(words);
    }
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.as_slice(),
        kind => std::slice::from_ref(kind),
    };
    let kinds: Vec<&str> = kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").collect();
    match kinds[..] {
        ["string"] => Takes::Text,
        ["boolean"] => Takes::Flag,
        ["integer" | "number"] => Takes::Number,
        _ => Takes::Json,
    }
}

/// The words that it may be, if it may be nothing else.
fn words(schema: &Value, root: &Value) -> Option<Vec<String>> {
    let word = |value: &Value| value.as_str().map(str::to_owned);
    if let Some(listed) = schema.get("enum").and_then(Value::as_array) {
        return listed.iter().filter(|value| !value.is_null()).map(word).collect();
    }
    let several = ["oneOf", "anyOf"].iter().find_map(|name| schema.get(name)?.as_array())?;
    several.iter().map(|one| word(resolved(root, one).get("const")?)).collect()
}

fn about(schema: &Value) -> &str {
    schema.text("description")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn arguments() -> Arguments {
        Arguments::of(&json!({
            "type": "object",
            "required": ["to"],
            "properties": {
                "how": {"$ref": "#/$defs/How", "description": "How it goes. By post, or else."},
                "copies": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
                "to": {"type": "string"},
                "seal": {"type": ["boolean", "null"]},
                "pages": {"type": "array", "items": {"type": "string"}},
                "colour": {"enum": ["red", "blue"]},
            },
            "$defs": {"How": {"oneOf": [{"const": "post"}, {"const": "pigeon", "description": "By air."}]}},
        }))
        .unwrap()
    }

    #[test]
    fn each_field_takes_what_its_schema_says() {
        let mut takes: Vec<_> = arguments().0.into_iter().map(|one| (one.name, one.takes)).collect();
        assert_eq!(takes.remove(0), ("to".to_owned(), Takes::Text), "what must be there comes first");
        takes.sort_by(|a, b| a.0.cmp(&b.0));
        let one = |words: [&str; 2]| Takes::One(words.map(str::to_owned).to_vec());
        let expected = [
            ("colour", one(["red", "blue"])),
            ("copies", Takes::Number),
            ("how", one(["post", "pigeon"])),
            ("pages", Takes::Json),
            ("seal", Takes::Flag),
        ];
        assert_eq!(takes, expected.map(|(name, takes)| (name.to_owned(), takes)));
    }

    #[test]
    fn what_is_typed_becomes_json_and_numbers_stay_as_they_are() {
        let read = |typed: &[(&str, &str)]| {
            let value = |name: &str| typed.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            arguments().read(value).map_err(|fault| fault.detail)
        };
        let typed = [
            ("arg.to", "An \"n\""),
            ("arg.copies", "12345678901234567890"),
            ("arg.pages", "[1]"),
            ("arg.seal", "true"),
        ];
        let json: Value = serde_json::from_str(&read(&typed).unwrap()).unwrap();
        assert_eq!((&json["to"], &json["pages"], &json["seal"]), (&json!("An \"n\""), &json!([1]), &json!(true)));
        assert!(read(&typed).unwrap().contains("12345678901234567890"));
        assert_eq!(read(&[]), Ok("{}".to_owned()));
        assert_eq!(read(&[("arg.to", r#"{"$secret": "a"}"#)]), Ok(r#"{"to":{"$secret": "a"}}"#.to_owned()));
        assert_eq!(read(&[("arg.copies", "many")]), Err("copies must be a number, and is \"many\".".to_owned()));
        assert!(read(&[("arg.how", "on foot")]).unwrap_err().contains("one of post, pigeon"));
        assert!(read(&[("arg.pages", "[")]).unwrap_err().contains("JSON"));
    }

    #[test]
    fn a_schema_that_names_no_field_or_refers_to_itself_ends() {
        assert!(Arguments::of(&json!({"type": "object"})).is_none());
        assert!(Arguments::of(&json!(true)).is_none());
        let circle = json!({"properties": {"a": {"$ref": "#/properties/a"}}});
        assert_eq!(Arguments::of(&circle).unwrap().0[0].takes, Takes::Json);
    }
}
