//! Serving HTTP to strangers: a connection that sends no request, or reads no answer, is closed,
//! and their number is bounded.

use axum::Router;
use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;
use tracing::{debug, warn};

/// A client has this long to send the head of its next request. Longer than a proxy keeps an idle
/// connection (5 s for `HAProxy`), so that the proxy closes it first and never sends into a
/// connection that is being closed.
const HEAD: Duration = Duration::from_secs(10);

/// A client that takes nothing of its answer for this long is gone, and so is the answer.
const WRITE: Duration = Duration::from_secs(30);

/// Longest head of a request, in bytes. It lies in memory, for every connection.
const HEAD_BYTES: usize = 64 * 1024;

/// Time between questions to a silent client of HTTP/2, and time that it has to answer.
const PING: Duration = Duration::from_secs(20);
const PONG: Duration = Duration::from_secs(10);

/// Requests under way at once on one connection of HTTP/2.
const STREAMS: u32 = 64;

/// Pause after no connection could be taken, as when there are no file descriptors left.
const BREATH: Duration = Duration::from_millis(500);

/// The other end of the connection of a request, as the socket has it.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Answers until `shutdown` ends, at most `connections` of them at once, the others wait; then
/// takes no more, and returns when the requests under way are answered. Every request carries its
/// [`Peer`] as an extension.
pub async fn serve<F: Future>(listener: TcpListener, router: Router, connections: usize, shutdown: F) {
    let (room, open, stop) = (Arc::new(Semaphore::new(connections)), TaskTracker::new(), CancellationToken::new());
    let accept = async {
        loop {
            let place = room.clone().acquire_owned().await.expect("the semaphore is never closed");
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let connection = connection(stream, Peer(peer), router.clone(), stop.clone());
                    open.spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
                // The client was gone before it was taken.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    warn!(%error, "could not accept a connection, and will try again: {error}");
                    sleep(BREATH).await;
                }
            }
        }
    };
    tokio::select! {
        () = accept => {}
        _ = shutdown => {}
    }
    drop(listener);
    stop.cancel();
    open.close();
    open.wait().await;
}

async fn connection(stream: TcpStream, peer: Peer, router: Router, stop: CancellationToken) {
    // Answers are small, and wait for nothing that could be sent along with them.
    stream.set_nodelay(true).unwrap_or(());
    let begun = Arc::new(AtomicBool::new(false));
    let watched = Watched::new(stream, begun.clone());
    let service = router.map_request(move |mut request: Request<Incoming>| {
        begun.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(peer);
        request.map(Body::new)
    });
    let builder = builder();
    let mut serving = pin!(builder.serve_connection(TokioIo::new(watched), TowerToHyperService::new(service)));
    let served = tokio::select! {
        served = serving.as_mut() => served,
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = served {
        debug!(%error, peer = %peer.0, "a connection failed: {error}");
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PONG)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEAD_BYTES as u32);
    builder
}

/// A connection that fails once its client has sent no whole head for [`HEAD`], or has read nothing
/// for [`WRITE`]. The timers of HTTP/1 and 2 begin only when it is known which of them a client
/// speaks, and none looks at what is written.
struct Watched {
    stream: TcpStream,
    /// Whether a request has come; from then on the protocol's own timers hold.
    begun: Arc<AtomicBool>,
    first_request: Pin<Box<Sleep>>,
    stalled: Pin<Box<Sleep>>,
    writing: bool,
}

impl Watched {
    fn new(stream: TcpStream, begun: Arc<AtomicBool>) -> Self {
        Self { stream, begun, first_request: Box::pin(sleep(HEAD)), stalled: Box::pin(sleep(WRITE)), writing: false }
    }

    /// Passes the outcome of a write on, unless nothing could be written for too long.
    fn written<T>(&mut self, context: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.writing = false;
            return outcome;
        }
        if !self.writing {
            self.writing = true;
            self.stalled.as_mut().reset(Instant::now() + WRITE);
        }
        ready!(self.stalled.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")))
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.begun.load(Ordering::Relaxed) && this.first_request.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client sent no request")));
        }
        Pin::new(&mut this.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.written(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
