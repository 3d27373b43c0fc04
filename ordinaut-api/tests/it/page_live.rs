//! What moves on a page, as a browser is told it.

use crate::app::TestApp;
use crate::page::Browser;
use reqwest::Response;
use serde_json::json;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Far more than a rendering needs, with the wait for it.
const LIMIT: Duration = Duration::from_secs(60);

/// What came over a stream.
struct Live {
    response: Response,
    text: String,
}

impl Live {
    async fn open(browser: &Browser<'_>, app: &TestApp, of: &str) -> Self {
        let response = browser.client.get(format!("{}/ui/live?of={}", app.url, of.replace('/', "%2F")));
        let response = response.header("cookie", browser.cookies()).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (200, &"text/event-stream".parse().unwrap())
        );
        assert!(response.headers().get("content-encoding").is_none());
        Self { response, text: String::new() }
    }

    /// The type and the data of the next event; `None`: it has ended.
    async fn next(&mut self) -> Option<(String, String)> {
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                let data: Vec<_> = event.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
                if let Some(r#type) = event.lines().find_map(|line| line.strip_prefix("event: ")) {
                    return Some((r#type.to_owned(), data.join("\n")));
                }
            }
            let chunk = timeout(LIMIT, self.response.chunk()).await.expect("it is told something, or ends");
            self.text.push_str(std::str::from_utf8(&chunk.unwrap()?).unwrap());
        }
    }

    /// The first content with this text.
    async fn shows(&mut self, text: &str) -> String {
        loop {
            let (r#type, data) = self.next().await.expect("it goes on");
            if r#type == "shown" && data.contains(text) {
                return data;
            }
        }
    }
}

#[tokio::test]
async fn what_changes_is_told_to_all_that_watch_each_with_the_token_of_its_own_session() {
    let app = TestApp::start().await;
    app.enqueue(json!({"kind": "echo", "queue": "mail"})).await;
    let mut browsers = [Browser::of_admin(&app).await, Browser::of_admin(&app).await];
    let tokens = [browsers[0].form_token().await, browsers[1].form_token().await];
    assert_ne!(tokens[0], tokens[1]);
    let page = browsers[0].get("/ui/queues").await.text;
    assert!(page.contains(r#"sse-connect="/ui/live?of=%2Fui%2Fqueues""#), "{page}");
    let mut streams =
        [Live::open(&browsers[0], &app, "/ui/queues").await, Live::open(&browsers[1], &app, "/ui/queues").await];
    for (at, stream) in streams.iter_mut().enumerate() {
        let shown = stream.shows(">mail<").await;
        assert!(!shown.contains("<html") && !shown.contains(&tokens[1 - at]), "{shown}");
        // Each form in it has this session's token.
        assert_eq!(shown.matches("<form").count(), shown.matches(&tokens[at]).count(), "{shown}");
        assert_eq!(shown.matches(r#"name="form""#).count(), shown.matches(&tokens[at]).count(), "{shown}");
    }
    app.enqueue(json!({"kind": "echo", "queue": "images"})).await;
    for stream in &mut streams {
        stream.shows(">images<").await;
    }
}

#[tokio::test]
async fn those_that_may_see_less_are_told_less() {
    let app = TestApp::start().await;
    for queue in ["mail", "secret"] {
        app.enqueue(json!({"kind": "echo", "queue": queue})).await;
    }
    let token = app.agent(&json!({"name": "mailer", "scopes": ["jobs:read"], "queues": ["mail"]})).await;
    let (admin, mailer) = (Browser::of_admin(&app).await, Browser::with_token(&app, &token).await);
    let all = Live::open(&admin, &app, "/ui/queues").await.shows("secret").await;
    assert!(all.contains(">Pause<"), "{all}");
    let own = Live::open(&mailer, &app, "/ui/queues").await.shows("mail").await;
    assert!(!own.contains("secret") && !own.contains(">Pause<"), "{own}");
    // What is no page of ours is the overview, and what cannot be shown is told as that.
    Live::open(&admin, &app, "https://elsewhere.example/ui").await.shows("id=\"series\"").await;
    let mut gone = Live::open(&admin, &app, "/ui/no-such-page").await;
    assert_eq!(gone.next().await.unwrap().0, "away");
}

#[tokio::test]
async fn a_stream_ends_when_its_session_does() {
    let app = TestApp::start().await;
    let mut browser = Browser::of_admin(&app).await;
    let mut stream = Live::open(&browser, &app, "/ui/queues").await;
    assert_eq!(stream.next().await.unwrap().0, "shown");
    let token = browser.form_token().await;
    assert_eq!(browser.send("/ui/sign-out", &[("form", &token)]).await.status, 303);
    while stream.next().await.is_some() {}
    let refused = browser.get("/ui/live?of=%2Fui").await;
    assert_eq!((refused.status, refused.header("location")), (303, "/ui/sign-in?to=%2Fui%2Flive%3Fof%3D%252Fui"));
}

#[tokio::test]
async fn an_api_that_stops_waits_for_no_stream() {
    let (stop, stopped) = oneshot::channel();
    let (app, api) = TestApp::start_until(async { stopped.await.unwrap() }).await;
    let browser = Browser::of_admin(&app).await;
    let mut stream = Live::open(&browser, &app, "/ui").await;
    assert_eq!(stream.next().await.unwrap().0, "shown");
    stop.send(()).unwrap();
    while stream.next().await.is_some() {}
    timeout(LIMIT, api).await.expect("it has stopped").unwrap();
}
