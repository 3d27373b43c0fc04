//! What each route takes: a scope, and how much of the installation it reaches. A route is added
//! here with both, or not at all.

use crate::App;
use crate::audit::{self, Subject};
use crate::auth::Caller;
use crate::idempotency;
use crate::problem::Problem;
use axum::Router;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request};
use axum::handler::Handler;
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use ordinaut_core::access::{Denied, Object, Scope, check};
use ordinaut_runtime::settings::api::RouteClass;
use std::sync::Arc;
use tracing::info;

/// How much of the installation a route reaches, for callers that see a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// What the store shows to its caller.
    Visible,
    /// The queue that the path names.
    NamedQueue,
    /// What all share.
    Installation,
}

/// A route as it is told to tests.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its method.
    pub method: Method,
    /// Its path, with its parameters in braces.
    pub path: &'static str,
    /// The scope that it takes.
    pub scope: Scope,
    /// How much of the installation it reaches.
    pub reach: Reach,
}

/// One method of a path.
pub(crate) struct Way {
    method: Method,
    scope: Scope,
    reach: Reach,
    handler: MethodRouter<Arc<App>>,
    /// What it changes, if what that was before is worth keeping.
    subject: Option<Subject>,
    /// Whether it may change something.
    changes: bool,
    /// Whether its answer may be kept.
    kept: bool,
    class: RouteClass,
}

impl Way {
    /// `handler` answers `method` to callers with `scope`.
    pub(crate) fn new<H, T>(method: Method, scope: Scope, reach: Reach, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        // Every method of ours is one that a filter knows.
        let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::GET);
        let changes = !method.is_safe();
        let class = if changes { RouteClass::Write } else { RouteClass::Read };
        Self { method, scope, reach, handler: on(filter, handler), subject: None, changes, kept: true, class }
    }

    /// The same, behind another layer.
    pub(crate) fn through(self, layer: impl FnOnce(MethodRouter<Arc<App>>) -> MethodRouter<Arc<App>>) -> Self {
        Self { handler: layer(self.handler), ..self }
    }

    /// The same, which changes nothing whatever its method says.
    pub(crate) fn looks(self) -> Self {
        Self { changes: false, class: RouteClass::Read, ..self }
    }

    /// The same, which changes this.
    pub(crate) fn about(self, subject: Subject) -> Self {
        Self { subject: Some(subject), ..self }
    }

    /// The same, whose answer has a secret, and is kept nowhere.
    pub(crate) fn secret(self) -> Self {
        Self { kept: false, ..self }
    }

    /// The same, whose calls are counted with those of this class.
    pub(crate) fn class(self, class: RouteClass) -> Self {
        Self { class, ..self }
    }

    /// What a request passes on its way, first whether its caller may go there.
    fn guarded(self) -> MethodRouter<Arc<App>> {
        let Self { method, scope, reach, handler, subject, changes, kept, class } = self;
        let gate = Gate { scope, reach, class };
        let once = kept && changes && method == Method::POST;
        let handler = if once { handler.layer(from_fn(idempotency::once)) } else { handler };
        let handler = handler.layer(from_fn(move |caller: Caller, path: PathParams, request: Request, next: Next| {
            permit(gate, caller, path, request, next)
        }));
        if !changes {
            return handler;
        }
        // Around the decision: what was refused is written down too.
        handler.layer(from_fn(move |caller: Caller, request: Request, next: Next| {
            audit::record(subject, kept, caller, request, next)
        }))
    }
}

/// Routes for callers that are known.
pub(crate) struct Guarded {
    pub(crate) router: Router<Arc<App>>,
    pub(crate) routes: Vec<Route>,
}

impl Guarded {
    pub(crate) fn new() -> Self {
        Self { router: Router::new(), routes: Vec::new() }
    }

    pub(crate) fn route(mut self, path: &'static str, ways: impl IntoIterator<Item = Way>) -> Self {
        let mut methods = MethodRouter::new();
        for way in ways {
            self.routes.push(Route { method: way.method.clone(), path, scope: way.scope, reach: way.reach });
            methods = methods.merge(way.guarded());
        }
        Self { router: self.router.route(path, methods), ..self }
    }
}

/// What a path names; an error is one that is no UTF-8, which its route refuses.
type PathParams = Result<RawPathParams, RawPathParamsRejection>;

/// What a call must pass.
#[derive(Clone, Copy)]
struct Gate {
    scope: Scope,
    reach: Reach,
    class: RouteClass,
}

async fn permit(gate: Gate, caller: Caller, path: PathParams, request: Request, next: Next) -> Response {
    let Gate { scope, reach, class } = gate;
    let object = match reach {
        Reach::Visible => Object::Visible,
        Reach::Installation => Object::Installation,
        Reach::NamedQueue => path
            .iter()
            .flatten()
            .find(|(name, _)| *name == "name")
            .map_or(Object::Installation, |(_, queue)| Object::Queue(queue)),
    };
    match check(&caller.access, scope, object) {
        Ok(()) => match caller.rates.take(class, &caller.access.agent) {
            (headers, None) => {
                let mut response = next.run(request).await;
                response.headers_mut().extend(headers);
                response
            }
            (headers, Some(problem)) => (headers, problem).into_response(),
        },
        Err(denied) => {
            info!(agent = &*caller.access.agent, "refused {} {}: {denied}", request.method(), request.uri().path());
            problem(&denied).into_response()
        }
    }
}

/// What a caller is told who may not do what it asked for.
pub(crate) fn problem(denied: &Denied) -> Problem {
    let problem = Problem::new(StatusCode::FORBIDDEN, denied.to_string());
    match denied {
        Denied::Scope(scope) => problem.with("scope", scope.as_str()),
        _ => problem,
    }
}
