//! `ordinaut extension`: an agent with the tools and webhooks of a manifest.

use crate::dev::client;
use crate::home::{Home, shared};
use ordinaut_test_support::fact::LIMIT;
use serde_json::{Value, json};
use std::time::Instant;

/// Puts a manifest.
fn put(home: &Home, name: &str, manifest: &Value) -> crate::process::Answer {
    let file = home.path(&format!("{name}.json"));
    std::fs::write(&file, manifest.to_string()).unwrap();
    home.run(&format!("extension put {name} --file {} --json", file.display()))
}

#[tokio::test]
async fn an_extension_has_its_agent_tools_and_webhooks_and_takes_nothing_of_others() {
    let home = shared();
    let tool = |field: &str| json!({"input": {"type": "object", "required": [field]}});
    let mut manifest = json!({
        "scopes": ["jobs:write", "jobs:read"],
        "queues": ["translations"],
        "tools": {"ext_translate": tool("text"), "ext_detect": tool("text")},
        "webhooks": [{"name": "ext-events", "url": "https://translators.example.org/events", "types": ["dead"]}],
    });
    let made: Value = put(&home, "translators", &manifest).good().parse().unwrap();
    assert!(made["webhook_secrets"]["ext-events"].as_str().unwrap().starts_with("whsec_"), "{made}");
    let token = made["token"].as_str().unwrap();
    let enqueue = async |queue: &str, args: Value| {
        let job = json!({"kind": "ext_translate", "queue": queue, "args": args});
        let asked = client().post(format!("{}/jobs", home.api)).bearer_auth(token).json(&job);
        asked.send().await.unwrap().status().as_u16()
    };
    assert_eq!(enqueue("translations", json!({"text": "Hello"})).await, 201);
    assert_eq!(enqueue("translations", json!({})).await, 422);
    assert_eq!(enqueue("default", json!({"text": "Hello"})).await, 403);
    assert_eq!(home.json("tool show ext_translate")["registered_by"], "translators");

    manifest["tools"] = json!({"ext_translate": tool("words")});
    manifest["webhooks"] = json!([]);
    let again: Value = put(&home, "translators", &manifest).good().parse().unwrap();
    assert_eq!((&again["token"], &again["webhook_secrets"]), (&Value::Null, &json!({})));
    let shown = home.json("extension show translators");
    assert_eq!((&shown["tools"], &shown["webhooks"]), (&json!(["ext_translate"]), &json!([])));

    for (change, said) in [
        (json!({"scopes": ["admin"]}), "scopes: an extension may not have the scope admin"),
        (json!({"scopes": ["jobs:read"]}), "granted once"),
        (json!({"tools": {"echo": tool("text")}}), "tools.echo: there is such a tool"),
        (json!({"tools": {"ext_other": {"input": {"type": "text"}}}}), "tools.ext_other"),
        (json!({"webhooks": [{"name": "x", "url": "ftp://example.org"}]}), "webhooks.x"),
        (json!({"colour": "red"}), "colour"),
    ] {
        let mut wrong = manifest.clone();
        wrong.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let refused = put(&home, "translators", &wrong);
        assert!(refused.bad(1).contains(said), "{said}: {refused:?}");
    }
    assert_eq!(home.json("extension show translators"), shown);

    home.run("extension delete translators").good();
    assert_eq!(home.run("tool show ext_translate").code, Some(1));
    assert_eq!(home.run("extension show translators").code, Some(1));
    assert_eq!(home.run("extension delete translators").bad(1), "there is no extension \"translators\"");
    let start = Instant::now();
    while enqueue("translations", json!({})).await != 401 {
        assert!(start.elapsed() < LIMIT, "an extension that is deleted is still let in");
    }
}
