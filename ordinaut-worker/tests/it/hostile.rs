//! Servers that mean harm: every attempt ends, in bounded time and memory.

use crate::fixture::Fixture;
use serde_json::json;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How a server answers once it was asked.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// Without an end.
    Endless,
    /// A body that says less than its length.
    TooShort,
    /// A few bytes of a body, and nothing after them.
    Stops,
    /// A head that never ends.
    EndlessHead,
    /// What is no HTTP.
    Noise,
    /// A body that would be large if it was unpacked.
    Bomb,
}

/// Its port, and a count of what it could write.
async fn server(answer: Answer) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, written) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let counted = written.clone();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(talk(socket, answer, counted.clone()));
        }
    });
    (port, written)
}

async fn talk(mut socket: TcpStream, answer: Answer, written: Arc<AtomicUsize>) {
    let mut asked = [0; 4096];
    assert!(socket.read(&mut asked).await.unwrap() > 0, "nothing was asked");
    let repeat: &[u8] = match answer {
        Answer::Endless => {
            socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok();
            &[b'x'; 8192]
        }
        Answer::EndlessHead => {
            socket.write_all(b"HTTP/1.1 200 OK\r\n").await.ok();
            b"x-more: and more and more and more and more\r\n"
        }
        Answer::TooShort => {
            socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort").await.ok();
            return;
        }
        Answer::Noise => {
            socket.write_all(b"\0\x01\x02 what\r\n\r\n").await.ok();
            return;
        }
        Answer::Stops => {
            socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort").await.ok();
            // Until the other side has enough of it.
            socket.read_u8().await.ok();
            return;
        }
        Answer::Bomb => {
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            (0..256).for_each(|_| packed.write_all(&[0; 65_536]).unwrap());
            let packed = packed.finish().unwrap();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", packed.len());
            socket.write_all(head.as_bytes()).await.ok();
            socket.write_all(&packed).await.ok();
            return;
        }
    };
    while socket.write_all(repeat).await.is_ok() {
        written.fetch_add(repeat.len(), Ordering::Relaxed);
    }
}

#[tokio::test]
async fn every_attempt_ends_in_bounded_time_and_memory() {
    let fixture = Fixture::new().await;
    for (answer, outcome) in [
        (Answer::Endless, Ok(Some(true))),
        (Answer::TooShort, Err("could not call 127.0.0.1")),
        (Answer::Stops, Err("127.0.0.1 did not answer within 0.3 s")),
        (Answer::EndlessHead, Err("could not call 127.0.0.1")),
        (Answer::Noise, Err("could not call 127.0.0.1")),
        // Its bytes are no text, and grow as one.
        (Answer::Bomb, Ok(None)),
    ] {
        let (port, written) = server(answer).await;
        let url = format!("http://127.0.0.1:{port}/");
        let limit = if matches!(answer, Answer::Stops) { 0.3 } else { 60.0 };
        let ran = fixture.run("http", json!({"url": url, "timeout_seconds": limit})).await;
        match outcome {
            Ok(is_long) => {
                let output = ran.succeeded();
                assert!(is_long.is_none_or(|is_long| output["truncated"] == is_long), "{answer:?}");
                assert!(output["body"].as_str().unwrap().len() <= 48 * 1024, "{answer:?}");
            }
            Err(begin) => assert!(ran.failed().starts_with(begin), "{answer:?}: {:?}", ran.run),
        }
        // What the sockets' buffers hold, and no more.
        assert!(written.load(Ordering::Relaxed) < 32 * 1024 * 1024, "{answer:?}");
    }
}

/// Forms of addresses that lead to where no job may call.
const HOSTS: [&str; 58] = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.255.255.254",
    "0x7f.0.0.1",
    "0x7f000001",
    "0x7f.1",
    "0X7F.0X0.0X0.0X1",
    "0177.0.0.1",
    "0177.1",
    "017700000001",
    "2130706433",
    "127.0.0.1.",
    "%31%32%37.0.0.1",
    "①②⑦.0.0.1",
    "127。0。0。1",
    "0.0.0.0",
    "0",
    "0.0.0.0.",
    "00000000",
    "0x0",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2002:a9fe:a9fe::1]",
    "169.254.169.254",
    "0xa9fea9fe",
    "2852039166",
    "0xa9.0xfe.0xa9.0xfe",
    "0251.0376.0251.0376",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[64:ff9b::169.254.169.254]",
    "[fd00:ec2::254]",
    "10.0.0.1",
    "10.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "[fe80::1]",
    "[fc00::1]",
    "[fec0::1]",
    "[ff02::1]",
    "localhost",
    "LOCALHOST",
];

#[tokio::test]
async fn no_form_of_an_address_leads_inside() {
    let fixture = Fixture::new().await;
    // Beside it the addresses that this machine has: a listener on all of them.
    let listener = TcpListener::bind("[::]:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    for host in HOSTS {
        let ran = fixture.run_allowing(&[], "http", json!({"url": format!("http://{host}:{port}/")})).await;
        let error = ran.died();
        assert!(error.ends_with("which http jobs may call only if WORKER_HTTP_ALLOW lists it"), "{host}: {error}");
    }
    let connected = tokio::time::timeout(std::time::Duration::ZERO, listener.accept()).await;
    assert!(connected.is_err(), "{connected:?}");
}
