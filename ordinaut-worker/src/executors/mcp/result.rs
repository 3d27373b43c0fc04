//! What is kept of the answer of a tool.

use super::McpOutput;
use serde_json::Value;

/// Maximum length of what is kept, in bytes of JSON.
const MAX_KEPT: usize = 48 * 1024;

/// The parts that fit, of the structured answer first; the text of the first part that does not fit
/// is cut.
pub(super) fn bounded(mut answer: Value) -> McpOutput {
    let mut output = McpOutput::default();
    let mut left = MAX_KEPT;
    let structured = answer.get_mut("structuredContent").map(Value::take).filter(|value| !value.is_null());
    if let Some(value) = structured {
        match left.checked_sub(value.to_string().len()) {
            Some(rest) => (left, output.structured) = (rest, Some(value)),
            None => output.truncated = true,
        }
    }
    let Some(Value::Array(parts)) = answer.get_mut("content").map(Value::take) else { return output };
    for mut part in parts {
        let length = part.to_string().len();
        if let Some(rest) = left.checked_sub(length + 1) {
            left = rest;
            output.content.push(part);
            continue;
        }
        output.truncated = true;
        // A character takes six bytes of JSON at most.
        let room = left.saturating_sub(256) / 6;
        if let Some(text) = part["text"].as_str().filter(|_| room > 0) {
            let cut: String = text.chars().take(room).collect();
            part = serde_json::json!({"type": "text", "text": cut});
            output.content.push(part);
        }
        break;
    }
    output
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_fits_is_kept_and_a_longer_text_is_cut() {
        let small = bounded(json!({"content": [{"type": "text", "text": "hi"}], "structuredContent": {"n": 1}}));
        assert_eq!((small.content.len(), small.structured, small.truncated), (1, Some(json!({"n": 1})), false));
        let long = "\u{1}".repeat(MAX_KEPT);
        let cut = bounded(
            json!({"content": [{"type": "text", "text": "hi"}, {"type": "text", "text": long}, {"type": "text", "text": "x"}]}),
        );
        assert!(cut.truncated && cut.content.len() == 2 && serde_json::to_string(&cut).unwrap().len() < MAX_KEPT + 100);
        let image = bounded(json!({"content": [{"type": "image", "data": long}], "structuredContent": long}));
        assert_eq!((image.content.len(), image.structured, image.truncated), (0, None, true));
        assert_eq!(bounded(json!(7)), McpOutput::default());
    }
}
