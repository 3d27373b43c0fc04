//! Lists come in pages that are bounded in size: pages are read until there are as many rows as
//! `--limit` asks for.

use ordinaut_core::db::{Page, Unreadable};

/// Number of rows of a page where all are read.
const ROWS: i64 = 500;

/// The rows of all pages. What cannot be read is said in the log.
pub(super) async fn all<T, C, E>(page: impl AsyncFnMut(i64, Option<C>) -> Result<Page<T, C>, E>) -> Result<Vec<T>, E> {
    let mut next_page = page;
    let all = collect(i64::MAX, async |limit, next| next_page(limit.min(ROWS), next).await).await?;
    for Unreadable { title, reason, .. } in &all.unreadable {
        tracing::warn!("{title} cannot be shown: {reason}");
    }
    Ok(all.items)
}

/// Up to `limit` rows, from as many pages as it takes.
pub(super) async fn collect<T, C, E>(
    limit: i64,
    mut page: impl AsyncFnMut(i64, Option<C>) -> Result<Page<T, C>, E>,
) -> Result<Page<T, C>, E> {
    let mut all = page(limit, None).await?;
    while all.next.is_some() {
        let left = limit - i64::try_from(all.len() + all.unreadable.len()).unwrap_or(limit);
        if left <= 0 {
            break;
        }
        let more = page(left, all.next.take()).await?;
        all.items.extend(more.items);
        all.unreadable.extend(more.unreadable);
        all.next = more.next;
    }
    Ok(all)
}
