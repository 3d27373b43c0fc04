//! docs/http-api.md: its headings are the operations of the document, and its examples fit it.

use crate::document::misfit;
use serde_json::json;
use std::collections::BTreeSet;

fn guide() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/http-api.md")).unwrap()
}

/// Method and path of a heading.
fn heading(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("### `")?.strip_suffix('`')?.split_once(' ')
}

#[test]
fn every_operation_has_a_heading_and_every_heading_is_an_operation() {
    let (guide, document) = (guide(), ordinaut_api::document());
    let mut operations = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let methods = item.as_object().unwrap().keys();
        operations.extend(methods.map(|method| (method.to_ascii_uppercase(), path.clone())));
    }
    let headings: Vec<_> = guide.lines().filter_map(heading).collect();
    let told: BTreeSet<_> = headings.iter().map(|(method, path)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(told, operations);
    assert_eq!(headings.len(), operations.len(), "one heading an operation");
}

/// JSON in which `…` stands for what is left out, and whether anything is.
fn without_gaps(example: &str) -> (String, bool) {
    let (mut json, mut has_gaps) = (String::new(), false);
    // What is outside of strings is every second part.
    for (n, part) in example.split('"').enumerate() {
        if n > 0 {
            json.push('"');
        }
        if n % 2 == 1 {
            json.push_str(part);
            continue;
        }
        has_gaps |= part.contains('…');
        json.push_str(&part.replace(", …", "").replace("…, ", "").replace('…', ""));
    }
    (json, has_gaps)
}

#[test]
fn every_example_is_an_answer_of_its_route() {
    let guide = guide();
    let (mut route, mut examples) = (None, 0);
    let mut lines = guide.lines();
    while let Some(line) = lines.next() {
        if line.starts_with('#') {
            route = heading(line);
        }
        let Some((method, path)) = route.filter(|_| line == "```json") else { continue };
        let block = lines.by_ref().take_while(|line| *line != "```").collect::<Vec<_>>().join("\n");
        let (json, has_gaps) = without_gaps(&block);
        let example = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{method} {path}: {error}: {block}"));
        if let Some(misfit) = misfit(method, path, &example, has_gaps) {
            panic!("the example of {method} {path} is no answer of it: {misfit}\n{block}");
        }
        examples += 1;
    }
    assert!(examples > 30, "{examples}");
}

#[test]
fn a_field_that_is_not_documented_is_noticed_and_so_is_one_that_is_missing() {
    let fits = |example: serde_json::Value| misfit("GET", "/calendars", &example, false).is_none();
    assert!(fits(json!({"calendars": [{"name": "n", "mode": "allow", "dates": []}], "next": null})));
    assert!(!fits(json!({"calendars": [{"name": "n", "mode": "allow", "dates": [], "colour": 1}], "next": null})));
    assert!(!fits(json!({"calendars": [{"name": "n", "mode": "allow"}], "next": null})));
    assert!(!fits(json!({"calendars": []})));
    let task = json!({"tasks": [{"id": "7", "title": "t", "colour": 1}], "next": null});
    assert!(misfit("GET", "/tasks", &task, true).is_some(), "a field beside a flattened definition");
}
