//! What a client of the protocol gets: the tools that its agent may call, and their answers.

use super::Tools;
use super::arguments::Asked;
use crate::auth::Caller;
use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::header::RETRY_AFTER;
use axum::http::request::Parts;
use ordinaut_core::access::Object;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use tower::ServiceExt;

const INSTRUCTIONS: &str = "Ordinaut runs jobs that are stored in Postgres, and tasks, which make jobs at the times of their schedules. \
     To find out why something does not run, call explain and follow what its reasons advise. Pass an idempotency_key with whatever \
     changes something, and the same one if you repeat the call: it is then done once. An error names the field at fault. Values \
     shown as [redacted] are secret; do not send them back.";

/// Answers each request by itself: nothing is remembered from one to the next.
pub(super) struct Server {
    routes: Router,
    tools: Tools,
}

impl Server {
    pub(super) const fn new(routes: Router, tools: Tools) -> Self {
        Self { routes, tools }
    }

    async fn answer(&self, request: Request) -> Result<CallToolResult, ErrorData> {
        let Ok(response) = self.routes.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        // No route answers with more than it has in memory already.
        let body = to_bytes(body, usize::MAX).await;
        let body = body.map_err(|_| ErrorData::internal_error("the answer of the route broke off", None))?;
        let mut content = vec![ContentBlock::text(String::from_utf8_lossy(&body))];
        if parts.status.is_success() {
            return Ok(CallToolResult::success(content));
        }
        if let Some(seconds) = parts.headers.get(RETRY_AFTER).and_then(|seconds| seconds.to_str().ok()) {
            content.push(ContentBlock::text(format!("Call again in {seconds} s.")));
        }
        Ok(CallToolResult::error(content))
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let itself = Implementation::new("ordinaut", env!("CARGO_PKG_VERSION")).with_title("Ordinaut");
        let can = ServerCapabilities::builder().enable_tools().build();
        ServerConfig::new(can).with_server_info(itself).with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let caller = call(&context)?.extensions.get::<Caller>().ok_or_else(no_call)?;
        let may = self.tools.all().filter(|tool| caller.may(tool.scope, Object::Visible).is_ok());
        let mut listed = ListToolsResult::with_all_items(may.map(|tool| tool.listed.clone()).collect());
        // Another agent may call others.
        listed.cache_scope = Some(CacheScope::Private);
        Ok(listed)
    }

    async fn call_tool(
        &self,
        asked: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let unknown = || ErrorData::invalid_params(format!("there is no tool {}", asked.name), None);
        let tool = self.tools.named(&asked.name).ok_or_else(unknown)?;
        let call = call(&context)?;
        let sent = call.extensions.get::<Asked>().ok_or_else(no_call)?;
        let answer = match sent.request(tool, call) {
            Ok(request) => self.answer(request).await?,
            Err(refused) => {
                let problem = refused.problem(&sent.request_id).to_string();
                CallToolResult::error(vec![ContentBlock::text(problem)])
            }
        };
        Ok(answer.into())
    }
}

/// The request of HTTP that a message came with.
fn call(context: &RequestContext<RoleServer>) -> Result<&Parts, ErrorData> {
    context.extensions.get().ok_or_else(no_call)
}

fn no_call() -> ErrorData {
    ErrorData::internal_error("the message came with no request", None)
}
