//! What can be known of an executor without running it: the schemas of its arguments and of its
//! output, made from its types.

use super::executor::Executor;
use super::{CallTool, Echo, Email, Http, Mcp, Process, Sleep, Sql};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::Value;

/// What can be known of an executor without running it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ExecutorInfo {
    /// The kind of its jobs, and what a step of a pipeline `uses`.
    pub name: &'static str,
    /// What it does.
    pub about: String,
    /// The JSON Schema of its arguments: of a job's `args`, and of a step's `with`.
    pub args: Value,
    /// The JSON Schema of what it returns.
    pub output: Value,
}

/// A field of arguments or of an output.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Argument {
    /// Its name.
    pub name: String,
    /// What values it takes, for people.
    pub takes: String,
    /// What holds if it is not given; `None`: it must be given, or there is nothing to say.
    pub default: Option<Value>,
    /// Whether it must be given.
    pub required: bool,
    /// What it means.
    pub meaning: String,
}

/// All executors, by their names.
pub fn executors() -> Vec<ExecutorInfo> {
    vec![
        info::<Echo>(),
        info::<Email>(),
        info::<Http>(),
        info::<Mcp>(),
        info::<Process>(),
        info::<Sleep>(),
        info::<Sql>(),
        info::<CallTool>(),
    ]
}

fn info<E: Executor>() -> ExecutorInfo {
    let args = schema::<E>();
    let about = args["description"].as_str().map(one_line).unwrap_or_default();
    ExecutorInfo { name: E::KIND, about, args, output: schema::<E::Output>() }
}

fn schema<T: JsonSchema>() -> Value {
    // In one piece: nobody has to look up a reference.
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

impl ExecutorInfo {
    /// Its arguments, those that must be given first; none if it takes any JSON.
    pub fn arguments(&self) -> Vec<Argument> {
        fields(&self.args)
    }

    /// What its output has; none if it is any JSON, or nothing.
    pub fn results(&self) -> Vec<Argument> {
        fields(&self.output)
    }
}

fn fields(schema: &Value) -> Vec<Argument> {
    let required = |name: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
    let properties = schema["properties"].as_object();
    let mut fields: Vec<Argument> = properties
        .into_iter()
        .flatten()
        .map(|(name, field)| Argument {
            name: name.clone(),
            takes: takes(field),
            default: field.get("default").filter(|default| !default.is_null()).cloned(),
            required: required(name),
            meaning: field["description"].as_str().map(one_line).unwrap_or_default(),
        })
        .collect();
    fields.sort_by_key(|field| !field.required);
    fields
}

/// A comment of several lines, as one.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The values that a schema lets through, in words.
fn takes(schema: &Value) -> String {
    if let Some(choices) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
        let words: Vec<_> = choices.iter().filter(|choice| choice["type"] != "null").map(takes).collect();
        return words.join(", or ");
    }
    if let Some(value) = schema.get("const") {
        return value.to_string();
    }
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    }
    let word = match &schema["type"] {
        Value::Array(words) => words.iter().filter_map(Value::as_str).find(|word| *word != "null"),
        word => word.as_str(),
    };
    match word {
        Some("array") => format!("list, each: {}", takes(&schema["items"])),
        Some("object") if schema["additionalProperties"].is_object() => {
            format!("object, each value: {}", takes(&schema["additionalProperties"]))
        }
        Some(word @ ("integer" | "number")) => match (&schema["minimum"], &schema["maximum"]) {
            (Value::Number(least), Value::Number(most)) => format!("{word} from {least} to {most}"),
            (Value::Number(least), _) => format!("{word}, {least} or more"),
            _ => word.to_owned(),
        },
        Some(word) => word.to_owned(),
        None => "any JSON".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_argument_says_what_it_means() {
        for executor in executors() {
            assert!(!executor.about.is_empty(), "{}", executor.name);
            for field in executor.arguments().into_iter().chain(executor.results()) {
                assert!(!field.meaning.is_empty(), "{} of {}", field.name, executor.name);
            }
        }
    }

    #[test]
    fn what_must_be_given_comes_first_and_the_rest_has_its_default() {
        let executors = executors();
        let http = executors.iter().find(|executor| executor.name == "http").unwrap();
        let arguments = http.arguments();
        assert!(arguments.iter().all(|argument| !argument.required), "either url or target");
        let of = |name: &str| arguments.iter().find(|argument| argument.name == name).unwrap();
        assert_eq!(of("method").default, Some("GET".into()));
        assert_eq!(of("timeout_seconds").default, Some(30.0.into()));
        assert_eq!(of("timeout_seconds").takes, "number, 0 or more");
        assert_eq!(of("headers").takes, "object, each value: string");
        assert_eq!(of("body").takes, "any JSON");
        assert_eq!(of("expect_status").takes, "integer from 200 to 599, or list, each: integer from 200 to 599");
    }
}
