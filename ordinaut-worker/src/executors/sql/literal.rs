//! Values as constants of SQL. Postgres reads each as the type of the parameter that it is for.

use serde_json::Value;

/// A value of a type that is, or is not, an array. An error says what is wrong.
pub(super) fn literal(value: &Value, is_array: bool) -> Result<String, String> {
    let text = match value {
        Value::Null => return Ok("null".to_owned()),
        Value::Array(items) if is_array => array(items),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.contains('\0') {
        return Err("holds a character that no text of Postgres can hold".to_owned());
    }
    // With `standard_conforming_strings` on, which every question sets, nothing else ends it.
    Ok(format!("'{}'", text.replace('\'', "''")))
}

fn array(items: &[Value]) -> String {
    let items = items.iter().map(|item| match item {
        Value::Null => "NULL".to_owned(),
        Value::Array(items) => array(items),
        Value::String(text) => quoted(text),
        other => quoted(&other.to_string()),
    });
    format!("{{{}}}", items.collect::<Vec<_>>().join(","))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_value_ends_its_constant() {
        let of = |value: Value| literal(&value, true).unwrap();
        assert_eq!(of(json!(null)), "null");
        assert_eq!(of(json!("a'; drop table x; --\\")), "'a''; drop table x; --\\'");
        assert_eq!(of(json!(1.5)), "'1.5'");
        assert_eq!(of(json!({"a": "'"})), "'{\"a\":\"''\"}'");
        assert_eq!(of(json!(["a'\"\\", null, 1, [true]])), r#"'{"a''\"\\",NULL,"1",{"true"}}'"#);
        assert_eq!(literal(&json!([1]), false).unwrap(), "'[1]'");
        assert!(literal(&json!("a\0"), false).is_err());
    }
}
