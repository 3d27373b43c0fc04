//! Addresses: of routes of the API and of the page, with names that anybody may have made up in
//! them.

use url::form_urlencoded;

/// A path of these steps, each of which may be any text.
pub(super) fn path(steps: &[&str]) -> String {
    steps.iter().map(|step| format!("/{}", encoded(step))).collect()
}

/// A path with those parameters that say something.
pub(super) fn with(path: &str, parameters: &[(&str, &str)]) -> String {
    let said: Vec<_> = parameters.iter().filter(|(_, value)| !value.is_empty()).collect();
    let pairs: Vec<_> = said.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

/// The same of parameters that were read from an address.
pub(super) fn with_pairs(path: &str, parameters: &[(String, String)]) -> String {
    let borrowed: Vec<(&str, &str)> = parameters.iter().map(|(name, value)| (&**name, &**value)).collect();
    with(path, &borrowed)
}

/// What a query or a form says.
pub(super) fn pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned()))
}

/// A place of the page, as a form names it; anything else is its first one. So no link leads from
/// the page to somebody else's.
pub(super) fn within(place: &str) -> &str {
    let known = place == "/ui" || place.starts_with("/ui/") || place.starts_with("/ui?");
    let plain = place.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if known && plain { place } else { "/ui" }
}

/// Text as a part of an address: neither `/` nor `?` nor anything else in it means something.
fn encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    match text {
        // Steps of a path that mean something by themselves.
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        _ => text.bytes().map(encode).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_an_address_is_a_name_whatever_is_in_it() {
        assert_eq!(path(&["queues", "a/b ?#%"]), "/queues/a%2Fb%20%3F%23%25");
        assert_eq!(path(&["queues", ".."]), "/queues/%2E%2E");
        assert_eq!(with("/ui/jobs", &[("kind", "a&b=c"), ("queue", "")]), "/ui/jobs?kind=a%26b%3Dc");
        assert_eq!(pairs("kind=a%26b+c").collect::<Vec<_>>(), [("kind".to_owned(), "a&b c".to_owned())]);
    }

    #[test]
    fn only_the_page_itself_is_a_place_to_go_to() {
        for good in ["/ui", "/ui/jobs?kind=a%20b", "/ui?span=day"] {
            assert_eq!(within(good), good);
        }
        for bad in ["", "//evil.example", "https://evil.example/ui/", "/uix", "/ui/\\evil", "/ui/\r\nx: y", "/jobs"] {
            assert_eq!(within(bad), "/ui", "{bad:?}");
        }
    }
}
