//! A row as a JSON object.

use serde::Serialize;
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{Column, Row as _, TypeInfo, ValueRef};

/// A row, as the text of an object.
#[derive(Debug)]
pub(super) struct Row(Box<serde_json::value::RawValue>);

impl Serialize for Row {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Row {
    /// Length as JSON, in bytes.
    pub(super) fn length(&self) -> usize {
        self.0.get().len()
    }

    /// From a row in the text format, as answers to simple queries are. An error names the column.
    pub(super) fn of(row: &PgRow) -> Result<Self, String> {
        let mut text = String::from("{");
        for (n, column) in row.columns().iter().enumerate() {
            let unreadable = |reason: String| format!("column {:?} cannot be read: {reason}", column.name());
            let value = row.try_get_raw(n).map_err(|error| unreadable(error.to_string()))?;
            if n > 0 {
                text.push(',');
            }
            text += &Value::from(column.name()).to_string();
            text.push(':');
            if value.is_null() {
                text += "null";
            } else {
                let shown = value.as_str().map_err(|error| unreadable(error.to_string()))?;
                text += &json(column.type_info().name(), shown);
            }
        }
        text.push('}');
        serde_json::value::RawValue::from_string(text).map(Self).map_err(|error| error.to_string())
    }
}

/// A value that Postgres has written, as JSON.
fn json(kind: &str, text: &str) -> String {
    let is_number = || text.parse::<f64>().is_ok_and(f64::is_finite);
    match kind {
        "BOOL" => (text == "t").to_string(),
        "INT2" | "INT4" | "INT8" | "OID" | "FLOAT4" | "FLOAT8" if is_number() => text.to_owned(),
        // Its own JSON may have a form that this one's reader does not take.
        "JSON" | "JSONB" if serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok() => text.to_owned(),
        _ => Value::from(text).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_keeps_its_kind_where_json_has_it_and_is_a_text_elsewhere() {
        for (kind, text, shown) in [
            ("BOOL", "t", "true"),
            ("INT8", "9007199254740993", "9007199254740993"),
            ("FLOAT8", "NaN", "\"NaN\""),
            ("FLOAT8", "1e+20", "1e+20"),
            ("NUMERIC", "1.10", "\"1.10\""),
            ("JSONB", "{\"a\": 1}", "{\"a\": 1}"),
            ("TEXT", "a\"b", "\"a\\\"b\""),
            ("TIMESTAMPTZ", "2026-01-01 00:00:00+00", "\"2026-01-01 00:00:00+00\""),
        ] {
            assert_eq!(json(kind, text), shown, "{kind}");
        }
    }
}
