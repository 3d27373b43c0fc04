//! What a process puts out: lines for the job's log as they come, and the end of it for its run.

use crate::http::answer::json_length;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::Notify;
use tokio::task::yield_now;

/// Length of the end of each stream that a run keeps, in bytes.
const TAIL: usize = 8 * 1024;

/// The same as JSON, in which a control character takes six bytes; a run keeps 64 KiB in all.
const TAIL_JSON: usize = 24 * 1024;

/// Maximum length of a line of the log, in bytes: what is longer becomes several.
const LINE: usize = 4 * 1024;

/// What the streams of a process may put out, both together.
pub(super) struct Allowance {
    left: AtomicU64,
    spent: Notify,
}

impl Allowance {
    pub(super) fn new(octets: u64) -> Self {
        Self { left: AtomicU64::new(octets), spent: Notify::new() }
    }

    /// Ends when more was put out than is allowed.
    pub(super) async fn exceeded(&self) {
        self.spent.notified().await;
    }

    /// Whether these are allowed too.
    fn take(&self, octets: usize) -> bool {
        let octets = u64::try_from(octets).unwrap_or(u64::MAX);
        let took = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(octets));
        if took.is_err() {
            self.left.store(0, Ordering::Relaxed);
            self.spent.notify_one();
        }
        took.is_ok()
    }
}

/// The last bytes of a stream.
#[derive(Default)]
pub(super) struct Tail(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    octets: Vec<u8>,
    is_cut: bool,
}

impl Tail {
    fn add(&self, chunk: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.octets.extend_from_slice(chunk);
        if kept.octets.len() > 2 * TAIL {
            let beyond = kept.octets.len() - TAIL;
            kept.octets.drain(..beyond);
            kept.is_cut = true;
        }
    }

    /// The text, and whether something came before it.
    pub(super) fn text(&self) -> (String, bool) {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let beyond = kept.octets.len().saturating_sub(TAIL);
        // A character that was cut in two is left out, and not shown as a wrong one.
        let inside = kept.octets[beyond..].iter().take(3).take_while(|octet| *octet & 0b1100_0000 == 0b1000_0000);
        let begin = if beyond > 0 || kept.is_cut { beyond + inside.count() } else { 0 };
        let text = String::from_utf8_lossy(&kept.octets[begin..]);
        let mut json = 0;
        let fitting = text.char_indices().rev().take_while(|(_, character)| {
            json += json_length(*character);
            json <= TAIL_JSON
        });
        let at = fitting.last().map_or(text.len(), |(at, _)| at);
        (text[at..].to_owned(), kept.is_cut || begin > 0 || at > 0)
    }
}

/// Reads a stream to its end, in bounded memory. What is beyond the allowance is read and dropped,
/// so that the process can end.
pub(super) async fn drain(mut stream: impl AsyncRead + Unpin, tail: &Tail, allowance: &Allowance, say: impl Fn(&str)) {
    let (mut chunk, mut line) = (vec![0; 16 * 1024], Vec::new());
    loop {
        // A stream that cannot be read has nothing more to say.
        let octets = match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => break,
            Ok(octets) => octets,
        };
        if !allowance.take(octets) {
            continue;
        }
        tail.add(&chunk[..octets]);
        for piece in chunk[..octets].split_inclusive(|octet| *octet == b'\n') {
            for part in piece.chunks(LINE) {
                if line.len() + part.len() > LINE {
                    tell(&mut line, &say);
                }
                line.extend_from_slice(part);
            }
            if line.ends_with(b"\n") {
                tell(&mut line, &say);
            }
        }
        // A program that always has more to say must not keep a thread of the worker for itself.
        yield_now().await;
    }
    if !line.is_empty() {
        tell(&mut line, &say);
    }
}

fn tell(line: &mut Vec<u8>, say: &impl Fn(&str)) {
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    say(&String::from_utf8_lossy(text));
    line.clear();
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn kept(chunks: &[&[u8]]) -> (String, bool) {
        let tail = Tail::default();
        chunks.iter().for_each(|chunk| tail.add(chunk));
        tail.text()
    }

    #[test]
    fn the_end_is_kept_and_a_character_is_whole_or_not_there() {
        assert_eq!(kept(&[]), (String::new(), false));
        assert_eq!(kept(&[b"a", "ü".as_bytes()]), ("aü".to_owned(), false));
        let long = "ü".repeat(TAIL);
        let (text, is_cut) = kept(&[long.as_bytes(), b"x"]);
        assert!(is_cut && text.ends_with("üx") && !text.contains('\u{fffd}'));
        assert_eq!(text.len(), TAIL - 1);
    }

    #[test]
    fn what_always_has_more_to_say_lets_others_go_on() {
        let (tail, allowance, said) = (Tail::default(), Allowance::new(u64::MAX), AtomicU64::new(0));
        let text = b"y\n".repeat(100_000);
        let count = |_: &str| {
            said.fetch_add(1, Ordering::Relaxed);
        };
        assert!(drain(&text[..], &tail, &allowance, count).now_or_never().is_none());
        assert!((1..100_000).contains(&said.load(Ordering::Relaxed)));
    }

    #[test]
    fn what_grows_as_json_is_cut_too() {
        let (text, is_cut) = kept(&[&[0; TAIL]]);
        assert_eq!((text.len(), is_cut), (TAIL_JSON / 6, true));
    }
}
