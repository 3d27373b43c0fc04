//! `/targets`.

use crate::app::TestApp;
use ordinaut_core::maintenance::Scheduler;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_target_is_stored_shown_drained_reset_and_removed() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/targets").await.json(), json!({"targets": [], "next": null}));
    let asked = json!({"hosts": [{"host": "10.0.0.1:8080"}, {"host": "10.0.0.2:8080", "weight": 3}], "strategy": "weighted",
                       "fallback": {"value": {"paid": null}}});
    let answer = app.send(Method::PUT, "/targets/billing", &asked).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let status = answer.json();
    assert_eq!(
        (&status["name"], &status["threshold"], &status["source"]),
        (&json!("billing"), &json!(5), &json!("api"))
    );
    assert_eq!((&status["health"][1]["weight"], &status["health"][1]["state"]), (&json!(3), &json!("closed")));
    assert_eq!(app.get("/targets").await.json()["targets"][0]["available"], true);
    for host in ["10.0.0.1:8080", "10.0.0.2:8080"] {
        let answer = app.send(Method::POST, "/targets/billing/drain", &json!({"host": host})).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    assert_eq!(app.get("/targets/billing").await.json()["available"], false);
    let undrained = app.send(Method::POST, "/targets/billing/undrain", &json!({"host": "10.0.0.1:8080"})).await.json();
    assert_eq!((&undrained["available"], &undrained["health"][0]["drained_at"]), (&json!(true), &json!(null)));
    assert_eq!(app.send(Method::POST, "/targets/billing/reset", &json!({"host": "10.0.0.1:8080"})).await.status, 200);
    assert_eq!(app.send(Method::POST, "/targets/billing/reset", &json!({"host": "elsewhere"})).await.status, 404);
    assert_eq!(app.send(Method::POST, "/targets/billing/drain", &json!({"host": "elsewhere"})).await.status, 404);
    let metrics = app.get("/metrics").await.text;
    assert!(metrics.contains("ordinaut_target_available{target=\"billing\",critical=\"false\"} 1"), "{metrics}");
    assert_eq!(app.send(Method::DELETE, "/targets/billing", &json!({})).await.status, 204);
    assert_eq!(app.send(Method::DELETE, "/targets/billing", &json!({})).await.status, 404);
    assert_eq!(app.get("/targets/billing").await.status, 404);
}

#[tokio::test]
async fn what_cannot_be_accepted_is_named() {
    let app = TestApp::start().await;
    for (field, asked) in [
        ("hosts", json!({"hosts": []})),
        ("hosts", json!({"hosts": [{"host": "user@10.0.0.1"}]})),
        ("scheme", json!({"hosts": [{"host": "a"}], "scheme": "ftp"})),
        ("threshold", json!({"hosts": [{"host": "a"}], "threshold": 0})),
        ("name", json!({"hosts": [{"host": "a"}], "name": "other"})),
    ] {
        let answer = app.send(Method::PUT, "/targets/t", &asked).await;
        assert_eq!((answer.status, &answer.json()["field"]), (422, &json!(field)), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_worker_over_http_tells_how_a_target_is_and_its_jobs_wait_unspent() {
    let app = TestApp::start().await;
    let asked = json!({"hosts": [{"host": "a:80"}], "threshold": 2, "open_for_seconds": 3600, "longest_seconds": 3600, "concurrency": 9});
    let put = app.send(Method::PUT, "/targets/billing", &asked).await;
    assert_eq!((put.status, &put.json()["concurrency"]), (200, &json!(9)), "{}", put.text);
    assert_eq!((&put.json()["under_way"], put.json().get("rate")), (&json!(0), None));
    for _ in 0..4 {
        app.enqueue(json!({"kind": "charge"})).await;
    }
    let mut remote = app.remote().await;
    let leases = remote.claim(json!({})).await;
    let end = |n: usize, more: serde_json::Value| {
        let mut end = json!({"token": leases[n]["token"], "outcome": "unavailable", "target": "billing", "error": "it answered 503"});
        end.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        end
    };
    let refused = remote
        .settle(json!([
            end(0, json!({"target": "other"})),
            end(1, json!({"host": "b:80"})),
            {"token": leases[2]["token"], "outcome": "unavailable"},
            end(3, json!({"outcome": "released"})),
        ]))
        .await;
    let reasons: Vec<_> = refused.iter().map(|answer| answer["reason"].as_str().unwrap().to_owned()).collect();
    assert!(reasons[0].contains("no target \"other\"") && reasons[1].contains("with a host \"b:80\""), "{reasons:?}");
    assert!(reasons[2].contains("target is missing") && reasons[3].contains("target is for"), "{reasons:?}");
    let settled = remote.settle(json!([end(0, json!({})), end(1, json!({"host": "a:80"}))])).await;
    assert_eq!([&settled[0]["status"], &settled[1]["status"]], ["parked", "parked"], "{settled:?}");
    assert_eq!(remote.settle(json!([end(0, json!({}))])).await[0]["status"], "parked", "its answer was lost");
    let target = app.get("/targets/billing").await.json();
    let host = &target["health"][0];
    assert_eq!((&host["state"], &host["failures"], &host["opened_by"]), (&json!("open"), &json!(2), &json!("remote")));
    assert_eq!((&target["waiting"], &target["available"]), (&json!(2), &json!(false)));
    let job = app.job(leases[0]["job_id"].as_str().unwrap().parse().unwrap()).await;
    assert_eq!((&job["state"], &job["failures"]), (&json!("parked"), &json!(0)), "{job}");
    // One that is tried when its time has come closes it.
    let due = "update ordinaut.target_host set retry_at = now()";
    sqlx::query(due).execute(app.database.pool()).await.unwrap();
    let well = json!({"outcome": "succeeded", "error": null});
    let mut end = end(2, well);
    end.as_object_mut().unwrap().remove("error");
    assert_eq!(remote.settle(json!([end])).await[0]["status"], "settled");
    assert_eq!(app.get("/targets/billing").await.json()["health"][0]["state"], "closed");
    Scheduler::new(app.database.clone()).run(std::future::ready(())).await;
    let again = remote.claim(json!({"wait_seconds": 5})).await;
    assert_eq!((again.len(), &again[0]["attempt"], &again[0]["failures"]), (2, &json!(2), &json!(0)));
}
