//! What moves on a page, told as it changes: by server-sent events, which htmx swaps in.
//!
//! A view is what one address shows to those that may see the same. It is rendered once for all
//! that watch it, and only while somebody does. What differs between their sessions is the token of
//! forms alone: a view has another text in its place, which each stream replaces by its own.

use super::Page;
use super::link;
use super::session::who;
use super::visit::Visit;
use crate::auth::Caller;
use crate::problem::Problem;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use ordinaut_core::access::{Access, BrowserSecret, Scope};
use std::collections::HashMap;
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tower::ServiceExt;
use uuid::Uuid;

/// Streams of this process, and so views too. Above it a page is looked at every 15 seconds.
const STREAMS: usize = 1000;

/// In how many seconds a browser that found no place for a stream may try again.
const RETRY_AFTER: u32 = 15;

/// Shorter than proxies wait for a word.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Time after which a browser whose stream ended opens another one.
const RETRY: Duration = Duration::from_secs(1);

/// Time for which a stream's session is known without a new look: one that was revoked sees nothing
/// for longer.
const KNOWN: Duration = Duration::from_secs(30);

/// The longest rendering. What takes longer is told as what cannot be shown.
const LIMIT: Duration = Duration::from_secs(30);

/// The largest part of a page, in bytes.
const LARGEST: usize = 16 * 1024 * 1024;

/// Time until a view is rendered again: the rendering of all views together takes a twentieth of a
/// core at most, but for the longest wait that somebody is asked to bear.
fn pace(took: Duration, views: usize) -> Duration {
    const SHARE: u32 = 20;
    let views = u32::try_from(views).unwrap_or(u32::MAX);
    took.saturating_mul(SHARE).saturating_mul(views).clamp(Duration::from_secs(3), Duration::from_secs(60))
}

/// What tells one view from another: what may be seen, and where.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    agent: Arc<str>,
    scopes: Vec<Scope>,
    queues: Option<Vec<String>>,
    tenant: Option<String>,
    here: Arc<str>,
}

impl Key {
    fn new(access: &Access, here: &Arc<str>) -> Self {
        let Access { agent, scopes, queues, tenant, .. } = access.clone();
        Self { agent, scopes, queues, tenant, here: here.clone() }
    }
}

/// What a view shows.
#[derive(Clone)]
enum Look {
    /// It is being rendered for the first time.
    None,
    Shown {
        html: Arc<str>,
        seen: u64,
    },
    /// It could not be.
    Away,
}

impl Look {
    fn new(html: String) -> Self {
        Self::Shown { seen: seen(&html), html: html.into() }
    }

    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Shown { seen: one, .. }, Self::Shown { seen: other, .. }) => one == other,
            (Self::Away, Self::Away) => true,
            _ => false,
        }
    }
}

/// What tells one content from another. How long ago an instant was is no other content: browsers
/// keep that true by themselves.
fn seen(html: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (place, part) in html.split("<time ").enumerate() {
        let text = part.find('>').zip(part.find("</time>")).filter(|_| place > 0);
        match text {
            Some((begin, end)) => (&part[..begin], &part[end..]).hash(&mut hasher),
            None => part.hash(&mut hasher),
        }
    }
    hasher.finish()
}

/// All views that somebody watches.
pub(super) struct Live {
    /// The pages, as they are asked from within.
    pages: Router,
    /// What forms of a view carry instead of a token. Nobody else knows it.
    token: Arc<str>,
    views: Mutex<HashMap<Key, Arc<watch::Sender<Look>>>>,
    streams: Arc<Semaphore>,
    /// Told when somebody signs out.
    check: watch::Sender<()>,
}

impl Live {
    pub(super) fn new(pages: Router) -> Self {
        let token = Uuid::new_v4().to_string().into();
        let streams = Arc::new(Semaphore::new(STREAMS));
        Self { pages, token, views: Mutex::default(), streams, check: watch::Sender::new(()) }
    }

    /// Makes all streams look at once whether their sessions still are.
    pub(super) fn check_all(&self) {
        self.check.send_replace(());
    }

    fn views(&self) -> MutexGuard<'_, HashMap<Key, Arc<watch::Sender<Look>>>> {
        self.views.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a view shows from now on. The first that watches it makes it be rendered.
    fn watch(self: &Arc<Self>, visit: &Visit, here: Arc<str>) -> watch::Receiver<Look> {
        let key = Key::new(&visit.caller.access, &here);
        let mut views = self.views();
        if let Some(view) = views.get(&key) {
            return view.subscribe();
        }
        let sender = Arc::new(watch::Sender::new(Look::None));
        let receiver = sender.subscribe();
        views.insert(key.clone(), sender.clone());
        let visit = Visit {
            secret: None,
            form_token: self.token.clone(),
            here,
            said: None,
            is_part: true,
            headers: HeaderMap::new(),
            ..visit.clone()
        };
        tokio::spawn(View { live: self.clone(), key, sender }.keep(visit));
        receiver
    }

    async fn render(&self, visit: &Visit) -> Look {
        let Ok(mut request) = Request::get(&*visit.here).body(Body::empty()) else { return Look::Away };
        request.extensions_mut().insert(visit.clone());
        let rendered = async {
            let response = self.pages.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
            let is_shown = response.status() == StatusCode::OK;
            let bytes = to_bytes(response.into_body(), LARGEST).await.ok().filter(|_| is_shown)?;
            String::from_utf8(bytes.into()).ok()
        };
        timeout(LIMIT, rendered).await.ok().flatten().map_or(Look::Away, Look::new)
    }
}

/// A view that is rendered again and again.
struct View {
    live: Arc<Live>,
    key: Key,
    sender: Arc<watch::Sender<Look>>,
}

impl View {
    async fn keep(self, visit: Visit) {
        loop {
            let begun = Instant::now();
            let look = self.live.render(&visit).await;
            let took = begun.elapsed();
            self.sender.send_if_modified(|last| {
                let is_other = !last.is_like(&look);
                if is_other {
                    *last = look;
                }
                is_other
            });
            let wait = pace(took, self.live.views().len());
            tokio::select! {
                () = sleep(wait) => {}
                () = self.sender.closed() => {}
            }
            // Nobody comes to it between this look and its end.
            let mut views = self.live.views();
            if self.sender.receiver_count() == 0 {
                views.remove(&self.key);
                return;
            }
        }
    }
}

impl Drop for View {
    /// Also if it panicked: those that watched it come again, to another one.
    fn drop(&mut self) {
        let mut views = self.live.views();
        if views.get(&self.key).is_some_and(|view| Arc::ptr_eq(view, &self.sender)) {
            views.remove(&self.key);
        }
    }
}

/// `GET /ui/live?of=…`: what moves at an address of the page, as it changes.
pub(super) async fn stream(visit: Visit, Extension(live): Extension<Arc<Live>>) -> Response {
    let Ok(place) = live.streams.clone().try_acquire_owned() else {
        return Problem::unavailable("this process has no room for another page that is live")
            .after(RETRY_AFTER)
            .into_response();
    };
    let of = visit.parameter("of").unwrap_or_default();
    let mut looks = live.watch(&visit, link::within(&of).into());
    looks.mark_changed();
    let Visit { page, caller, secret, form_token, .. } = visit;
    let (check, known) = (live.check.subscribe(), Instant::now());
    let watcher = Watcher { live, page, caller, secret, form_token, looks, check, known, _place: place };
    let begin = futures_util::stream::once(async { Ok(Event::default().retry(RETRY)) });
    let events = futures_util::stream::unfold(watcher, Watcher::next);
    let told =
        Sse::new(futures_util::StreamExt::chain(begin, events)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    // A proxy that collects an answer before it passes it on would tell nothing.
    ([("x-accel-buffering", "no")], told).into_response()
}

/// One browser at a view.
struct Watcher {
    live: Arc<Live>,
    page: Arc<Page>,
    caller: Caller,
    secret: Option<BrowserSecret>,
    form_token: Arc<str>,
    looks: watch::Receiver<Look>,
    check: watch::Receiver<()>,
    /// When its session was last known to be one.
    known: Instant,
    _place: OwnedSemaphorePermit,
}

impl Watcher {
    /// The next that it is told; `None`: the API stops, or the session has ended.
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        let app = self.page.app.clone();
        loop {
            tokio::select! {
                () = app.leasing.stopped() => return None,
                Ok(()) = self.check.changed() => self.look().await?,
                () = sleep_until(self.known + KNOWN) => self.look().await?,
                changed = self.looks.changed() => {
                    changed.ok()?;
                    let look = self.looks.borrow_and_update().clone();
                    match look {
                        Look::None => {}
                        Look::Away => return Some((Ok(Event::default().event("away").data("")), self)),
                        Look::Shown { html, .. } => {
                            let own = html.replace(&*self.live.token, &self.form_token);
                            return Some((Ok(Event::default().event("shown").data(own)), self));
                        }
                    }
                }
            }
        }
    }

    /// `None`: its session has ended, or may see something else now.
    async fn look(&mut self) -> Option<()> {
        let (caller, _) = who(&self.page, self.secret.clone()).await.ok()??;
        self.known = Instant::now();
        (caller.access == self.caller.access).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_views_together_take_a_twentieth_of_a_core() {
        for (took, views, wait) in
            [(1, 1, 3000), (50, 1, 3000), (50, 10, 10_000), (100, 20, 40_000), (100, 900, 60_000)]
        {
            assert_eq!(
                pace(Duration::from_millis(took), views),
                Duration::from_millis(wait),
                "{took} ms, {views} views"
            );
        }
        assert_eq!(pace(Duration::MAX, usize::MAX), Duration::from_secs(60));
    }

    #[test]
    fn a_time_that_reads_otherwise_is_no_other_content() {
        let page = |ago: &str, at: &str, n: &str| {
            format!("<p>{n} <time datetime=\"{at}\">{ago}</time> and <time datetime=\"{at}\">{ago}</time></p>")
        };
        let first = seen(&page("3 s ago", "2030-01-01", "7"));
        assert_eq!(first, seen(&page("4 s ago", "2030-01-01", "7")));
        assert_ne!(first, seen(&page("3 s ago", "2030-01-02", "7")));
        assert_ne!(first, seen(&page("3 s ago", "2030-01-01", "8")));
    }
}
