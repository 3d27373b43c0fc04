//! What an attempt has said of itself and is not written yet.

use crate::lease::token::Token;
use crate::report::output::{Channel, LogLevel, NewOutput, kept_line};
use crate::report::progress::{NewProgress, note, stalls_after};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Maximum length of a chunk that others are added to, in bytes: what is put out word by word is
/// not a row for each word.
const GATHERED: usize = 16 * 1024;

/// What an attempt has said of itself. Nothing here waits: it is bounded by what is kept.
pub(crate) struct AttemptReports {
    pub(crate) token: Token,
    said: Mutex<Said>,
}

#[derive(Default)]
struct Said {
    percent: Option<f64>,
    note: Option<String>,
    counter: i64,
    stalls: Option<(Duration, bool)>,
    /// Whether the handler has said anything of it.
    progress_said: bool,
    /// Whether that is not written yet.
    progress_untold: bool,
    log: Counted,
    output: Counted,
    /// Lines and chunks that are not written yet, in their order.
    untold: VecDeque<Line>,
    /// Its writer knows of it.
    queued: bool,
    /// The attempt ends: what is left is written at once.
    ending: bool,
    /// The lease was lost: nothing more is written.
    lost: bool,
}

/// What a channel has had.
#[derive(Default)]
struct Counted {
    n: i32,
    octets: usize,
    /// It has had more than is kept.
    over: bool,
}

struct Line {
    channel: Channel,
    n: i32,
    level: Option<LogLevel>,
    /// `None`: more than is kept.
    text: Option<String>,
    at: Instant,
}

/// What is to be written of an attempt.
#[derive(Default)]
pub(crate) struct Taken {
    pub(crate) progress: Option<NewProgress>,
    lines: Vec<Line>,
}

impl AttemptReports {
    pub(crate) fn new(token: Token) -> Self {
        Self { token, said: Mutex::default() }
    }

    /// How far it has come. True: its writer has to be told.
    pub(crate) fn progress(&self, percent: f64, text: &str) -> bool {
        let mut said = self.said();
        said.percent = percent.is_finite().then(|| percent.clamp(0.0, 100.0)).or(said.percent);
        said.note = Some(note(text));
        said.progress_said = true;
        said.moved()
    }

    pub(crate) fn advance(&self, by: u64) -> bool {
        let mut said = self.said();
        said.counter = said.counter.saturating_add(i64::try_from(by).unwrap_or(i64::MAX));
        said.progress_said = true;
        said.moved()
    }

    /// From now on it is watched whether it moves.
    pub(crate) fn watch(&self, after: Duration, cancel: bool) -> bool {
        let mut said = self.said();
        said.stalls = Some((stalls_after(after), cancel));
        said.moved()
    }

    pub(crate) fn say(&self, channel: Channel, level: Option<LogLevel>, text: &str, now: Instant) -> bool {
        self.said().say(channel, level, text, now)
    }

    /// Takes what is to be written: of lines and chunks up to this many bytes, but one at least.
    pub(crate) fn take(&self, progress_is_due: bool, octets: usize) -> Taken {
        let mut said = self.said();
        said.queued = false;
        let mut taken = Taken::default();
        if said.progress_untold && (progress_is_due || said.ending) {
            said.progress_untold = false;
            let (stalls_after, cancel_stalled) = said.stalls.unzip();
            let (percent, note, counter) = (said.percent, said.note.clone(), Some(said.counter));
            let new = NewProgress::new(self.token);
            taken.progress = Some(NewProgress { percent, note, counter, stalls_after, cancel_stalled, ..new });
        }
        let mut left = octets;
        while let Some(line) = said.untold.front() {
            let size = line.text.as_ref().map_or(0, String::len);
            if size > left && !taken.lines.is_empty() {
                break;
            }
            left = left.saturating_sub(size);
            taken.lines.extend(said.untold.pop_front());
        }
        taken
    }

    /// It could not be written, and is left to be.
    pub(crate) fn put_back(&self, taken: Taken) {
        let mut said = self.said();
        if said.lost {
            return;
        }
        said.progress_untold |= taken.progress.is_some();
        for line in taken.lines.into_iter().rev() {
            said.untold.push_front(line);
        }
    }

    /// Whether something is left to be written; then its writer knows of it from now on.
    pub(crate) fn queue(&self) -> bool {
        let mut said = self.said();
        said.queued = said.is_untold();
        said.queued
    }

    pub(crate) fn is_untold(&self) -> bool {
        self.said().is_untold()
    }

    /// Nothing is gathered any more: what is left is written at once. That nothing was said is not
    /// worth a row.
    pub(crate) fn end(&self) {
        let mut said = self.said();
        said.ending = true;
        said.progress_untold &= said.progress_said;
    }

    /// The lease was lost: what it says is of no interest.
    pub(crate) fn lose(&self) {
        let mut said = self.said();
        *said = Said { lost: true, ..Said::default() };
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Said {
    fn moved(&mut self) -> bool {
        self.progress_untold = !self.lost;
        self.told()
    }

    fn told(&mut self) -> bool {
        !std::mem::replace(&mut self.queued, true) && !self.lost
    }

    fn is_untold(&self) -> bool {
        self.progress_untold || !self.untold.is_empty()
    }

    fn say(&mut self, channel: Channel, level: Option<LogLevel>, text: &str, now: Instant) -> bool {
        if self.lost || (text.is_empty() && channel == Channel::Output) {
            return false;
        }
        let text = kept_line(channel, text);
        let (most, most_octets) = channel.bounds();
        let counted = match channel {
            Channel::Log => &mut self.log,
            Channel::Output => &mut self.output,
        };
        let fits = !counted.over && counted.octets + text.len() <= most_octets;
        let gathering =
            self.untold.back_mut().filter(|last| fits && channel == Channel::Output && last.channel == channel);
        if let Some(gathered) = gathering.and_then(|last| last.text.as_mut()).filter(|last| last.len() < GATHERED) {
            gathered.push_str(&text);
            counted.octets += text.len();
            return self.told();
        }
        counted.n = counted.n.saturating_add(1).min(i32::MAX - 1);
        let n = counted.n;
        if fits && n <= most {
            counted.octets += text.len();
            self.untold.push_back(Line { channel, n, level, text: Some(text), at: now });
            return self.told();
        }
        counted.over = true;
        // One of them says how far it went.
        match self.untold.iter_mut().rev().find(|line| line.channel == channel && line.text.is_none()) {
            Some(beyond) => beyond.n = n,
            None => self.untold.push_back(Line { channel, n, level: None, text: None, at: now }),
        }
        self.told()
    }
}

impl Taken {
    pub(crate) fn is_empty(&self) -> bool {
        self.progress.is_none() && self.lines.is_empty()
    }

    /// The lines as they are written, and their length in bytes.
    pub(crate) fn output(&self, token: Token) -> (Vec<NewOutput>, usize) {
        let mut octets = 0;
        let lines = self.lines.iter().map(|line| {
            octets += line.text.as_ref().map_or(0, String::len);
            let (channel, n, level, text) = (line.channel, line.n, line.level, line.text.clone());
            NewOutput { token, channel, n, level, text, age: line.at.elapsed() }
        });
        (lines.collect(), octets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::output::{MAX_LINES, MAX_LOG_BYTES};
    use uuid::Uuid;

    fn reports() -> AttemptReports {
        AttemptReports::new(Token { job_id: Uuid::nil(), attempt: 1, session: 1, nonce: 1 })
    }

    fn written(reports: &AttemptReports) -> Vec<(i32, Option<String>)> {
        let taken = reports.take(true, usize::MAX);
        taken.output(reports.token).0.into_iter().map(|line| (line.n, line.text)).collect()
    }

    #[test]
    fn what_is_beyond_the_bounds_is_one_line_that_says_how_far_it_went() {
        let (reports, now) = (reports(), Instant::now());
        for _ in 0..MAX_LINES + 5 {
            reports.say(Channel::Log, Some(LogLevel::Info), "x", now);
        }
        let lines = written(&reports);
        assert_eq!(lines.len(), 1001);
        assert_eq!(lines[1000], (1005, None));
        reports.say(Channel::Log, None, "y", now);
        assert_eq!(written(&reports), [(1006, None)]);
    }

    #[test]
    fn a_log_is_bounded_in_bytes_too() {
        let (reports, now) = (reports(), Instant::now());
        for _ in 0..20 {
            reports.say(Channel::Log, None, &"x".repeat(8 * 1024), now);
        }
        let lines = written(&reports);
        assert_eq!(lines.iter().filter_map(|(_, text)| text.as_ref()).map(String::len).sum::<usize>(), MAX_LOG_BYTES);
        assert_eq!(lines.last().unwrap(), &(20, None));
    }

    #[test]
    fn chunks_that_come_quickly_are_one_and_lines_are_not() {
        let (reports, now) = (reports(), Instant::now());
        assert!(reports.say(Channel::Output, None, "a", now), "its writer has to know");
        assert!(!reports.say(Channel::Output, None, "b", now));
        assert_eq!(written(&reports), [(1, Some("ab".to_owned()))]);
        reports.say(Channel::Output, None, "c", now);
        reports.say(Channel::Log, None, "d", now);
        reports.say(Channel::Log, None, "e", now);
        assert_eq!(written(&reports).len(), 3);
    }

    #[test]
    fn what_could_not_be_written_comes_first_and_a_lost_attempt_says_nothing() {
        let (reports, now) = (reports(), Instant::now());
        reports.say(Channel::Log, None, "a", now);
        reports.advance(2);
        let taken = reports.take(false, 1);
        assert!(taken.progress.is_none(), "it is not due");
        reports.say(Channel::Log, None, "b", now);
        reports.put_back(taken);
        let again = reports.take(true, usize::MAX);
        assert_eq!(again.progress.as_ref().unwrap().counter, Some(2));
        assert_eq!(again.output(reports.token).0.iter().map(|line| line.n).collect::<Vec<_>>(), [1, 2]);
        reports.lose();
        reports.put_back(again);
        assert!(!reports.say(Channel::Log, None, "c", now) && !reports.advance(1) && !reports.is_untold());
    }
}
