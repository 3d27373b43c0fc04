//! Expressions: those of `jmespath`, bounded.

use jmespath::ast::Ast;
use jmespath::functions::{ArgumentType, CustomFunction, Signature};
use jmespath::{Context, ErrorReason, Expression, JmespathError, Rcvar, Runtime, Variable};
use serde_json::{Map, Value};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// The longest expression, in bytes.
const MAX_BYTES: usize = 1_000;

/// Brackets and the like within each other; the parser calls itself for each.
const MAX_DEPTH: usize = 32;

/// By how much an expression may multiply what it reads.
const MAX_GROWTH: usize = 4_096;

/// As deep as a result may be nested.
pub(crate) const MAX_NESTING: usize = 64;

/// Values in a result.
const MAX_NODES: usize = 100_000;

/// Octets of text in a result.
const MAX_TEXT: usize = 1024 * 1024;

/// The language with its functions; `join` alone makes more than it is given, and is bounded.
static LANGUAGE: LazyLock<Runtime> = LazyLock::new(|| {
    let mut language = Runtime::new();
    language.register_builtin_functions();
    let texts = ArgumentType::TypedArray(Box::new(ArgumentType::String));
    let signature = Signature::new(vec![ArgumentType::String, texts], None);
    language.register_function("join", Box::new(CustomFunction::new(signature, Box::new(join))));
    language
});

thread_local! {
    /// Octets that the evaluation under way may still make of texts.
    static ROOM: Cell<usize> = const { Cell::new(0) };
}

fn join(args: &[Rcvar], ctx: &mut Context<'_>) -> Result<Rcvar, JmespathError> {
    let glue = args[0].as_string().map_or("", String::as_str);
    let texts: Vec<&str> =
        args[1].as_array().into_iter().flatten().filter_map(|text| text.as_string().map(String::as_str)).collect();
    let octets = texts.iter().map(|text| text.len()).sum::<usize>() + glue.len() * texts.len().saturating_sub(1);
    let left = ROOM.get().checked_sub(octets).ok_or_else(|| {
        JmespathError::from_ctx(ctx, ErrorReason::Parse("join makes more than a mebibyte of text".to_owned()))
    })?;
    ROOM.set(left);
    Ok(Rcvar::new(Variable::String(texts.join(glue))))
}

/// An expression that was read.
#[derive(Debug)]
pub(crate) struct Expr {
    compiled: Expression<'static>,
}

impl Expr {
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("has an empty expression".to_owned());
        }
        if text.len() > MAX_BYTES {
            return Err(format!("has an expression of more than {MAX_BYTES} bytes"));
        }
        if text.chars().filter(|c| matches!(c, '(' | '[' | '{' | '!' | '&' | '|')).count() > MAX_DEPTH * 2 {
            return Err("has an expression with too many brackets and operators".to_owned());
        }
        let compiled = LANGUAGE.compile(text).map_err(|error| {
            let said = error.to_string();
            format!("has an expression that is no JMESPath: {}", said.lines().next().unwrap_or_default())
        })?;
        if growth(compiled.as_ast()).is_none_or(|growth| growth > MAX_GROWTH) {
            return Err("has an expression that multiplies what it reads".to_owned());
        }
        Ok(Self { compiled })
    }

    /// The value; an error says what is missing.
    pub(crate) fn value(&self, data: &Rcvar) -> Result<Value, String> {
        if let Some(path) = plain_path(self.compiled.as_ast()) {
            missing(&path, data)?;
        }
        self.value_if_any(data)
    }

    /// The value; null if something is missing.
    pub(crate) fn value_if_any(&self, data: &Rcvar) -> Result<Value, String> {
        let found = self.evaluate(data)?;
        let (mut nodes, mut text) = (MAX_NODES, MAX_TEXT);
        json(&found, MAX_NESTING, &mut nodes, &mut text)
            .ok_or_else(|| format!("gives more than a mebibyte, or is nested more than {MAX_NESTING} deep"))
    }

    pub(crate) fn is_true(&self, data: &Rcvar) -> Result<bool, String> {
        // What is not there is not true.
        Ok(self.evaluate(data)?.is_truthy())
    }

    fn evaluate(&self, data: &Rcvar) -> Result<Rcvar, String> {
        ROOM.set(MAX_TEXT);
        self.compiled.search(data.clone()).map_err(|error| {
            let said = error.to_string();
            format!("could not be evaluated: {}", said.lines().next().unwrap_or_default())
        })
    }

    /// Whether it looks at the item that its step is done for.
    pub(crate) fn asks_for_item(&self) -> bool {
        names(self.compiled.as_ast(), "item") || names(self.compiled.as_ast(), "index")
    }

    /// What it reads of `root`, such as the ids of steps of `steps`, and whether each must be
    /// there.
    pub(crate) fn reads(&self, root: &str) -> BTreeSet<(String, bool)> {
        let mut found = BTreeSet::new();
        walk(self.compiled.as_ast(), root, true, &mut found);
        found
    }
}

/// The fields of an expression that is nothing but a path.
fn plain_path(ast: &Ast) -> Option<Vec<Key>> {
    match ast {
        Ast::Field { name, .. } => Some(vec![Key::Field(name.clone())]),
        Ast::Index { idx, .. } => Some(vec![Key::Index(*idx)]),
        Ast::Subexpr { lhs, rhs, .. } => {
            let mut path = plain_path(lhs)?;
            path.extend(plain_path(rhs)?);
            Some(path)
        }
        _ => None,
    }
}

#[derive(Debug)]
enum Key {
    Field(String),
    Index(i32),
}

/// Says where a path ends, if what it names is not there. A null that is there is a value.
fn missing(path: &[Key], data: &Rcvar) -> Result<(), String> {
    let (mut at, mut walked) = (data.clone(), String::new());
    for key in path {
        let found = match (key, &*at) {
            (Key::Field(name), Variable::Object(fields)) => fields.get(name).cloned(),
            (Key::Index(index), Variable::Array(items)) => {
                let index = if *index < 0 { items.len() as i64 + i64::from(*index) } else { i64::from(*index) };
                usize::try_from(index).ok().and_then(|index| items.get(index).cloned())
            }
            _ => None,
        };
        match key {
            Key::Field(name) if walked.is_empty() => walked.push_str(name),
            Key::Field(name) => walked = format!("{walked}.{name}"),
            Key::Index(index) => walked = format!("{walked}[{index}]"),
        }
        at = found.ok_or_else(|| format!("{walked} is missing, and has no default: write {walked} || 'default'"))?;
    }
    Ok(())
}

/// By how much a value may be larger than what the expression reads; `None`: by more than can be
/// said. Texts within texts are escaped, and double.
fn growth(ast: &Ast) -> Option<usize> {
    let all = |parts: &[&Ast]| parts.iter().try_fold(1_usize, |so_far, part| so_far.checked_mul(growth(part)?));
    match ast {
        Ast::MultiList { elements, .. } => {
            let parts = elements.iter().try_fold(1_usize, |so_far, part| so_far.checked_mul(growth(part)?))?;
            parts.checked_mul(elements.len().max(1))
        }
        Ast::MultiHash { elements, .. } => {
            let parts = elements.iter().try_fold(1_usize, |so_far, part| so_far.checked_mul(growth(&part.value)?))?;
            parts.checked_mul(elements.len().max(1))
        }
        Ast::Function { name, args, .. } => {
            let parts = args.iter().try_fold(1_usize, |so_far, part| so_far.checked_mul(growth(part)?))?;
            parts.checked_mul(if matches!(&**name, "to_string" | "join") { 2 } else { 1 })
        }
        Ast::Comparison { lhs, rhs, .. }
        | Ast::Projection { lhs, rhs, .. }
        | Ast::And { lhs, rhs, .. }
        | Ast::Or { lhs, rhs, .. }
        | Ast::Subexpr { lhs, rhs, .. } => all(&[lhs, rhs]),
        Ast::Condition { predicate, then, .. } => all(&[predicate, then]),
        Ast::Expref { ast, .. } => growth(ast),
        Ast::Flatten { node, .. } | Ast::Not { node, .. } | Ast::ObjectValues { node, .. } => growth(node),
        Ast::Identity { .. } | Ast::Field { .. } | Ast::Index { .. } | Ast::Literal { .. } | Ast::Slice { .. } => {
            Some(1)
        }
    }
}

/// Whether a field of this name is read of what there is at the start.
fn names(ast: &Ast, wanted: &str) -> bool {
    match ast {
        Ast::Field { name, .. } => name == wanted,
        Ast::Subexpr { lhs, .. } | Ast::Projection { lhs, .. } => names(lhs, wanted),
        Ast::Comparison { lhs, rhs, .. } | Ast::And { lhs, rhs, .. } | Ast::Or { lhs, rhs, .. } => {
            names(lhs, wanted) || names(rhs, wanted)
        }
        Ast::Condition { predicate, then, .. } => names(predicate, wanted) || names(then, wanted),
        Ast::MultiList { elements, .. } => elements.iter().any(|part| names(part, wanted)),
        Ast::MultiHash { elements, .. } => elements.iter().any(|part| names(&part.value, wanted)),
        Ast::Function { args, .. } => args.iter().any(|part| names(part, wanted)),
        Ast::Flatten { node, .. } | Ast::Not { node, .. } | Ast::ObjectValues { node, .. } => names(node, wanted),
        Ast::Expref { .. } | Ast::Identity { .. } | Ast::Index { .. } | Ast::Literal { .. } | Ast::Slice { .. } => {
            false
        }
    }
}

/// `root.name` anywhere. What stands before `||`, or within a function, need not be there.
fn walk(ast: &Ast, root: &str, needed: bool, found: &mut BTreeSet<(String, bool)>) {
    if let Some(path) = plain_path(ast) {
        if let [Key::Field(first), Key::Field(second), ..] = &path[..]
            && first == root
        {
            found.insert((second.clone(), needed));
        }
        return;
    }
    match ast {
        Ast::Or { lhs, rhs, .. } => {
            walk(lhs, root, false, found);
            walk(rhs, root, needed, found);
        }
        Ast::Comparison { lhs, rhs, .. } | Ast::And { lhs, rhs, .. } => {
            walk(lhs, root, false, found);
            walk(rhs, root, false, found);
        }
        // What is to the right looks at what is to the left.
        Ast::Projection { lhs, .. } | Ast::Subexpr { lhs, .. } => walk(lhs, root, false, found),
        Ast::Condition { predicate, then, .. } => {
            walk(predicate, root, false, found);
            walk(then, root, false, found);
        }
        Ast::MultiList { elements, .. } => elements.iter().for_each(|part| walk(part, root, false, found)),
        Ast::MultiHash { elements, .. } => elements.iter().for_each(|part| walk(&part.value, root, false, found)),
        Ast::Function { args, .. } => args.iter().for_each(|part| walk(part, root, false, found)),
        Ast::Expref { ast, .. } => walk(ast, root, false, found),
        Ast::Flatten { node, .. } | Ast::Not { node, .. } | Ast::ObjectValues { node, .. } => {
            walk(node, root, false, found);
        }
        Ast::Identity { .. } | Ast::Field { .. } | Ast::Index { .. } | Ast::Literal { .. } | Ast::Slice { .. } => {}
    }
}

fn json(found: &Variable, depth: usize, nodes: &mut usize, text: &mut usize) -> Option<Value> {
    *nodes = nodes.checked_sub(1)?;
    let depth = depth.checked_sub(1)?;
    Some(match found {
        Variable::Null | Variable::Expref(_) => Value::Null,
        Variable::Bool(is) => Value::Bool(*is),
        Variable::Number(number) => Value::Number(number.clone()),
        Variable::String(words) => {
            *text = text.checked_sub(words.len())?;
            Value::String(words.clone())
        }
        Variable::Array(items) => {
            Value::Array(items.iter().map(|item| json(item, depth, nodes, text)).collect::<Option<_>>()?)
        }
        Variable::Object(fields) => {
            let mut object = Map::new();
            for (name, value) in fields {
                *text = text.checked_sub(name.len())?;
                object.insert(name.clone(), json(value, depth, nodes, text)?);
            }
            Value::Object(object)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn value(text: &str) -> Result<Value, String> {
        let data = json!({"params": {"n": 3, "none": null, "list": [1, 2]}, "steps": {"a": {"url": "u"}}});
        Expr::read(text)?.value(&Rcvar::new(Variable::try_from(&data).unwrap()))
    }

    #[test]
    fn a_path_keeps_its_type_and_a_missing_one_is_named() {
        assert_eq!(value("params.n"), Ok(json!(3)));
        assert_eq!(value("params.none"), Ok(json!(null)));
        assert_eq!(value("params.list[-1]"), Ok(json!(2)));
        assert_eq!(value("steps.a.url || 'x'"), Ok(json!("u")));
        assert_eq!(value("steps.b.url || 'x'"), Ok(json!("x")));
        assert!(value("steps.b.url").unwrap_err().starts_with("steps.b is missing"));
        assert!(value("params.list[7]").unwrap_err().starts_with("params.list[7] is missing"));
        assert_eq!(value("length(params.list)"), Ok(json!(2)));
        assert!(value("length(params.n)").unwrap_err().contains("could not be evaluated"));
        assert!(value("params.").unwrap_err().contains("no JMESPath"));
    }

    #[test]
    fn an_expression_that_would_run_long_is_refused() {
        let doubled = vec!["[@,@][]"; 20].join("|");
        let quoted = vec!["to_string([@])"; 15].join("|");
        let deep = format!("{}a{}", "(".repeat(90), ")".repeat(90));
        let long = "a".repeat(2_000);
        for text in [&*doubled, &*quoted, &*deep, &*long, ""] {
            assert!(Expr::read(text).is_err(), "{text}");
        }
        assert!(Expr::read("[params.n, params.list, {a: params.none}]").is_ok());
    }

    #[test]
    fn texts_that_are_joined_are_bounded_together() {
        let data = json!({"g": "g".repeat(1000), "l": vec!["a"; 2000], "m": vec![vec!["a", "b"]; 2000]});
        let data = Rcvar::new(Variable::try_from(&data).unwrap());
        let value = |text: &str| Expr::read(text).unwrap().value(&data);
        assert_eq!(value("join('-', m[0])"), Ok(json!("a-b")));
        for text in ["join(g, l)", "[map(&join('0123456789', @), m), join(g, l)]"] {
            assert!(value(text).unwrap_err().contains("more than a mebibyte of text"), "{text}");
        }
    }

    #[test]
    fn what_an_expression_reads_is_known_before() {
        let reads = |text: &str, root: &str| Expr::read(text).unwrap().reads(root);
        let set = |found: &[(&str, bool)]| found.iter().map(|(name, needed)| ((*name).to_owned(), *needed)).collect();
        assert_eq!(reads("steps.a.b", "steps"), set(&[("a", true)]));
        assert_eq!(reads("steps.a || steps.b", "steps"), set(&[("a", false), ("b", true)]));
        assert_eq!(reads("steps.a[?x > `1`].y | length(@)", "steps"), set(&[("a", false)]));
        assert_eq!(reads("params.steps.a", "steps"), BTreeSet::new());
    }
}
