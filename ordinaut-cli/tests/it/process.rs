//! A process that is run to its end, or listened to while it runs; never longer than [`LIMIT`].

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Far more than anything here needs, on a machine that does much else.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

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
    lines: Receiver<String>,
    log: Option<JoinHandle<String>>,
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (say, lines) = channel();
        thread::spawn(move || {
            let mut lines = BufReader::new(out).lines().map_while(Result::ok);
            // Nobody may listen any more.
            lines.try_for_each(|line| say.send(line))
        });
        let log = thread::spawn(move || {
            let mut text = String::new();
            err.read_to_string(&mut text).unwrap();
            text
        });
        Self { child, lines, log: Some(log) }
    }

    /// The next line on standard output; none if the process has ended.
    pub(crate) fn next(&mut self) -> Option<String> {
        match self.lines.recv_timeout(LIMIT) {
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
        self.lines.recv_timeout(A_MOMENT).ok()
    }

    /// The next line that begins so.
    pub(crate) fn line(&mut self, begin: &str) -> String {
        loop {
            match self.next() {
                Some(line) if line.starts_with(begin) => return line,
                Some(_) => {}
                None => panic!("it ended without a line {begin:?}, and logged:\n{}", self.log()),
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Waits for the end of the process.
    pub(crate) fn code(&mut self) -> Option<i32> {
        // Standard output ends with it: nobody else has that.
        while self.next().is_some() {}
        self.child.wait().unwrap().code()
    }

    fn log(&mut self) -> String {
        self.log.take().map(|log| log.join().unwrap()).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        self.signal(Signal::SIGTERM);
        let start = Instant::now();
        while start.elapsed() < LIMIT {
            if let Err(RecvTimeoutError::Disconnected) = self.lines.recv_timeout(LIMIT) {
                break;
            }
        }
        // Of use only for one that did not hear the signal.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// For facts that can only be asked for, again and again.
#[track_caller]
pub(crate) fn eventually<T>(fact: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < LIMIT, "{fact}: not after {LIMIT:?}");
        thread::park_timeout(Duration::from_millis(5));
    }
}

pub(crate) fn is_alive(pid: i32) -> bool {
    kill(Pid::from_raw(pid), None) != Err(Errno::ESRCH)
}
