//! docs/http-api.md: each route that it names is there.

use crate::app::{TOKEN, TestApp, answer};
use reqwest::Method;
use uuid::Uuid;

#[test]
fn every_route_is_documented() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/http-api.md")).unwrap();
    for route in ordinaut_api::routes() {
        let heading = format!("### `{} {}`", route.method, route.path);
        assert!(text.lines().any(|line| line == heading), "docs/http-api.md has no {heading}");
    }
}

#[tokio::test]
async fn every_documented_route_exists() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/http-api.md")).unwrap();
    let app = TestApp::start().await;
    let headings = text.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`')?.split_once(' '));
    let mut routes = 0;
    for (method, path) in headings {
        routes += 1;
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        // A stream would not end, and is asked for what cannot be.
        let path = path.replace("{id}", &Uuid::now_v7().to_string()).replace("/stream", "/stream?after=-1");
        let answer = answer(app.request(method.clone(), &path).bearer_auth(TOKEN)).await;
        let missing = answer.status == 405 || answer.text.contains("there is no such route");
        assert!(!missing, "{method} {path}: {}", answer.text);
    }
    assert_eq!(routes, 81, "one heading a route");
}
