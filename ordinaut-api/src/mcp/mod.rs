//! `/mcp`: routes as tools of the Model Context Protocol, for programs in which a language model
//! chooses what to call.
//!
//! A tool is a route under another name: its call becomes a request to that route, with the token
//! of the call, and passes all that any request passes. So there is no second way to do a thing.

mod arguments;
mod server;
mod tools;

use crate::body;
use crate::problem::Problem;
use crate::request_id;
use arguments::Asked;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::ORIGIN;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use ordinaut_runtime::settings::api::ApiSettings;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use server::Server;
use std::sync::Arc;
pub(crate) use tools::Tools;

#[derive(Clone)]
struct Door {
    transport: StreamableHttpService<Arc<Server>, NeverSessionManager>,
    /// Origins whose pages may call.
    origins: Arc<[String]>,
}

/// The route of the protocol. `routes` answer the calls of tools.
pub(crate) fn router(routes: Router, tools: Tools, settings: &ApiSettings) -> Router {
    // The transport answers in a task of its own, which does not know the request that it is for.
    let server = Arc::new(Server::new(routes.layer(from_fn(request_id::identify)), tools));
    // Without sessions any process of the API answers any call, and there is nothing to bound.
    let config = StreamableHttpServerConfig::default().with_legacy_session_mode(false).with_json_response(true);
    // Hosts are looked at for all routes alike, by API_ALLOWED_HOSTS.
    let config = config.disable_allowed_hosts().with_max_request_body_bytes(body::LIMIT);
    let transport = StreamableHttpService::new(move || Ok(server.clone()), Arc::default(), config);
    let door = Door { transport, origins: settings.cors_origins.as_slice().into() };
    Router::new().route("/mcp", post(answer)).with_state(door)
}

async fn answer(State(door): State<Door>, request: Request) -> Response {
    match door.admit(request).await {
        Ok(request) => door.transport.handle(request).await.map(Body::new),
        Err(problem) => problem.into_response(),
    }
}

impl Door {
    /// Reads a request, and keeps what a tool is to get as it was sent.
    async fn admit(&self, request: Request) -> Result<Request, Problem> {
        // A page of another origin may get here by a name that was pointed at this host. Its
        // browser says where it is from.
        let origin = request.headers().get(ORIGIN);
        if origin.is_some_and(|origin| !self.origins.iter().any(|known| origin == known.as_str())) {
            let detail = "pages of this origin may not call: it is not one of API_CORS_ORIGINS";
            return Err(Problem::new(StatusCode::FORBIDDEN, detail).about("Origin"));
        }
        let (mut parts, body) = request.into_parts();
        let bytes = body::read_json_of_any_shape(Request::from_parts(parts.clone(), body)).await?;
        parts.extensions.insert(Asked::new(&bytes));
        Ok(Request::from_parts(parts, Body::from(bytes)))
    }
}
