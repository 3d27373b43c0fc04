//! Every route, and what each request passes on its way there.

mod agents;
mod audit;
mod bulk;
mod calendars;
mod dead;
mod enqueue;
mod erase;
mod events;
mod fleet;
pub(crate) mod health;
mod index;
mod job_change;
mod job_list;
mod jobs;
mod limits;
mod metrics;
mod queues;
pub(crate) mod result;
mod runs;
mod schedules;
mod stats;
mod task;
mod task_history;
mod topics;
mod webhooks;

use crate::audit::Subject;
use crate::guard::{Guarded, Reach, Route, Way};
use crate::problem::{self, Problem};
use crate::{App, auth, deadline, front, redact, request_id, slow, traffic};
use axum::Router;
use axum::http::{Method, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, get};
use ordinaut_core::access::Scope;
use ordinaut_runtime::settings::api::{ApiSettings, RouteClass};
use std::sync::Arc;
use tower_http::catch_panic::CatchPanicLayer;

pub(crate) fn router(app: App, settings: &ApiSettings) -> Router {
    let app = Arc::new(app);
    let slow = |handler: MethodRouter<Arc<App>>| handler.layer(from_fn_with_state(app.clone(), slow::take_turns));
    let Guarded { router: guarded, .. } = guarded(slow);
    let guarded = guarded
        .method_not_allowed_fallback(wrong_method)
        .fallback(no_route)
        // Around the fallbacks too: a stranger learns nothing of what there is.
        .layer(from_fn_with_state(app.clone(), auth::authenticate));
    let open = Router::new()
        .route("/", get(index::index))
        .route("/health", get(health::health))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .method_not_allowed_fallback(wrong_method);
    let quick = guarded.merge(open).layer(from_fn(deadline::enforce));
    // They wait for as long as they are asked to.
    let patient = patient()
        .router
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(app.clone(), auth::authenticate))
        .layer(from_fn(deadline::enforce_patiently));
    through(quick.merge(patient), &app, settings)
}

/// Every route that takes a token, with what it takes. `slow` is put around those that may read or
/// change much.
fn guarded(slow: impl Fn(MethodRouter<Arc<App>>) -> MethodRouter<Arc<App>>) -> Guarded {
    use Reach::{Installation, NamedQueue, Visible};
    use Scope::*;
    const GET: Method = Method::GET;
    const POST: Method = Method::POST;
    const PUT: Method = Method::PUT;
    const PATCH: Method = Method::PATCH;
    const DELETE: Method = Method::DELETE;
    Guarded::new()
        .route(
            "/jobs",
            [
                Way::new(GET, JobsRead, Visible, job_list::list).through(&slow),
                Way::new(POST, JobsWrite, Visible, enqueue::enqueue).class(RouteClass::Enqueue),
            ],
        )
        .route("/jobs/cancel", [Way::new(POST, JobsWrite, Installation, jobs::cancel_many).through(&slow)])
        .route(
            "/jobs/{id}",
            [
                Way::new(GET, JobsRead, Visible, jobs::show),
                Way::new(PATCH, JobsWrite, Visible, job_change::change).about(Subject::Job),
            ],
        )
        .route("/jobs/{id}/runs", [Way::new(GET, RunsRead, Visible, jobs::runs)])
        .route("/jobs/{id}/cancel", [Way::new(POST, JobsWrite, Visible, jobs::cancel)])
        .route("/jobs/{id}/run-now", [Way::new(POST, JobsWrite, Visible, jobs::run_now).class(RouteClass::RunNow)])
        .route("/runs", [Way::new(GET, RunsRead, Visible, runs::list).through(&slow)])
        .route("/runs/{id}/{attempt}", [Way::new(GET, RunsRead, Visible, runs::show)])
        .route("/dead", [Way::new(GET, JobsRead, Visible, dead::list).through(&slow)])
        .route("/dead/{id}", [Way::new(PATCH, JobsWrite, Visible, dead::change)])
        .route(
            "/bulk",
            [
                Way::new(GET, JobsRead, Installation, bulk::list),
                Way::new(POST, JobsWrite, Installation, bulk::start).through(&slow),
            ],
        )
        .route("/bulk/{id}", [Way::new(GET, JobsRead, Installation, bulk::show)])
        .route("/bulk/{id}/cancel", [Way::new(POST, JobsWrite, Installation, bulk::cancel)])
        .route("/dead/{id}/requeue", [Way::new(POST, JobsWrite, Visible, dead::requeue)])
        .route("/erase", [Way::new(POST, Admin, Installation, erase::erase).through(&slow)])
        .route(
            "/tasks",
            [
                Way::new(GET, TasksRead, Visible, task::list).through(&slow),
                Way::new(POST, TasksWrite, Visible, task::create).class(RouteClass::Create),
            ],
        )
        .route(
            "/tasks/{id}",
            [
                Way::new(GET, TasksRead, Visible, task::show),
                Way::new(PATCH, TasksWrite, Visible, task::patch).about(Subject::Task),
                Way::new(PUT, TasksWrite, Visible, task::replace).about(Subject::Task),
                Way::new(DELETE, TasksWrite, Visible, task::delete).about(Subject::Task),
            ],
        )
        .route("/tasks/{id}/pause", [Way::new(POST, TasksWrite, Visible, task::pause).about(Subject::Task)])
        .route("/tasks/{id}/resume", [Way::new(POST, TasksWrite, Visible, task::resume).about(Subject::Task)])
        .route("/tasks/{id}/snooze", [Way::new(POST, TasksWrite, Visible, task::snooze).about(Subject::Task)])
        .route("/tasks/{id}/run-now", [Way::new(POST, TasksWrite, Visible, task::run_now).class(RouteClass::RunNow)])
        .route("/tasks/{id}/cancel", [Way::new(POST, TasksWrite, Visible, task::cancel).about(Subject::Task)])
        .route("/tasks/{id}/fires", [Way::new(GET, TasksRead, Visible, task_history::fires).through(&slow)])
        .route("/tasks/{id}/runs", [Way::new(GET, RunsRead, Visible, task_history::runs).through(&slow)])
        .route("/tasks/{id}/runs/latest", [Way::new(GET, RunsRead, Visible, task_history::latest_run)])
        .route("/tasks/{id}/statistics", [Way::new(GET, TasksRead, Visible, task_history::statistics).through(&slow)])
        .route("/schedules/preview", [Way::new(POST, TasksRead, Visible, schedules::preview).looks()])
        .route("/schedules/presets", [Way::new(GET, TasksRead, Visible, schedules::presets)])
        .route("/calendars", [Way::new(GET, TasksRead, Visible, calendars::list)])
        .route(
            "/calendars/{name}",
            [
                Way::new(PUT, TasksWrite, Installation, calendars::put),
                Way::new(DELETE, TasksWrite, Installation, calendars::delete),
            ],
        )
        .route("/limits", [Way::new(GET, JobsRead, Installation, limits::list)])
        .route(
            "/limits/{name}",
            [
                Way::new(PUT, QueuesAdmin, Installation, limits::put).about(Subject::Limit),
                Way::new(DELETE, QueuesAdmin, Installation, limits::delete).about(Subject::Limit),
            ],
        )
        .route(
            "/topics/{topic}",
            [Way::new(POST, EventsPublish, Installation, topics::publish).class(RouteClass::Publish)],
        )
        .route(
            "/facts/{name}",
            [Way::new(PUT, EventsPublish, Installation, topics::push_fact).class(RouteClass::Publish)],
        )
        .route("/queues", [Way::new(GET, JobsRead, Visible, queues::queues)])
        .route(
            "/queues/{name}",
            [
                Way::new(GET, JobsRead, Visible, queues::show),
                Way::new(PATCH, QueuesAdmin, NamedQueue, queues::change).about(Subject::Queue),
            ],
        )
        .route("/queues/{name}/pause", [Way::new(POST, QueuesAdmin, NamedQueue, queues::pause).about(Subject::Queue)])
        .route("/queues/{name}/resume", [Way::new(POST, QueuesAdmin, NamedQueue, queues::resume).about(Subject::Queue)])
        .route("/pause", [Way::new(POST, QueuesAdmin, Installation, queues::pause_all)])
        .route("/resume", [Way::new(POST, QueuesAdmin, Installation, queues::resume_all)])
        .route("/workers", [Way::new(GET, JobsRead, Installation, fleet::workers)])
        .route("/workers/{name}", [Way::new(GET, JobsRead, Installation, fleet::worker)])
        .route("/workers/{name}/jobs", [Way::new(GET, JobsRead, Installation, fleet::jobs).through(&slow)])
        .route("/instances", [Way::new(GET, MetricsRead, Installation, fleet::instances)])
        .route("/stats", [Way::new(GET, JobsRead, Visible, stats::list).through(&slow)])
        .route("/stats/slowest", [Way::new(GET, JobsRead, Visible, stats::slowest).through(&slow)])
        .route("/stats/activity", [Way::new(GET, JobsRead, Visible, stats::activity).through(&slow)])
        .route("/events", [Way::new(GET, EventsRead, Visible, events::list)])
        .route("/events/status", [Way::new(GET, EventsRead, Installation, events::status)])
        .route("/events/stream", [Way::new(GET, EventsRead, Visible, events::stream)])
        .route("/metrics", [Way::new(GET, MetricsRead, Installation, metrics::metrics)])
        .route(
            "/webhooks",
            [
                Way::new(GET, Admin, Installation, webhooks::list),
                Way::new(POST, Admin, Installation, webhooks::create).secret().class(RouteClass::Create),
            ],
        )
        .route(
            "/webhooks/{name}",
            [
                Way::new(GET, Admin, Installation, webhooks::show),
                Way::new(DELETE, Admin, Installation, webhooks::delete).about(Subject::Webhook),
            ],
        )
        .route(
            "/webhooks/{name}/rotate",
            [Way::new(POST, Admin, Installation, webhooks::rotate).about(Subject::Webhook).secret()],
        )
        .route(
            "/webhooks/{name}/enable",
            [Way::new(POST, Admin, Installation, webhooks::enable).about(Subject::Webhook)],
        )
        .route(
            "/webhooks/{name}/disable",
            [Way::new(POST, Admin, Installation, webhooks::disable).about(Subject::Webhook)],
        )
        .route("/webhooks/{name}/deliveries", [Way::new(GET, Admin, Installation, webhooks::deliveries)])
        .route("/webhooks/{name}/deliveries/{n}/redeliver", [Way::new(POST, Admin, Installation, webhooks::redeliver)])
        .route(
            "/agents",
            [
                Way::new(GET, Admin, Installation, agents::list),
                Way::new(POST, Admin, Installation, agents::create).secret().class(RouteClass::Create),
            ],
        )
        .route(
            "/agents/{name}",
            [
                Way::new(GET, Admin, Installation, agents::show),
                Way::new(DELETE, Admin, Installation, agents::delete).about(Subject::Agent),
            ],
        )
        .route(
            "/agents/{name}/rotate",
            [Way::new(POST, Admin, Installation, agents::rotate).about(Subject::Agent).secret()],
        )
        .route("/audit", [Way::new(GET, Admin, Installation, audit::list).through(&slow)])
        .route("/agents/{name}/revoke", [Way::new(POST, Admin, Installation, agents::revoke).about(Subject::Agent)])
}

/// Routes that wait.
fn patient() -> Guarded {
    Guarded::new().route("/jobs/{id}/result", [Way::new(Method::GET, Scope::RunsRead, Reach::Visible, result::result)])
}

/// What each route that takes a token needs.
pub(crate) fn table() -> Vec<Route> {
    let (quick, patient) = (guarded(|handler| handler), patient());
    quick.routes.into_iter().chain(patient.routes).collect()
}

/// What every request passes, the last layer first. The id is outermost, so that every answer and
/// line of the log has it; a panic is caught inside the count, which so sees its 500.
fn through(routes: Router<Arc<App>>, app: &Arc<App>, settings: &ApiSettings) -> Router {
    let routes = routes
        .layer(from_fn_with_state(app.clone(), redact::mask))
        .layer(CatchPanicLayer::custom(problem::of_panic))
        .layer(from_fn_with_state(app.clone(), traffic::count))
        .with_state(app.clone());
    front::layers(routes, settings).layer(from_fn(request_id::identify))
}

async fn no_route() -> Problem {
    Problem::not_found("there is no such route")
}

async fn wrong_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "this route does not accept this method; the header Allow lists those that it does",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Callers;
    use crate::depths::Depths;
    use crate::rooms::Rooms;
    use crate::slow::Slow;
    use axum::body::{Body, to_bytes};
    use axum::extract::Request;
    use ordinaut_core::Client;
    use tower::ServiceExt;

    #[tokio::test]
    async fn a_panic_is_a_500_that_does_not_tell_its_text() {
        let database = Client::from(sqlx::PgPool::connect_lazy("postgres://nowhere").unwrap());
        let settings = ApiSettings::default();
        let app = Arc::new(App {
            depths: Depths::new(database.clone()),
            redis: None,
            rooms: Rooms::new(database.clone()),
            slow: Slow::new(&database),
            tail: Arc::new(crate::tail::Tail::new(database.clone())),
            callers: Callers::new(database.clone(), &settings),
            installation: database,
            redaction: Default::default(),
            traffic: Default::default(),
            refusals: Default::default(),
            last_look: Default::default(),
        });
        async fn panics() -> Problem {
            panic!("the launch code is 1234")
        }
        let router = through(Router::new().route("/", get(panics)), &app, &settings);
        let response = router.oneshot(Request::new(Body::empty())).await.unwrap();
        assert_eq!(response.status(), 500);
        let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        let body = String::from_utf8(to_bytes(response.into_body(), 10_000).await.unwrap().to_vec()).unwrap();
        assert!(body.contains(&id) && !body.contains("1234"), "{body}");
    }
}
