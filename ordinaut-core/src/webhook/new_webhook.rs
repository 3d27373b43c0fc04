//! A webhook that has not been made yet.

use crate::error::InvalidField;
use crate::event::EventType;
use crate::name;
use serde::Deserialize;

/// Most words of one filter.
const MAX_WORDS: usize = 100;

/// A webhook to be made: where it is told, and of which events.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NewWebhook {
    /// Its name.
    pub name: String,
    /// Where it is told, by POST.
    pub url: String,
    /// Types of events that it wants; none: all.
    #[serde(default)]
    pub types: Vec<String>,
    /// Queues whose events it wants; none: all.
    #[serde(default)]
    pub queues: Vec<String>,
    /// Kinds whose events it wants; none: all.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// The queue in which its deliveries wait.
    #[serde(default = "default_queue")]
    pub queue: String,
}

fn default_queue() -> String {
    "default".to_owned()
}

impl NewWebhook {
    /// A webhook that wants every event.
    pub fn new(name: impl Into<String>, url: impl Into<String>) -> Self {
        let (types, queues, kinds) = Default::default();
        Self { name: name.into(), url: url.into(), types, queues, kinds, queue: default_queue() }
    }

    /// Only events of these types.
    #[must_use]
    pub fn types(mut self, types: impl IntoIterator<Item = EventType>) -> Self {
        self.types = types.into_iter().map(|wanted| wanted.to_string()).collect();
        self
    }

    /// Only events about these queues.
    #[must_use]
    pub fn queues(mut self, queues: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.queues = queues.into_iter().map(Into::into).collect();
        self
    }

    /// Only events about jobs of these kinds.
    #[must_use]
    pub fn kinds(mut self, kinds: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.kinds = kinds.into_iter().map(Into::into).collect();
        self
    }

    /// The queue in which its deliveries wait; `default` if not said.
    #[must_use]
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.queue = queue.into();
        self
    }

    /// Whether it can be made.
    ///
    /// # Errors
    ///
    /// The first field that cannot be accepted.
    pub fn check(&self) -> Result<(), InvalidField> {
        let invalid = |field, reason: &str| Err(InvalidField { field, reason: reason.to_owned() });
        name::check(&self.name).or_else(|reason| invalid("name", reason))?;
        if self.name.contains('/') {
            return invalid("name", "must not contain \"/\"");
        }
        name::check_url(&self.url).or_else(|reason| invalid("url", reason))?;
        if let Some(Err(unknown)) = self.types.iter().map(|word| word.parse::<EventType>()).find(Result::is_err) {
            return Err(InvalidField { field: "types", reason: format!("must be types of events: {unknown}") });
        }
        for (field, words) in [("types", &self.types), ("queues", &self.queues), ("kinds", &self.kinds)] {
            if words.len() > MAX_WORDS {
                return invalid(field, "must be at most 100");
            }
            let check = if field == "queues" { name::check_queue } else { name::check };
            if let Some(Err(reason)) = words.iter().map(|word| check(word)).find(Result::is_err) {
                return invalid(field, reason);
            }
        }
        name::check_queue(&self.queue).or_else(|reason| invalid("queue", reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bad_field_is_named() {
        let field = |webhook: NewWebhook| webhook.check().map_or_else(|invalid| invalid.field, |()| "none");
        let to = |url: &str| NewWebhook::new("w", url);
        assert_eq!(field(to("https://example.org:8443/a?b=c")), "none");
        for url in [
            "",
            "example.org",
            "ftp://example.org",
            "https://",
            "https:///a",
            "https://a:b@example.org",
            "https://e x",
            "http://127.0.0.1:99999/",
        ] {
            assert_eq!(field(to(url)), "url", "{url}");
        }
        assert_eq!(field(NewWebhook::new("", "https://example.org")), "name");
        assert_eq!(field(NewWebhook::new("a/b", "https://example.org")), "name");
        assert_eq!(field(to("https://example.org").queues([""])), "queues");
        assert_eq!(field(to("https://example.org").queues(["a b"])), "queues");
        assert_eq!(field(to("http://[::1]:8080/")), "none");
        assert_eq!(field(to("https://example.org").queue("a,b")), "queue");
        let unknown = NewWebhook { types: vec!["died".to_owned()], ..to("https://example.org") };
        assert_eq!(field(unknown), "types");
    }
}
