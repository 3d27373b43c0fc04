//! The schemas of the OpenAPI document, made stricter and plainer than types of Rust tell them.

use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// One shape for everything that is not what was asked for: RFC 9457, with what some problems tell
/// besides.
pub(crate) fn problem() -> Value {
    json!({
        "type": "object",
        "description": "Why a request was not answered as hoped.",
        "required": ["type", "title", "status", "detail", "request_id"],
        "properties": {
            "type": { "type": "string", "const": "about:blank" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string", "description": "A sentence for people." },
            "field": { "type": "string", "description": "The part of the request that is at fault." },
            "request_id": { "type": "string", "description": "The log has it too." },
            "reason": {
                "type": "string",
                "enum": ["lease_lost", "session_dead"],
                "description": "Of 409, for workers: what does not hold any more.",
            },
            "scope": { "type": "string", "description": "Of 403: the scope that the agent lacks." },
            "job_id": { "type": "string", "format": "uuid", "description": "The job that is in the way, or to look for." },
            "task_id": { "type": "string", "format": "uuid", "description": "The task that is in the way." },
            "tasks": { "type": "integer", "description": "Of 409: the number of active tasks that the agent made." },
            "version": { "type": "integer", "description": "Of 409: the version at which the task is now." },
            "waits": { "$ref": "#/components/schemas/Wait" },
            "queue": { "type": "string", "description": "Of 429: the queue." },
            "level": { "type": "string", "description": "Of 429: how full it is." },
            "least_urgent": {
                "type": ["integer", "null"],
                "description": "Of 429: the last priority that it takes; null if none.",
            },
            "errors": {
                "type": "array",
                "description": "Of many jobs: those that cannot be accepted, the first hundred.",
                "items": {
                    "type": "object",
                    "required": ["index", "field", "detail"],
                    "properties": {
                        "index": { "type": "integer", "minimum": 0 },
                        "field": { "type": ["string", "null"] },
                        "detail": { "type": "string" },
                    },
                },
            },
        },
    })
}

pub(crate) fn tidy(document: &mut Value) {
    plain_text(document);
    visit(document, &mut tell_of_pages);
    visit(document, &mut tell_of_streams);
    visit(document, &mut leave_out_defaults);
    open_parts(document);
    require_what_is_always_there(document);
}

/// Where the next page begins means the same in each list.
fn tell_of_pages(schema: &mut Map<String, Value>) {
    let next = schema.get_mut("properties").and_then(|properties| properties.get_mut("next"));
    if let Some(next) = next.filter(|next| next.is_object() && next["description"].is_null()) {
        next["description"] = "Where the following page begins; null on the last one.".into();
    }
}

/// What a stream is made of: a reader has the fields of an event, and not their text.
fn tell_of_streams(content: &mut Map<String, Value>) {
    if let Some(stream) = content.get_mut("text/event-stream") {
        stream["schema"] = json!({
            "type": "object",
            "required": ["data"],
            "properties": {
                "id": { "type": "string", "description": "What `Last-Event-ID` continues after." },
                "event": { "type": "string" },
                "data": { "type": "string" },
            },
        });
    }
}

/// Generators take a field with a default for one that is always there, also in what is sent.
fn leave_out_defaults(schema: &mut Map<String, Value>) {
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for property in properties.into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut) {
        property.remove("default");
    }
}

/// Doc comments are for people who write Rust: links are names here, and there are no examples.
fn plain_text(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::String(text) if matches!(&**name, "description" | "summary") => {
                        *text = unlinked(without_examples(text)).trim_end().to_owned()
                    }
                    field => plain_text(field),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(plain_text),
        _ => {}
    }
}

fn without_examples(text: &str) -> &str {
    let end = ["\n# ", "\n```"].iter().filter_map(|mark| text.find(mark)).min();
    &text[..end.unwrap_or(text.len())]
}

/// Without `[`…`]` and the target of a link.
fn unlinked(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, linked)) = rest.split_once("[`")
        && let Some((name, after)) = linked.split_once("`]")
    {
        plain.push_str(before);
        plain.push_str(&format!("`{name}`"));
        let target = after.strip_prefix('(').and_then(|target| target.split_once(')'));
        rest = target.map_or(after, |(_, after)| after);
    }
    plain + rest
}

/// What has no other fields by itself may stand beside others where it is a part of a whole: then
/// the whole has no others.
fn open_parts(document: &mut Value) {
    let mut parts = BTreeSet::new();
    visit(document, &mut |schema| {
        for part in schema.get_mut("allOf").and_then(Value::as_array_mut).into_iter().flatten() {
            // A flattened option is there or not, and never null.
            if let Some(schema) = unless_null(part) {
                *part = json!({ "anyOf": [schema, { "type": "object" }] });
            }
            parts.extend(part["$ref"].as_str().map(str::to_owned));
        }
    });
    for part in &parts {
        let schema = document.pointer_mut(&part[1..]).and_then(Value::as_object_mut);
        let was_closed = schema.and_then(|schema| schema.remove("additionalProperties")).is_some();
        if was_closed {
            close_bodies(document, part);
        }
    }
}

/// What a schema is for that is that or null.
pub(crate) fn unless_null(schema: &Value) -> Option<&Value> {
    match schema["oneOf"].as_array().map(Vec::as_slice) {
        Some([null, other] | [other, null]) if null["type"] == "null" => Some(other),
        _ => None,
    }
}

/// A request's body that is such a part alone has no other fields.
fn close_bodies(document: &mut Value, part: &str) {
    for item in document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        for operation in item.as_object_mut().into_iter().flat_map(Map::values_mut) {
            if let Some(schema) = operation.pointer_mut("/requestBody/content/application~1json/schema")
                && schema["$ref"] == part
            {
                schema["unevaluatedProperties"] = false.into();
            }
        }
    }
}

/// An answer leaves out no field that may be null: what it may leave out is never null.
fn require_what_is_always_there(document: &mut Value) {
    let (mut read, mut told) = (BTreeSet::new(), BTreeSet::new());
    for operation in document["paths"].as_object().into_iter().flat_map(Map::values).filter_map(Value::as_object) {
        for operation in operation.values() {
            reach(document, &operation["requestBody"], &mut read);
            reach(document, &operation["responses"], &mut told);
        }
    }
    let only_told: Vec<_> = told.difference(&read).cloned().collect();
    for name in only_told {
        if let Some(schema) = document.pointer_mut(&name[1..]) {
            visit(schema, &mut require);
        }
    }
}

fn require(schema: &mut Map<String, Value>) {
    let Some(Value::Object(properties)) = schema.get("properties") else { return };
    let present = properties.iter().filter(|(_, property)| may_be_null(property)).map(|(name, _)| name.clone());
    let mut required: BTreeSet<String> = present.collect();
    let said = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    required.extend(said.filter_map(Value::as_str).map(str::to_owned));
    if !required.is_empty() {
        schema.insert("required".to_owned(), required.into_iter().collect());
    }
}

/// Whether null is one of its values.
fn may_be_null(schema: &Value) -> bool {
    let one_of = |word: &str| schema[word].as_array().is_some_and(|of| of.iter().any(|one| one["type"] == "null"));
    let among = schema["type"].as_array().is_some_and(|types| types.iter().any(|word| word == "null"));
    among || one_of("oneOf") || one_of("anyOf")
}

/// Every schema that a value names, and those that these name.
fn reach(document: &Value, value: &Value, seen: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::String(target) if name == "$ref" && target.contains("/schemas/") => {
                        if seen.insert(target.clone()) {
                            reach(document, document.pointer(&target[1..]).unwrap_or(&Value::Null), seen);
                        }
                    }
                    field => reach(document, field, seen),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| reach(document, item, seen)),
        _ => {}
    }
}

/// Does something to each object in a value.
fn visit(value: &mut Value, look: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(fields) => {
            look(fields);
            fields.values_mut().for_each(|field| visit(field, look));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| visit(item, look)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_of_rustdoc_is_text() {
        assert_eq!(unlinked("see [`Page::next`](Page::next), or [`X`]."), "see `Page::next`, or `X`.");
        assert_eq!(unlinked("args.ids=[7] and `[`"), "args.ids=[7] and `[`");
        assert_eq!(without_examples("A job.\n\n# Examples\n\n```\nlet x = 1;\n```"), "A job.\n");
    }
}
