//! The OpenAPI document, made of the routes: what stands above each handler, and what every route
//! has by its method, its path and the scope that it takes.

use crate::guard::{Reach, Way};
use crate::schemas;
use axum::http::{Method, StatusCode};
use ordinaut_runtime::settings::api::RouteClass;
use serde_json::{Map, Value, json};

/// Parameters that mean the same on every route that does not say what they mean there.
const PARAMETERS: [(&str, &str); 20] = [
    ("limit", "Rows at most; 50 if not given."),
    ("before", "The `next` of the page before."),
    ("after", "The `next` of the page before."),
    ("queue", "Only of this queue."),
    ("kind", "Only of this kind."),
    ("state", "Only in this state."),
    ("status", "Only in this state."),
    ("schedule_kind", "Only with a schedule of this kind."),
    ("outcome", "Only those that ended so."),
    ("created_after", "Made at this instant or later."),
    ("created_before", "Made before this instant."),
    ("started_after", "Begun at this instant or later."),
    ("started_before", "Begun before this instant."),
    ("died_after", "Died at this instant or later."),
    ("died_before", "Died before this instant."),
    ("finished_after", "Ended at this instant or later."),
    ("finished_before", "Ended before this instant."),
    ("since", "At this instant or later."),
    ("until", "Before this instant."),
    ("format", "How the answer is written; `json` if not given."),
];

/// Which routes have an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    All,
    /// Those that take a token.
    Token,
    /// Those with a parameter in the path.
    Path,
    /// Those that read a body: with `Idempotency-Key` every POST does.
    Body,
    /// Those with a parameter or a body.
    Input,
    /// Those that change something.
    Change,
}

/// What a route may answer instead of what it says itself. A client treats a status alike wherever
/// it comes from.
const PROBLEMS: [(u16, Of, &str); 12] = [
    (400, Of::Body, "The body is not JSON."),
    (401, Of::Token, "There is no token, or not a right one."),
    (403, Of::Token, "The agent may not do this, or not to this queue."),
    (404, Of::Path, "There is none, or the caller may not see it."),
    (408, Of::Body, "The body did not come in time, and nothing was done."),
    (413, Of::Body, "The body is too large."),
    (421, Of::All, "The host that the request names is not one of API_ALLOWED_HOSTS."),
    (422, Of::Input, "A field, a parameter or an id cannot be accepted, and nothing was stored."),
    (429, Of::Token, "The agent calls too often, or the queue is full."),
    (500, Of::All, "A bug of Ordinaut: the log has the error under the `request_id`."),
    (503, Of::All, "Nothing was stored, and `detail` has the reason: try again."),
    (504, Of::Change, "It may still have been done: look before you ask again."),
];

const PROBLEM: &str = "application/problem+json";

/// The document of these routes.
pub(crate) fn of(ways: impl Iterator<Item = Way>) -> Value {
    let (mut paths, mut found) = (Map::new(), Map::new());
    for way in ways {
        let method = way.method.as_str().to_ascii_lowercase();
        let item = paths.entry(way.path.clone()).or_insert_with(|| json!({}));
        item[method] = operation(&way);
        found.extend(way.schemas.iter().map(|(name, schema)| (name.clone(), json!(schema))));
    }
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Ordinaut",
            "description": "A Postgres job system over HTTP: enqueue, schedule, look, intervene, measure.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }, { "url": "/api/v1" }],
        "tags": tags(&paths),
        "paths": paths,
        "components": {
            "schemas": found,
            "parameters": parameters(),
            "headers": headers(),
            "responses": PROBLEMS.iter().map(|(status, _, meaning)| (status.to_string(), problem(*status, meaning)))
                .collect::<Map<_, _>>(),
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer" } },
        },
    });
    schemas::tidy(&mut document);
    document["components"]["schemas"]["Problem"] = schemas::problem();
    document
}

fn operation(way: &Way) -> Value {
    let mut operation = json!(way.operation);
    operation["tags"] = json!([tag(&way.path)]);
    // A body that may be left out is left out: it is not null.
    let body = operation.pointer_mut("/requestBody/content/application~1json/schema");
    if let Some(schema) = body
        && let Some(of) = schemas::unless_null(schema)
    {
        *schema = of.clone();
    }
    let parameters = all_parameters(way, operation["parameters"].take());
    let has = |of| applies(of, way, !parameters.is_empty() || !operation["requestBody"].is_null());
    let shared = PROBLEMS.iter().filter(|(_, of, _)| has(*of));
    let shared: Map<_, _> =
        shared.map(|(status, ..)| (status.to_string(), reference("responses", &status.to_string()))).collect();
    let own = std::mem::take(operation["responses"].as_object_mut().unwrap_or(&mut Map::new()));
    let mut responses = shared;
    responses.extend(own.into_iter().map(|(status, response)| (status.clone(), own_answer(way, &status, response))));
    operation["responses"] = responses.into();
    if let Some(gate) = way.gate {
        let scope = gate.scope.as_str();
        operation["security"] = json!([{ "bearer": [scope] }]);
        let told = operation["description"].as_str().unwrap_or_default();
        let class = gate.class.map_or("none", RouteClass::as_str);
        let takes = format!("Takes the scope `{scope}`. {} Class of calls: `{class}`.", of_part(gate.reach));
        operation["description"] = [told, &takes].join("\n\n").trim().into();
    } else {
        operation["security"] = json!([]);
    }
    let parameters: Vec<_> = parameters.into_iter().map(|parameter| described(parameter, &way.path)).collect();
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    } else if let Some(fields) = operation.as_object_mut() {
        fields.remove("parameters");
    }
    operation
}

/// What callers that see a part of the installation get.
const fn of_part(reach: Reach) -> &'static str {
    match reach {
        Reach::Visible => "For an agent of a tenant or of some queues nothing else exists.",
        Reach::OwnQueues => "An agent of some queues may serve these only, and one of a tenant none.",
        Reach::NamedQueue => "An agent of some queues may name these only, and one of a tenant none.",
        Reach::Installation => "Agents of a tenant or of some queues may not call it.",
    }
}

fn applies(of: Of, way: &Way, has_input: bool) -> bool {
    let reads_body = [Method::POST, Method::PUT, Method::PATCH].contains(&way.method) && way.gate.is_some();
    match of {
        Of::All => true,
        Of::Token => way.gate.is_some(),
        Of::Path => way.path.contains('{'),
        Of::Body => reads_body,
        Of::Input => has_input || reads_body,
        Of::Change => way.changes,
    }
}

/// Those of the path, those that the route names, and the headers that every route of its sort
/// takes.
fn all_parameters(way: &Way, own: Value) -> Vec<Value> {
    let named = way.path.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    let mut parameters: Vec<_> = named.map(|(name, _)| in_path(name)).collect();
    if let Value::Array(own) = own {
        parameters.extend(own);
    }
    if way.gate.is_some() && way.is_done_once() {
        parameters.push(reference("parameters", "Idempotency-Key"));
    }
    if way.gate.is_some() && way.audited {
        parameters.push(reference("parameters", "Audit-Reason"));
    }
    parameters
}

fn in_path(name: &str) -> Value {
    let schema = match name {
        "id" => json!({ "type": "string", "format": "uuid" }),
        "attempt" => json!({ "type": "integer", "format": "int32" }),
        "n" => json!({ "type": "integer", "format": "int64" }),
        _ => json!({ "type": "string", "minLength": 1 }),
    };
    json!({ "name": name, "in": "path", "required": true, "schema": schema })
}

/// What a parameter means where its route does not say it.
fn described(mut parameter: Value, path: &str) -> Value {
    let Some(name) = parameter["name"].as_str().map(str::to_owned) else { return parameter };
    let shared = PARAMETERS.iter().find(|(shared, _)| *shared == name);
    if let Some((_, meaning)) = shared.filter(|_| parameter["description"].is_null() && parameter["in"] == "query") {
        parameter["description"] = (*meaning).into();
    }
    if name == "limit" && !path.starts_with("/stats") {
        parameter["schema"] = json!({ "type": "integer", "minimum": 1, "maximum": 500 });
    }
    // An absent parameter is left out; none is null.
    if let Some(Value::Array(types)) = parameter["schema"].get_mut("type") {
        types.retain(|word| word != "null");
        if let [one] = &**types {
            parameter["schema"]["type"] = one.clone();
        }
    }
    if let Some(schema) = schemas::unless_null(&parameter["schema"]) {
        parameter["schema"] = schema.clone();
    }
    if parameter["in"] == "query" {
        parameter["allowEmptyValue"] = true.into();
    }
    parameter
}

/// An answer that a route says itself, with what all answers of its sort have.
fn own_answer(way: &Way, status: &str, mut response: Value) -> Value {
    let meaning = status.parse().ok().and_then(|status| StatusCode::from_u16(status).ok()?.canonical_reason());
    if response["description"].as_str().is_none_or(str::is_empty) {
        response["description"] = meaning.unwrap_or_default().into();
    }
    if status.starts_with(['4', '5']) {
        let mut content = problem_content();
        // Before a route answers itself, something else may.
        content.extend(response["content"].as_object().cloned().unwrap_or_default());
        response["content"] = content.into();
    }
    let mut all = of_every_answer();
    if way.gate.is_some() {
        all.extend(of_every_call());
    }
    if let Value::Object(own) = response["headers"].take() {
        all.extend(own);
    }
    response["headers"] = all.into();
    response
}

fn problem(status: u16, meaning: &str) -> Value {
    let mut headers = of_every_answer();
    match status {
        401 => headers.extend([("WWW-Authenticate".to_owned(), reference("headers", "WWW-Authenticate"))]),
        429 => {
            headers.extend(of_every_call());
            headers.extend([("Retry-After".to_owned(), reference("headers", "Retry-After"))]);
        }
        _ => {}
    }
    json!({ "description": meaning, "headers": headers, "content": problem_content() })
}

fn problem_content() -> Map<String, Value> {
    Map::from_iter([(PROBLEM.to_owned(), json!({ "schema": reference("schemas", "Problem") }))])
}

fn of_every_answer() -> Map<String, Value> {
    named_headers(&["X-Request-ID"])
}

fn of_every_call() -> Map<String, Value> {
    named_headers(&["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"])
}

fn named_headers(names: &[&str]) -> Map<String, Value> {
    names.iter().map(|name| ((*name).to_owned(), reference("headers", name))).collect()
}

fn parameters() -> Value {
    let header = |name: &str, description: &str, schema: Value| json!({ "name": name, "in": "header", "description": description, "schema": schema });
    let key = json!({ "type": "string", "minLength": 1, "maxLength": 200 });
    let once = "The same request under the same key is done once, within a day.";
    json!({
        "Idempotency-Key": header("Idempotency-Key", once, key),
        "Audit-Reason": header("Audit-Reason", "Why, for the audit: a thousand characters.", json!({ "type": "string" })),
    })
}

fn headers() -> Value {
    let number =
        |description: &str| json!({ "description": description, "schema": { "type": "integer", "minimum": 0 } });
    let text = |description: &str| json!({ "description": description, "schema": { "type": "string" } });
    json!({
        "X-Request-ID": text("The number of the request, in the log too."),
        "RateLimit-Limit": number("Calls of this class that the agent may make; absent without a bound."),
        "RateLimit-Remaining": number("The number of these that are left."),
        "RateLimit-Reset": number("Seconds until all are there again."),
        "Retry-After": number("Seconds after which it is worth asking again."),
        "WWW-Authenticate": text("That a bearer token is needed."),
    })
}

/// What a path is about: its first part.
fn tag(path: &str) -> &str {
    match path.split('/').nth(1) {
        Some("pause" | "resume") => "queues",
        Some("facts") => "topics",
        Some("system") => "metrics",
        Some("" | "openapi.json" | "docs" | "health") | None => "about",
        Some(part) => part,
    }
}

fn tags(paths: &Map<String, Value>) -> Value {
    let mut tags: Vec<_> = paths.keys().map(|path| tag(path)).collect();
    tags.sort_unstable();
    tags.dedup();
    tags.into_iter().map(|name| json!({ "name": name })).collect()
}

fn reference(section: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{section}/{name}") })
}
