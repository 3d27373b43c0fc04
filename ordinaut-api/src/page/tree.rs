//! JSON as a tree that folds: arguments, outputs, and what else jobs carry. It comes redacted.

use maud::{Markup, html};
use serde_json::Value;

/// Deeper values are shown as text in one line.
const DEEPEST: usize = 12;

/// Members of one value that are shown.
const WIDEST: usize = 200;

/// Characters of a text that are shown at once; the rest unfolds.
const LONGEST: usize = 400;

/// A value, unfolded down to its second level.
pub(super) fn tree(value: &Value) -> Markup {
    html! { div.tree { (node(None, value, 0)) } }
}

fn node(name: Option<&str>, value: &Value, depth: usize) -> Markup {
    let name = html! { @if let Some(name) = name { span.key { (name) } } };
    match value {
        Value::Object(members) if !members.is_empty() && depth < DEEPEST => html! {
            details open[depth < 2] {
                summary { (name) span.size { "{" (members.len()) "}" } }
                @for (name, value) in members.iter().take(WIDEST) { (node(Some(name), value, depth + 1)) }
                (left_out(members.len()))
            }
        },
        Value::Array(items) if !items.is_empty() && depth < DEEPEST => html! {
            details open[depth < 2] {
                summary { (name) span.size { "[" (items.len()) "]" } }
                @for (n, value) in items.iter().take(WIDEST).enumerate() {
                    (node(Some(&n.to_string()), value, depth + 1))
                }
                (left_out(items.len()))
            }
        },
        Value::String(text) if text.chars().count() > LONGEST => html! {
            details {
                summary { (name) span.string { (text.chars().take(LONGEST).collect::<String>()) "…" } }
                pre { (text) }
            }
        },
        leaf => {
            let class = match leaf {
                Value::String(_) => "string",
                Value::Number(_) => "number",
                _ => "word",
            };
            let text = match leaf {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            html! { div.leaf { (name) span class=(class) { (text) } } }
        }
    }
}

fn left_out(members: usize) -> Markup {
    html! { @if members > WIDEST { div.leaf.none { "and " (members - WIDEST) " more" } } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_planted_in_a_value_is_text() {
        let planted = json!({"<script>alert(1)</script>": ["<img src=x onerror=alert(1)>", {"a": "\"><b>"}]});
        let shown = tree(&planted).into_string();
        assert!(!shown.contains("<script") && !shown.contains("<img") && !shown.contains("<b>"), "{shown}");
        assert!(shown.contains("&lt;script&gt;"), "{shown}");
    }

    #[test]
    fn a_deep_a_wide_and_a_long_value_are_bounded() {
        let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
        assert_eq!(tree(&deep).into_string().matches("<details").count(), DEEPEST);
        let wide: Vec<i32> = (0..1000).collect();
        assert!(tree(&json!(wide)).into_string().contains("and 800 more"));
        assert!(tree(&json!("x".repeat(LONGEST + 1))).into_string().contains("<pre>"));
    }
}
