//! All routes together: their schemas, and what a panic in one comes to.

use super::*;
use crate::auth::Callers;
use crate::depths::Depths;
use crate::rooms::Rooms;
use crate::slow::Slow;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::routing::get;
use ordinaut_core::Client;
use ordinaut_runtime::settings::Deployment;
use tower::ServiceExt;

/// One of them would be lost in the document.
#[test]
fn no_two_schemas_share_a_name() {
    let mut seen = std::collections::BTreeMap::new();
    for (name, schema) in all().flat_map(|way| way.schemas) {
        let schema = serde_json::json!(schema);
        let first = seen.entry(name.clone()).or_insert_with(|| schema.clone());
        assert_eq!(*first, schema, "{name}");
    }
    assert!(!seen.contains_key("Problem"), "that is the name of what is not an answer");
}

#[tokio::test]
async fn a_panic_is_a_500_that_does_not_tell_its_text() {
    let database = Client::from(sqlx::PgPool::connect_lazy("postgres://nowhere").unwrap());
    let settings = ApiSettings::default();
    let app = Arc::new(App {
        depths: Depths::new(database.clone()),
        redis: None,
        rooms: Rooms::new(database.clone()),
        slow: Slow::new(&database),
        tail: Arc::new(crate::tail::Tail::new(database.clone())),
        leasing: Arc::new(crate::leases::Leasing::new(&database)),
        deployment: Deployment::default(),
        catalogue: ordinaut_runtime::Catalogue::new(&database),
        callers: Callers::new(database.clone(), &settings),
        installation: database,
        redaction: Default::default(),
        traffic: Default::default(),
        last_look: Default::default(),
    });
    async fn panics() -> Problem {
        panic!("the launch code is 1234")
    }
    let router = through(answering(Router::new().route("/", get(panics)), &app), &settings);
    let response = router.oneshot(Request::new(Body::empty())).await.unwrap();
    assert_eq!(response.status(), 500);
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let body = String::from_utf8(to_bytes(response.into_body(), 10_000).await.unwrap().to_vec()).unwrap();
    assert!(body.contains(&id) && !body.contains("1234"), "{body}");
}
