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

// What moves

let open = [];
let focused = "";

function isBusy() {
    const part = live();
    if (document.hidden || !part) return true;
    const selection = getSelection();
    if (selection && !selection.isCollapsed && part.contains(selection.anchorNode)) return true;
    return part.querySelector("details.menu[open]") !== null || part.contains(document.activeElement?.closest("input, textarea, select") ?? null);
}

document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.id === "live" && isBusy()) event.preventDefault();
});

document.addEventListener("htmx:configRequest", (event) => {
    const seen = event.target.dataset.seen;
    if (seen) event.detail.headers["If-None-Match"] = seen;
});

document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.target.id !== "live" || !event.detail.shouldSwap) return;
    open = [...live().querySelectorAll("details")].map((details) => details.open);
    focused = live().contains(document.activeElement) ? document.activeElement.id : "";
});

document.addEventListener("htmx:afterSwap", () => {
    const part = live();
    const folds = [...part.querySelectorAll("details")];
    // Another number of them is another content, in which places mean nothing.
    if (folds.length === open.length) folds.forEach((details, place) => { details.open = open[place]; });
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    tell(part);
});

for (const lost of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
    document.addEventListener(lost, () => document.body.classList.add("lost"));
}
document.addEventListener("htmx:afterOnLoad", (event) => {
    if (event.detail.xhr.status < 400) document.body.classList.remove("lost");
});

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

const NAMES = { in: "in", out: "out", wait50: "wait p50", wait95: "wait p95", run50: "run p50", run95: "run p95" };
const COLOURS = { in: "--waiting", out: "--succeeded", wait50: "--waiting", wait95: "--parked", run50: "--succeeded", run95: "--running" };
const drawn = [];

function seconds(value) {
    if (value == null) return "–";
    if (value < 0.9995) return `${Math.round(value * 1000)} ms`;
    if (value < 60) return `${value.toFixed(1)} s`;
    return value < 3600 ? `${Math.round(value / 60)} min` : `${(value / 3600).toFixed(1)} h`;
}

const perSecond = (value) => (value == null ? "–" : value < 0.995 ? value.toFixed(2) : value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString("en"));

const clock = (at) => new Date(at * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function draw(element, lines, data, span) {
    const text = element.dataset.unit === "seconds" ? seconds : perSecond;
    const axis = { stroke: colour("--soft"), font: "12px system-ui", grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
    const series = lines.map((line) => ({
        label: NAMES[line],
        stroke: colour(COLOURS[line]),
        width: 1.5,
        points: { show: false },
        value: (_, value) => text(value),
    }));
    const options = {
        width: element.clientWidth - 16,
        height: element.clientHeight - 64,
        cursor: { drag: { x: false, y: false }, points: { size: 6 } },
        scales: { x: { range: () => span }, y: { range: (_, least, most) => [0, Math.max(most * 1.1, 1e-3)] } },
        axes: [{ ...axis, values: (_, values) => values.map(clock) }, { ...axis, size: 62, values: (_, values) => values.map(text) }],
        series: [{ label: "from", value: (_, at) => (at == null ? "–" : clock(at)) }, ...series],
    };
    element.replaceChildren();
    return new uPlot(options, data, element);
}

async function chart() {
    if (document.hidden) return;
    const elements = [...document.querySelectorAll(".chart[data-source]")];
    const answers = new Map();
    for (const source of new Set(elements.map((element) => element.dataset.source))) {
        try {
            const answer = await fetch(source);
            if (answer.ok) answers.set(source, await answer.json());
        } catch {
            // The next look may go well.
        }
    }
    elements.forEach((element, place) => {
        const answer = answers.get(element.dataset.source);
        if (!answer) return;
        const lines = element.dataset.lines.split(" ");
        const data = [answer.at, ...lines.map((line) => answer[line])];
        if (drawn[place]) {
            Object.assign(drawn[place].span, [answer.since, answer.until]);
            drawn[place].plot.setData(data);
        } else {
            const span = [answer.since, answer.until];
            drawn[place] = { span, plot: draw(element, lines, data, span) };
        }
    });
}

function again() {
    drawn.forEach((chart) => chart?.plot.destroy());
    drawn.length = 0;
    chart();
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
let resized;
addEventListener("resize", () => {
    clearTimeout(resized);
    resized = setTimeout(again, 200);
});

tell(document);
chart();
setInterval(chart, 15000);
