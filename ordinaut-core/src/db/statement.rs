//! The text of a statement, as the library sends it.

/// A statement of `sql/`, by its path without the ending. Its blocks are in their places: see
/// `build.rs`.
macro_rules! sql {
    ($path:literal) => {
        include_str!(concat!(env!("OUT_DIR"), "/sql/", $path, ".sql"))
    };
}
