//! What answers cost the real binary, whatever is stored.

use crate::app::{TOKEN, client, fresh_database, postgres_url};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool};
use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

const MOST_MEMORY_KB: u64 = 100_000;

/// Ends with the test.
struct Api {
    child: Child,
    url: String,
}

impl Drop for Api {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Api {
    fn start(database: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ordinaut-api"));
        let settings =
            [("DATABASE_URL", database), ("API_ADMIN_TOKEN", TOKEN), ("API_HOST", "127.0.0.1"), ("API_PORT", "0")];
        command.env_clear().envs(settings).stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let listens = log.find(|line| line.contains("the API listens on")).unwrap();
        let said: Value = serde_json::from_str(&listens).unwrap();
        // The pipe must not fill up.
        std::thread::spawn(move || log.for_each(drop));
        Self { child, url: format!("http://{}", said["address"].as_str().unwrap()) }
    }

    /// The most memory that it ever had.
    fn high_water_kb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// The ids on all pages of a list.
    async fn walk(&self, list: &str, id: &str, cursor: &str) -> HashSet<String> {
        let (client, mut seen, mut next) = (client(), HashSet::new(), String::new());
        loop {
            let url = format!("{}/{list}?limit=500&{cursor}={next}", self.url);
            let answer = client.get(url).bearer_auth(TOKEN).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            let page: Value = answer.json().await.unwrap();
            for item in page[list].as_array().unwrap() {
                assert!(seen.insert(item[id].as_str().unwrap().to_owned()), "it is on two pages");
            }
            let Some(cursor) = page["next"].as_str() else { return seen };
            next = cursor.to_owned();
        }
    }
}

#[tokio::test]
async fn rows_of_a_megabyte_are_all_on_some_page_and_take_little_memory() {
    let options = fresh_database(postgres_url().parse().unwrap()).await;
    let url = postgres_url().replace("/postgres?", &format!("/{}?", options.get_database().unwrap()));
    let api = Api::start(&url);
    let pool = PgPool::connect_with(options).await.unwrap();
    // Texts, and what takes the most memory for its size: half a million numbers.
    let args =
        "case when n % 20 = 0 then to_jsonb(array_fill(0, array[500000])) else to_jsonb(repeat('x', 1000000)) end";
    for statement in [
        format!(
            r#"insert into ordinaut.task (id, definition)
               select gen_random_uuid(), jsonb_build_object('title', 't', 'kind', 'k', 'queue', 'q', 'args', {args},
                   'schedule', '{{"kind": "event", "expr": "a", "timezone": "UTC"}}'::jsonb)
               from generate_series(1, 60) n"#
        ),
        format!(
            "insert into ordinaut.dead_letter (job_id, attempt, failures, kind, queue, priority, args)
             select gen_random_uuid(), 1, 1, 'k', 'q', 5, {args} from generate_series(1, 100) n"
        ),
    ] {
        sqlx::query(AssertSqlSafe(statement)).execute(&pool).await.unwrap();
    }
    assert_eq!(api.walk("tasks", "id", "before").await.len(), 60);
    assert_eq!(api.walk("dead", "job_id", "after").await.len(), 100);
    let memory = api.high_water_kb();
    assert!(memory < MOST_MEMORY_KB, "it took {memory} kB");
}
