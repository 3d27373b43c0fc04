//! Machines over HTTP.

use crate::app::TestApp;
use ordinaut_core::node::NodeReport;
use reqwest::Method;
use serde_json::{Value, json};

fn machine(name: &str, disk: i64) -> Value {
    json!({"name": name, "cores": 4, "cpu": 50.0, "memory_total": 100, "memory_used": 20, "disk_total": 100, "disk_used": disk,
           "load": 1.5, "version": "1.2.3", "labels": ["zone=a"]})
}

#[tokio::test]
async fn a_machine_that_reports_over_http_is_listed_judged_and_forgotten() {
    let app = TestApp::start().await;
    let token = app.agent(&json!({"name": "remote", "scopes": ["workers:lease"]})).await;
    let told = app.call(&token, Method::POST, "/nodes", Some(&machine("far", 40))).await;
    assert_eq!((told.status, &told.json()["reported_by"]), (200, &json!("http")), "{}", told.text);
    app.send(Method::POST, "/nodes", &machine("near", 60)).await;

    let shown = app.get("/nodes/far").await.json();
    assert_eq!(
        (&shown["level"], &shown["labels"], &shown["cores"]),
        (&json!("healthy"), &json!(["zone=a"]), &json!(4))
    );
    let names = |page: Value| -> Vec<Value> {
        page["nodes"].as_array().unwrap().iter().map(|node| node["name"].clone()).collect()
    };
    assert_eq!(names(app.get("/nodes").await.json()), [json!("far"), json!("near")]);
    let health = app.get("/nodes/health").await.json();
    assert_eq!(
        (&health["total"], &health["healthy"], &health["disk"]),
        (&json!(2), &json!(2), &json!(50.0)),
        "{health}"
    );
    let stats = app.get("/cluster/stats").await.json();
    assert_eq!((&stats["cores"], &stats["memory_used"]), (&json!(8), &json!(40)), "{stats}");
    let topology = app.get("/cluster/topology").await.json();
    assert_eq!(topology["nodes"][0], json!({"name": "far", "level": "healthy", "processes": []}), "{topology}");
    let spread = app.get("/nodes/distribution").await.json();
    assert_eq!(spread, json!({"imbalance": 1.0, "balanced": true, "nodes": []}));
    assert_eq!(app.get("/nodes/recommend?count=3").await.status, 404, "none of them has a worker");

    let wrong = app.send(Method::POST, "/nodes", &machine("x", 101)).await;
    assert_eq!((wrong.status, &wrong.json()["field"]), (422, &json!("disk_used")), "{}", wrong.text);
    let wrong = app.get("/nodes/recommend?count=0").await;
    assert_eq!((wrong.status, &wrong.json()["field"]), (422, &json!("count")), "{}", wrong.text);

    assert_eq!(app.call(&token, Method::DELETE, "/nodes/far", None).await.status, 403);
    assert_eq!(app.send(Method::DELETE, "/nodes/far", &json!(null)).await.status, 204);
    assert_eq!(app.get("/nodes/far").await.status, 404);
}

#[tokio::test]
async fn thresholds_are_put_shown_and_taken_back() {
    let app = TestApp::start().await;
    let (all, own) = (json!({"cpu": {"warning": 70.0, "critical": 90.0}}), json!({"offline_after": 30.0}));
    assert_eq!(app.send(Method::PUT, "/nodes/thresholds", &all).await.json(), all);
    assert_eq!(app.send(Method::PUT, "/nodes/far/thresholds", &own).await.json(), own);
    assert_eq!(app.get("/nodes/thresholds").await.json(), json!({"all": all, "nodes": {"far": own}}));
    let inverted = json!({"disk": {"warning": 90.0, "critical": 80.0}});
    let refused = app.send(Method::PUT, "/nodes/thresholds", &inverted).await;
    assert_eq!((refused.status, &refused.json()["field"]), (422, &json!("disk")), "{}", refused.text);
    for address in ["/nodes/thresholds", "/nodes/far/thresholds"] {
        assert_eq!(app.send(Method::DELETE, address, &json!(null)).await.status, 204);
        assert_eq!(app.send(Method::DELETE, address, &json!(null)).await.status, 404);
    }
}

#[tokio::test]
async fn nobody_speaks_for_a_machine_whose_programs_do() {
    let app = TestApp::start().await;
    app.database.nodes().report(&NodeReport::new("local"), "worker").await.unwrap();
    let told = app.post("/nodes", machine("local", 1).to_string()).await;
    assert_eq!(told.status, 409, "{}", told.text);
    assert_eq!(app.get("/nodes/local").await.json()["reported_by"], "worker");
    let told = app.post("/nodes", machine("health", 1).to_string()).await;
    assert!(told.status == 422 && told.text.contains("name"), "{}", told.text);
}

#[tokio::test]
async fn a_job_for_the_best_machine_prefers_it_and_none_is_made_for_no_machine() {
    let app = TestApp::start().await;
    let job = json!({"kind": "render", "placement": {"require": ["zone=a"]}});
    let none = app.post("/tasks/assign-optimal", job.to_string()).await;
    assert_eq!((none.status, none.header("retry-after")), (503, "10"), "{}", none.text);
    assert_eq!(app.count("select count(*) from ordinaut.job").await, 0);

    for (name, taken) in [("busy", 90), ("free", 10), ("elsewhere", 0)] {
        let mut told = machine(name, 40);
        told["memory_used"] = json!(taken);
        told["labels"] = json!([if name == "elsewhere" { "zone=b" } else { "zone=a" }]);
        app.send(Method::POST, "/nodes", &told).await;
        let worker = json!({"name": name, "host": name, "queues": ["default"], "kinds": ["render"], "capacity": 4});
        let opened = app.post("/sessions", worker.to_string()).await;
        assert_eq!(opened.status, 201, "{}", opened.text);
    }
    let made = app.post("/tasks/assign-optimal", job.to_string()).await;
    let told = made.json();
    assert_eq!((made.status, &told["node"]), (201, &json!("free")), "{}", made.text);
    assert_eq!(told["score"], app.get("/nodes/free").await.json()["score"]);
    let placement = &app.job(told["id"].as_str().unwrap().parse().unwrap()).await["placement"];
    assert_eq!((&placement["require"], &placement["prefer"]), (&json!(["zone=a"]), &json!(["node=free"])));

    let wrong = json!({"kind": "render", "placement": {"strategy": "random"}});
    let refused = app.post("/tasks/assign-optimal", wrong.to_string()).await;
    assert_eq!((refused.status, &refused.json()["field"]), (422, &json!("placement.strategy")), "{}", refused.text);
    let flow = app.get("/cluster/flow").await.json();
    assert_eq!(
        (flow["nodes"].as_array().unwrap().len(), &flow["nodes"][1]["name"]),
        (3, &json!("elsewhere")),
        "{flow}"
    );
}
