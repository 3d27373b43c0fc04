//! Somebody at the page: a dev that runs, and a browser that is signed in to it.

use crate::home::{Dev, Home};
use fantoccini::elements::Element;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use ordinaut_test_support::program::KilledOnDrop;
use serde_json::{Map, Value, json};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Far more than anything on the page takes.
const LIMIT: Duration = Duration::from_secs(30);

pub(crate) struct Visitor {
    pub(crate) home: Home,
    pub(crate) browser: Client,
    pub(crate) url: String,
    dev: Option<Dev>,
    _driver: KilledOnDrop,
}

/// A command of Chromium's own tools.
#[derive(Debug)]
struct Tool(Value);

impl WebDriverCompatibleCommand for Tool {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.0.to_string()))
    }
}

/// A driver on a port of its own choice.
fn driver() -> (KilledOnDrop, String) {
    let mut command = Command::new("chromedriver");
    let mut driver = command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.find(|line| line.contains("started successfully on port")).unwrap();
    let port = line.trim_end_matches('.').rsplit(' ').next().unwrap().to_owned();
    // It writes on, and would wait for a reader.
    std::thread::spawn(move || lines.for_each(drop));
    (driver.into(), format!("http://127.0.0.1:{port}"))
}

impl Visitor {
    pub(crate) async fn new() -> Self {
        Self::with(json!({})).await
    }

    /// With JavaScript turned off.
    pub(crate) async fn without_scripts() -> Self {
        Self::with(json!({"profile.managed_default_content_settings.javascript": 2})).await
    }

    async fn with(preferences: Value) -> Self {
        let home = Home::new();
        let mut dev = home.dev("--fault-kinds");
        let link = dev.says("page ").split_whitespace().nth(1).unwrap().to_owned();
        let (driver, at) = driver();
        let arguments =
            ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"];
        let mut capabilities = Map::new();
        capabilities.insert("goog:chromeOptions".to_owned(), json!({"args": arguments, "prefs": preferences}));
        let browser = ClientBuilder::new(HttpConnector::new()).capabilities(capabilities).connect(&at).await.unwrap();
        browser.goto(&link).await.unwrap();
        let url = dev.api.clone();
        home.living_workers(1);
        Self { home, browser, url, dev: Some(dev), _driver: driver }
    }

    /// `kill -9` of all that runs.
    pub(crate) fn kill(&mut self) {
        self.dev.take().unwrap().kill();
    }

    /// Starts it again, where it was.
    pub(crate) fn start_again(&mut self) {
        let port = self.url.rsplit(':').next().unwrap();
        let dev = Dev::start(self.home.command("dev --fault-kinds").env("API_PORT", port));
        assert_eq!(dev.api, self.url);
        self.dev = Some(dev);
    }

    pub(crate) async fn goto(&self, path: &str) {
        self.browser.goto(&format!("{}{path}", self.url)).await.unwrap();
    }

    /// What is found by an `XPath`, once it is there.
    pub(crate) async fn find(&self, path: &str) -> Element {
        match self.browser.wait().at_most(LIMIT).for_element(Locator::XPath(path)).await {
            Ok(element) => element,
            Err(error) => panic!("{path} is not there: {error}: {}", self.text().await),
        }
    }

    /// Waits until something is found by an `XPath`.
    pub(crate) async fn sees(&self, path: &str) {
        self.find(path).await;
    }

    /// Makes a batch, which no command of ours does, and returns its id.
    pub(crate) async fn batch(&self, batch: &Value) -> String {
        let token = fs::read_to_string(self.home.path(".ordinaut/api_token")).unwrap();
        self.goto("/ui").await;
        let script = "const [token, batch, done] = arguments;
            fetch('/batches', {method: 'POST', body: batch, headers: {authorization: `Bearer ${token}`, 'content-type': 'application/json'}})
                .then((answer) => answer.json()).then((made) => done(made.id))";
        let made = self.run(script, vec![token.trim().into(), batch.to_string().into()]).await;
        made.as_str().unwrap().to_owned()
    }

    pub(crate) async fn is_there(&self, path: &str) -> bool {
        self.browser.find(Locator::XPath(path)).await.is_ok()
    }

    /// The same on a page, for longer.
    pub(crate) async fn sees_within(&self, limit: Duration, path: &str, at: &str) {
        self.goto(at).await;
        let waiting = self.browser.wait().at_most(limit).for_element(Locator::XPath(path));
        assert!(waiting.await.is_ok(), "{path} is not there: {}", self.text().await);
    }

    /// Presses what is found by an `XPath`. What moved at that moment is looked for again.
    pub(crate) async fn press(&self, path: &str) {
        loop {
            match self.find(path).await.click().await {
                Ok(()) => return,
                Err(error) if error.is_stale_element_reference() => {}
                Err(error) => panic!("{path} cannot be pressed: {error}"),
            }
        }
    }

    /// Types into what is found so. What moved before a letter was typed is looked for again.
    pub(crate) async fn types(&self, path: &str, text: &str) {
        loop {
            match self.find(path).await.send_keys(text).await {
                Ok(()) => return,
                Err(error) if error.is_stale_element_reference() => {}
                Err(error) => panic!("nothing can be typed into {path}: {error}"),
            }
        }
    }

    pub(crate) async fn text(&self) -> String {
        let body = self.browser.find(Locator::Css("body")).await.unwrap();
        body.text().await.unwrap_or_default()
    }

    pub(crate) async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.browser.execute_async(script, arguments).await.unwrap()
    }

    /// As a browser of this width, in a theme.
    pub(crate) async fn looks_like(&self, theme: &str, width: u32) {
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500});
        self.tool("Emulation.setDeviceMetricsOverride", size).await;
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": theme}]});
        self.tool("Emulation.setEmulatedMedia", features).await;
    }

    pub(crate) async fn tool(&self, command: &str, parameters: Value) -> Value {
        self.browser.issue_cmd(Tool(json!({"cmd": command, "params": parameters}))).await.unwrap()
    }
}
