//! The OpenAPI document as clients get it.

use crate::app::{TestApp, answer};
use reqwest::Method;
use serde_json::Value;
use std::collections::{BTreeSet, HashSet};
use uuid::Uuid;

const SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");

/// Set, it says that the snapshot is to be written anew.
const RENEW: &str = "ORDINAUT_RENEW_OPENAPI";

/// Method and path of each operation, and the operation.
fn operations(document: &Value) -> Vec<(Method, String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(move |(method, operation)| {
            (Method::from_bytes(method.to_ascii_uppercase().as_bytes()).unwrap(), path.clone(), operation)
        })
    });
    operations.collect()
}

#[test]
fn the_snapshot_is_the_document() {
    let document = format!("{:#}\n", ordinaut_api::document());
    if std::env::var_os(RENEW).is_some() {
        std::fs::write(SNAPSHOT, &document).unwrap();
    }
    let snapshot = std::fs::read_to_string(SNAPSHOT).unwrap_or_default();
    let (mut now, mut before) = (document.lines(), snapshot.lines());
    let line = now.by_ref().zip(before.by_ref()).find(|(now, before)| now != before);
    assert!(
        document == snapshot,
        "ordinaut-api/openapi.json is not the document any more, first at {line:?}. If clients may see that change, \
         write it anew: {RENEW}=1 cargo test -p ordinaut-api --test it openapi, and read what git shows"
    );
}

#[tokio::test]
async fn it_is_answered_without_a_token_and_with_a_page_that_loads_nothing_from_outside() {
    let app = TestApp::start().await;
    for path in ["/openapi.json", "/api/v1/openapi.json"] {
        let found = answer(app.request(Method::GET, path)).await;
        assert_eq!((found.status, found.json()), (200, ordinaut_api::document()), "{path}");
    }
    let page = answer(app.request(Method::GET, "/docs")).await;
    assert_eq!(page.status, 200);
    let parts: Vec<_> = page.text.split(['"']).filter(|part| part.contains('/') && !part.contains('<')).collect();
    assert_eq!(parts.len(), 5, "{}", page.text);
    for part in parts {
        assert!(part.starts_with("docs/"), "{part}");
        for prefix in ["", "/api/v1"] {
            let found = answer(app.request(Method::GET, &format!("{prefix}/{part}"))).await;
            assert_eq!(found.status, 200, "{prefix}/{part}");
            let policy = found.header("content-security-policy");
            assert!(policy.starts_with("default-src 'self';") && !policy.contains("unsafe"), "{policy}");
            if part.ends_with("initializer.js") {
                let asks_nobody = found.text.contains(r#""validatorUrl": "none""#);
                assert!(asks_nobody && found.text.contains(r#""openapi.json""#), "{}", found.text);
            }
        }
    }
    assert_eq!(answer(app.request(Method::GET, "/docs/nothing.js")).await.status, 404);
}

#[test]
fn every_operation_has_a_name_of_its_own_a_line_a_tag_and_parameters_that_say_what_they_are() {
    let document = ordinaut_api::document();
    let tags: HashSet<_> = document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    let mut names = HashSet::new();
    for (method, path, operation) in operations(&document) {
        let name = operation["operationId"].as_str().unwrap();
        assert!(names.insert(name), "two operations are called {name}");
        assert!(operation["summary"].as_str().is_some_and(|line| line.len() > 5), "{method} {path}");
        assert!(tags.contains(&operation["tags"][0]), "{method} {path}");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let is_told = parameter["description"].is_string() || parameter["in"] == "path";
            assert!(is_told || parameter["$ref"].is_string(), "{method} {path}: {parameter}");
        }
    }
}

/// Whatever refers to a part of the document refers to one that is there.
#[test]
fn every_reference_has_a_target() {
    fn look(value: &Value, document: &Value) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(name, field)| match field {
                Value::String(target) if name == "$ref" => {
                    assert!(document.pointer(&target[1..]).is_some(), "there is no {target}");
                }
                field => look(field, document),
            }),
            Value::Array(items) => items.iter().for_each(|item| look(item, document)),
            _ => {}
        }
    }
    let document = ordinaut_api::document();
    look(&document, &document);
}

#[tokio::test]
async fn the_document_and_the_routes_are_the_same() {
    let document = ordinaut_api::document();
    let documented: BTreeSet<_> =
        operations(&document).iter().map(|(method, path, _)| format!("{method} {path}")).collect();
    let taken: BTreeSet<_> =
        ordinaut_api::routes().iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    let open = ["/", "/docs", "/docs/{file}", "/health", "/health/live", "/health/ready", "/openapi.json"];
    let all: BTreeSet<_> = taken.into_iter().chain(open.map(|path| format!("GET {path}"))).collect();
    assert_eq!(documented, all);
    let app = TestApp::start().await;
    for (_, path, operation) in operations(&document) {
        // A method that no route has is answered with those that there are.
        let allowed = app.send(Method::TRACE, &path.replace("{id}", &Uuid::now_v7().to_string()), &Value::Null).await;
        assert_eq!(allowed.status, 405, "{path}");
        let mut has: BTreeSet<_> = allowed.header("allow").split(',').map(str::to_ascii_lowercase).collect();
        has.remove("head");
        let documented: BTreeSet<_> = document["paths"][&path].as_object().unwrap().keys().cloned().collect();
        assert_eq!(has, documented, "{path}");
        // And it takes a token if the document says so.
        let stranger = answer(app.request(Method::TRACE, &path)).await;
        let takes_token = !operation["security"].as_array().unwrap().is_empty();
        assert_eq!(stranger.status == 401, takes_token, "{path}");
    }
}

/// Each query parameter of the document is one that its route knows.
#[tokio::test]
async fn every_documented_parameter_is_taken() {
    let app = TestApp::start().await;
    let document = ordinaut_api::document();
    let id = Uuid::now_v7().to_string();
    for (method, path, operation) in operations(&document) {
        let queried = operation["parameters"].as_array().into_iter().flatten().filter(|one| one["in"] == "query");
        for parameter in queried {
            let name = parameter["name"].as_str().unwrap();
            // An empty one is an absent one, and a route that does not know it says so.
            let asked = format!("{}?{name}=", path.replace("{id}", &id));
            let asked = if path.ends_with("/stream") { format!("{asked}&after=-1") } else { asked };
            let found = app.send(method.clone(), &asked, &Value::Null).await;
            assert!(!found.text.contains("is not a parameter here"), "{method} {asked}: {}", found.text);
            assert!(found.status < 500, "{method} {asked}: {}", found.text);
        }
    }
}
