//! The signature of a request: who has the key, and nobody else, sent exactly this, now.

use reqwest::{Method, Url};
use ring::digest::{SHA256, digest};
use ring::hmac::{HMAC_SHA256, Key, sign};

/// The header of a signature.
pub(crate) const HEADER: &str = "x-ordinaut-signature";

/// What is signed.
pub(crate) struct Signed<'a> {
    /// The value of the header `idempotency-key`.
    pub(crate) id: &'a str,
    /// Of this request alone: a receiver that has seen it refuses a replay.
    pub(crate) nonce: &'a str,
    pub(crate) method: &'a Method,
    pub(crate) url: &'a Url,
    pub(crate) body: &'a [u8],
    /// Seconds since 1970.
    pub(crate) time: u64,
}

impl Signed<'_> {
    /// The value of the header.
    pub(crate) fn header(&self, key: &[u8]) -> String {
        let signature = sign(&Key::new(HMAC_SHA256, key), self.text().as_bytes());
        format!("t={},n={},v1={}", self.time, self.nonce, hex(signature.as_ref()))
    }

    /// A line for each of what is signed; none of them can hold a line break.
    fn text(&self) -> String {
        let Self { id, nonce, method, url, body, time } = self;
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let body = hex(digest(&SHA256, body).as_ref());
        format!("ordinaut-http-v1\n{id}\n{nonce}\n{time}\n{method}\n{}{query}\n{body}", url.path())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_a_line_for_each_part_and_the_header_says_what_a_receiver_cannot_know() {
        let url = "https://a.example/x%20y?b=c&d".parse().unwrap();
        let signed =
            Signed { id: "j/step", nonce: "n-1", method: &Method::POST, url: &url, body: b"{}", time: 1_700_000_000 };
        let body = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        assert_eq!(signed.text(), format!("ordinaut-http-v1\nj/step\nn-1\n1700000000\nPOST\n/x%20y?b=c&d\n{body}"));
        let header = signed.header(b"key");
        let hash = header.strip_prefix("t=1700000000,n=n-1,v1=").unwrap();
        assert_eq!(hash.len(), 64);
        assert_ne!(header, Signed { time: 1_700_000_001, ..signed }.header(b"key"));
    }
}
