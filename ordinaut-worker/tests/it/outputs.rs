//! What the policy of a kind keeps of outputs: what it does not keep never reaches Postgres.

use crate::canary::dump;
use crate::fixture::Fixture;
use crate::server::Server;
use ordinaut_core::job::JobState;
use ordinaut_core::policy::{KindPolicy, OutputPolicy};
use ordinaut_core::worker::Step;
use serde_json::{Value, json};

const CANARY: &str = "CANARY-of-an-output";

#[tokio::test]
async fn an_output_that_is_not_kept_is_nowhere() {
    let fixture = Fixture::new().await;
    let server = Server::answering(|_| json!({"salary": CANARY}).to_string()).await;
    let policies = fixture.database.policies();
    for (kind, output) in [("http", OutputPolicy::Drop), ("pipeline", OutputPolicy::Hash), ("fail", OutputPolicy::Hash)]
    {
        policies.put(kind, &KindPolicy::default().output(output)).await.unwrap();
    }
    let call = json!({"url": server.url("/")});
    let ran = fixture.run("http", call.clone()).await;
    assert_eq!((&ran.output, ran.job.state), (&Value::Null, JobState::Succeeded));
    let pipeline = json!({"steps": [
        {"id": "call", "uses": "http", "with": call},
        {"id": "same", "uses": "echo", "with": {"of": "${steps.call.json.salary}"}},
    ], "output": "${steps.same.of}"});
    let id = fixture.enqueue("pipeline", pipeline.clone()).await;
    let mut worker = fixture.worker(&["127.0.0.0/8"]);
    while worker.step().await.unwrap() != Step::Idle {}
    let run = fixture.runs(id).await.pop().unwrap();
    let output: Value = run.output.as_ref().unwrap().get().parse().unwrap();
    assert_eq!(output["bytes"], json!(CANARY.len() + 2), "a step sees what the one before it has put out: {output}");
    assert_eq!(output["sha256"].as_str().map(str::len), Some(64));
    let steps = "select string_agg(result::text, ' ') from ordinaut.step";
    let steps: String = sqlx::query_scalar(steps).fetch_one(fixture.database.pool()).await.unwrap();
    assert!(steps.contains("sha256") && steps.contains("succeeded"), "{steps}");
    assert!(!dump(&fixture.url).contains(CANARY), "{steps}");
    // With a policy that keeps them, they are there.
    policies.put("http", &KindPolicy::default().output(OutputPolicy::Keep)).await.unwrap();
    assert!(fixture.run("http", call).await.succeeded()["body"].as_str().unwrap().contains(CANARY));
}
