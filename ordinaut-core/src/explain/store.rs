//! The looks of an explanation.

use crate::client::Client;
use crate::db::fields::Fields;
use crate::explain::facts::{Hand, Load, Members, Other, Part, Pause, Place, Room};
use crate::job::wait::LimitKey;
use sqlx::FromRow;
use sqlx::postgres::PgRow;
use uuid::Uuid;

impl FromRow<'_, PgRow> for Other {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let mut fields = Fields::of(row);
        Ok(Self {
            id: fields.get("id")?,
            kind: fields.get("kind")?,
            queue: fields.get("queue")?,
            state: fields.word("state")?,
            run_at: fields.instant("run_at")?,
        })
    }
}

impl FromRow<'_, PgRow> for Pause {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let mut fields = Fields::of(row);
        Ok(Self {
            name: fields.get("name")?,
            paused_at: fields.certain_instant("paused_at")?,
            paused_by: fields.get("paused_by")?,
            paused_reason: fields.get("paused_reason")?,
        })
    }
}

impl FromRow<'_, PgRow> for Hand {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let fields = Fields::of(row);
        Ok(Self {
            name: fields.get("name")?,
            session: fields.get("session")?,
            serves: fields.get("serves")?,
            knows: fields.get("knows")?,
            running: fields.get("running")?,
            concurrency: fields.get("concurrency")?,
            drained: fields.get("drained")?,
        })
    }
}

impl FromRow<'_, PgRow> for Room {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let fields = Fields::of(row);
        Ok(Self {
            name: fields.get("name")?,
            key: fields.get("key")?,
            ordered: fields.get("ordered")?,
            per_process: fields.get("per_process")?,
            rate: fields.get("rate")?,
            concurrency: fields.get("concurrency")?,
            held: fields.get("held")?,
            tokens: fields.get("tokens")?,
            holders: fields.get("holders")?,
        })
    }
}

impl FromRow<'_, PgRow> for Place {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let fields = Fields::of(row);
        Ok(Self {
            ahead: fields.get("ahead")?,
            suspect: fields.get("suspect")?,
            suspects: fields.get("suspects")?,
            ended: fields.get("ended")?,
        })
    }
}

impl FromRow<'_, PgRow> for Part {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let fields = Fields::of(row);
        Ok(Self {
            version: fields.get("version")?,
            percent: fields.get("percent")?,
            own: fields.get("own")?,
            workers: fields.get("workers")?,
        })
    }
}

impl FromRow<'_, PgRow> for Load {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let fields = Fields::of(row);
        Ok(Self {
            waiting: fields.get("waiting")?,
            oldest: fields.get("oldest")?,
            unknown_kinds: fields.get("unknown_kinds")?,
            parked: fields.get("parked")?,
            limited: fields.get("limited")?,
            limited_job: fields.get("limited_job")?,
            placed: fields.get("placed")?,
            placed_job: fields.get("placed_job")?,
            unavailable: fields.get("unavailable")?,
            unavailable_job: fields.get("unavailable_job")?,
            unversioned: fields.get("unversioned")?,
            workers: fields.get("workers")?,
            serving: fields.get("serving")?,
            drained: fields.get("drained")?,
            running: fields.get("running")?,
            slots: fields.get("slots")?,
            arrived: fields.get("arrived")?,
            ended: fields.get("ended")?,
            failed: fields.get("failed")?,
            dead: fields.get("dead")?,
            unrelayed: fields.get("unrelayed")?,
            max_waiting: fields.get("max_waiting")?,
            level: fields.word("level")?,
        })
    }
}

impl FromRow<'_, PgRow> for Members {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let fields = Fields::of(row);
        Ok(Self { place: fields.get("place")?, members: fields.get("members")?, first: fields.get("first")? })
    }
}

impl Client {
    pub(crate) async fn pause_of(&self, queue: &str) -> sqlx::Result<Option<Pause>> {
        sqlx::query_as(self.sql(sql!("explain/pause"))).bind(queue).fetch_optional(self).await
    }

    pub(crate) async fn hands_for(&self, queue: &str, kind: &str) -> sqlx::Result<Vec<Hand>> {
        sqlx::query_as(self.sql(sql!("explain/workers"))).bind(queue).bind(kind).fetch_all(self).await
    }

    pub(crate) async fn room_under(&self, limits: &[LimitKey]) -> sqlx::Result<Vec<Room>> {
        sqlx::query_as(self.sql(sql!("explain/limits")))
            .bind(limits.iter().map(|limit| &*limit.name).collect::<Vec<_>>())
            .bind(limits.iter().map(|limit| &*limit.key).collect::<Vec<_>>())
            .fetch_all(self.by_key())
            .await
    }

    pub(crate) async fn place_of(&self, job_id: Uuid) -> sqlx::Result<Option<Place>> {
        sqlx::query_as(self.sql(sql!("explain/place"))).bind(job_id).fetch_optional(self.by_key()).await
    }

    pub(crate) async fn part_of(&self, job_id: Uuid, queue: &str, kind: &str) -> sqlx::Result<Option<Part>> {
        let part = sqlx::query_as(self.sql(sql!("explain/rollout"))).bind(job_id).bind(queue).bind(kind);
        part.fetch_optional(self).await
    }

    pub(crate) async fn others(&self, jobs: &[Uuid]) -> sqlx::Result<Vec<Other>> {
        sqlx::query_as(self.sql(sql!("explain/others"))).bind(jobs).fetch_all(self.by_key()).await
    }

    pub(crate) async fn unfinished_of(&self, task_id: Uuid) -> sqlx::Result<Vec<Uuid>> {
        sqlx::query_scalar(self.sql(sql!("explain/unfinished"))).bind(task_id).fetch_all(self.by_key()).await
    }

    pub(crate) async fn load_of(&self, queue: &str) -> sqlx::Result<Load> {
        sqlx::query_as(self.sql(sql!("explain/queue"))).bind(queue).fetch_one(self.by_key()).await
    }

    pub(crate) async fn places_of(&self, batch_id: Uuid, members: i64) -> sqlx::Result<Vec<Members>> {
        sqlx::query_as(self.sql(sql!("explain/batch"))).bind(batch_id).bind(members).fetch_all(self.by_key()).await
    }
}
