//! A page of a list: the rows that fit, and where the next page begins.

use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};
use std::ops::{Deref, DerefMut};

/// Octets of arguments, outputs and errors on one page; a single row may be larger, and is then
/// alone on its page.
pub(crate) const PAGE_OCTETS: i64 = 1024 * 1024;

/// Number of rows of a page where all pages are read.
pub(crate) const PAGE_ROWS: i64 = 500;

/// Part of a list. It reads as its items.
///
/// A page ends when it has as many rows as were asked for, or about 1 MiB: what
/// [`next`](Page::next) says, and not the number of rows, tells whether there is more.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Page<T, C> {
    /// The rows that could be read.
    pub items: Vec<T>,
    /// Rows that are there and cannot be read, such as those of a newer version.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<Unreadable>,
    /// Where the next page begins; `None`: this is the last one.
    pub next: Option<C>,
}

/// A row that cannot be read, with what is known of it.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Unreadable {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// Which field cannot be read, and why.
    pub reason: String,
}

impl<T, C> Page<T, C> {
    pub(crate) fn new(items: Vec<T>, next: Option<C>) -> Self {
        Self { items, unreadable: Vec::new(), next }
    }

    /// The page of a statement that was asked for one row more than `limit`.
    pub(crate) fn of_one_more(mut items: Vec<T>, limit: i64, cursor: impl Fn(&T) -> C) -> Self {
        let limit = usize::try_from(limit).unwrap_or_default();
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(cursor);
        Self::new(items, next)
    }

    /// The page that a statement answered whose rows have a name, and as "walked" how many it
    /// found. A row that cannot be read is told by its name.
    pub(crate) fn read(rows: &[PgRow], cursor: impl Fn(&PgRow) -> sqlx::Result<C>) -> sqlx::Result<Self>
    where
        T: for<'r> FromRow<'r, PgRow>,
    {
        let walked = rows.first().map_or(Ok(0), |row| row.try_get::<i64, _>("walked"))?;
        let last = rows.last().filter(|_| walked > rows.len() as i64);
        let mut page = Self::new(Vec::new(), last.map(cursor).transpose()?);
        for row in rows {
            match T::from_row(row) {
                Ok(item) => page.items.push(item),
                Err(error) => {
                    let name: String = row.try_get("name")?;
                    page.unreadable.push(Unreadable { id: name.clone(), title: name, reason: error.to_string() });
                }
            }
        }
        Ok(page)
    }
}

impl<T, C> Deref for Page<T, C> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.items
    }
}

impl<T, C> DerefMut for Page<T, C> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.items
    }
}

impl<T, C> IntoIterator for Page<T, C> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'a, T, C> IntoIterator for &'a Page<T, C> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}
