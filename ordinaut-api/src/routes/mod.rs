//! Every route, and what each request passes on its way there.

mod agents;
mod alert_metrics;
mod alerts;
mod assign;
mod attachments;
mod audit;
mod batches;
mod bulk;
mod calendars;
mod commands;
mod dead;
mod deployment;
mod docs;
mod enqueue;
mod erase;
mod events;
mod explain;
mod fires;
mod fleet;
pub(crate) mod health;
mod index;
mod job_change;
mod job_list;
mod jobs;
mod lease_reports;
mod lease_steps;
mod leases;
mod limits;
mod metrics;
mod nodes;
mod pipelines;
mod policies;
mod queues;
pub(crate) mod result;
mod rollouts;
#[cfg(test)]
mod routes_tests;
mod runs;
mod said;
mod schedules;
mod sessions;
mod stats;
mod steps;
mod target_metrics;
mod targets;
mod task;
mod task_history;
mod task_patch;
mod tool_use;
pub(crate) mod tools;
mod topics;
mod webhooks;

use crate::audit::Subject;
use crate::guard::{self, Gate, Reach, Route, Way};
use crate::mcp::Tools;
use crate::problem::{self, Problem};
use crate::{App, auth, deadline, front, mcp, origin, page, redact, request_id, slow, traffic};
use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::MethodRouter;
use ordinaut_core::access::Scope;
use ordinaut_runtime::settings::api::{ApiSettings, RouteClass};
use serde_json::Value;
use std::sync::Arc;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::routes;

pub(crate) fn router(app: App, settings: &ApiSettings) -> Router {
    let app = Arc::new(app);
    let slow = |handler: MethodRouter<Arc<App>>| handler.layer(from_fn_with_state(app.clone(), slow::take_turns));
    let guarded = guard::router(guarded(slow))
        .method_not_allowed_fallback(wrong_method)
        .fallback(no_route)
        // Around the fallbacks too: a stranger learns nothing of what there is.
        .layer(from_fn_with_state(app.clone(), auth::authenticate));
    let open = guard::router(open()).method_not_allowed_fallback(wrong_method);
    let quick = guarded.merge(open).layer(from_fn(deadline::enforce));
    // They wait for as long as they are asked to.
    let patient = guard::router(patient())
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(app.clone(), auth::authenticate))
        .layer(from_fn(deadline::enforce_patiently));
    let routes = answering(quick.merge(patient), &app);
    let tools = mcp::router(routes.clone(), tools(), settings)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(app.clone(), auth::authenticate))
        // What a tool calls has its own limit.
        .layer(from_fn(deadline::enforce_patiently));
    let tools = counted(tools, &app);
    let page = counted(page::router(&app, routes.clone(), settings), &app);
    through(routes.merge(tools).merge(page), settings)
}

/// Every route that takes a token, with what it takes; its method and path stand above its handler.
/// `slow` is put around those that may read or change much.
fn guarded(slow: impl Fn(MethodRouter<Arc<App>>) -> MethodRouter<Arc<App>>) -> Vec<Way> {
    use Reach::{Installation, NamedQueue, OwnQueues, Visible};
    use Scope::*;
    vec![
        Way::new(JobsRead, Visible, routes!(job_list::list)).through(&slow),
        Way::new(JobsWrite, Visible, routes!(enqueue::enqueue)).class(RouteClass::Enqueue),
        Way::new(JobsWrite, Installation, routes!(assign::assign)).class(RouteClass::Enqueue),
        Way::new(JobsWrite, Installation, routes!(jobs::cancel_many)).through(&slow),
        Way::new(JobsRead, Visible, routes!(jobs::show)),
        Way::new(JobsWrite, Visible, routes!(job_change::change)).about(Subject::Job),
        Way::new(RunsRead, Visible, routes!(jobs::runs)),
        Way::new(JobsWrite, Visible, routes!(jobs::cancel)),
        Way::new(JobsWrite, Visible, routes!(jobs::run_now)).class(RouteClass::RunNow),
        Way::new(RunsRead, Visible, routes!(steps::list)),
        Way::new(RunsRead, Visible, routes!(said::log)),
        Way::new(RunsRead, Visible, routes!(said::stream_log)),
        Way::new(RunsRead, Visible, routes!(said::output)),
        Way::new(RunsRead, Visible, routes!(said::stream_output)),
        Way::new(JobsRead, Visible, routes!(attachments::list)),
        Way::new(JobsWrite, Visible, routes!(attachments::put)),
        Way::new(JobsRead, Visible, routes!(explain::job)),
        Way::new(TasksRead, Visible, routes!(explain::task)),
        Way::new(JobsRead, NamedQueue, routes!(explain::queue)),
        Way::new(JobsRead, Visible, routes!(explain::batch)),
        Way::new(JobsRead, Visible, routes!(steps::approvals)),
        Way::new(JobsApprove, Visible, routes!(steps::approve)),
        Way::new(JobsApprove, Visible, routes!(steps::reject)),
        Way::new(RunsRead, Visible, routes!(runs::list)).through(&slow),
        Way::new(RunsRead, Visible, routes!(runs::show)),
        Way::new(JobsRead, Visible, routes!(dead::list)).through(&slow),
        Way::new(JobsRead, Visible, routes!(dead::groups)).through(&slow),
        Way::new(JobsWrite, Visible, routes!(dead::change)),
        Way::new(JobsRead, Installation, routes!(bulk::list)),
        Way::new(JobsWrite, Installation, routes!(bulk::start)).through(&slow),
        Way::new(JobsRead, Installation, routes!(bulk::show)),
        Way::new(JobsWrite, Installation, routes!(bulk::cancel)),
        Way::new(JobsRead, Visible, routes!(batches::list)),
        Way::new(JobsWrite, Visible, routes!(batches::create)).class(RouteClass::Enqueue),
        Way::new(JobsRead, Visible, routes!(batches::show)),
        Way::new(JobsWrite, Visible, routes!(batches::add)).class(RouteClass::Enqueue),
        Way::new(JobsWrite, Visible, routes!(batches::cancel)),
        Way::new(JobsWrite, Visible, routes!(dead::requeue)),
        Way::new(Admin, Installation, routes!(erase::erase)).through(&slow),
        Way::new(TasksRead, Visible, routes!(task::list)).through(&slow),
        Way::new(TasksWrite, Visible, routes!(task::create)).class(RouteClass::Create),
        Way::new(TasksRead, Visible, routes!(task::show)),
        Way::new(TasksWrite, Visible, routes!(task::patch)).about(Subject::Task),
        Way::new(TasksWrite, Visible, routes!(task::replace)).about(Subject::Task),
        Way::new(TasksWrite, Visible, routes!(task::delete)).about(Subject::Task),
        Way::new(TasksWrite, Visible, routes!(task::pause)).about(Subject::Task),
        Way::new(TasksWrite, Visible, routes!(task::resume)).about(Subject::Task),
        Way::new(TasksWrite, Visible, routes!(task::snooze)).about(Subject::Task),
        Way::new(TasksWrite, Visible, routes!(task::run_now)).class(RouteClass::RunNow),
        Way::new(TasksWrite, Visible, routes!(task::cancel)).about(Subject::Task),
        Way::new(TasksRead, Visible, routes!(task_history::fires)).through(&slow),
        Way::new(RunsRead, Visible, routes!(task_history::runs)).through(&slow),
        Way::new(RunsRead, Visible, routes!(task_history::latest_run)),
        Way::new(TasksRead, Visible, routes!(task_history::statistics)).through(&slow),
        Way::new(TasksRead, Visible, routes!(fires::list)).through(&slow),
        Way::new(TasksRead, Visible, routes!(schedules::preview)).looks(),
        Way::new(JobsRead, Visible, routes!(pipelines::try_out)).through(&slow).looks(),
        Way::new(TasksRead, Visible, routes!(schedules::presets)),
        Way::new(TasksRead, Visible, routes!(calendars::list)),
        Way::new(TasksWrite, Installation, routes!(calendars::put)),
        Way::new(TasksWrite, Installation, routes!(calendars::delete)),
        Way::new(JobsRead, Installation, routes!(limits::list)),
        Way::new(QueuesAdmin, Installation, routes!(limits::put)).about(Subject::Limit),
        Way::new(QueuesAdmin, Installation, routes!(limits::delete)).about(Subject::Limit),
        Way::new(JobsRead, Installation, routes!(targets::list)),
        Way::new(JobsRead, Installation, routes!(targets::show)),
        Way::new(QueuesAdmin, Installation, routes!(targets::put)).about(Subject::Target),
        Way::new(QueuesAdmin, Installation, routes!(targets::delete)).about(Subject::Target),
        Way::new(QueuesAdmin, Installation, routes!(targets::reset)).about(Subject::Target),
        Way::new(QueuesAdmin, Installation, routes!(targets::drain)).about(Subject::Target),
        Way::new(QueuesAdmin, Installation, routes!(targets::undrain)).about(Subject::Target),
        Way::new(JobsRead, Installation, routes!(policies::list)),
        Way::new(JobsRead, Installation, routes!(policies::show)),
        Way::new(QueuesAdmin, Installation, routes!(policies::put)).about(Subject::Policy),
        Way::new(QueuesAdmin, Installation, routes!(policies::delete)).about(Subject::Policy),
        Way::new(JobsRead, Visible, routes!(tools::list)),
        Way::new(JobsRead, Visible, routes!(tools::show)),
        Way::new(QueuesAdmin, Installation, routes!(tools::put)).about(Subject::Tool),
        Way::new(QueuesAdmin, Installation, routes!(tools::delete)).about(Subject::Tool),
        Way::new(JobsRead, Installation, routes!(rollouts::list)),
        Way::new(QueuesAdmin, Installation, routes!(rollouts::put)),
        Way::new(QueuesAdmin, Installation, routes!(rollouts::end)),
        Way::new(EventsRead, Installation, routes!(topics::list)),
        Way::new(EventsRead, Installation, routes!(topics::events)),
        Way::new(EventsPublish, Installation, routes!(topics::publish)).class(RouteClass::Publish),
        Way::new(EventsPublish, Installation, routes!(topics::push_fact)).class(RouteClass::Publish),
        Way::new(JobsRead, Visible, routes!(queues::queues)),
        Way::new(JobsRead, Visible, routes!(queues::show)),
        Way::new(QueuesAdmin, NamedQueue, routes!(queues::change)).about(Subject::Queue),
        Way::new(QueuesAdmin, NamedQueue, routes!(queues::pause)).about(Subject::Queue),
        Way::new(QueuesAdmin, NamedQueue, routes!(queues::resume)).about(Subject::Queue),
        Way::new(QueuesAdmin, Installation, routes!(queues::pause_all)),
        Way::new(QueuesAdmin, Installation, routes!(queues::resume_all)),
        Way::new(WorkersLease, OwnQueues, routes!(sessions::open)),
        Way::new(WorkersLease, OwnQueues, routes!(sessions::heartbeat)).of_workers(),
        Way::new(WorkersLease, OwnQueues, routes!(sessions::close)),
        Way::new(WorkersLease, OwnQueues, routes!(leases::settle)).of_workers(),
        Way::new(WorkersLease, OwnQueues, routes!(leases::checkpoint)).of_workers(),
        Way::new(WorkersLease, OwnQueues, routes!(lease_reports::progress)).of_workers(),
        Way::new(WorkersLease, OwnQueues, routes!(lease_reports::log)).of_workers(),
        Way::new(WorkersLease, OwnQueues, routes!(lease_reports::output)).of_workers(),
        Way::new(WorkersLease, OwnQueues, routes!(lease_reports::parameters)).of_workers(),
        Way::new(WorkersLease, OwnQueues, routes!(lease_steps::list)).of_workers(),
        Way::new(WorkersLease, OwnQueues, routes!(lease_steps::record)).of_workers(),
        Way::new(WorkersLease, OwnQueues, routes!(lease_steps::enqueue_once)).of_workers(),
        Way::new(WorkersLease, OwnQueues, routes!(lease_steps::wait)).of_workers(),
        Way::new(JobsRead, Installation, routes!(fleet::workers)),
        Way::new(JobsRead, Installation, routes!(fleet::worker)),
        Way::new(JobsRead, Installation, routes!(fleet::jobs)).through(&slow),
        Way::new(QueuesAdmin, Installation, routes!(fleet::drain)),
        Way::new(QueuesAdmin, Installation, routes!(fleet::resume)),
        Way::new(MetricsRead, Installation, routes!(fleet::instances)),
        Way::new(MetricsRead, Installation, routes!(deployment::deployment)),
        Way::new(JobsRead, Installation, routes!(nodes::list)),
        Way::new(WorkersLease, Installation, routes!(nodes::report)).of_workers(),
        Way::new(JobsRead, Installation, routes!(nodes::show)),
        Way::new(QueuesAdmin, Installation, routes!(nodes::delete)),
        Way::new(JobsRead, Installation, routes!(nodes::health)),
        Way::new(JobsRead, Installation, routes!(nodes::recommend)),
        Way::new(JobsRead, Installation, routes!(nodes::distribution)),
        Way::new(JobsRead, Installation, routes!(nodes::thresholds)),
        Way::new(QueuesAdmin, Installation, routes!(nodes::put_all)),
        Way::new(QueuesAdmin, Installation, routes!(nodes::reset_all)),
        Way::new(QueuesAdmin, Installation, routes!(nodes::put_one)),
        Way::new(QueuesAdmin, Installation, routes!(nodes::reset_one)),
        Way::new(FleetExec, Installation, routes!(commands::give)).class(RouteClass::Enqueue),
        Way::new(FleetExec, Installation, routes!(commands::give_to)).class(RouteClass::Enqueue),
        Way::new(FleetExec, Installation, routes!(commands::show)),
        Way::new(JobsRead, Installation, routes!(nodes::topology)),
        Way::new(JobsRead, Installation, routes!(nodes::totals)),
        Way::new(JobsRead, Installation, routes!(nodes::flow)).through(&slow),
        Way::new(JobsRead, Installation, routes!(alerts::list)),
        Way::new(JobsRead, Installation, routes!(alerts::show)),
        Way::new(QueuesAdmin, Installation, routes!(alerts::acknowledge)),
        Way::new(JobsRead, Installation, routes!(alerts::rules)),
        Way::new(JobsRead, Installation, routes!(alerts::rule)),
        Way::new(QueuesAdmin, Installation, routes!(alerts::put_rule)).about(Subject::AlertRule),
        Way::new(QueuesAdmin, Installation, routes!(alerts::delete_rule)).about(Subject::AlertRule),
        Way::new(QueuesAdmin, Installation, routes!(alerts::enable_rule)).about(Subject::AlertRule),
        Way::new(QueuesAdmin, Installation, routes!(alerts::disable_rule)).about(Subject::AlertRule),
        Way::new(JobsRead, Installation, routes!(alerts::silences)),
        Way::new(QueuesAdmin, Installation, routes!(alerts::silence)),
        Way::new(QueuesAdmin, Installation, routes!(alerts::delete_silence)),
        Way::new(JobsRead, Visible, routes!(stats::list)).through(&slow),
        Way::new(JobsRead, Visible, routes!(stats::slowest)).through(&slow),
        Way::new(JobsRead, Visible, routes!(stats::activity)).through(&slow),
        Way::new(EventsRead, Visible, routes!(events::list)),
        Way::new(EventsRead, Installation, routes!(events::status)),
        Way::new(EventsRead, Visible, routes!(events::stream)),
        Way::new(MetricsRead, Installation, routes!(metrics::metrics)).uncounted(),
        Way::new(MetricsRead, Installation, routes!(metrics::as_json)).uncounted(),
        Way::new(WebhooksAdmin, Installation, routes!(webhooks::list)),
        Way::new(WebhooksAdmin, Installation, routes!(webhooks::create)).secret().class(RouteClass::Create),
        Way::new(WebhooksAdmin, Installation, routes!(webhooks::show)),
        Way::new(WebhooksAdmin, Installation, routes!(webhooks::delete)).about(Subject::Webhook),
        Way::new(WebhooksAdmin, Installation, routes!(webhooks::rotate)).about(Subject::Webhook).secret(),
        Way::new(WebhooksAdmin, Installation, routes!(webhooks::enable)).about(Subject::Webhook),
        Way::new(WebhooksAdmin, Installation, routes!(webhooks::disable)).about(Subject::Webhook),
        Way::new(WebhooksAdmin, Installation, routes!(webhooks::deliveries)),
        Way::new(WebhooksAdmin, Installation, routes!(webhooks::redeliver)),
        Way::new(Admin, Installation, routes!(agents::list)),
        Way::new(Admin, Installation, routes!(agents::create)).secret().class(RouteClass::Create),
        Way::new(Admin, Installation, routes!(agents::show)),
        Way::new(Admin, Installation, routes!(agents::delete)).about(Subject::Agent),
        Way::new(Admin, Installation, routes!(agents::rotate)).about(Subject::Agent).secret(),
        Way::new(Admin, Installation, routes!(audit::list)).through(&slow),
        Way::new(Admin, Installation, routes!(agents::revoke)).about(Subject::Agent),
    ]
}

/// Routes that wait.
fn patient() -> Vec<Way> {
    vec![
        Way::new(Scope::RunsRead, Reach::Visible, routes!(result::result)),
        Way::new(Scope::WorkersLease, Reach::OwnQueues, routes!(leases::claim)).of_workers(),
    ]
}

/// Routes without a token.
fn open() -> Vec<Way> {
    vec![
        Way::open(routes!(index::index)),
        Way::open(routes!(docs::openapi)),
        Way::open(routes!(docs::page)),
        Way::open(routes!(docs::file)),
        Way::open(routes!(health::health)),
        Way::open(routes!(health::live)),
        Way::open(routes!(health::ready)),
    ]
}

fn all() -> impl Iterator<Item = Way> {
    open().into_iter().chain(guarded(|handler| handler)).chain(patient())
}

/// What each route that takes a token needs.
pub(crate) fn table() -> Vec<Route> {
    let route = |way: Way| {
        let Gate { scope, reach, .. } = way.gate?;
        Some(Route { method: way.method, path: way.path, scope, reach })
    };
    all().filter_map(route).collect()
}

/// The tools of `/mcp`, which are these routes too.
pub(crate) fn tools() -> Tools {
    Tools::new(all(), &document())
}

/// The OpenAPI document, which is made of the same routes. `/mcp` is not in it: that protocol tells
/// its clients itself what they may ask for.
pub(crate) fn document() -> Value {
    crate::document::of(all())
}

/// The routes, with secrets masked in their answers.
fn answering(routes: Router<Arc<App>>, app: &Arc<App>) -> Router {
    let routes = routes.layer(from_fn_with_state(app.clone(), redact::mask)).with_state(app.clone());
    counted(routes, app)
}

/// A panic is caught inside the count, which so sees its 500.
fn counted(routes: Router, app: &Arc<App>) -> Router {
    let caught = routes.layer(CatchPanicLayer::custom(problem::of_panic));
    caught.layer(from_fn_with_state(app.clone(), traffic::count))
}

/// What every request passes, the last layer first. Where it comes from and its id are outermost,
/// so that every line of the log has them.
fn through(routes: Router, settings: &ApiSettings) -> Router {
    let proxies = Arc::<[_]>::from(&*settings.trusted_proxies);
    let routes = front::layers(routes, settings).layer(from_fn(request_id::identify));
    routes.layer(from_fn_with_state(proxies, origin::locate))
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
