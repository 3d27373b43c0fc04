//! The tools: which routes, under which names, with which arguments. What the arguments may be is
//! in the OpenAPI document, and is taken from there.

use crate::guard::Way;
use axum::http::{HeaderName, Method};
use ordinaut_core::access::Scope;
use rmcp::model::{Tool as Listed, ToolAnnotations};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Where schemas of the document are, and where those of a tool.
const SCHEMAS: &str = "#/components/schemas/";
const DEFINITIONS: &str = "#/$defs/";

/// A route that is offered.
struct Offer {
    name: &'static str,
    title: &'static str,
    /// The route, by its id in the OpenAPI document.
    operation: &'static str,
    about: &'static str,
    /// What the part of the path is that has a name.
    subject: &'static str,
    /// Beginnings of further parameters.
    prefix: Option<(&'static str, &'static str)>,
    destroys: bool,
}

const OFFER: Offer =
    Offer { name: "", title: "", operation: "", about: "", subject: "", prefix: None, destroys: false };

const OFFERS: [Offer; 14] = [
    Offer {
        name: "enqueue",
        title: "Enqueue a job",
        operation: "enqueueJobs",
        about: "Stores a job, which a worker then runs. Only kind is needed. Answers with the job's id; duplicate: true means that \
                another job holds its unique key, and nothing was stored. Times are RFC 3339, durations seconds.",
        ..OFFER
    },
    Offer {
        name: "job",
        title: "Look at a job",
        operation: "getJob",
        about: "A job with its state, its arguments and its last attempts, with their errors and outputs.",
        subject: "The id of the job.",
        ..OFFER
    },
    Offer {
        name: "jobs",
        title: "Find jobs",
        operation: "listJobs",
        about: "Jobs to which everything applies that is given, the newest first, a page at a time. Pass the next of a page as before \
                to get the following one.",
        prefix: Some((
            "args.",
            "Only jobs whose arguments have this value at the path after args., such as args.customer.id.",
        )),
        ..OFFER
    },
    Offer {
        name: "explain",
        title: "Why a job does not run",
        operation: "explainJob",
        about: "Why a job does not run now: reasons, the first of which must go before the others matter, each with what shows it and \
                what to do. A job that runs or has ended has none.",
        subject: "The id of the job.",
        ..OFFER
    },
    Offer {
        name: "explain_task",
        title: "Why a task does not fire",
        operation: "explainTask",
        about: "Why a task does not fire now, when it does next, and what became of its last instants: fired, or left out and why.",
        subject: "The id of the task.",
        ..OFFER
    },
    Offer {
        name: "explain_queue",
        title: "What holds a queue up",
        operation: "explainQueue",
        about: "What holds a queue up, the worst first: each finding with its severity, the component that it is about, what shows it \
                and what to do.",
        subject: "The name of the queue.",
        ..OFFER
    },
    Offer {
        name: "explain_batch",
        title: "What holds a batch up",
        operation: "explainBatch",
        about: "Which members hold a batch up and why, or, of one that has ended, what the jobs wait for that it calls.",
        subject: "The id of the batch.",
        ..OFFER
    },
    Offer {
        name: "requeue",
        title: "Send a dead job back",
        operation: "requeueDeadLetter",
        about: "Sends a job back into its queue that failed for good (its state is dead), with all its attempts before it again.",
        subject: "The id of the job.",
        ..OFFER
    },
    Offer {
        name: "cancel",
        title: "Cancel a job",
        operation: "cancelJob",
        about: "Cancels a job that has not ended. cancelled: now means that it will not run; asked, that it runs and was asked to stop.",
        subject: "The id of the job.",
        destroys: true,
        ..OFFER
    },
    Offer {
        name: "tasks",
        title: "Find tasks",
        operation: "listTasks",
        about: "Tasks, which make jobs by their schedules, to which everything applies that is given, the newest first, a page at a \
                time. next_run_at is when a task makes its next job.",
        ..OFFER
    },
    Offer {
        name: "create_task",
        title: "Create a task",
        operation: "createTask",
        about: "Creates a task, which makes a job of its kind each time that its schedule is due. title, kind and schedule are needed. A \
                schedule of the kind cron, for example, has a cron expression as expr and perhaps a time zone.",
        ..OFFER
    },
    Offer {
        name: "run_now",
        title: "Run a task now",
        operation: "runTaskNow",
        about: "Makes a job of a task at once, besides those of its schedule. Answers with the job's id.",
        subject: "The id of the task.",
        ..OFFER
    },
    Offer {
        name: "snooze",
        title: "Postpone a task",
        operation: "snoozeTask",
        about: "Postpones the next instant of a task by a delay in seconds.",
        subject: "The id of the task.",
        ..OFFER
    },
    Offer {
        name: "queues",
        title: "Look at the queues",
        operation: "listQueues",
        about: "The queues: the number of jobs that wait, run, are parked or dead in each, what is paused and by whom, and the age of \
                the oldest job that is due.",
        ..OFFER
    },
];

/// Where an argument goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Query,
    Header(HeaderName),
    Body,
}

/// A tool, and the route behind it.
pub(crate) struct Tool {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) scope: Scope,
    pub(super) has_body: bool,
    /// As clients are told of it.
    pub(super) listed: Listed,
    places: BTreeMap<String, Place>,
    prefix: Option<&'static str>,
}

impl Tool {
    /// Where an argument goes, if it is one.
    pub(super) fn place(&self, name: &str) -> Option<&Place> {
        let by_prefix = || self.prefix.filter(|prefix| name.starts_with(prefix)).map(|_| &Place::Query);
        self.places.get(name).or_else(by_prefix)
    }
}

/// All tools, in the order in which they are listed.
pub(crate) struct Tools(Vec<Tool>);

impl Tools {
    /// Of these routes, with what the document says about them.
    pub(crate) fn new(ways: impl Iterator<Item = Way>, document: &Value) -> Self {
        let ways: Vec<_> = ways.collect();
        let tool = |offer: &Offer| {
            let way = ways.iter().find(|way| way.operation.operation_id.as_deref() == Some(offer.operation));
            let (way, gate) = way.and_then(|way| Some((way, way.gate?))).expect("an offered route takes a token");
            let told = &document["paths"][&way.path][way.method.as_str().to_ascii_lowercase()];
            let mut schema = Schema::default();
            schema.add_parameters(offer, told, document);
            let body = &told["requestBody"]["content"]["application/json"]["schema"];
            schema.add_body(body, document);
            let looks = !way.changes;
            let hints = ToolAnnotations::with_title(offer.title).read_only(looks).destructive(offer.destroys);
            let hints = hints.idempotent(looks || offer.destroys).open_world(false);
            let places = std::mem::take(&mut schema.places);
            let listed = Listed::new(offer.name, offer.about, schema.whole(offer, document));
            Tool {
                method: way.method.clone(),
                path: way.path.clone(),
                scope: gate.scope,
                has_body: body.is_object(),
                listed: listed.with_title(offer.title).with_annotations(hints),
                places,
                prefix: offer.prefix.map(|(prefix, _)| prefix),
            }
        };
        Self(OFFERS.iter().map(tool).collect())
    }

    /// Of the routes that there are.
    #[cfg(test)]
    pub(super) fn of_routes() -> Self {
        crate::routes::tools()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Tool> {
        self.0.iter()
    }

    pub(super) fn named(&self, name: &str) -> Option<&Tool> {
        self.0.iter().find(|tool| tool.listed.name == name)
    }
}

/// The schema of a tool's arguments.
#[derive(Default)]
struct Schema {
    properties: Map<String, Value>,
    required: Vec<Value>,
    places: BTreeMap<String, Place>,
}

impl Schema {
    fn add_parameters(&mut self, offer: &Offer, operation: &Value, document: &Value) {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let parameter = resolved(parameter, document);
            let Some(name) = parameter["name"].as_str() else { continue };
            let (name, place) = match parameter["in"].as_str() {
                Some("path") => (name.to_owned(), Place::Path),
                Some("header") => {
                    let Ok(header) = name.parse() else { continue };
                    (name.to_ascii_lowercase().replace('-', "_"), Place::Header(header))
                }
                _ => (name.to_owned(), Place::Query),
            };
            let mut schema = parameter["schema"].clone();
            schema["description"] = match place {
                Place::Path => offer.subject.into(),
                _ => parameter["description"].clone(),
            };
            if parameter["required"] == true {
                self.required.push(name.clone().into());
            }
            self.add(name, schema, place);
        }
    }

    /// The fields of a body. Of one that is a thing or an array of them, the thing's.
    fn add_body(&mut self, body: &Value, document: &Value) {
        let one = body["oneOf"].as_array().and_then(|of| of.iter().find(|schema| schema["type"] != "array"));
        let schema = resolved(one.unwrap_or(body), document);
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            self.add(name.clone(), schema.clone(), Place::Body);
        }
        self.required.extend(schema["required"].as_array().into_iter().flatten().cloned());
    }

    fn add(&mut self, name: String, schema: Value, place: Place) {
        assert!(self.places.insert(name.clone(), place).is_none(), "{name} would have two places");
        self.properties.insert(name, schema);
    }

    /// With the schemas that it names, so that it stands by itself.
    fn whole(self, offer: &Offer, document: &Value) -> Map<String, Value> {
        let mut whole = json!({ "type": "object", "properties": self.properties, "additionalProperties": false });
        if !self.required.is_empty() {
            whole["required"] = self.required.into();
        }
        if let Some((prefix, about)) = offer.prefix {
            let pattern = format!("^{}", prefix.replace('.', "\\."));
            whole["patternProperties"] = json!({ pattern: { "type": "string", "description": about } });
        }
        let (mut definitions, mut wanted) = (Map::new(), Vec::new());
        localize(&mut whole, &mut wanted);
        while let Some(name) = wanted.pop() {
            if !definitions.contains_key(&name) {
                let mut schema = document["components"]["schemas"][&name].clone();
                localize(&mut schema, &mut wanted);
                definitions.insert(name, schema);
            }
        }
        if !definitions.is_empty() {
            whole["$defs"] = definitions.into();
        }
        match whole {
            Value::Object(whole) => whole,
            _ => Map::new(),
        }
    }
}

/// What a value of the document is, or names.
fn resolved<'a>(value: &'a Value, document: &'a Value) -> &'a Value {
    let named = value["$ref"].as_str().and_then(|target| document.pointer(target.strip_prefix('#')?));
    named.unwrap_or(value)
}

/// Points to schemas of the tool instead of the document's, and collects their names.
fn localize(value: &mut Value, wanted: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (word, field) in fields {
                match field {
                    Value::String(target) if word == "$ref" => {
                        if let Some(name) = target.strip_prefix(SCHEMAS) {
                            wanted.push(name.to_owned());
                            *target = format!("{DEFINITIONS}{name}");
                        }
                    }
                    field => localize(field, wanted),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| localize(item, wanted)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_argument_is_described_and_every_schema_stands_by_itself() {
        for tool in Tools::of_routes().all() {
            let (name, schema) = (&tool.listed.name, Value::Object((*tool.listed.input_schema).clone()));
            jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(!schema.to_string().contains(SCHEMAS), "{name}");
            for (argument, schema) in schema["properties"].as_object().unwrap() {
                let told = schema["description"].as_str().or_else(|| schema["oneOf"][0]["description"].as_str());
                assert!(told.is_some_and(|told| !told.is_empty()), "{name}: {argument} {schema}");
            }
        }
    }

    #[test]
    fn what_changes_something_takes_a_key_and_a_reason() {
        for tool in Tools::of_routes().all().filter(|tool| tool.method != Method::GET) {
            for argument in ["idempotency_key", "audit_reason"] {
                assert!(matches!(tool.place(argument), Some(Place::Header(_))), "{}: {argument}", tool.listed.name);
            }
        }
    }
}
