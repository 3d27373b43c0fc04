//! What a job was enqueued for: the request, and the trace that it is part of.

use std::fmt;

/// Longest number of a request, in bytes.
const LONGEST: usize = 128;

/// Stands before the number of a request in `job.trace_context`.
const REQUEST: &str = "request=";

/// What a job was enqueued for. It goes with the job: its worker's log names it, and its handler
/// finds it in [`Context::trace`](crate::Context::trace).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trace {
    /// The number of the request.
    pub request_id: Option<String>,
    /// The W3C traceparent of the request.
    pub traceparent: Option<String>,
}

impl Trace {
    /// Of a request with this number: 1 to 128 visible characters of ASCII. Any other is none.
    #[must_use]
    pub fn request_id(self, id: &str) -> Self {
        let sane = (1..=LONGEST).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
        Self { request_id: sane.then(|| id.to_owned()), ..self }
    }

    /// As part of this trace, such as `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01`.
    /// What is no traceparent is none.
    #[must_use]
    pub fn traceparent(self, text: &str) -> Self {
        Self { traceparent: is_traceparent(text).then(|| text.to_owned()), ..self }
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.request_id.is_none() && self.traceparent.is_none()
    }

    /// Reads what [`Display`](fmt::Display) writes; what is neither is left out.
    pub(crate) fn of_stored(text: &str) -> Self {
        text.split(' ').fold(Self::default(), |trace, word| match word.strip_prefix(REQUEST) {
            Some(id) => trace.request_id(id),
            None => trace.traceparent(word),
        })
    }
}

/// As it is stored in `job.trace_context`: neither part has a space in it.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.traceparent, &self.request_id) {
            (Some(parent), Some(id)) => write!(f, "{parent} {REQUEST}{id}"),
            (Some(parent), None) => f.write_str(parent),
            (None, Some(id)) => write!(f, "{REQUEST}{id}"),
            (None, None) => Ok(()),
        }
    }
}

/// `version-trace-parent-flags`, in lower-case hexadecimal; a trace or parent of zeros is none.
fn is_traceparent(text: &str) -> bool {
    let hex = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let parts: Vec<&str> = text.split('-').collect();
    let [version, trace, parent, flags] = parts[..] else { return false };
    [(version, 2), (trace, 32), (parent, 16), (flags, 2)]
        .iter()
        .all(|(part, length)| part.len() == *length && hex(part))
        && version != "ff"
        && [trace, parent].iter().all(|id| id.bytes().any(|byte| byte != b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn what_is_stored_is_read_back() {
        let both = Trace::default().request_id("order-17/a=b").traceparent(PARENT);
        for trace in [both, Trace::default().request_id("x"), Trace::default().traceparent(PARENT), Trace::default()] {
            assert_eq!(Trace::of_stored(&trace.to_string()), trace);
        }
        // What ordinaut.enqueue in SQL writes, and what somebody wrote by hand.
        assert_eq!(Trace::of_stored(PARENT).traceparent.as_deref(), Some(PARENT));
        assert!(Trace::of_stored("by hand").is_empty());
    }

    #[test]
    fn what_would_spoil_a_log_or_is_no_traceparent_is_none() {
        for id in ["", "two words", "caf\u{e9}", &"x".repeat(129), "line\n"] {
            assert_eq!(Trace::default().request_id(id).request_id, None, "{id:?}");
        }
        let zeros = format!("00-{}-b7ad6b7169203331-01", "0".repeat(32));
        let upper = PARENT.to_uppercase();
        let unknown = PARENT.replacen("00", "ff", 1);
        for wrong in ["", "00", &zeros, &upper, &unknown, &PARENT[..54], &format!("{PARENT}-x")] {
            assert_eq!(Trace::default().traceparent(wrong).traceparent, None, "{wrong:?}");
        }
    }
}
