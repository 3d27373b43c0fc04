//! What answers cost the real binary, whatever is stored.

use crate::app::{TOKEN, client};
use crate::binary::{Running, binary};
use ordinaut_test_support::database::fresh_database;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool};
use std::collections::HashSet;

const MOST_MEMORY: usize = 100 * 1000 * 1024;

/// The ids on all pages of a list.
async fn walk(api: &Running, list: &str, id: &str, cursor: &str) -> HashSet<String> {
    let (client, mut seen, mut next) = (client(), HashSet::new(), String::new());
    loop {
        let url = format!("http://{}/{list}?limit=500&{cursor}={next}", api.address);
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

#[tokio::test]
async fn rows_of_a_megabyte_are_all_on_some_page_and_take_little_memory() {
    let url = fresh_database();
    let settings = [("DATABASE_URL", &*url), ("API_ADMIN_TOKEN", TOKEN), ("API_HOST", "127.0.0.1")];
    let api = Running::start(&mut binary(&settings));
    let pool = PgPool::connect(&url).await.unwrap();
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
    assert_eq!(walk(&api, "tasks", "id", "before").await.len(), 60);
    assert_eq!(walk(&api, "dead", "job_id", "after").await.len(), 100);
    assert!(api.peak_memory() < MOST_MEMORY, "it took {} bytes", api.peak_memory());
}
