//! The page: what a person sees and does in a browser, under `/ui`. It asks the API's own routes,
//! in this process and with the visitor's rights, so that it shows and does nothing else than they
//! do. A page is a file here; what all share is in `visit`, `layout` and `show`.

mod agents;
mod alerts;
mod answer;
mod arguments;
mod assets;
mod batches;
mod bulk;
mod dead;
mod enqueue;
mod events;
mod graph;
mod job;
mod jobs;
mod layout;
mod link;
mod live;
mod nodes;
mod overview;
mod queues;
mod series;
mod session;
mod show;
mod sign_in;
mod stats_cache;
mod targets;
mod task_form;
mod tasks;
mod timeline;
mod tools;
mod tree;
mod visit;
mod workers;

use crate::App;
use crate::cached::{Cached, fresh_for};
use crate::deadline;
use crate::guard::Route;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use layout::could_not;
use live::Live;
use ordinaut_core::alert::AlertState;
use ordinaut_runtime::settings::api::ApiSettings;
use session::{Sent, went_to};
use sign_in::Attempts;
use stats_cache::StatsCache;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;
use visit::{Fault, Said, Visit};

/// Time for which the number of alerts that fire is shown.
const FIRING_FRESH: Duration = Duration::from_secs(2);

/// What all pages share.
pub(crate) struct Page {
    app: Arc<App>,
    /// The API's routes, as they are asked from within.
    api: Router,
    /// What each of them takes, by method and path.
    gates: HashMap<String, Route>,
    attempts: Attempts,
    stats: StatsCache,
    /// The number of alerts that fire.
    firing: Cached<i64>,
    /// What a link ends with that signs one browser in; `None`: none does, or it did.
    link: Mutex<Option<String>>,
    /// What forms carry where nobody has to sign in.
    anonymous_form_token: String,
    has_tls: bool,
}

impl Page {
    /// The number of alerts that fire, as the navigation shows it; 0 if that cannot be told. The
    /// rules are evaluated every five seconds.
    async fn firing(&self) -> i64 {
        let database = self.app.installation.clone();
        let count = async move {
            let counts = database.alerts().counts().await.unwrap_or_default();
            counts.iter().filter(|count| count.state == AlertState::Firing).map(|count| count.alerts).sum()
        };
        self.firing.get(|_, took| fresh_for(took).max(FIRING_FRESH), count).await
    }
}

/// The routes of the page.
pub(crate) fn router(app: &Arc<App>, api: Router, settings: &ApiSettings) -> Router {
    let gates = super::routes().into_iter().map(|route| (format!("{} {}", route.method, route.path), route));
    let page = Arc::new(Page {
        app: app.clone(),
        api,
        gates: gates.collect(),
        attempts: Attempts::default(),
        stats: StatsCache::default(),
        firing: Cached::default(),
        link: Mutex::new(settings.sign_in_link.clone()),
        anonymous_form_token: Uuid::new_v4().to_string(),
        has_tls: settings.tls.is_some(),
    });
    let pages = Router::new()
        .merge(overview::routes())
        .merge(jobs::routes())
        .merge(bulk::routes())
        .merge(job::routes())
        .merge(dead::routes())
        .merge(queues::routes())
        .merge(targets::routes())
        .merge(workers::routes())
        .merge(nodes::routes())
        .merge(alerts::routes())
        .merge(tasks::routes())
        .merge(task_form::routes())
        .merge(batches::routes())
        .merge(events::routes())
        .merge(enqueue::routes())
        .merge(tools::routes())
        .merge(agents::routes())
        .route("/ui/{*rest}", get(no_page))
        // Where a form is sent to there is nothing to look at.
        .method_not_allowed_fallback(no_page);
    let live = Arc::new(Live::new(pages.clone().with_state(page.clone())));
    let inside = pages
        .route("/ui/live", get(live::stream))
        .route("/ui/sign-out", post(sign_in::sign_out))
        .layer(Extension(live))
        .layer(from_fn_with_state(page.clone(), session::enter));
    let open = Router::new()
        .route("/ui/assets/{name}", get(assets::file))
        .route("/ui/sign-in", get(sign_in::form).post(sign_in::sign_in))
        .route("/ui/link/{secret}", get(sign_in::by_link));
    inside.merge(open).layer(from_fn(deadline::enforce)).with_state(page)
}

/// What a handler of a page comes to.
type Shown = Result<Response, Refused>;

/// What could not be shown, to whom.
struct Refused(Box<(Visit, Fault)>);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (visit, fault) = *self.0;
        could_not(&visit, &fault)
    }
}

/// Shows a page, or why it cannot be shown.
async fn shown<F: Future<Output = Result<Response, Fault>>>(visit: Visit, show: impl FnOnce(Visit) -> F) -> Shown {
    show(visit.clone()).await.map_err(|fault| Refused(Box::new((visit, fault))))
}

/// Goes back to where a form was sent from, and says there what it came to.
fn back(sent: &Sent, done: Result<String, Fault>) -> Response {
    let said = match done {
        Ok(text) => Said { good: true, text },
        Err(fault) => Said { good: false, text: fault.detail },
    };
    went_to(sent.field("back").unwrap_or_default(), &said)
}

async fn no_page(visit: Visit) -> Response {
    could_not(&visit, &Fault::new(StatusCode::NOT_FOUND, "There is no such page."))
}
