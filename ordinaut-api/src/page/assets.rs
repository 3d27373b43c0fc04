//! What the page loads: files in this binary, under names that have a hash of what is in them, so
//! that a browser keeps them and never mistakes an old one for a new one.

use super::answer::{self, Coding};
use crate::problem::Problem;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// A name is of what is in the file, which never changes.
const KEEP: &str = "public, max-age=31536000, immutable";

/// The best: a file is compressed once by a process.
const QUALITY: i32 = 11;

struct Asset {
    stem: &'static str,
    /// With its hash.
    name: String,
    etag: HeaderValue,
    content_type: &'static str,
    bytes: &'static [u8],
    gzip: Vec<u8>,
    brotli: Vec<u8>,
}

macro_rules! assets {
    ($($file:literal)*) => {
        [$(($file, &include_bytes!(concat!("../../assets/", $file))[..])),*]
    };
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let files = assets!("page.css" "page.js" "icon.svg" "htmx.min.js" "htmx-sse.min.js" "uplot.min.js" "uplot.min.css");
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
        let [gzip, brotli] = [Coding::Gzip, Coding::Brotli].map(|coding| coding.encode(bytes, QUALITY));
        Self { stem, name: format!("{base}-{hash}.{kind}"), etag, content_type, bytes, gzip, brotli }
    }

    fn encoded(&self, coding: Coding) -> &[u8] {
        match coding {
            Coding::Plain => self.bytes,
            Coding::Gzip => &self.gzip,
            Coding::Brotli => &self.brotli,
        }
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
    let body = answer::encoded(&headers, |coding| asset.encoded(coding).to_vec());
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
}
