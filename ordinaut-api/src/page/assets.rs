//! What the page loads: files in this binary, under names that have a hash of what is in them, so
//! that a browser keeps them and never mistakes an old one for a new one.

use super::answer::{self, deflated};
use crate::problem::Problem;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// A name is of what is in the file, which never changes.
const KEEP: &str = "public, max-age=31536000, immutable";

struct Asset {
    stem: &'static str,
    /// With its hash.
    name: String,
    etag: HeaderValue,
    content_type: &'static str,
    bytes: &'static [u8],
    deflated: Vec<u8>,
}

macro_rules! assets {
    ($($file:literal)*) => {
        [$(($file, &include_bytes!(concat!("../../assets/", $file))[..])),*]
    };
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let files = assets!("page.css" "page.js" "icon.svg" "htmx.min.js" "uplot.min.js" "uplot.min.css");
    files.into_iter().map(|(stem, bytes)| Asset::new(stem, bytes)).collect()
});

impl Asset {
    fn new(stem: &'static str, bytes: &'static [u8]) -> Self {
        let hash: String = Sha256::digest(bytes).iter().take(8).map(|octet| format!("{octet:02x}")).collect();
        let (base, kind) = stem.rsplit_once('.').unwrap_or((stem, ""));
        let content_type = match kind {
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            _ => "image/svg+xml",
        };
        let etag = HeaderValue::from_str(&format!("\"{hash}\"")).expect("a hash in hexadecimal can be a header");
        Self { stem, name: format!("{base}-{hash}.{kind}"), etag, content_type, bytes, deflated: deflated(bytes) }
    }
}

/// Where a file is found.
pub(super) fn url(stem: &str) -> String {
    let asset = ASSETS.iter().find(|asset| asset.stem == stem);
    format!("/ui/assets/{}", asset.map_or("", |asset| &asset.name))
}

/// A file. The same for everybody, so that it takes no session.
pub(super) async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return Problem::not_found("the page has no such part").into_response();
    };
    let said = [(CACHE_CONTROL, HeaderValue::from_static(KEEP)), (ETAG, asset.etag.clone())];
    if headers.get(IF_NONE_MATCH) == Some(&asset.etag) {
        return (StatusCode::NOT_MODIFIED, said).into_response();
    }
    let content_type = [(CONTENT_TYPE, asset.content_type)];
    let body = answer::of_two(&headers, || asset.bytes.to_vec(), || asset.deflated.clone());
    (said, content_type, body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_what_the_table_says() {
        let table = include_str!("../../assets/README.md");
        let rows: Vec<Vec<&str>> = table
            .lines()
            .filter(|line| line.contains(".min."))
            .map(|line| line.split('|').map(str::trim).collect())
            .collect();
        let others: Vec<_> = ASSETS.iter().filter(|asset| asset.stem.contains(".min.")).collect();
        assert_eq!(rows.len(), others.len());
        for asset in others {
            let row = rows.iter().find(|row| row[1] == asset.stem).unwrap_or_else(|| panic!("{}", asset.stem));
            let sum: String = Sha256::digest(asset.bytes).iter().map(|octet| format!("{octet:02x}")).collect();
            assert_eq!(row[5], sum, "{}", asset.stem);
        }
    }

    /// The rest of the 150 kB is for the document itself.
    #[test]
    fn all_of_it_is_less_than_100_kb_as_it_is_sent() {
        let sent: usize = ASSETS.iter().map(|asset| asset.deflated.len()).sum();
        assert!(sent < 100_000, "{sent}");
    }
}
