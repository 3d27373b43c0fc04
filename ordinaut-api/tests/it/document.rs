//! The OpenAPI document, and whether an answer is one that it allows.

use jsonschema::Validator;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

/// The document, in which no schema has fields that it does not name: a field that is told and not
/// documented is a fault.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let mut document = ordinaut_api::document();
    let whole = document.clone();
    close(&mut document["paths"], &whole, false);
    // One that is named is closed where it is used: there it may be a part of another.
    for schema in document["components"]["schemas"].as_object_mut().unwrap().values_mut() {
        close(schema, &whole, true);
    }
    // Problems tell facts of their own.
    document["components"]["schemas"]["Problem"] = whole["components"]["schemas"]["Problem"].clone();
    document
});

/// By the place of a schema, and whether what is looked at has gaps.
type Validators = HashMap<(String, bool), Arc<Validator>>;

/// One for each schema: making one reads the whole document.
static VALIDATORS: LazyLock<Mutex<Validators>> = LazyLock::new(Mutex::default);

/// Refuses fields that a schema does not name, except where it is a part of another.
fn close(schema: &mut Value, document: &Value, is_part: bool) {
    match schema {
        Value::Object(fields) => {
            if !is_part && names_fields(&Value::Object(fields.clone()), document) {
                fields.entry("unevaluatedProperties").or_insert(false.into());
            }
            for (word, inner) in fields {
                // What is one of several is closed where they are.
                let is_part = matches!(&**word, "allOf" | "anyOf" | "oneOf");
                close(inner, document, is_part);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| close(item, document, is_part)),
        _ => {}
    }
}

/// Whether a schema says which fields an object has.
fn names_fields(schema: &Value, document: &Value) -> bool {
    if let Some(target) = schema["$ref"].as_str() {
        return target.contains("/schemas/") && names_fields(document.pointer(&target[1..]).unwrap(), document);
    }
    let parts = ["allOf", "anyOf", "oneOf"].iter().flat_map(|word| schema[*word].as_array().into_iter().flatten());
    let is_schema = schema["properties"].is_object() && schema["type"] == "object";
    is_schema || parts.into_iter().any(|part| names_fields(part, document))
}

fn resolved(value: &Value) -> (&Value, Option<&str>) {
    match value["$ref"].as_str() {
        Some(target) => (DOCUMENT.pointer(&target[1..]).unwrap(), Some(target)),
        None => (value, None),
    }
}

/// The path of the document that is asked for, if it has it.
pub(crate) fn path_of(path: &str) -> Option<&'static str> {
    let path = path.split('?').next().unwrap_or_default();
    let below = |prefix| path.strip_prefix(prefix).filter(|rest: &&str| rest.is_empty() || rest.starts_with('/'));
    let path = below("/api/v1").or_else(|| below("/api")).unwrap_or(path);
    let path = match path {
        "" => "/",
        "/events/tasks" | "/events/skalds" => "/events/stream",
        path => path,
    };
    let fits = |template: &str| {
        let (asked, named): (Vec<_>, Vec<_>) = (path.split('/').collect(), template.split('/').collect());
        let same = |(part, name): (&&str, &&str)| part == name || (name.starts_with('{') && !part.is_empty());
        asked.len() == named.len() && asked.iter().zip(&named).all(same)
    };
    let paths: &Map<String, Value> = DOCUMENT["paths"].as_object().unwrap();
    // One that is named as a whole goes before one with parameters.
    let mut found: Vec<_> = paths.keys().filter(|template| fits(template)).collect();
    found.sort_by_key(|template| template.matches('{').count());
    found.first().map(|template| template.as_str())
}

/// Why an answer is none that the document allows; a route or method that it does not have is
/// answered with a problem.
pub(crate) fn fault(
    method: &Method,
    url: &reqwest::Url,
    status: u16,
    headers: &HeaderMap,
    body: &str,
) -> Option<String> {
    let path = path_of(url.path())?;
    let method = method.as_str().to_ascii_lowercase();
    let operation = &DOCUMENT["paths"][path][&method];
    if operation.is_null() {
        return (!["head", "options"].contains(&&*method) && ![401, 405, 421].contains(&status))
            .then(|| format!("{status}, and the document has no such method"));
    }
    if status < 400 {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let known: Vec<_> = parameters.filter_map(|parameter| parameter["name"].as_str()).collect();
        let unknown = |name: &str| !known.contains(&name) && !name.starts_with("args.");
        if let Some((name, _)) = url.query_pairs().find(|(name, _)| unknown(name) && path != "/schedules/presets") {
            return Some(format!("the parameter {name} is taken, and not documented"));
        }
    }
    let response = &operation["responses"][status.to_string()];
    if response.is_null() {
        return Some(format!("the status {status} is not documented"));
    }
    let (response, named) = resolved(response);
    let at =
        named.map_or_else(|| format!("#/paths/{}/{method}/responses/{status}", path.replace('/', "~1")), str::to_owned);
    of_content(response, &at, headers, body)
}

fn of_content(response: &Value, at: &str, headers: &HeaderMap, body: &str) -> Option<String> {
    let told = headers.get("content-type").map(|kind| kind.to_str().unwrap()).unwrap_or_default();
    let told = told.split(';').next().unwrap();
    let Some(content) = response["content"].as_object() else {
        return (!body.is_empty()).then(|| format!("a body of {told}, and none is documented"));
    };
    if content.contains_key("*/*") {
        return None;
    }
    if !content.contains_key(told) {
        return Some(format!("content type {told:?} is not documented"));
    }
    if !told.ends_with("json") {
        return None;
    }
    let Ok(json) = serde_json::from_str(body) else { return Some("its body is not JSON".to_owned()) };
    let validator = validator(&format!("{at}/content/{}/schema", told.replace('/', "~1")), false);
    let faults: Vec<_> =
        validator.iter_errors(&json).map(|error| format!("{}: {error}", error.instance_path())).collect();
    (!faults.is_empty()).then(|| faults.join("\n"))
}

/// With gaps, whatever is there has to fit, and nothing has to be there.
fn validator(at: &str, has_gaps: bool) -> Arc<Validator> {
    // It is a URI.
    let at = at.replace('{', "%7B").replace('}', "%7D");
    let mut validators = VALIDATORS.lock().unwrap();
    let make = || {
        let mut schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$ref": at, "paths": DOCUMENT["paths"], "components": DOCUMENT["components"],
        });
        if has_gaps {
            need_nothing(&mut schema);
        }
        Arc::new(jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{at}: {error}")))
    };
    validators.entry((at.clone(), has_gaps)).or_insert_with(make).clone()
}

fn need_nothing(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.retain(|word, value| word != "required" || !value.is_array());
            fields.values_mut().for_each(need_nothing);
        }
        Value::Array(items) => items.iter_mut().for_each(need_nothing),
        _ => {}
    }
}

/// Why JSON is no answer of an operation; with gaps, fields may be missing.
pub(crate) fn misfit(method: &str, path: &str, json: &Value, has_gaps: bool) -> Option<String> {
    let method = method.to_ascii_lowercase();
    let responses = DOCUMENT["paths"][path][&method]["responses"].as_object()?;
    let mut all = Vec::new();
    for (status, response) in responses {
        let (response, named) = resolved(response);
        let at = named
            .map_or_else(|| format!("#/paths/{}/{method}/responses/{status}", path.replace('/', "~1")), str::to_owned);
        // A problem may have any fields, and says that it is one.
        let kind = if json["type"] == "about:blank" { "application/problem+json" } else { "application/json" };
        if !response["content"][kind].is_null() {
            let validator = validator(&format!("{at}/content/{}/schema", kind.replace('/', "~1")), has_gaps);
            let faults: Vec<_> = validator.iter_errors(json).map(|error| error.to_string()).collect();
            if faults.is_empty() {
                return None;
            }
            all.push(format!("{status}: {}", faults.join("; ")));
        }
    }
    Some(all.join("\n"))
}
