//! A process that starts: what will pass, or what another person can mend, is waited for.

use crate::fixture::{TestDatabase, database, enqueue, eventually, succeed, within, worker};
use ordinaut_core::error::FailureKind;
use ordinaut_core::worker::Step;
use ordinaut_runtime::settings::database::DatabaseSettings;
use ordinaut_runtime::settings::read_from;
use ordinaut_runtime::{can_use, open_database};
use sqlx::AssertSqlSafe;

/// A role of the test's own that may use the tables and owns none of them.
struct Role {
    db: TestDatabase,
    name: String,
}

impl Role {
    /// `None`: the server is somebody else's.
    async fn new() -> Option<Self> {
        let db = database().await;
        db.pool().connect_options().get_socket()?;
        let name = format!("{}_role", db.pool().connect_options().get_database().unwrap());
        let role = Self { db, name };
        role.tell("create role {role} login").await;
        role.tell("grant usage on schema ordinaut to {role}").await;
        role.tell("grant select, insert, update, delete on all tables in schema ordinaut to {role}").await;
        role.tell("grant usage on all sequences in schema ordinaut to {role}").await;
        Some(role)
    }

    async fn tell(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.replace("{role}", &self.name));
        sqlx::raw_sql(sql).execute(self.db.pool()).await.unwrap();
    }

    /// What a process of this role reads at its start.
    fn settings(&self) -> DatabaseSettings {
        let options = self.db.pool().connect_options();
        let (socket, database) = (options.get_socket().unwrap(), options.get_database().unwrap());
        let socket = socket.display().to_string().replace('/', "%2F");
        let url = format!("postgres://{}@localhost:{}/{database}?host={socket}", self.name, options.get_port());
        DatabaseSettings::read(&read_from([], [("DATABASE_URL".to_owned(), url)]).unwrap()).unwrap()
    }

    async fn drop(self) {
        self.tell("drop owned by {role}; drop role {role}").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_waits_until_no_policy_hides_its_rows() {
    let Some(role) = Role::new().await else { return };
    enqueue(&role.db).await;
    role.tell("alter table ordinaut.due_work enable row level security").await;
    let hidden = role.settings().connect("hidden").await.unwrap();
    let why = can_use(&hidden).await.unwrap_err();
    assert!(why.contains("due_work") && why.contains("bypassrls"), "{why}");
    hidden.pool().close().await;
    let settings = role.settings();
    let opening = tokio::spawn(async move { open_database(&settings, "waiting").await });
    eventually(&role.db, "select exists (select from pg_stat_activity where application_name = 'waiting')").await;
    role.tell("alter table ordinaut.due_work disable row level security").await;
    let opened = within(opening).await.unwrap().unwrap();
    let mut worker = worker(&opened, succeed);
    assert!(matches!(worker.step().await.unwrap(), Step::Worked(_)));
    drop(worker);
    opened.pool().close().await;
    role.tell("select pg_terminate_backend(pid) from pg_stat_activity where usename = '{role}'").await;
    role.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_starts_waits_for_a_connection_to_become_free() {
    let Some(role) = Role::new().await else { return };
    role.tell("alter role {role} connection limit 0").await;
    let full = role.settings().connect("full").await.unwrap_err();
    assert_eq!(full.kind(), FailureKind::NoRoom);
    assert!(
        full.to_string().contains("too many connections"),
        "the reason, and not that a pool was waited for: {full}"
    );
    let settings = role.settings();
    let opening = tokio::spawn(async move { open_database(&settings, "full").await });
    role.tell("alter role {role} connection limit 1").await;
    let opened = within(opening).await.unwrap().unwrap();
    opened.check_schema().await.unwrap();
    opened.pool().close().await;
    role.drop().await;
}
