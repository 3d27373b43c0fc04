//! WAL written between two readings: how much, of that how many whole pages, and for which table.

use crate::lab::{BENCH, Lab};
use crate::meter::Reading;
use sqlx::PgConnection;
use std::collections::BTreeMap;

/// Bytes of WAL.
pub(crate) struct Wal {
    /// Without images of whole pages.
    pub(crate) bytes: f64,
    /// Images of pages that were written for the first time after a checkpoint: their number
    /// depends on when that was. `None` where this server cannot tell (`pg_walinspect` is missing);
    /// they are then part of `bytes`.
    pub(crate) images: Option<f64>,
    /// Records by table, with its indexes, partitions and long values, and by kind where there is
    /// no table of ours. What the log adds to them (headers of pages, alignment) is missing.
    pub(crate) by_table: BTreeMap<String, f64>,
}

impl Wal {
    /// Reads it back from the log, after the measurement.
    pub(crate) async fn between(lab: &Lab, name: &str, before: &Reading, after: &Reading) -> anyhow::Result<Self> {
        let bytes = (after.lsn - before.lsn) as f64;
        let mut connection = lab.connect(name, BENCH).await?;
        if sqlx::query("create extension if not exists pg_walinspect").execute(&mut connection).await.is_err() {
            return Ok(Self { bytes, images: None, by_table: BTreeMap::new() });
        }
        // A commit that waits for the disk, so that all of the log up to here can be read.
        sqlx::query("select pg_logical_emit_message(true, 'bench', '')").execute(&mut connection).await?;
        let tables = by_table(&mut connection, before.lsn, after.lsn).await?;
        let images: f64 = tables.iter().map(|(.., images)| images).sum();
        let by_table = tables.into_iter().map(|(table, records, _)| (table, records)).collect();
        Ok(Self { bytes: bytes - images, images: Some(images), by_table })
    }

    pub(crate) fn of_table(&self, table: &str) -> f64 {
        self.by_table.get(table).copied().unwrap_or(0.0)
    }
}

async fn by_table(db: &mut PgConnection, from: i64, to: i64) -> sqlx::Result<Vec<(String, f64, f64)>> {
    let records = "
        with record as materialized (
            select substring(block_ref from 'rel [0-9]+/[0-9]+/([0-9]+)')::oid as file, resource_manager,
                   record_length - fpi_length as bytes, fpi_length as images
            from pg_get_wal_records_info('0/0'::pg_lsn + $1::bigint::numeric,
                                         '0/0'::pg_lsn + $2::bigint::numeric)
        ), kind as (
            select file, resource_manager, sum(bytes)::float8 as bytes, sum(images)::float8 as images
            from record
            group by file, resource_manager
        )
        select coalesce(parent.relname, whole.relname, resource_manager)::text as name,
               sum(bytes)::float8, sum(images)::float8
        from kind
        left join pg_class as part on part.relfilenode = kind.file
        left join pg_index on pg_index.indexrelid = part.oid
        left join pg_class as indexed on indexed.oid = coalesce(pg_index.indrelid, part.oid)
        left join pg_class as toasted on toasted.reltoastrelid = indexed.oid
        left join pg_class as whole on whole.oid = coalesce(toasted.oid, indexed.oid)
        left join pg_class as parent on parent.oid = pg_partition_root(whole.oid)
        group by 1";
    sqlx::query_as(records).bind(from).bind(to).fetch_all(db).await
}
