//! A connection that is watched for a client that neither sends nor reads.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// A client has this long to send the head of its next request, and for TLS its part of the
/// handshake before the first. Longer than a proxy keeps an idle connection (5 s for `HAProxy`), so
/// that the proxy closes it first and never sends into a connection that is being closed.
pub(crate) const HEAD: Duration = Duration::from_secs(10);

/// A client that takes nothing of its answer for this long is gone, and so is the answer.
const WRITE: Duration = Duration::from_secs(30);

/// A connection that fails once its client has sent no whole head for [`HEAD`], or has read nothing
/// for [`WRITE`]. The timers of HTTP/1 and 2 begin only when it is known which of them a client
/// speaks, and none looks at what is written.
pub(crate) struct Watched<S> {
    stream: S,
    /// Whether a request has come; from then on the protocol's own timers hold.
    begun: Arc<AtomicBool>,
    first_request: Pin<Box<Sleep>>,
    stalled: Pin<Box<Sleep>>,
    writing: bool,
}

impl<S> Watched<S> {
    pub(crate) fn new(stream: S, begun: Arc<AtomicBool>) -> Self {
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

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
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

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
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
