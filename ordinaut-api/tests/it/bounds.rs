//! What answers cost the real binary, whatever is stored.

use crate::app::{TOKEN, client};
use crate::binary::{Running, binary};
use futures_util::future::join_all;
use ordinaut_core::Client;
use ordinaut_test_support::database::fresh_database;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool};
use std::collections::HashSet;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const MOST_MEMORY: usize = 100 * 1000 * 1024;
const MOST_OF_ROWS: usize = 40 * 1000 * 1024;

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
    // What the program itself takes, whatever it grows by.
    let at_first = api.peak_memory();
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
    let more = api.peak_memory() - at_first;
    assert!(more < MOST_OF_ROWS, "it took {more} bytes beside the {at_first} of its start");
}

/// Many large bodies that are announced and never come take room, and no memory without bound.
#[tokio::test]
async fn large_bodies_share_their_room_and_must_come_in_time() {
    let url = fresh_database();
    // It waits for the schema.
    Client::builder(&url).connect().await.unwrap().migrate().await.unwrap();
    let settings = [("DATABASE_URL", &*url), ("API_ADMIN_TOKEN", TOKEN), ("API_HOST", "127.0.0.1")];
    let api = Running::start(&mut binary(&settings));
    let head = format!(
        "POST /jobs HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\ncontent-length: 16000000\r\n\r\n[{{\"kind\":"
    );
    let status = async |head: &str| {
        let mut stream = TcpStream::connect(&api.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer[9..]).into_owned()
    };
    let stalled = (0..12).map(|_| status(&head));
    let others = async {
        // A small one needs no room.
        let small = client().post(format!("http://{}/jobs", api.address)).bearer_auth(TOKEN).body(r#"{"kind": "k"}"#);
        assert_eq!(small.send().await.unwrap().status(), 201);
    };
    let (answers, ()) = tokio::join!(join_all(stalled), others);
    let count = |status: &str| answers.iter().filter(|answer| *answer == status).count();
    assert_eq!((count("408"), count("503")), (4, 8), "{answers:?}");

    assert_eq!(status(&head.replace("16000000", "160000000")).await, "413");
    assert!(api.peak_memory() < MOST_MEMORY, "it took {} bytes", api.peak_memory());
}
