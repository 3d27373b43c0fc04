//! What each route takes: a scope, and how much of the installation it reaches. A route is added
//! here with both, or not at all.

use crate::App;
use crate::audit::{self, Subject};
use crate::auth::Caller;
use crate::idempotency;
use crate::origin::Origin;
use crate::problem::Problem;
use axum::Router;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{MatchedPath, RawPathParams, Request};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use ordinaut_core::access::{Denied, Object, Scope};
use ordinaut_runtime::settings::api::RouteClass;
use std::sync::Arc;
use tracing::info;
use utoipa::openapi::RefOr;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::Schema;
use utoipa_axum::router::UtoipaMethodRouter;

/// How much of the installation a route reaches, for callers that see a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// What the store shows to its caller.
    Visible,
    /// The queue that the path names.
    NamedQueue,
    /// Queues that the route's caller may use: each is looked at when it is named.
    OwnQueues,
    /// What all share.
    Installation,
}

/// A route as it is told to tests.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its method.
    pub method: Method,
    /// Its path, with its parameters in braces.
    pub path: String,
    /// The scope that it takes.
    pub scope: Scope,
    /// How much of the installation it reaches.
    pub reach: Reach,
}

/// A handler with its method, its path, and what the document says about it.
pub(crate) struct Way {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) operation: Operation,
    pub(crate) schemas: Vec<(String, RefOr<Schema>)>,
    /// Absent of one that takes no token.
    pub(crate) gate: Option<Gate>,
    handler: MethodRouter<Arc<App>>,
    /// What it changes, if what that was before is worth keeping.
    subject: Option<Subject>,
    /// Whether it may change something.
    pub(crate) changes: bool,
    /// Whether that is written down.
    pub(crate) audited: bool,
    /// Whether its answer may be kept.
    kept: bool,
}

impl Way {
    /// For callers with `scope`. Method and path are those that stand above the handler.
    pub(crate) fn new(scope: Scope, reach: Reach, handler: UtoipaMethodRouter<Arc<App>>) -> Self {
        let open = Self::open(handler);
        let class = Some(if open.changes { RouteClass::Write } else { RouteClass::Read });
        Self { gate: Some(Gate { scope, reach, class }), ..open }
    }

    /// For everybody.
    pub(crate) fn open((schemas, paths, handler): UtoipaMethodRouter<Arc<App>>) -> Self {
        let (path, item) = paths.paths.into_iter().next().expect("a handler has a path");
        let (method, operation) = only(item);
        let changes = !method.is_safe();
        let (gate, subject, audited, kept) = (None, None, changes, true);
        Self { method, path, operation, schemas, gate, handler, subject, changes, audited, kept }
    }

    /// The same, behind another layer.
    pub(crate) fn through(self, layer: impl FnOnce(MethodRouter<Arc<App>>) -> MethodRouter<Arc<App>>) -> Self {
        Self { handler: layer(self.handler), ..self }
    }

    /// The same, which changes nothing whatever its method says.
    pub(crate) fn looks(self) -> Self {
        Self { changes: false, audited: false, ..self }.class(RouteClass::Read)
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
        Self { gate: self.gate.map(|gate| Gate { class: Some(class), ..gate }), ..self }
    }

    /// The same, which may be called as often as its caller likes.
    pub(crate) fn uncounted(self) -> Self {
        Self { gate: self.gate.map(|gate| Gate { class: None, ..gate }), ..self }
    }

    /// Whether a request that comes again under its key is answered as before.
    pub(crate) fn is_done_once(&self) -> bool {
        self.kept && self.changes && self.method == Method::POST
    }

    /// The same, which workers call all the time: neither counted, nor written down, nor kept under
    /// a key. The jobs were let in when they were enqueued, what becomes of them is in their runs,
    /// and a token or a number says whether a request comes again.
    pub(crate) fn of_workers(self) -> Self {
        Self { audited: false, kept: false, ..self }.uncounted()
    }

    /// What a request passes on its way, first whether its caller may go there.
    fn guarded(self) -> MethodRouter<Arc<App>> {
        let once = self.is_done_once();
        let Self { gate, handler, subject, audited, kept, .. } = self;
        let Some(gate) = gate else { return handler };
        let handler = if once { handler.layer(from_fn(idempotency::once)) } else { handler };
        let handler = handler.layer(from_fn(move |caller: Caller, path: PathParams, request: Request, next: Next| {
            permit(gate, caller, path, request, next)
        }));
        if !audited {
            return handler;
        }
        // Around the decision: what was refused is written down too.
        handler.layer(from_fn(move |caller: Caller, request: Request, next: Next| {
            audit::record(subject, kept, caller, request, next)
        }))
    }
}

/// The one method of a path.
fn only(item: PathItem) -> (Method, Operation) {
    let PathItem { get, post, put, patch, delete, .. } = item;
    let methods = [
        (Method::GET, get),
        (Method::POST, post),
        (Method::PUT, put),
        (Method::PATCH, patch),
        (Method::DELETE, delete),
    ];
    let found = methods.into_iter().find_map(|(method, operation)| Some((method, operation?)));
    found.expect("a handler has a method")
}

/// A router of these.
pub(crate) fn router(ways: Vec<Way>) -> Router<Arc<App>> {
    ways.into_iter().fold(Router::new(), |router, way| router.route(&way.path.clone(), way.guarded()))
}

/// What a path names; an error is one that is no UTF-8, which its route refuses.
type PathParams = Result<RawPathParams, RawPathParamsRejection>;

/// What a call must pass.
#[derive(Clone, Copy)]
pub(crate) struct Gate {
    pub(crate) scope: Scope,
    pub(crate) reach: Reach,
    /// With which its calls are counted, if they are.
    pub(crate) class: Option<RouteClass>,
}

/// A look that is a part of one at the page, which was counted as a whole.
#[derive(Clone, Copy)]
pub(crate) struct OfThePage;

async fn permit(gate: Gate, caller: Caller, path: PathParams, request: Request, next: Next) -> Response {
    let Gate { scope, reach, class } = gate;
    let object = match reach {
        Reach::Visible => Object::Visible,
        Reach::Installation => Object::Installation,
        Reach::OwnQueues => Object::OwnQueues,
        Reach::NamedQueue => path
            .iter()
            .flatten()
            .find(|(name, _)| *name == "name")
            .map_or(Object::Installation, |(_, queue)| Object::Queue(queue)),
    };
    let class = class.filter(|_| request.extensions().get::<OfThePage>().is_none());
    let allowed = caller.may(scope, object);
    if let Ok(true) = allowed {
        caller.leniency.note(&caller, Origin::of(&request), request.method(), route_of(&request), scope);
    }
    match allowed {
        Ok(_) => match class.map_or((HeaderMap::new(), None), |class| caller.rates.take(class, &caller.access.agent)) {
            (headers, None) => {
                let mut response = next.run(request).await;
                response.headers_mut().extend(headers);
                response
            }
            (headers, Some(problem)) => (headers, problem).into_response(),
        },
        Err(denied) => {
            let origin = Origin::of(&request);
            if let Some(why) = caller.anonymous {
                return caller.refuse_anonymous(why, origin).await;
            }
            info!(
                agent = &*caller.access.agent,
                client.address = %origin,
                "refused {} {} from {origin}: {denied}",
                request.method(),
                request.uri().path()
            );
            problem(&denied).into_response()
        }
    }
}

fn route_of(request: &Request) -> &str {
    request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str)
}

/// What a caller is told who may not do what it asked for.
pub(crate) fn problem(denied: &Denied) -> Problem {
    let problem = Problem::new(StatusCode::FORBIDDEN, denied.to_string());
    match denied {
        Denied::Scope(scope) => problem.with("scope", scope.as_str()),
        _ => problem,
    }
}
