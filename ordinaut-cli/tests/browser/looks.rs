//! How every page looks: in both themes, on a desk and on a phone; and what axe-core finds.

use crate::visitor::Visitor;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// Tells what axe-core found; its own text stands before this one. The policy of the page lets
/// nothing be evaluated, but for what the driver itself sends.
const AXE: &str = "
    const done = arguments[0];
    axe.run(document, {resultTypes: ['violations']}).then((found) => done(found.violations.map((one) =>
        ({id: one.id, impact: one.impact, html: one.nodes[0].html, why: one.nodes[0].failureSummary}))));";

/// More than a minute, after which what happened in it is shown.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where the screenshots go, if somebody wants them.
fn pictures() -> Option<PathBuf> {
    std::env::var_os("ORDINAUT_SCREENSHOTS").map(PathBuf::from)
}

/// Something on every page: jobs in each state, and a queue that is paused.
async fn busy(visitor: &Visitor) -> Vec<(&'static str, String)> {
    let home = &visitor.home;
    let done = home.enqueue(r#"echo --args {"customer":{"id":7,"name":"Ann"},"lines":[1,2,3]} --tag eu"#);
    let dead = home.enqueue("fail --max-attempts 1");
    home.enqueue("fail --max-attempts 1");
    let running = home.enqueue(r#"sleep --args {"seconds":600}"#);
    for n in 0..40 {
        home.enqueue(&format!(r#"echo --args {{"order":{n}}} --tag demo"#));
    }
    let steps = r#"{"steps":[{"id":"charge","uses":"echo","with":30,"on_failure":{"goto":"refund"}},{"id":"both","parallel":[{"id":"invoice","uses":"echo","with":1},{"id":"label","uses":"echo","with":2}]},{"id":"release","uses":"approval","with":{"question":"Ship?"}},{"id":"mail","uses":"echo","with":3},{"id":"refund","uses":"echo","with":4,"compensation":true}]}"#;
    let pipeline = home.enqueue(&format!("pipeline --args {steps}"));
    visitor.goto(&format!("/ui/jobs/{pipeline}")).await;
    visitor.sees("//div[@class='question']").await;
    let batch = visitor.batch(&json!({"name": "import 7", "jobs": [{"kind": "echo"}, {"kind": "echo"}, {"kind": "fail", "max_attempts": 1},
        {"kind": "sleep", "args": {"seconds": 600}}], "on_complete": {"kind": "echo"}})).await;
    home.enqueue("echo --delay 3600");
    home.enqueue("nobody-runs-this --queue images");
    home.job_in("succeeded", &done);
    home.job_in("dead", &dead);
    home.job_in("running", &running);
    home.run("queue pause mail --reason restoring").good();
    let waiting = home.enqueue(r#"echo --queue mail --args {"to":"ann@example.org"}"#);
    let task = home.json("task create --title nightly --kind echo --every 1h");
    let task = task["id"].as_str().unwrap().to_owned();
    home.run("agent create ann --scope jobs:read").good();
    home.run("target put billing --host 10.0.0.1:8080 --host 10.0.0.2:8080").good();
    home.run("limit set mails --queue mail --concurrency 5").good();
    vec![
        ("overview", "/ui".to_owned()),
        ("jobs", "/ui/jobs".to_owned()),
        ("job-dead", format!("/ui/jobs/{dead}")),
        ("job-waiting", format!("/ui/jobs/{waiting}")),
        ("job-running", format!("/ui/jobs/{running}")),
        ("pipeline", format!("/ui/jobs/{pipeline}")),
        ("batch", format!("/ui/batches/{batch}")),
        ("bulk", "/ui/jobs/bulk?verb=cancel&queue=mail".to_owned()),
        ("dead", "/ui/dead".to_owned()),
        ("queues", "/ui/queues".to_owned()),
        ("queue", "/ui/queues/mail".to_owned()),
        ("workers", "/ui/workers".to_owned()),
        ("nodes", "/ui/nodes".to_owned()),
        ("tools", "/ui/tools".to_owned()),
        ("tool", "/ui/tools/http".to_owned()),
        ("enqueue-fields", "/ui/enqueue?kind=http".to_owned()),
        ("alerts", "/ui/alerts".to_owned()),
        ("targets", "/ui/targets".to_owned()),
        ("target", "/ui/targets/billing".to_owned()),
        ("tasks", "/ui/tasks".to_owned()),
        ("task", format!("/ui/tasks/{task}")),
        ("task-form", "/ui/tasks/new?expr=30+2+*+*+*&timezone=America%2FNew_York".to_owned()),
        ("batches", "/ui/batches".to_owned()),
        ("events", "/ui/events".to_owned()),
        ("enqueue", "/ui/enqueue".to_owned()),
        ("agents", "/ui/agents".to_owned()),
        ("audit", "/ui/audit".to_owned()),
        ("nothing", "/ui/no-such-page".to_owned()),
    ]
}

#[tokio::test]
#[ignore = "needs Chromium and axe-core: ./ops/test.sh browser"]
async fn every_page_fits_its_width_and_nothing_serious_is_wrong_with_it() {
    let visitor = Visitor::new().await;
    let pages = busy(&visitor).await;
    if pictures().is_some() {
        // Charts are drawn of minutes that are over.
        visitor.sees_within(PATIENCE, "//div[dt[text()='In']]/dd[1][text()!='0/s']", "/ui").await;
    }
    let axe =
        fs::read_to_string(std::env::var("ORDINAUT_AXE").expect("ORDINAUT_AXE names the file of axe-core")).unwrap();
    let axe = format!("{axe};\n{AXE}");
    let mut wrong = Vec::new();
    for (name, path) in pages {
        for theme in ["light", "dark"] {
            for width in [1280, 390] {
                visitor.looks_like(theme, width).await;
                visitor.goto(&path).await;
                visitor.sees("//h1").await;
                let size = visitor
                    .run(
                        "arguments[0]([document.documentElement.scrollWidth, document.documentElement.scrollHeight])",
                        vec![],
                    )
                    .await;
                if size[0].as_u64() > Some(width.into()) {
                    wrong.push(format!("{name}, {theme}, {width}: it is {} wide", size[0]));
                }
                let found = visitor.run(&axe, vec![]).await;
                let serious = found
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter(|one| matches!(one["impact"].as_str(), Some("serious" | "critical")));
                wrong.extend(serious.map(|one| format!("{name}, {theme}, {width}: {one}")));
                if let Some(directory) = pictures() {
                    picture(&visitor, &directory.join(format!("{name}-{theme}-{width}.png")), width, &size[1]).await;
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn picture(visitor: &Visitor, file: &std::path::Path, width: u32, height: &Value) {
    let clip = json!({"x": 0, "y": 0, "width": width, "height": height.as_u64().unwrap().min(2400), "scale": 1});
    let shot = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
    let shot = visitor.tool("Page.captureScreenshot", shot).await;
    let bytes =
        base64::Engine::decode(&base64::engine::general_purpose::STANDARD, shot["data"].as_str().unwrap()).unwrap();
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, bytes).unwrap();
}
