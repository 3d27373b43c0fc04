// What the page does beyond htmx: keeps times true, keeps what somebody does from being disturbed,
// draws charts, and takes keys. Without it everything can still be read and done.
"use strict";

const live = () => document.getElementById("live");

// Times

const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];

function relative(then) {
    const seconds = (Date.now() - then) / 1000;
    const size = Math.abs(seconds);
    const unit = UNITS.find(([length]) => size >= length);
    if (!unit) return "now";
    const amount = `${Math.floor(size / unit[0])} ${unit[1]}`;
    return seconds >= 0 ? `${amount} ago` : `in ${amount}`;
}

function tell(root) {
    for (const time of root.querySelectorAll("time[datetime]")) {
        const then = Date.parse(time.dateTime);
        const text = relative(then);
        if (time.textContent !== text) time.textContent = text;
        if (!time.dataset.local) {
            time.dataset.local = "1";
            time.title = `${new Date(then).toLocaleString()} here\n${time.title}`;
        }
    }
}

setInterval(() => document.hidden || tell(document), 5000);

// What moves: a stream says each content of it, and where there is none it is asked for.

const LOOK_AGAIN = 15000;
let source = null;
let shown = "";
let kept = null;
let looked = 0;

function isBusy() {
    if (document.hidden) return true;
    const selection = getSelection();
    return [...document.querySelectorAll("#live, #aside")].some((part) =>
        (selection && !selection.isCollapsed && part.contains(selection.anchorNode)) ||
        part.querySelector("details.menu[open]") !== null ||
        [...part.querySelectorAll("input, textarea")].some((field) => field.value !== field.defaultValue) ||
        part.contains(document.activeElement?.closest("input, textarea, select") ?? null));
}

// What finds an element again after its row was drawn anew: its id, or where it leads.
function place(element) {
    if (element.id) return `#${CSS.escape(element.id)}`;
    return element.matches("a[href]") ? `#live a[href="${CSS.escape(element.getAttribute("href"))}"]` : "";
}

// What comes while somebody is at it is kept, and the latest of it shown when they are not.
function put(content) {
    kept = isBusy() ? content : null;
    if (kept !== null || content === shown) return;
    shown = content;
    const open = [...live().querySelectorAll("details")].map((details) => details.open);
    const focused = live().contains(document.activeElement) ? place(document.activeElement) : "";
    htmx.swap(live(), content, { swapStyle: "innerHTML" });
    const folds = [...live().querySelectorAll("details")];
    // Another number of them is another content, in which places mean nothing.
    if (folds.length === open.length) folds.forEach((details, place) => { details.open = open[place]; });
    if (focused) document.querySelector(focused)?.focus({ preventScroll: true });
    tell(document);
    chart();
}

setInterval(() => kept !== null && put(kept), 500);

function lost(is) {
    if (document.body.classList.contains("lost") === is) return;
    document.body.classList.toggle("lost", is);
    const since = new Date().toLocaleTimeString([], { hourCycle: "h23" });
    document.getElementById("connection").textContent = is ? `The connection was lost at ${since}. What you see is as it was then, until it is back.` : "";
}

htmx.createEventSource = (url) => {
    source?.close();
    source = new EventSource(url);
    if (document.hidden) source.close();
    return source;
};

// To htmx it is as if the element came into the document again.
function connect() {
    if (live()?.hasAttribute("sse-connect")) htmx.trigger(live(), "htmx:afterProcessNode");
}

function look() {
    looked = Date.now();
    if (live()?.hasAttribute("hx-get")) htmx.trigger(live(), "look");
}

document.addEventListener("htmx:sseBeforeMessage", (event) => {
    event.preventDefault();
    lost(event.detail.type === "away");
    if (event.detail.type === "shown") put(event.detail.data);
});

document.addEventListener("htmx:sseError", () => {
    // A stream that was refused says nothing of the connection: a look does.
    if (source.readyState !== EventSource.CLOSED) lost(true);
    else if (Date.now() - looked > 5000) look();
});

document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.target.id !== "live" || !event.detail.shouldSwap) return;
    event.detail.shouldSwap = false;
    put(event.detail.serverResponse);
});

document.addEventListener("htmx:sseOpen", () => lost(false));
document.addEventListener("htmx:afterOnLoad", (event) => event.detail.xhr.status < 400 && lost(false));

for (const failed of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
    document.addEventListener(failed, () => lost(true));
}

setInterval(() => !document.hidden && source?.readyState !== EventSource.OPEN && look(), LOOK_AGAIN);

document.addEventListener("visibilitychange", () => (document.hidden ? source?.close() : connect()));

// A page that comes back from the browser's memory.
addEventListener("pageshow", (event) => event.persisted && connect());

// Menus and forms

function close(except) {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (menu !== except) menu.open = false;
}

document.addEventListener("click", (event) => close(event.target.closest("details.menu")));

document.addEventListener("submit", (event) => {
    const sent = event.target;
    // After the form has been read, so that a second click sends nothing.
    setTimeout(() => sent.querySelectorAll("button").forEach((button) => { button.disabled = true; }));
});

// A page that comes back from the browser's memory is used again.
addEventListener("pageshow", () => document.querySelectorAll("button:disabled").forEach((button) => { button.disabled = false; }));

// Keys

const PLACES = { o: "/ui", j: "/ui/jobs", d: "/ui/dead", t: "/ui/tasks", q: "/ui/queues", w: "/ui/workers", b: "/ui/batches", e: "/ui/events" };
let went = 0;

document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
        const menu = document.querySelector("details.menu[open]");
        close(null);
        menu?.querySelector("summary").focus();
        return;
    }
    if (event.target.closest("input, textarea, select")) return;
    if (event.key === "/") {
        const search = document.querySelector("[role=search] input:not([type=hidden])");
        if (search) {
            event.preventDefault();
            search.focus();
        }
    } else if (event.key === "g") {
        went = Date.now();
    } else if (Date.now() - went < 1500 && PLACES[event.key]) {
        location.href = PLACES[event.key];
    }
});

// Charts

const drawn = new Map();

function seconds(value) {
    if (value == null) return "–";
    if (value < 0.9995) return `${Math.round(value * 1000)} ms`;
    if (value < 60) return `${value.toFixed(1)} s`;
    return value < 3600 ? `${Math.round(value / 60)} min` : `${(value / 3600).toFixed(1)} h`;
}

const perSecond = (value) => (value == null ? "–" : value < 0.995 ? value.toFixed(2) : value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString("en"));

const jobs = (value) => (value == null ? "–" : Math.round(value).toLocaleString("en"));

// Between two whole jobs there is nothing to say.
const wholeJobs = (value) => (Number.isInteger(value) ? jobs(value) : "");

const UNIT = { seconds, rate: perSecond, jobs };

const clock = (at) => new Date(at * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// A value without one beside it is no line, and would not be seen.
function alone(values) {
    return values.flatMap((value, at) => (value != null && values[at - 1] == null && values[at + 1] == null ? [at] : []));
}

function draw(element, lines, data, span) {
    const text = UNIT[element.dataset.unit];
    const mark = text === jobs ? wholeJobs : text;
    const axis = { stroke: colour("--soft"), font: "12px system-ui", grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
    const series = lines.map((line) => ({
        label: line.name,
        stroke: colour(line.colour),
        width: 1.5,
        points: { show: true, size: 4, filter: (plot, place) => alone(plot.data[place]) },
        value: (_, value) => text(value),
    }));
    const options = {
        width: element.clientWidth - 16,
        height: element.clientHeight - 64,
        cursor: { drag: { x: false, y: false }, points: { size: 6 } },
        scales: { x: { range: () => span }, y: { range: (_, least, most) => [0, most > 0 ? most * 1.1 : 1] } },
        axes: [{ ...axis, values: (_, values) => values.map(clock) }, { ...axis, size: 62, values: (_, values) => values.map(mark) }],
        series: [{ label: "from", value: (_, at) => (at == null ? "–" : clock(at)) }, ...series],
    };
    element.replaceChildren();
    return new uPlot(options, data, element);
}

function chart() {
    const told = document.getElementById("series");
    if (!told) return;
    const { since, until, at, charts } = JSON.parse(told.dataset.series);
    for (const element of document.querySelectorAll(".chart[data-chart]")) {
        const lines = charts[element.dataset.chart] ?? [];
        const data = [at, ...lines.map((line) => line.values)];
        const names = lines.map((line) => line.name).join("\n");
        const before = drawn.get(element);
        if (before?.names === names) {
            before.span.splice(0, 2, since, until);
            before.plot.setData(data);
        } else {
            before?.plot.destroy();
            const span = [since, until];
            drawn.set(element, { names, span, plot: draw(element, lines, data, span) });
        }
    }
}

function again() {
    drawn.forEach((before) => before.plot.destroy());
    drawn.clear();
    chart();
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
let resized;
addEventListener("resize", () => {
    clearTimeout(resized);
    resized = setTimeout(again, 200);
});

// On a phone the places stand in a line that is longer than the screen.
document.querySelector(".places [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

tell(document);
chart();
