//! Redirects of `http` jobs. Another origin gets nothing of the job: none of its headers and no
//! body.

use reqwest::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, LOCATION, USER_AGENT};
use reqwest::{Method, StatusCode, Url};

/// More than any honest chain of them is long; browsers give up at 20.
const MAX_REDIRECTS: usize = 5;

/// One request of a call, which may be redirected to the next one.
#[derive(Clone, Debug)]
pub(crate) struct Hop {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Vec<u8>>,
    /// Whether it still goes to the origin that the job names.
    pub(crate) is_home: bool,
    redirects: usize,
}

/// Why a redirect is not followed.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(crate) enum NotFollowed {
    #[error("more than {MAX_REDIRECTS} redirects")]
    TooMany,
    #[error("the redirect's scheme is neither http nor https")]
    Scheme,
    #[error("a redirect from https to http is not followed")]
    Downgrade,
    #[error("a redirect to another origin asks for the body again, which is not sent there")]
    Body,
}

impl Hop {
    pub(crate) fn first(method: Method, url: Url, headers: HeaderMap, body: Option<Vec<u8>>) -> Self {
        Self { method, url, headers, body, is_home: true, redirects: 0 }
    }

    /// Whether it is for the same host as another one.
    pub(crate) fn is_where(&self, other: &Url) -> bool {
        self.url.origin() == other.origin()
    }

    /// The request that an answer asks for; `None`: it is no redirect that could be followed.
    pub(crate) fn next(&self, status: StatusCode, answer: &HeaderMap) -> Result<Option<Self>, NotFollowed> {
        let keeps_method = match status.as_u16() {
            301..=303 => false,
            307 | 308 => true,
            _ => return Ok(None),
        };
        let location = answer.get(LOCATION).and_then(|location| location.to_str().ok());
        let Some(url) = location.and_then(|location| self.url.join(location).ok()) else { return Ok(None) };
        if self.redirects == MAX_REDIRECTS {
            return Err(NotFollowed::TooMany);
        }
        if !matches!(url.scheme(), "http" | "https") {
            return Err(NotFollowed::Scheme);
        }
        if self.url.scheme() == "https" && url.scheme() == "http" {
            return Err(NotFollowed::Downgrade);
        }
        let mut next = Self { url, redirects: self.redirects + 1, ..self.clone() };
        if !keeps_method {
            // As all clients do: the answer is to be looked at there.
            if !matches!(next.method, Method::GET | Method::HEAD) {
                next.method = Method::GET;
            }
            next.body = None;
            next.headers.remove(CONTENT_TYPE);
            next.headers.remove(CONTENT_ENCODING);
        }
        if next.url.origin() != self.url.origin() {
            if next.body.is_some() {
                return Err(NotFollowed::Body);
            }
            let kept = [USER_AGENT, ACCEPT].into_iter().filter_map(|name| {
                let value = self.headers.get(&name)?.clone();
                Some((name, value))
            });
            next.headers = kept.collect();
            // Not even if it comes back: what leads there is not the job's any more.
            next.is_home = false;
        }
        Ok(Some(next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(url: &str, body: Option<&str>) -> Hop {
        let headers = [("accept", "a/b"), ("x-api-key", "SECRET"), ("content-type", "c/d")]
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let body = body.map(|body| body.as_bytes().to_vec());
        Hop::first(Method::POST, url.parse().unwrap(), headers.into_iter().collect(), body)
    }

    fn to(hop: &Hop, status: u16, location: &str) -> Result<Option<Hop>, NotFollowed> {
        let answer = [(LOCATION, location.parse().unwrap())].into_iter().collect();
        hop.next(StatusCode::from_u16(status).unwrap(), &answer)
    }

    #[test]
    fn the_same_origin_gets_everything_again_or_is_only_looked_at() {
        let first = hop("https://a.example/x", Some("{}"));
        let again = to(&first, 307, "/y").unwrap().unwrap();
        assert_eq!((again.url.as_str(), &again.method), ("https://a.example/y", &Method::POST));
        assert_eq!((&again.headers, &again.body), (&first.headers, &first.body));
        let looked_at = to(&first, 303, "https://a.example:443/y").unwrap().unwrap();
        assert_eq!((looked_at.method, looked_at.body, looked_at.headers.len()), (Method::GET, None, 2));
    }

    #[test]
    fn another_origin_gets_nothing_of_the_job() {
        for url in ["https://b.example/", "https://a.example:8443/", "http://u:p@c.example/"] {
            let first = Hop { url: "http://a.example/x".parse().unwrap(), ..hop("http://a.example/", Some("{}")) };
            let next = to(&first, 302, url).unwrap().unwrap();
            assert_eq!((next.body, next.headers.len()), (None, 1), "{url}");
            assert_eq!(next.headers[ACCEPT], "a/b");
            assert_eq!(to(&first, 308, url).unwrap_err(), NotFollowed::Body, "{url}");
        }
    }

    #[test]
    fn what_is_not_followed_says_why() {
        let first = hop("https://a.example/x", None);
        assert_eq!(to(&first, 302, "http://a.example/").unwrap_err(), NotFollowed::Downgrade);
        assert_eq!(to(&first, 302, "ftp://a.example/").unwrap_err(), NotFollowed::Scheme);
        assert!(to(&first, 304, "/").unwrap().is_none());
        assert!(first.next(StatusCode::FOUND, &HeaderMap::new()).unwrap().is_none());
    }
}
