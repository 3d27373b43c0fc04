//! What comes after what, drawn: jobs that wait for each other, a batch with what follows it, the
//! steps of a pipeline.

use super::link;
use super::show::{Fields, count, counted, short};
use super::visit::Visit;
use maud::{Markup, html};
use serde_json::Value;
use std::collections::HashMap;

/// Nodes that are drawn; more are a list.
const DRAWN: usize = 60;

/// Nodes of a layer that stand beside each other.
const BESIDE: usize = 4;

/// Generations of jobs above one that are looked for.
const GENERATIONS: usize = 3;

/// Jobs above one that are looked for.
const PARENTS: usize = 20;

const WIDTH: usize = 190;
const HEIGHT: usize = 44;
const GAP: usize = 28;

/// A job, a batch or a step.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub(super) name: String,
    /// How it stands, as a state or in other words.
    pub(super) state: String,
    pub(super) at: Option<String>,
}

/// Nodes, and from which to which a line leads; true: only if something failed.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<(usize, usize, bool)>,
}

impl Graph {
    fn add(&mut self, name: impl Into<String>, state: impl Into<String>, at: Option<String>) -> usize {
        self.nodes.push(Node { name: name.into(), state: state.into(), at });
        self.nodes.len() - 1
    }

    /// The layer of each node: one below the lowest that leads to it.
    fn layers(&self) -> Vec<usize> {
        let mut layers = vec![0; self.nodes.len()];
        // No path is longer; in a circle it ends here.
        for _ in 0..self.nodes.len() {
            let mut moved = false;
            for &(from, to, _) in &self.edges {
                if layers[to] <= layers[from] && layers[from] < self.nodes.len() {
                    layers[to] = layers[from] + 1;
                    moved = true;
                }
            }
            if !moved {
                break;
            }
        }
        layers
    }

    /// The left upper corner of each node, and the size of all: a layer is one row or several.
    fn places(&self) -> (Vec<(usize, usize)>, usize, usize) {
        let layers = self.layers();
        let mut places = vec![(0, 0); self.nodes.len()];
        let widest = (0..=layers.iter().copied().max().unwrap_or_default())
            .map(|layer| layers.iter().filter(|of| **of == layer).count().min(BESIDE))
            .max()
            .unwrap_or(1);
        let (width, mut y) = (widest * (WIDTH + GAP) - GAP, 0);
        for layer in 0..=layers.iter().copied().max().unwrap_or_default() {
            let of: Vec<_> = (0..self.nodes.len()).filter(|node| layers[*node] == layer).collect();
            for row in of.chunks(BESIDE) {
                let left = (width + GAP - row.len() * (WIDTH + GAP)) / 2;
                for (place, node) in row.iter().enumerate() {
                    places[*node] = (left + place * (WIDTH + GAP), y);
                }
                y += HEIGHT + GAP;
            }
        }
        (places, width, y.saturating_sub(GAP))
    }

    pub(super) fn draw(&self, what: &str) -> Markup {
        if self.nodes.len() < 2 {
            return html! {};
        }
        if self.nodes.len() > DRAWN {
            return html! { ol.graph-list { @for node in &self.nodes { li { (words(node)) } } } };
        }
        let (places, width, height) = self.places();
        html! {
            div.graph tabindex="0" role="group" aria-label=(what) {
                svg viewBox=(format!("0 0 {width} {height}")) width=(width) height=(height) {
                    @for &(from, to, fails) in &self.edges {
                        path.fails[fails] d=(line(places[from], places[to])) {}
                    }
                    @for (node, (x, y)) in self.nodes.iter().zip(&places) { (drawn(node, *x, *y)) }
                }
            }
        }
    }
}

/// From the lower end of one to the upper end of another.
fn line((from_x, from_y): (usize, usize), (to_x, to_y): (usize, usize)) -> String {
    let (from_x, from_y, to_x) = (from_x + WIDTH / 2, from_y + HEIGHT, to_x + WIDTH / 2);
    let bend = GAP / 2;
    format!("M{from_x},{from_y} C{from_x},{} {to_x},{} {to_x},{to_y}", from_y + bend, to_y.saturating_sub(bend))
}

fn drawn(node: &Node, x: usize, y: usize) -> Markup {
    let class = format!("node s-{}", node.state.split([' ', ',']).next().unwrap_or_default());
    let inner = html! {
        title { (node.name) ", " (node.state) }
        rect.box x=(x) y=(y) width=(WIDTH) height=(HEIGHT) rx="6" {}
        rect.mark x=(x) y=(y) width="4" height=(HEIGHT) rx="2" {}
        text x=(x + 14) y=(y + 18) { (clipped(&node.name)) }
        text.soft x=(x + 14) y=(y + 35) { (clipped(&node.state)) }
    };
    html! {
        @match &node.at {
            Some(at) => a href=(at) class=(class) { (inner) },
            None => g class=(class) { (inner) },
        }
    }
}

/// As much as there is room for.
fn clipped(text: &str) -> String {
    const MOST: usize = 24;
    if text.chars().count() <= MOST { text.to_owned() } else { text.chars().take(MOST - 1).chain(['…']).collect() }
}

fn words(node: &Node) -> Markup {
    html! { @if let Some(at) = &node.at { a href=(at) { (node.name) } } @else { (node.name) } " " span.none { (node.state) } }
}

fn job_at(id: &str) -> Option<String> {
    Some(link::path(&["ui", "jobs", id]))
}

/// A job between those that it waits for and its batch.
pub(super) async fn of_job(visit: &Visit, job: &Value) -> Graph {
    let mut graph = Graph::default();
    let own = graph.add(job.text("kind"), format!("{}, this job", job.text("state")), None);
    let mut known = HashMap::from([(job.text("id").to_owned(), own)]);
    let mut young = vec![(own, job.clone())];
    for _ in 0..GENERATIONS {
        let mut parents = Vec::new();
        for (child, of) in &young {
            for id in of["waits"].list("jobs").iter().filter_map(Value::as_str) {
                if let Some(known) = known.get(id) {
                    graph.edges.push((*known, *child, false));
                } else if known.len() <= PARENTS
                    && let Ok(parent) = visit.get(&link::path(&["jobs", id])).await
                {
                    let node =
                        graph.add(format!("{} {}", parent.text("kind"), short(id)), parent.text("state"), job_at(id));
                    graph.edges.push((node, *child, false));
                    known.insert(id.to_owned(), node);
                    parents.push((node, parent));
                }
            }
        }
        young = parents;
    }
    let batch = job.said("batch_id").or_else(|| job["waits"].said("batch_id"));
    if let Some(id) = batch
        && let Ok(batch) = visit.get(&link::path(&["batches", id])).await
    {
        let at = Some(link::path(&["ui", "batches", id]));
        let node = graph.add(
            batch.text("name"),
            format!("{} of {}", batch.text("state"), counted(batch.whole("total"), "job")),
            at,
        );
        if job["waits"].said("batch_id").is_some() {
            graph.edges.push((node, own, false));
        } else {
            graph.edges.push((own, node, false));
            followers(&mut graph, &batch, node);
        }
    }
    graph
}

/// The members of a batch by their states, and what runs after them.
pub(super) fn of_batch(batch: &Value) -> Graph {
    let mut graph = Graph::default();
    let ended: i64 = ["succeeded", "dead", "cancelled"].iter().map(|field| batch.whole(field)).sum();
    let left = batch.whole("total") - ended;
    let jobs = |state: &str| Some(link::with("/ui/jobs", &[("batch", batch.text("id")), ("state", state)]));
    let mut members = Vec::new();
    if left > 0 {
        members.push(graph.add(format!("{} to go", count(left)), "running", jobs("")));
    }
    for state in ["succeeded", "dead", "cancelled"] {
        if batch.whole(state) > 0 {
            members.push(graph.add(counted(batch.whole(state), "job"), state, jobs(state)));
        }
    }
    let node = graph.add(batch.text("name"), batch.text("state"), None);
    graph.edges.extend(members.into_iter().map(|member| (member, node, false)));
    followers(&mut graph, batch, node);
    graph
}

fn followers(graph: &mut Graph, batch: &Value, node: usize) {
    for (field, when) in [("on_success", "if all succeed"), ("on_complete", "after all")] {
        if let Some(id) = batch.said(field) {
            let follower = graph.add(format!("job {}", short(id)), when, job_at(id));
            graph.edges.push((node, follower, false));
        }
    }
}

/// The steps of a pipeline, with what became of each; `None`: the job is none.
pub(super) fn of_pipeline(job: &Value, steps: Option<&Value>) -> Option<Graph> {
    if job.text("kind") != "pipeline" {
        return None;
    }
    let (listed, ended) =
        (job["args"]["steps"].as_array()?, matches!(job.text("state"), "succeeded" | "cancelled" | "dead"));
    let mut graph = Graph::default();
    let mut named = HashMap::new();
    let mut before: Vec<usize> = Vec::new();
    for step in listed {
        let id = step.text("id");
        let group = step.list("parallel");
        let mut nodes = Vec::new();
        for (inner, prefix) in
            group.iter().map(|inner| (inner, format!("{id}: "))).chain(group.is_empty().then(|| (step, String::new())))
        {
            let name = inner.text("id");
            let how = if inner["foreach"].is_null() {
                inner.text("uses").to_owned()
            } else {
                format!("{} for each", inner.text("uses"))
            };
            nodes.push(graph.add(format!("{prefix}{name} ({how})"), became(name, steps, ended), None));
        }
        if step.flag("compensation") {
            // Only a failure leads there.
            before.clear();
        } else {
            graph.edges.extend(before.iter().flat_map(|from| nodes.iter().map(move |to| (*from, *to, false))));
            before.clone_from(&nodes);
        }
        named.insert(id, nodes);
    }
    for step in listed {
        let (from, to) = (named.get(step.text("id")), named.get(step["on_failure"].text("goto")));
        for from in from.into_iter().flatten() {
            graph.edges.extend(to.into_iter().flatten().map(|to| (*from, *to, true)));
        }
    }
    Some(graph)
}

/// What became of a step, as far as it is recorded: of one for each item there is a record of each.
fn became(name: &str, steps: Option<&Value>, ended: bool) -> &'static str {
    let Some(steps) = steps else { return "not known" };
    let is_of =
        |of: &Value| of.text("name").strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('['));
    if steps.list("waits").iter().any(|wait| wait["answered_at"].is_null() && is_of(wait)) {
        return if ended { "cancelled" } else { "waiting" };
    }
    let mut records = steps.list("steps").iter().filter(|step| is_of(step));
    match records.next() {
        None => "not done",
        Some(step) if step["result"].text("decision") == "rejected" => "rejected",
        Some(_) => "done",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_node_is_below_all_that_lead_to_it_and_a_circle_ends() {
        let nodes = vec![Node::default(); 4];
        let edges = vec![(0, 1, false), (1, 3, false), (0, 3, false), (0, 2, false)];
        let graph = Graph { nodes, edges };
        assert_eq!(graph.layers(), [0, 1, 1, 2]);
        let (places, width, height) = graph.places();
        assert_eq!((width, height), (2 * WIDTH + GAP, 3 * HEIGHT + 2 * GAP));
        assert_eq!((places[0], places[3].1), (((WIDTH + GAP) / 2, 0), 2 * (HEIGHT + GAP)));
        let circle = Graph { nodes: vec![Node::default(); 2], edges: vec![(0, 1, false), (1, 0, false)] };
        assert!(circle.layers().iter().all(|layer| *layer <= 2));
        let many = Graph { nodes: vec![Node::default(); DRAWN + 1], edges: Vec::new() };
        assert!(many.draw("many").into_string().starts_with("<ol"));
    }

    #[test]
    fn the_steps_of_a_pipeline_follow_each_other_and_failures_lead_elsewhere() {
        let job = json!({"kind": "pipeline", "state": "parked", "args": {"steps": [
            {"id": "charge", "uses": "http", "on_failure": {"goto": "refund"}},
            {"id": "both", "parallel": [{"id": "a", "uses": "echo"}, {"id": "b", "uses": "echo", "foreach": "params.l"}]},
            {"id": "release", "uses": "approval"},
            {"id": "refund", "uses": "http", "compensation": true}]}});
        let steps = json!({"steps": [{"name": "charge"}, {"name": "b[0]"}], "waits": [{"name": "release"}]});
        let graph = of_pipeline(&job, Some(&steps)).unwrap();
        assert_eq!(graph.edges, [(0, 1, false), (0, 2, false), (1, 3, false), (2, 3, false), (0, 4, true)]);
        let states: Vec<_> = graph.nodes.iter().map(|node| &*node.state).collect();
        assert_eq!(states, ["done", "not done", "done", "waiting", "not done"]);
        assert_eq!(graph.nodes[2].name, "both: b (echo for each)");
        assert!(of_pipeline(&json!({"kind": "echo"}), None).is_none());
    }
}
