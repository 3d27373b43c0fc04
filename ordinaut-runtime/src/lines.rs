//! The lines of the log, written by a thread of their own: standard error may be a pipe that nobody
//! reads or a file on a disk that is full, and neither may stop a loop. What cannot be written is
//! dropped and counted.

use chrono::{SecondsFormat, Utc};
use serde_json::json;
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::io::Write;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// Bytes that may wait to be written: some ten thousand lines.
const ROOM: usize = 4 << 20;

/// Time that the end of a process leaves the last lines: a reader that reads needs far less.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Lines that wait to be written.
pub(crate) struct Lines {
    queue: Mutex<Queue>,
    more: Condvar,
    written: Condvar,
    dropped: AtomicU64,
    /// Whether the log is text and not JSON.
    is_text: AtomicBool,
}

#[derive(Default)]
struct Queue {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    /// Some lines were taken and are being written.
    writing: bool,
}

impl Lines {
    /// Those of this process. The first call starts the thread.
    pub(crate) fn of_this_process() -> &'static Arc<Self> {
        static LINES: OnceLock<Arc<Lines>> = OnceLock::new();
        LINES.get_or_init(|| {
            let lines = Arc::new(Self::new());
            let writing = lines.clone();
            let thread = move || {
                // Its own descriptor, because a write that blocks would hold the lock of the
                // standard one.
                match io::stderr().as_fd().try_clone_to_owned() {
                    Ok(descriptor) => writing.write_to(File::from(descriptor)),
                    Err(_) => writing.write_to(io::stderr()),
                }
            };
            // Without a thread the lines fill their room and are counted.
            std::thread::Builder::new().name("ordinaut-log".to_owned()).spawn(thread).ok();
            lines
        })
    }

    fn new() -> Self {
        Self {
            queue: Mutex::default(),
            more: Condvar::new(),
            written: Condvar::new(),
            dropped: AtomicU64::new(0),
            is_text: AtomicBool::new(false),
        }
    }

    /// Its own line about lines that are missing is text, as the others are, or JSON.
    pub(crate) fn set_text(&self, is_text: bool) {
        self.is_text.store(is_text, Ordering::Relaxed);
    }

    /// Hands a line in. It never waits: without room the line is dropped.
    pub(crate) fn push(&self, line: &[u8]) {
        let mut queue = self.queue();
        if queue.bytes + line.len() > ROOM {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        queue.bytes += line.len();
        queue.lines.push_back(line.to_vec());
        drop(queue);
        self.more.notify_one();
    }

    /// Waits until all is written that was handed in, but not for long: for the end of a process.
    pub(crate) fn flush(&self) {
        let unwritten = |queue: &mut Queue| queue.writing || !queue.lines.is_empty();
        drop(self.written.wait_timeout_while(self.queue(), LAST_LINES, unwritten));
    }

    /// Writes lines for as long as the process lives.
    fn write_to(&self, mut out: impl Write) {
        let mut told = 0;
        loop {
            for line in self.take() {
                if out.write_all(&line).is_err() {
                    self.dropped.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                let dropped = self.dropped.load(Ordering::Relaxed);
                // It can be written again: the log says what it lacks.
                if dropped > told
                    && out
                        .write_all(lost_lines(dropped - told, self.is_text.load(Ordering::Relaxed)).as_bytes())
                        .is_ok()
                {
                    told = dropped;
                }
            }
            self.queue().writing = false;
            self.written.notify_all();
        }
    }

    /// All lines that wait, of which there is at least one.
    fn take(&self) -> VecDeque<Vec<u8>> {
        let empty = |queue: &mut Queue| queue.lines.is_empty();
        let mut queue = self.more.wait_while(self.queue(), empty).unwrap_or_else(PoisonError::into_inner);
        (queue.bytes, queue.writing) = (0, true);
        std::mem::take(&mut queue.lines)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For the formatter, which hands in each line whole.
impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Number of lines of this process' log that could not be written.
pub fn dropped_log_lines() -> u64 {
    Lines::of_this_process().dropped.load(Ordering::Relaxed)
}

fn lost_lines(lines: u64, is_text: bool) -> String {
    let at = Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true);
    let message = format!("could not write {lines} lines of the log, which are missing here");
    if is_text {
        return format!("{at}  WARN {message}\n");
    }
    format!("{}\n", json!({"timestamp": at, "level": "WARN", "message": message, "dropped": lines}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// Tells of each write, and does what it is told to do about it.
    struct Reader {
        asked: Sender<String>,
        answers: Receiver<io::Result<()>>,
    }

    impl Write for Reader {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.asked.send(String::from_utf8_lossy(line).into_owned()).unwrap();
            self.answers.recv().unwrap().map(|()| line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn start() -> (Arc<Lines>, Receiver<String>, Sender<io::Result<()>>) {
        let ((asked, heard), (answer, answers)) = (channel(), channel());
        let lines = Arc::new(Lines::new());
        let writing = lines.clone();
        std::thread::spawn(move || writing.write_to(Reader { asked, answers }));
        (lines, heard, answer)
    }

    #[test]
    fn what_could_not_be_written_is_counted_and_said_once_it_can_be_written_again() {
        let (lines, heard, answer) = start();
        let full = || Err(io::Error::from(io::ErrorKind::StorageFull));
        for (line, result) in [("one\n", full()), ("two\n", full()), ("three\n", Ok(()))] {
            lines.push(line.as_bytes());
            assert_eq!(heard.recv().unwrap(), line);
            answer.send(result).unwrap();
        }
        let said = heard.recv().unwrap();
        assert!(said.contains(r#""dropped":2"#) && said.contains("could not write 2 lines of the log"), "{said}");
        answer.send(Ok(())).unwrap();
        lines.push(b"four\n");
        assert_eq!(heard.recv().unwrap(), "four\n");
        answer.send(Ok(())).unwrap();
        lines.flush();
        assert_eq!(lines.dropped.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_reader_that_does_not_read_holds_nobody_up_and_the_room_is_bounded() {
        let (lines, heard, _answer) = start();
        lines.push(b"stuck\n");
        heard.recv().unwrap();
        let line = vec![b'x'; ROOM / 4];
        (0..6).for_each(|_| lines.push(&line));
        assert_eq!((lines.dropped.load(Ordering::Relaxed), lines.queue().bytes), (2, ROOM));
        // It waits for a moment, and not for the reader.
        lines.flush();
        assert_eq!(lines.queue().lines.len(), 4);
    }
}
