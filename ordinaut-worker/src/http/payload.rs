//! The body of a request: as it is, as a form, or in parts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use ring::digest::{SHA256, digest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use url::form_urlencoded::Serializer;

/// Maximum number of parts.
const MAX_PARTS: usize = 100;

/// A part of a `multipart/form-data` body.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The name of the field.
    pub name: String,
    /// Its content, as a text; this or `base64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Its content, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// The name of the file that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// Its content type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}

/// What is sent.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Payload {
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) content_type: Option<HeaderValue>,
    /// Whether no other content type will do: it says where parts begin.
    pub(crate) insists: bool,
}

impl Payload {
    /// From the one of the three that is given. An error names the field.
    pub(crate) fn of(
        body: Option<&RawValue>,
        form: Option<&BTreeMap<String, String>>,
        parts: Option<&[Part]>,
    ) -> Result<Self, String> {
        match (body, form, parts) {
            (None, None, None) => Ok(Self::default()),
            (Some(body), None, None) => Ok(Self::plain(body)),
            (None, Some(form), None) => Ok(Self::form(form)),
            (None, None, Some(parts)) => Self::parts(parts),
            _ => Err("args.body, args.form and args.multipart: only one of them can be sent".to_owned()),
        }
    }

    fn plain(body: &RawValue) -> Self {
        match serde_json::from_str::<String>(body.get()) {
            Ok(text) => Self { body: Some(text.into_bytes()), ..Self::default() },
            Err(_) => Self {
                body: Some(body.get().as_bytes().to_vec()),
                content_type: Some(HeaderValue::from_static("application/json")),
                insists: false,
            },
        }
    }

    fn form(form: &BTreeMap<String, String>) -> Self {
        Self {
            body: Some(Serializer::new(String::new()).extend_pairs(form).finish().into_bytes()),
            content_type: Some(HeaderValue::from_static("application/x-www-form-urlencoded")),
            insists: false,
        }
    }

    fn parts(parts: &[Part]) -> Result<Self, String> {
        if parts.is_empty() || parts.len() > MAX_PARTS {
            return Err(format!("args.multipart must have from 1 to {MAX_PARTS} parts"));
        }
        let contents = parts
            .iter()
            .enumerate()
            .map(|(n, part)| part.content().map_err(|reason| format!("args.multipart[{n}]{reason}")));
        let contents: Vec<(String, Vec<u8>)> = contents.collect::<Result<_, _>>()?;
        // Content cannot hold a hash of itself, so no part can end before its end.
        let all: Vec<u8> = contents.iter().flat_map(|(head, content)| [head.as_bytes(), content].concat()).collect();
        let hash = digest(&SHA256, &all);
        let boundary: String = hash.as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        let mut body = Vec::with_capacity(all.len());
        for (head, content) in contents {
            body.extend_from_slice(format!("--{boundary}\r\n{head}\r\n\r\n").as_bytes());
            body.extend_from_slice(&content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        let content_type = HeaderValue::try_from(format!("multipart/form-data; boundary={boundary}")).ok();
        Ok(Self { body: Some(body), content_type, insists: true })
    }
}

impl Part {
    /// The part's own headers, and its content.
    fn content(&self) -> Result<(String, Vec<u8>), String> {
        let content = match (&self.text, &self.base64) {
            (Some(text), None) => text.as_bytes().to_vec(),
            (None, Some(base64)) => STANDARD.decode(base64).map_err(|_| ".base64 is no base64".to_owned())?,
            _ => return Err(" must have either text or base64".to_owned()),
        };
        let mut head = format!("content-disposition: form-data; name=\"{}\"", quoted(&self.name));
        if let Some(name) = &self.file_name {
            head += &format!("; filename=\"{}\"", quoted(name));
        }
        if let Some(kind) = &self.content_type {
            let plain = !kind.is_empty() && kind.bytes().all(|byte| matches!(byte, b' '..=b'~'));
            if !plain {
                return Err(".content_type cannot be sent".to_owned());
            }
            head += &format!("\r\ncontent-type: {kind}");
        }
        Ok((head, content))
    }
}

/// As browsers write names: nothing in one ends it.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parts(parts: serde_json::Value) -> Result<(String, String), String> {
        let parts: Vec<Part> = serde_json::from_value(parts).unwrap();
        let payload = Payload::of(None, None, Some(&parts))?;
        let content_type = payload.content_type.unwrap().to_str().unwrap().to_owned();
        Ok((String::from_utf8(payload.body.unwrap()).unwrap(), content_type))
    }

    #[test]
    fn parts_have_their_names_and_types_and_cannot_end_early() {
        let (body, content_type) = parts(json!([
            {"name": "a\"\r\nx: y", "text": "1\r\n--\r\n"},
            {"name": "f", "base64": "aGk=", "file_name": "hi.txt", "content_type": "text/plain"},
        ]))
        .unwrap();
        let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
        let expected = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"a%22%0D%0Ax: y\"\r\n\r\n1\r\n--\r\n\r\n\
             --{boundary}\r\ncontent-disposition: form-data; name=\"f\"; filename=\"hi.txt\"\r\n\
             content-type: text/plain\r\n\r\nhi\r\n--{boundary}--\r\n"
        );
        assert_eq!(body, expected);
    }

    #[test]
    fn what_is_wrong_with_a_part_is_named() {
        for (given, reason) in [
            (json!([]), "args.multipart must have from 1 to 100 parts"),
            (json!([{"name": "a"}]), "args.multipart[0] must have either text or base64"),
            (
                json!([{"name": "a", "text": "b", "base64": "Yg=="}]),
                "args.multipart[0] must have either text or base64",
            ),
            (json!([{"name": "a", "base64": "!"}]), "args.multipart[0].base64 is no base64"),
            (
                json!([{"name": "a", "text": "", "content_type": "a\r\nb: c"}]),
                "args.multipart[0].content_type cannot be sent",
            ),
        ] {
            assert_eq!(parts(given).unwrap_err(), reason);
        }
    }

    #[test]
    fn a_form_is_encoded_and_only_one_body_can_be_sent() {
        let form: BTreeMap<_, _> = [("a b", "ü&="), ("c", "")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        assert_eq!(Payload::of(None, Some(&form), None).unwrap().body.unwrap(), b"a+b=%C3%BC%26%3D&c=");
        assert!(Payload::of(None, Some(&form), Some(&[])).unwrap_err().contains("only one of them"));
    }
}
