//! `/openapi.json` and `/docs`: what each route takes and answers, for programs and for people.

use crate::parameters::Name;
use crate::problem::Problem;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;
use std::sync::{Arc, LazyLock};
use utoipa_swagger_ui::Config;

/// The page is of this server alone.
const POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What anybody may keep: it is the same for all.
const KEEP: &str = "public, max-age=300";

/// The crate's own page names its parts as if it were a directory.
const PAGE: &str = r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Ordinaut's HTTP API</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="icon" href="docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/swagger-ui-standalone-preset.js"></script>
<script src="docs/swagger-initializer.js"></script>
</body>
</html>
"#;

static DOCUMENT: LazyLock<String> = LazyLock::new(|| super::document().to_string());

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "getOpenApi",
    responses((status = 200, body = Object, description = "An OpenAPI document, version 3.1.")),
)]
pub(crate) async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, KEEP)], &**DOCUMENT)
}

/// This document as a page, on which requests can be tried.
#[utoipa::path(
    get, path = "/docs", operation_id = "getDocs",
    responses((status = 200, body = String, content_type = "text/html", description = "The page.")),
)]
pub(crate) async fn page() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, POLICY), (CACHE_CONTROL, KEEP)], PAGE)
}

/// What the page is made of.
#[utoipa::path(
    get, path = "/docs/{file}", operation_id = "getDocsFile",
    responses((status = 200, body = String, content_type = "*/*", description = "A part of the page.")),
)]
pub(crate) async fn file(Name(file): Name) -> Result<impl IntoResponse, Problem> {
    // From wherever the page is; and nobody outside is asked whether the document is valid.
    let config = Config::from("openapi.json").validator_url("none");
    let found = utoipa_swagger_ui::serve(&file, Arc::new(config)).map_err(|_| Problem::internal())?;
    let found = found.ok_or_else(|| Problem::not_found(format!("the page has no part {file:?}")))?;
    let policy = (CONTENT_SECURITY_POLICY, POLICY.to_owned());
    Ok(([(CONTENT_TYPE, found.content_type), policy, (CACHE_CONTROL, KEEP.to_owned())], found.bytes.into_owned()))
}
