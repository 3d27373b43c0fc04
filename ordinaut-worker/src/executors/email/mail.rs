//! The mail that the arguments describe.

use super::Email;
use lettre::Message;
use lettre::message::{Mailbox, MultiPart, SinglePart};
use ring::digest::{SHA256, digest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Maximum number of addresses of a mail, all together.
const MAX_RECIPIENTS: usize = 100;

/// Maximum length of a subject, in bytes.
const MAX_SUBJECT: usize = 1_000;

/// Some addresses.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "must be a mail address, or a list of them")]
pub enum Recipients {
    /// This one.
    One(String),
    /// These.
    Several(Vec<String>),
}

impl Default for Recipients {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

impl Recipients {
    fn all(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Several(several) => several,
        }
    }

    /// The addresses; an error names the field, and not the address.
    fn mailboxes(&self, field: &str) -> Result<Vec<Mailbox>, String> {
        let read = |(n, text): (usize, &String)| {
            let plain = !text.chars().any(char::is_control);
            let mailbox = text.parse::<Mailbox>().ok().filter(|_| plain);
            mailbox.ok_or_else(|| format!("args.{field}[{n}] is no mail address"))
        };
        self.all().iter().enumerate().map(read).collect()
    }
}

impl Email {
    /// The mail, and its `Message-ID`. An error names the field.
    pub(super) fn mail(&self, from: &Mailbox, key: &str) -> Result<(Message, String), String> {
        let number = [&self.to, &self.cc, &self.bcc, &self.reply_to].map(|field| field.all().len());
        if number[0] == 0 {
            return Err("args.to must have an address".to_owned());
        }
        if number.iter().sum::<usize>() > MAX_RECIPIENTS {
            return Err(format!("args: a mail has {MAX_RECIPIENTS} addresses at most"));
        }
        // A line break would begin another header.
        if self.subject.chars().any(char::is_control) || self.subject.len() > MAX_SUBJECT {
            return Err(format!("args.subject must be one line of {MAX_SUBJECT} bytes at most"));
        }
        let message_id = message_id(from, key);
        let mail = Message::builder().from(from.clone()).subject(&self.subject).message_id(Some(message_id.clone()));
        let mail = self.to.mailboxes("to")?.into_iter().fold(mail, |mail, to| mail.to(to));
        let mail = self.cc.mailboxes("cc")?.into_iter().fold(mail, |mail, cc| mail.cc(cc));
        let mail = self.bcc.mailboxes("bcc")?.into_iter().fold(mail, |mail, bcc| mail.bcc(bcc));
        let mail = self.reply_to.mailboxes("reply_to")?.into_iter().fold(mail, |mail, to| mail.reply_to(to));
        let mail = match (&self.text, &self.html) {
            (Some(text), None) => mail.singlepart(SinglePart::plain(text.clone())),
            (None, Some(html)) => mail.singlepart(SinglePart::html(html.clone())),
            (Some(text), Some(html)) => mail.multipart(MultiPart::alternative_plain_html(text.clone(), html.clone())),
            (None, None) => return Err("args must have text or html".to_owned()),
        };
        // Its words may repeat an address.
        mail.map(|mail| (mail, message_id)).map_err(|_| "args make no mail that can be sent".to_owned())
    }
}

/// The same in each attempt. A key is a job's id, or has the name of a step after it.
fn message_id(from: &Mailbox, key: &str) -> String {
    let is_plain = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let local = if is_plain {
        key.to_owned()
    } else {
        let hash = digest(&SHA256, key.as_bytes());
        let hash: String = hash.as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}.{hash}", key.split('/').next().unwrap_or_default())
    };
    format!("<{local}@{}>", from.email.domain())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn mail(args: Value, key: &str) -> Result<(String, String), String> {
        let email: Email = serde_json::from_value(args).unwrap();
        let (mail, id) = email.mail(&"Jobs <jobs@example.org>".parse().unwrap(), key)?;
        Ok((String::from_utf8(mail.formatted()).unwrap(), id))
    }

    #[test]
    fn a_mail_has_what_the_arguments_say_and_hides_blind_copies() {
        let args = json!({"to": ["Ann <ann@example.org>"], "cc": "b@example.org", "bcc": "c@example.org", "reply_to": "d@example.org", "subject": "Grüße", "text": "hi", "html": "<p>hi</p>"});
        let (text, id) = mail(args, "0199-1").unwrap();
        assert_eq!(id, "<0199-1@example.org>");
        for line in [
            "Message-ID: <0199-1@example.org>",
            "From: Jobs <jobs@example.org>",
            "To: Ann <ann@example.org>",
            "Cc: b@example.org",
            "Reply-To: d@example.org",
        ] {
            assert!(text.contains(&format!("{line}\r\n")), "{line}\n{text}");
        }
        assert!(!text.contains("c@example.org") && text.contains("multipart/alternative"), "{text}");
    }

    #[test]
    fn steps_have_ids_of_their_own() {
        let id = |key: &str| mail(json!({"to": "a@b.example", "subject": "x", "text": "y"}), key).unwrap().1;
        assert_eq!(id("j/a.b"), id("j/a.b"));
        assert_ne!(id("j/a.b"), id("j/a-b"));
        assert!(id("j/\r\n x").starts_with("<j.") && !id("j/\r\n x").contains('\r'));
    }

    #[test]
    fn no_header_can_be_smuggled_in() {
        let with = |field: &str, value: Value| {
            let mut args = json!({"to": "a@b.example", "subject": "x", "text": "y"});
            args[field] = value;
            args
        };
        for (args, named) in [
            (with("subject", json!("x\r\nBcc: evil@example.org")), "args.subject"),
            (with("subject", json!("x\nBcc: evil@example.org")), "args.subject"),
            (with("to", json!("a@b.example\r\nBcc: evil@example.org")), "args.to[0]"),
            (with("to", json!("A\r\nBcc: evil@example.org <a@b.example>")), "args.to[0]"),
            (with("cc", json!(["a@b.example", "a@b.example> RCPT TO:<evil@example.org"])), "args.cc[1]"),
            (with("bcc", json!("a b")), "args.bcc[0]"),
            (with("reply_to", json!("x@y\r\n.\r\n")), "args.reply_to[0]"),
            (with("to", json!([])), "args.to must have"),
            (with("to", json!(vec!["a@b.example"; 101])), "args: a mail has 100"),
            (with("text", json!(null)), "args must have text or html"),
        ] {
            let refused = mail(args.clone(), "k").unwrap_err();
            assert!(refused.starts_with(named) && !refused.contains("evil"), "{args}: {refused}");
        }
    }
}
