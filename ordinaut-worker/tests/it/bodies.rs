//! What `http` jobs send beside JSON, what they expect of an answer, and what they keep of it.

use crate::fixture::Fixture;
use crate::server::Server;
use serde_json::{Value, json};

#[tokio::test]
async fn forms_and_parts_arrive_as_a_server_reads_them() {
    let (fixture, server) = (Fixture::new().await, Server::answering(|_| "").await);
    let post = |field: &str, value: Value| json!({"url": server.url("/"), "method": "POST", field: value});
    fixture.run("http", post("form", json!({"a b": "1&2", "c": "ü"}))).await.succeeded();
    let call = &server.calls()[0];
    assert_eq!(call.header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(call.body, "a+b=1%262&c=%C3%BC");

    let parts = json!([{"name": "note", "text": "hi"}, {"name": "file", "base64": "AAE=", "file_name": "a.bin", "content_type": "a/b"}]);
    fixture.run("http", post("multipart", parts)).await.succeeded();
    let call = &server.calls()[0];
    let boundary = call.header("content-type").strip_prefix("multipart/form-data; boundary=").unwrap();
    let body = call.body.to_vec();
    let has = |part: &[u8]| body.windows(part.len()).any(|window| window == part);
    assert!(has(b"name=\"note\"\r\n\r\nhi\r\n") && has(b"filename=\"a.bin\"\r\ncontent-type: a/b\r\n\r\n\x00\x01\r\n"));
    assert!(body.ends_with(format!("--{boundary}--\r\n").as_bytes()));

    let mut both = post("form", json!({}));
    both["body"] = json!("x");
    assert!(fixture.run("http", both).await.died().contains("only one of them can be sent"));
    assert_eq!(server.calls().len(), 0);
}

#[tokio::test]
async fn what_an_answer_must_be_is_checked_and_what_is_wanted_of_it_is_kept() {
    let fixture = Fixture::new().await;
    let server = Server::answering(|call| match &*call.path {
        "/list" => r#"{"items": [{"id": 7, "name": "CANARY"}, {"id": 8}], "next": null}"#,
        "/text" => "CANARY",
        _ => "{}",
    })
    .await;
    let schema = json!({"type": "object", "required": ["items"], "properties": {"items": {"items": {"properties": {"id": {"type": "integer"}}}}}});
    let asked = |path: &str| json!({"url": server.url(path), "response_schema": schema, "save": {"ids": "items[].id", "none": "a.b"}});
    let ran = fixture.run("http", asked("/list")).await;
    assert_eq!(ran.succeeded()["saved"], json!({"ids": [7, 8], "none": null}));

    let ran = fixture.run("http", asked("/other")).await;
    assert!(
        ran.died().starts_with("127.0.0.1 answered with what args.response_schema does not describe: "),
        "{:?}",
        ran.run
    );
    assert_eq!(ran.output["body"], "{}");
    let mut again = asked("/text");
    again["on_mismatch"] = json!("retry");
    let ran = fixture.run("http", again).await;
    assert_eq!(ran.failed(), "127.0.0.1 answered with what is no JSON");

    for (field, value, named) in [
        ("save", json!({"x": "items["}), "args.save.x has an expression that is no JMESPath"),
        ("save", json!({"x": "[".repeat(20_000)}), "args.save.x has an expression of more than"),
        ("response_schema", json!({"type": "no"}), "args.response_schema cannot be used"),
        ("response_schema", json!({"$ref": "http://127.0.0.1:1/s"}), "args.response_schema cannot be used"),
    ] {
        let ran = fixture.run("http", json!({"url": server.url("/list"), field: value})).await;
        assert!(ran.died().starts_with(named), "{:?}", ran.run);
    }
}

#[tokio::test]
async fn what_is_saved_has_its_bound_and_the_body_makes_room_for_it() {
    let fixture = Fixture::new().await;
    let server = Server::answering(|call| {
        let length = if call.path == "/big" { 17_000 } else { 12_000 };
        json!({"a": "x".repeat(length), "b": "\u{1}".repeat(20_000)}).to_string()
    })
    .await;
    let ran = fixture.run("http", json!({"url": server.url("/fits"), "save": {"a": "a"}})).await;
    assert_eq!(ran.succeeded()["saved"]["a"].as_str().unwrap().len(), 12_000);
    assert_eq!(ran.output["truncated"], true);
    let ran = fixture.run("http", json!({"url": server.url("/big"), "save": {"a": "a"}})).await;
    assert!(ran.died().contains("of 16384 at most"), "{:?}", ran.run);
}
