//! A process that is run to its end, or listened to while it runs; never longer than [`LIMIT`].

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ordinaut_test_support::fact::LIMIT;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Long enough for a command to look once more at what it follows.
const A_MOMENT: Duration = Duration::from_millis(500);

/// How a command ended, and what it said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Answer {
    /// Waits for the end of a command.
    pub(crate) fn of(command: &mut Command) -> Self {
        let mut process = Process::start(command);
        let mut out = String::new();
        while let Some(line) = process.next() {
            out = out + &line + "\n";
        }
        let code = process.code();
        Self { code, out, err: process.log() }
    }

    #[track_caller]
    pub(crate) fn good(&self) -> &str {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out.trim_end()
    }

    /// Why it ended with `code`: the last line on standard error, below what a server logs.
    #[track_caller]
    pub(crate) fn bad(&self, code: i32) -> &str {
        assert_eq!(self.code, Some(code), "{self:?}");
        self.err.lines().last().unwrap().strip_prefix("error: ").unwrap()
    }

    /// The same of a command that says nothing else there.
    #[track_caller]
    pub(crate) fn bad_line(&self, code: i32) -> &str {
        assert_eq!(self.err.lines().count(), 1, "{self:?}");
        self.bad(code)
    }
}

/// A process that runs; dropping it terminates it and waits until it has ended.
pub(crate) struct Process {
    child: Child,
    out: Receiver<String>,
    err: Receiver<String>,
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Self { child, out: lines(out), err: lines(err) }
    }

    /// The next line on standard output; none if the process has ended.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Option<String> {
        match self.out.recv_timeout(LIMIT) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                self.child.kill().unwrap();
                panic!("it said nothing for {LIMIT:?}, and logged:\n{}", self.log());
            }
        }
    }

    /// The next line, if it comes soon.
    pub(crate) fn next_in_a_moment(&mut self) -> Option<String> {
        self.out.recv_timeout(A_MOMENT).ok()
    }

    /// The next line that begins so.
    #[track_caller]
    pub(crate) fn line(&mut self, begin: &str) -> String {
        loop {
            match self.next() {
                Some(line) if line.starts_with(begin) => return line,
                Some(_) => {}
                None => panic!("it ended without a line {begin:?}, and logged:\n{}", self.log()),
            }
        }
    }

    /// Waits until it logs something.
    #[track_caller]
    pub(crate) fn logs(&mut self) -> String {
        self.err.recv_timeout(LIMIT).unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Waits for the end of the process.
    #[track_caller]
    pub(crate) fn code(&mut self) -> Option<i32> {
        // Standard output ends with it: nobody else has that.
        while self.next().is_some() {}
        self.child.wait().unwrap().code()
    }

    /// The same, of one whose end may be a fault: what it said last is shown if the test fails.
    #[track_caller]
    pub(crate) fn shown_code(&mut self) -> Option<i32> {
        while let Some(line) = self.next() {
            eprintln!("{line}");
        }
        let code = self.child.wait().unwrap().code();
        eprintln!("it ended with {code:?}, and logged:\n{}", self.log());
        code
    }

    /// All that it logged, once it has ended.
    fn log(&mut self) -> String {
        self.err.iter().map(|line| line + "\n").collect()
    }
}

/// What comes out of a pipe, as it comes.
fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (say, lines) = channel();
    // It ends with the pipe, or when nobody listens any more.
    thread::spawn(move || BufReader::new(pipe).lines().map_while(Result::ok).try_for_each(|line| say.send(line)));
    lines
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        self.signal(Signal::SIGTERM);
        let start = Instant::now();
        while start.elapsed() < LIMIT {
            if let Err(RecvTimeoutError::Disconnected) = self.out.recv_timeout(LIMIT) {
                break;
            }
        }
        // Of use only for one that did not hear the signal.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
