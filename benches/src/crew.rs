//! Worker processes, seen from the bench. Dropping a crew ends them.

use crate::lab::{Lab, say};
use crate::worker::WorkerOptions;
use anyhow::{Context, bail, ensure};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

/// Longer than any pause of a worker that works.
const STALLED: Duration = Duration::from_secs(60);

/// A worker that stops writes its ends first.
const STOPPING: Duration = Duration::from_secs(60);

pub(crate) struct Crew {
    hands: Vec<Hand>,
    words: UnboundedReceiver<(usize, Word)>,
}

struct Hand {
    child: Child,
    stdin: Option<ChildStdin>,
    handled: u64,
    slept_us: u64,
}

enum Word {
    Ready,
    Handled { jobs: u64, slept_us: u64 },
    Gone,
}

impl Crew {
    /// Starts `processes` workers on a database; they are ready and have not begun.
    pub(crate) async fn muster(
        lab: &Lab,
        database: &str,
        processes: usize,
        options: &WorkerOptions,
    ) -> anyhow::Result<Self> {
        let (sender, words) = mpsc::unbounded_channel();
        let url = lab.url(database);
        let hands = (0..processes).map(|index| Hand::start(lab, &url, options, index, sender.clone()));
        let mut crew = Self { hands: hands.collect::<anyhow::Result<_>>()?, words };
        let mut ready = 0;
        while ready < processes {
            match crew.next().await?.1 {
                Word::Ready => ready += 1,
                Word::Handled { .. } => {}
                Word::Gone => bail!("a worker process ended before it began"),
            }
        }
        Ok(crew)
    }

    pub(crate) fn pids(&self) -> Vec<u32> {
        self.hands.iter().map(|hand| hand.child.id()).collect()
    }

    pub(crate) fn go(&mut self) -> anyhow::Result<()> {
        let mut pipes = self.hands.iter_mut().filter_map(|hand| hand.stdin.as_mut());
        pipes.try_for_each(|stdin| stdin.write_all(b"go\n")).context("a worker process is gone")
    }

    /// Waits until all together have handled `jobs` jobs since they began.
    pub(crate) async fn handled(&mut self, jobs: u64) -> anyhow::Result<()> {
        self.handled_before(jobs, None).await.map(drop)
    }

    /// The same, or until `end`; returns what they have handled.
    pub(crate) async fn handled_before(&mut self, jobs: u64, end: Option<Instant>) -> anyhow::Result<u64> {
        loop {
            let done = self.sum();
            if done >= jobs || end.is_some_and(|end| Instant::now() >= end) {
                return Ok(done);
            }
            let (index, word) = self.next().await.with_context(|| format!("{done} of {jobs} jobs were handled"))?;
            if matches!(word, Word::Gone) {
                bail!("a worker process ended when {done} of {jobs} jobs were handled");
            }
            self.note(index, &word);
        }
    }

    /// What all together have said until now that they handled.
    pub(crate) fn total(&mut self) -> u64 {
        while let Ok((index, word)) = self.words.try_recv() {
            self.note(index, &word);
        }
        self.sum()
    }

    fn sum(&self) -> u64 {
        self.hands.iter().map(|hand| hand.handled).sum()
    }

    fn note(&mut self, index: usize, word: &Word) {
        if let Word::Handled { jobs, slept_us } = word {
            (self.hands[index].handled, self.hands[index].slept_us) = (*jobs, *slept_us);
        }
    }

    /// Time for which a handler slept on average.
    pub(crate) fn mean_sleep(&self) -> Duration {
        let slept: u64 = self.hands.iter().map(|hand| hand.slept_us).sum();
        Duration::from_micros(slept / self.sum().max(1))
    }

    /// Lets them stop by themselves: they finish what they run and write all ends.
    pub(crate) async fn dismiss(mut self) -> anyhow::Result<()> {
        self.hands.iter_mut().for_each(|hand| drop(hand.stdin.take()));
        let start = Instant::now();
        for hand in &mut self.hands {
            let status = loop {
                if let Some(status) = hand.child.try_wait()? {
                    break status;
                }
                ensure!(start.elapsed() < STOPPING, "worker process {} does not stop", hand.child.id());
                tokio::time::sleep(Duration::from_millis(10)).await;
            };
            ensure!(status.success(), "a worker process ended with {status}");
        }
        Ok(())
    }

    async fn next(&mut self) -> anyhow::Result<(usize, Word)> {
        let word = tokio::time::timeout(STALLED, self.words.recv()).await;
        let word = word.with_context(|| format!("nothing happened for {} s", STALLED.as_secs()))?;
        word.context("all worker processes are gone")
    }
}

impl Hand {
    fn start(
        lab: &Lab,
        url: &str,
        options: &WorkerOptions,
        index: usize,
        words: UnboundedSender<(usize, Word)>,
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(&lab.program);
        command.args(["worker", "--url", url, "--sleep-ms", &options.sleep_ms.to_string()]);
        if let Some(slots) = options.concurrency {
            command.args(["--concurrency", &slots.to_string()]);
        }
        if options.unrelated {
            command.arg("--unrelated");
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("could not start a worker process from {}", lab.program.display()))?;
        let stdin = child.stdin.take();
        let output = child.stdout.take().context("a worker process has no output")?;
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // The crew may be gone by now.
                words.send((index, Word::of(&line))).ok();
            }
            words.send((index, Word::Gone)).ok();
        });
        Ok(Self { child, stdin, handled: 0, slept_us: 0 })
    }
}

impl Word {
    fn of(line: &str) -> Self {
        let mut parts = line.split(' ').skip(1).map(|part| part.parse().unwrap_or(0));
        match (parts.next(), parts.next()) {
            (Some(jobs), Some(slept_us)) => Self::Handled { jobs, slept_us },
            _ => Self::Ready,
        }
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            say(&format!("killing worker process {}", self.child.id()));
            // Both fail only if it has just ended.
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}
