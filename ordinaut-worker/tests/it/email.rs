//! Jobs of kind `email`, with a mail server of the tests' own that speaks the protocol.

use crate::fixture::Fixture;
use ordinaut_core::job::JobState;
use ordinaut_core::worker::Step;
use ordinaut_runtime::settings::executors::ExecutorSettings;
use ordinaut_runtime::settings::worker::WorkerSettings;
use ordinaut_worker::Commands;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A mail that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub(crate) recipients: Vec<String>,
    pub(crate) text: String,
}

/// A mail server. What it answers to whom depends on the recipient.
pub(crate) struct Sink {
    port: u16,
    mails: Arc<Mutex<Vec<Mail>>>,
}

impl Sink {
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, mails) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(Vec::new())));
        let arrived = mails.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(talk(socket, arrived.clone()));
            }
        });
        Self { port, mails }
    }

    pub(crate) fn given(&self) -> ExecutorSettings {
        ExecutorSettings {
            smtp_url: Some(format!("smtp://127.0.0.1:{}", self.port)),
            smtp_from: Some("Jobs <jobs@example.org>".to_owned()),
            ..ExecutorSettings::default()
        }
    }

    pub(crate) fn mails(&self) -> Vec<Mail> {
        std::mem::take(&mut self.mails.lock().unwrap())
    }
}

async fn talk(socket: TcpStream, mails: Arc<Mutex<Vec<Mail>>>) -> std::io::Result<()> {
    let (read, mut write) = socket.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut mail = Mail { recipients: Vec::new(), text: String::new() };
    write.write_all(b"220 sink\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let answer = match line.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" | "MAIL" => "250 ok",
            "RCPT" if line.contains("busy@") => "451 try later",
            "RCPT" if line.contains("nobody@") => "550 5.1.1 no such user <nobody@example.org>",
            "RCPT" if line.contains("silent@") => {
                // Until the other side has enough of it.
                lines.next_line().await?;
                return Ok(());
            }
            "RCPT" if line.contains("noise@") => "what?",
            "RCPT" => {
                mail.recipients.push(line.clone());
                "250 ok"
            }
            "DATA" => {
                write.write_all(b"354 go on\r\n").await?;
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    mail.text += &line;
                    mail.text.push('\n');
                }
                mails.lock().unwrap().push(mail.clone());
                if mail.text.contains("Subject: talk") {
                    write.write_all(format!("250 {}\r\n", "x".repeat(2000)).as_bytes()).await?;
                    continue;
                }
                "250 queued as 1"
            }
            "QUIT" => "221 bye",
            _ => "500 what?",
        };
        write.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}

fn to(address: &str) -> Value {
    json!({"to": address, "subject": "Grüße", "text": "hi\n.\nRCPT TO:<evil@example.org>"})
}

#[tokio::test]
async fn a_mail_arrives_once_and_each_attempt_has_the_same_message_id() {
    let (fixture, sink) = (Fixture::new().await, Sink::new().await);
    let mut args = to("Ann <ann@example.org>");
    args["bcc"] = json!(["boss@example.org"]);
    let ran = fixture.run_given(&sink.given(), "email", args).await;
    let id = format!("<{}@example.org>", ran.job.id);
    assert_eq!(*ran.succeeded(), json!({"message_id": id, "code": 250, "answer": "queued as 1"}));
    let mails = sink.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].recipients, ["RCPT TO:<ann@example.org>", "RCPT TO:<boss@example.org>"]);
    assert!(mails[0].text.contains(&format!("Message-ID: {id}\n")), "{}", mails[0].text);
    assert!(!mails[0].text.contains("boss@example.org") && mails[0].text.contains("evil@example.org"));
}

#[tokio::test]
async fn a_refusal_for_now_is_tried_again_and_one_for_good_is_not() {
    let (fixture, sink) = (Fixture::new().await, Sink::new().await);
    let run = async |args: Value| fixture.run_given(&sink.given(), "email", args).await;
    let ran = run(to("busy@example.org")).await;
    assert_eq!((ran.failed(), &ran.output["code"]), ("the mail server refused it: 451", &json!(451)));
    let ran = run(to("nobody@example.org")).await;
    assert_eq!((ran.died(), &ran.output["code"]), ("the mail server refused it: 550", &json!(550)));
    assert!(run(to("noise@example.org")).await.failed().contains("mail server"));
    let mut silent = to("silent@example.org");
    silent["timeout_seconds"] = json!(0.1);
    assert_eq!(run(silent).await.failed(), "the mail server did not take it within 0.1 s");
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let given = ExecutorSettings { smtp_url: Some(format!("smtp://ann:s3cret@{closed}")), ..sink.given() };
    let ran = fixture.run_given(&given, "email", to("ann@example.org")).await;
    assert!(ran.failed().starts_with("could not send it to the mail server") && !ran.failed().contains("s3cret"));
    let ran = run(json!({"to": "a@b.example", "subject": "x\r\nBcc: evil@example.org", "text": "y"})).await;
    assert!(ran.died().starts_with("args.subject"), "{:?}", ran.run);
    assert_eq!(sink.mails().len(), 0);
}

#[tokio::test]
async fn a_mail_that_was_taken_in_so_many_words_is_not_sent_again() {
    let (fixture, sink) = (Fixture::new().await, Sink::new().await);
    let ran =
        fixture.run_given(&sink.given(), "email", json!({"to": "a@b.example", "subject": "talk", "text": "y"})).await;
    assert!(ran.died().contains("it may have taken the mail, which is not sent again"), "{:?}", ran.run);
    assert_eq!(sink.mails().len(), 1);
}

#[tokio::test]
async fn a_step_sends_mail_and_a_worker_without_a_server_takes_no_such_jobs() {
    let (fixture, sink) = (Fixture::new().await, Sink::new().await);
    fixture.enqueue("email", to("ann@example.org")).await;
    assert_eq!(fixture.worker(&[]).step().await.unwrap(), Step::Idle);
    let id = fixture
        .enqueue("pipeline", json!({"steps": [{"id": "tell", "uses": "email", "with": to("bob@example.org")}]}))
        .await;
    let mut worker = fixture.worker_given(&[], Commands::default(), sink.given());
    while worker.step().await.unwrap() != Step::Idle {}
    assert_eq!((fixture.state(id).await, sink.mails().len()), (JobState::Succeeded, 2));
}

#[tokio::test]
async fn a_server_without_a_sender_or_that_is_none_is_named_at_the_start() {
    let fixture = Fixture::new().await;
    let url = |url: &str| Some(url.to_owned());
    for (executors, named) in [
        (ExecutorSettings { smtp_url: url("smtp://h"), ..ExecutorSettings::default() }, "WORKER_SMTP_FROM is not set"),
        (
            ExecutorSettings { smtp_url: url("smtp://h"), smtp_from: url("x"), ..ExecutorSettings::default() },
            "WORKER_SMTP_FROM is",
        ),
        (
            ExecutorSettings {
                smtp_url: url("smtp://a:s3cret@h?tls=no"),
                smtp_from: url("a@b.example"),
                ..ExecutorSettings::default()
            },
            "WORKER_SMTP_URL is",
        ),
    ] {
        let settings = WorkerSettings { executors, ..WorkerSettings::default() };
        let refused = format!("{:#}", fixture.try_worker(settings, Commands::default()).err().unwrap());
        assert!(refused.starts_with(named) && !refused.contains("s3cret"), "{refused}");
    }
}
