//! Every route, and what each request passes on its way there.

mod calendars;
mod dead;
mod enqueue;
mod erase;
mod events;
pub(crate) mod health;
mod jobs;
mod limits;
mod metrics;
mod queues;
pub(crate) mod result;
mod schedules;
mod task;
mod task_history;
mod topics;

use crate::problem::{self, Problem};
use crate::{App, auth, deadline, redact, request_id, slow, traffic};
use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post, put};
use std::sync::Arc;
use tower_http::catch_panic::CatchPanicLayer;

pub(crate) fn router(app: App) -> Router {
    let app = Arc::new(app);
    let slow = from_fn_with_state(app.clone(), slow::take_turns);
    let guarded = Router::new()
        .route("/jobs", get(jobs::list).layer(slow.clone()).post(enqueue::enqueue))
        .route("/jobs/cancel", post(jobs::cancel_many).layer(slow.clone()))
        .route("/jobs/{id}", get(jobs::show))
        .route("/jobs/{id}/runs", get(jobs::runs))
        .route("/jobs/{id}/cancel", post(jobs::cancel))
        .route("/jobs/{id}/run-now", post(jobs::run_now))
        .route("/dead", get(dead::list).layer(slow.clone()))
        .route("/dead/{id}/requeue", post(dead::requeue))
        .route("/erase", post(erase::erase).layer(slow.clone()))
        .route("/tasks", get(task::list).layer(slow.clone()).post(task::create))
        .route("/tasks/{id}", get(task::show).patch(task::patch).put(task::replace).delete(task::delete))
        .route("/tasks/{id}/pause", post(task::pause))
        .route("/tasks/{id}/resume", post(task::resume))
        .route("/tasks/{id}/snooze", post(task::snooze))
        .route("/tasks/{id}/run-now", post(task::run_now))
        .route("/tasks/{id}/cancel", post(task::cancel))
        .route("/tasks/{id}/fires", get(task_history::fires).layer(slow.clone()))
        .route("/tasks/{id}/runs", get(task_history::runs).layer(slow.clone()))
        .route("/tasks/{id}/runs/latest", get(task_history::latest_run))
        .route("/tasks/{id}/statistics", get(task_history::statistics).layer(slow))
        .route("/schedules/preview", post(schedules::preview))
        .route("/schedules/presets", get(schedules::presets))
        .route("/calendars", get(calendars::list))
        .route("/calendars/{name}", put(calendars::put).delete(calendars::delete))
        .route("/limits", get(limits::list))
        .route("/limits/{name}", put(limits::put).delete(limits::delete))
        .route("/topics/{topic}", post(topics::publish))
        .route("/facts/{name}", put(topics::push_fact))
        .route("/queues", get(queues::queues))
        .route("/queues/{name}", get(queues::show).patch(queues::change))
        .route("/queues/{name}/pause", post(queues::pause))
        .route("/queues/{name}/resume", post(queues::resume))
        .route("/workers", get(queues::workers))
        .route("/events", get(events::list))
        .route("/metrics", get(metrics::metrics))
        .method_not_allowed_fallback(wrong_method)
        .fallback(no_route)
        // Around the fallbacks too: a stranger learns nothing of what there is.
        .layer(from_fn_with_state(app.clone(), auth::authorize));
    let open = Router::new()
        .route("/health", get(health::health))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .method_not_allowed_fallback(wrong_method);
    let quick = guarded.merge(open).layer(from_fn(deadline::enforce));
    // It waits for as long as it is asked to.
    let patient = Router::new()
        .route("/jobs/{id}/result", get(result::result))
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(app.clone(), auth::authorize))
        .layer(from_fn(deadline::enforce_patiently));
    through(quick.merge(patient), &app).with_state(app)
}

/// What every request passes, the last layer first. The id is outermost, so that every answer and line of the log
/// has it; a panic is caught inside the count, which so sees its 500.
fn through(routes: Router<Arc<App>>, app: &Arc<App>) -> Router<Arc<App>> {
    routes
        .layer(from_fn_with_state(app.clone(), redact::mask))
        .layer(CatchPanicLayer::custom(problem::of_panic))
        .layer(from_fn_with_state(app.clone(), traffic::count))
        .layer(from_fn(request_id::identify))
}

async fn no_route() -> Problem {
    Problem::not_found("there is no such route")
}

async fn wrong_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this route does not take this method; the header Allow says which")
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let app = Arc::new(App {
            depths: Depths::new(database.clone()),
            redis: None,
            rooms: Rooms::new(database.clone()),
            slow: Slow::new(&database),
            database,
            admin_token: String::new(),
            redaction: Default::default(),
            traffic: Default::default(),
            refusals: Default::default(),
            last_look: Default::default(),
        });
        async fn panics() -> Problem {
            panic!("the launch code is 1234")
        }
        let router = through(Router::new().route("/", get(panics)), &app).with_state(app);
        let response = router.oneshot(Request::new(Body::empty())).await.unwrap();
        assert_eq!(response.status(), 500);
        let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        let body = String::from_utf8(to_bytes(response.into_body(), 10_000).await.unwrap().to_vec()).unwrap();
        assert!(body.contains(&id) && !body.contains("1234"), "{body}");
    }
}
