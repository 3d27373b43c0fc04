//! The frame of every page: what is around its own part, and the forms and lists that pages share.

use super::session::FORM_TOKEN;
use super::show::count;
use super::visit::{Fault, Visit};
use super::{answer, assets, link};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

/// Neither evaluates htmx text as a script, nor does it add a style of its own: the policy forbids
/// both.
const HTMX: &str = r#"{"allowEval":false,"includeIndicatorStyles":false,"selfRequestsOnly":true,"historyCacheSize":0,"scrollBehavior":"auto"}"#;

/// What a stream says: what moves as it is now, or that it cannot be shown.
pub(super) const SHOWN: &str = "shown,away";

/// A page: what stays, and below it what moves. A document that is there asks for the latter alone.
#[derive(Default)]
pub(super) struct Sheet {
    pub(super) title: String,
    /// The place in the navigation.
    pub(super) place: &'static str,
    /// Beside the title.
    pub(super) aside: Option<Markup>,
    /// It stays as it is while the rest moves, so that what is typed there stays.
    pub(super) fixed: Option<Markup>,
    pub(super) live: Markup,
    /// Below what moves; it stays too.
    pub(super) below: Option<Markup>,
    /// Whether it stays as it is.
    pub(super) still: bool,
}

/// The place with a number beside it: that of the alerts that fire.
const ALERTS: &str = "/ui/alerts";

/// The places of the navigation: address, name, and the route that shows them.
const PLACES: &[(&str, &str, &str)] = &[
    ("/ui", "Overview", "GET /queues"),
    ("/ui/jobs", "Jobs", "GET /jobs"),
    ("/ui/dead", "Dead letters", "GET /dead"),
    ("/ui/tasks", "Tasks", "GET /tasks"),
    ("/ui/queues", "Queues", "GET /queues"),
    ("/ui/targets", "Targets", "GET /targets"),
    ("/ui/workers", "Workers", "GET /workers"),
    ("/ui/nodes", "Nodes", "GET /nodes"),
    ("/ui/tools", "Tools", "GET /tools"),
    (ALERTS, "Alerts", "GET /alerts"),
    ("/ui/batches", "Batches", "GET /batches"),
    ("/ui/events", "Events", "GET /events"),
    ("/ui/agents", "Agents", "GET /agents"),
    ("/ui/audit", "Audit", "GET /audit"),
];

impl Sheet {
    pub(super) fn show(self, visit: &Visit) -> Response {
        if visit.is_part {
            return answer::html(&visit.headers, self.part());
        }
        let stream = link::with("/ui/live", &[("of", &visit.here)]);
        let document = html! {
            (DOCTYPE)
            html lang="en" {
                (head(&self.title))
                body {
                    a.skip href="#main" { "Skip to the page" }
                    (navigation(visit, self.place))
                    main id="main" {
                        header.title {
                            h1 { (self.title) }
                            @if let Some(aside) = self.aside { div.aside id="aside" { (aside) } }
                        }
                        p id="connection" aria-live="polite" {}
                        @if let Some(said) = &visit.said {
                            p.said.bad[!said.good] role="status" { (said.text) }
                        }
                        @if let Some(fixed) = self.fixed { (fixed) }
                        @if self.still {
                            div id="live" { (self.live) }
                        } @else {
                            div id="live" hx-ext="sse" sse-connect=(stream) sse-swap=(SHOWN) hx-get=(visit.here) hx-trigger="look" { (self.live) }
                        }
                        @if let Some(below) = self.below { (below) }
                    }
                }
            }
        };
        answer::html(&visit.headers, document)
    }

    /// What moves, and what else of the title goes with it.
    fn part(self) -> Markup {
        html! {
            (self.live)
            @if let Some(aside) = self.aside { div.aside id="aside" hx-swap-oob="true" { (aside) } }
        }
    }
}

pub(super) fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            meta name="htmx-config" content=(HTMX);
            title { (title) " · Ordinaut" }
            link rel="icon" href=(assets::url("icon.svg")) type="image/svg+xml";
            link rel="stylesheet" href=(assets::url("uplot.min.css"));
            link rel="stylesheet" href=(assets::url("page.css"));
            script src=(assets::url("htmx.min.js")) defer {}
            script src=(assets::url("htmx-sse.min.js")) defer {}
            script src=(assets::url("uplot.min.js")) defer {}
            script src=(assets::url("page.js")) defer {}
        }
    }
}

fn navigation(visit: &Visit, here: &str) -> Markup {
    let access = &visit.caller.access;
    html! {
        nav.places aria-label="Pages" {
            a.brand href="/ui" { img src=(assets::url("icon.svg")) alt="" width="20" height="20"; "Ordinaut" }
            ul {
                @for (place, name, route) in PLACES {
                    @if visit.may(route, "") {
                        li { a href=(place) aria-current=[(*place == here).then_some("page")] {
                            (name)
                            @if *place == ALERTS && visit.firing > 0 { span.firing { (count(visit.firing)) } }
                        } }
                    }
                }
            }
            div.who {
                span title=(access.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ")) {
                    (access.agent)
                    @if let Some(tenant) = &access.tenant { " · " (tenant) }
                }
                @if visit.secret.is_some() {
                    details.menu {
                        summary { "Sign out" }
                        div {
                            (button(visit, "/ui/sign-out", "Sign out here", &[], "quiet"))
                            (button(visit, "/ui/sign-out", "Sign out everywhere", &[("everywhere", "1")], "quiet"))
                        }
                    }
                } @else {
                    a href="/ui/sign-in" { "Sign in" }
                }
            }
        }
    }
}

/// What each form carries, and where it leads back to.
pub(super) fn carried(visit: &Visit) -> Markup {
    html! {
        input type="hidden" name=(FORM_TOKEN) value=(visit.form_token);
        input type="hidden" name="back" value=(visit.here);
    }
}

/// A form that is a button. It has an id, so that the focus stays where it is when its row is drawn
/// again.
pub(super) fn button(visit: &Visit, action: &str, label: &str, fields: &[(&str, &str)], class: &str) -> Markup {
    html! {
        form.button method="post" action=(action) {
            (carried(visit))
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            button class=(class) id=(format!("{label} {action}").replace(' ', "-")) { (label) }
        }
    }
}

/// A form that unfolds: what cannot be undone, or wants to know more, takes a second click.
pub(super) fn unfolding(visit: &Visit, label: &str, action: &str, inner: &Markup, submit: (&str, &str)) -> Markup {
    unfolded(visit, label, false, action, inner, submit)
}

/// The same, and open from the first if somebody is at it already.
pub(super) fn unfolded(
    visit: &Visit,
    label: &str,
    open: bool,
    action: &str,
    inner: &Markup,
    (text, class): (&str, &str),
) -> Markup {
    html! {
        details.menu open[open] {
            summary id=(format!("{label} {action}").replace(' ', "-")) { (label) }
            form.stack method="post" action=(action) {
                (carried(visit))
                (inner)
                button class=(class) { (text) }
            }
        }
    }
}

/// A field with its label above it.
pub(super) fn field(label: &str, name: &str, value: &str, example: &str) -> Markup {
    html! {
        label.field { span { (label) } input name=(name) value=(value) placeholder=(example) autocomplete="off" spellcheck="false"; }
    }
}

/// A link to the rest of a list, if there is one.
pub(super) fn rest(visit: &Visit, parameter: &str, next: Option<&str>) -> Markup {
    let Some(next) = next else { return html! {} };
    let mut parameters: Vec<_> = visit.parameters().into_iter().filter(|(name, _)| name != parameter).collect();
    parameters.push((parameter.to_owned(), next.to_owned()));
    let path = visit.here.split('?').next().unwrap_or("/ui");
    html! { p.rest { a href=(link::with_pairs(path, &parameters)) { "Further on" } } }
}

/// Nothing to show, and what there is to do.
pub(super) fn nothing(text: &str, advice: &Markup) -> Markup {
    html! { div.nothing { p { (text) } (advice) } }
}

/// A row of a list of facts, if there is something to say.
pub(super) fn fact(name: &str, value: Option<Markup>) -> Markup {
    html! { @if let Some(value) = value { div { dt { (name) } dd { (value) } } } }
}

/// A page that could not be shown.
pub(super) fn could_not(visit: &Visit, fault: &Fault) -> Response {
    let title = match fault.status {
        StatusCode::NOT_FOUND => "There is nothing here",
        StatusCode::FORBIDDEN => "You may not see this",
        _ => "This could not be shown",
    };
    if visit.is_part {
        // What is shown stays, and the next look may go well.
        return fault.status.into_response();
    }
    let live = html! {
        div.nothing { p { (fault.detail) } p { a href="/ui" { "To the overview" } } }
    };
    let sheet = Sheet { title: title.to_owned(), live, still: true, ..Sheet::default() };
    (fault.status, sheet.show(visit)).into_response()
}
