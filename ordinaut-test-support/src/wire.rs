//! The wire to Postgres, which may lose the answer to what it has carried there, or swallow
//! everything.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use rand::Rng;
use rand::rngs::StdRng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};

/// What a server's answer ends with: `ReadyForQuery`, and then whether it is within a transaction.
const READY: &[u8] = b"Z\0\0\0\x05";

/// A proxy before the socket of a Postgres.
pub struct Wire {
    /// The address to connect to instead.
    pub url: String,
    state: Arc<State>,
}

struct State {
    socket: PathBuf,
    random: Mutex<StdRng>,
    /// The answer of one in so many requests is lost; 0: none.
    lose_one_in: AtomicU32,
    answers_lost: AtomicU64,
    swallows: AtomicBool,
    /// Wires that were there when it last began to swallow are dead for good, and nobody is told.
    holes: AtomicU64,
}

impl Wire {
    /// A wire to this socket, that carries everything; `random` decides which answers it loses.
    pub async fn start(socket: PathBuf, random: StdRng) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("postgres://ordinaut@{}/postgres", listener.local_addr().unwrap());
        let state = Arc::new(State {
            socket,
            random: Mutex::new(random),
            lose_one_in: AtomicU32::new(0),
            answers_lost: AtomicU64::new(0),
            swallows: AtomicBool::new(false),
            holes: AtomicU64::new(0),
        });
        let carried = state.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carried.clone().carry(client));
            }
        });
        Self { url, state }
    }

    /// From now on the answer to one in so many requests is lost, with the connection: what was
    /// asked has been done.
    pub fn lose_one_answer_in(&self, requests: u32) {
        self.state.lose_one_in.store(requests, Ordering::Relaxed);
    }

    /// Number of answers that it has lost.
    pub fn answers_lost(&self) -> u64 {
        self.state.answers_lost.load(Ordering::Relaxed)
    }

    /// From now on nothing arrives on either side, and no connection breaks.
    pub fn swallow_everything(&self) {
        self.state.holes.fetch_add(1, Ordering::Relaxed);
        self.state.swallows.store(true, Ordering::Relaxed);
    }

    /// New connections work again.
    pub fn carry_again(&self) {
        self.state.swallows.store(false, Ordering::Relaxed);
    }
}

impl State {
    /// Carries bytes until either side has closed, or an answer was lost.
    async fn carry(self: Arc<Self>, client: TcpStream) -> Option<()> {
        client.set_nodelay(true).ok()?;
        let (born, stillborn) = (self.holes.load(Ordering::Relaxed), self.swallows.load(Ordering::Relaxed));
        let is_dead = || stillborn || self.holes.load(Ordering::Relaxed) != born;
        let (mut from_server, mut to_server) = UnixStream::connect(&self.socket).await.ok()?.into_split();
        let (mut from_client, mut to_client) = client.into_split();
        let loses = AtomicBool::new(false);
        let up = async {
            let (mut buffer, mut requests) = (vec![0; 65_536], 0_u32);
            loop {
                let read = from_client.read(&mut buffer).await.ok().filter(|read| *read > 0)?;
                if is_dead() {
                    continue;
                }
                // The first ones say who connects.
                requests += 1;
                if requests > 8 && self.loses_this_answer() {
                    loses.store(true, Ordering::Relaxed);
                }
                to_server.write_all(&buffer[..read]).await.ok()?;
            }
        };
        let down = async {
            let mut buffer = vec![0; 65_536];
            loop {
                let read = from_server.read(&mut buffer).await.ok().filter(|read| *read > 0)?;
                if is_dead() {
                    continue;
                }
                if !loses.load(Ordering::Relaxed) {
                    to_client.write_all(&buffer[..read]).await.ok()?;
                } else if buffer[..read - 1].ends_with(READY) {
                    // It was done, and whoever asked for it will not hear of it.
                    self.answers_lost.fetch_add(1, Ordering::Relaxed);
                    return None::<()>;
                }
            }
        };
        let _: Option<()> = tokio::select! { end = up => end, end = down => end };
        // A dead wire does not even tell that an end of it was let go: the server keeps what it
        // had.
        if is_dead() {
            std::future::pending::<()>().await;
        }
        None
    }

    fn loses_this_answer(&self) -> bool {
        let one_in = self.lose_one_in.load(Ordering::Relaxed);
        one_in > 0 && self.random.lock().unwrap().random_ratio(1, one_in)
    }
}
