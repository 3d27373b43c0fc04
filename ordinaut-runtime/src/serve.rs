//! Serving HTTP to strangers: a connection that sends no request, or reads no answer, is closed,
//! and their number is bounded.

use crate::listener::{Listener, Peer, Taken, accept};
use crate::tls::Tls;
use crate::watched::{HEAD, Watched};
use axum::Router;
use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;
use tracing::{debug, warn};

/// Longest head of a request, in bytes. It lies in memory, for every connection.
const HEAD_BYTES: usize = 64 * 1024;

/// Time between questions to a silent client of HTTP/2, and time that it has to answer.
const PING: Duration = Duration::from_secs(20);
const PONG: Duration = Duration::from_secs(10);

/// Requests under way at once on one connection of HTTP/2.
const STREAMS: u32 = 64;

/// Pause after no connection could be taken, as when there are no file descriptors left.
const BREATH: Duration = Duration::from_millis(500);

/// What a client is told that speaks HTTP to a port that speaks TLS.
const SPEAK_TLS: &str = "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\nconnection: close\r\n\
     content-length: 34\r\n\r\nthis port speaks https, not http.\n";

/// What the first record of TLS begins with.
const HANDSHAKE: u8 = 22;

/// Answers until `shutdown` ends, at most `connections` of them at once, the others wait; then
/// takes no more, and returns when the requests under way are answered. Every request carries its
/// [`Peer`] as an extension.
pub async fn serve<F: Future>(listener: impl Into<Listener>, router: Router, connections: usize, shutdown: F) {
    let listener = listener.into();
    let (room, open, stop) = (Arc::new(Semaphore::new(connections)), TaskTracker::new(), CancellationToken::new());
    let (port, socket, tls) = listener.parts();
    let accept = async {
        loop {
            let place = room.clone().acquire_owned().await.expect("the semaphore is never closed");
            match accept(port, socket).await {
                Ok(taken) => {
                    // A handshake may take its time, so it is no part of this loop.
                    let (router, stop, config) = (router.clone(), stop.clone(), tls.map(Tls::serving));
                    open.spawn(async move {
                        answer(taken, config, router, stop).await;
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
    let watch = async {
        match tls {
            Some(tls) => tls.watch().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = accept => {}
        () = watch => {}
        _ = shutdown => {}
    }
    drop(listener);
    stop.cancel();
    open.close();
    open.wait().await;
}

/// One connection from its beginning to its end, with a handshake first if there is a
/// configuration of TLS.
async fn answer(taken: Taken, tls: Option<Arc<ServerConfig>>, router: Router, stop: CancellationToken) {
    let (stream, peer) = match taken {
        Taken::Socket(stream) => return plain(stream, Peer::Socket, router, stop).await,
        Taken::Port(stream, address) => (stream, Peer::Address(address)),
    };
    // Answers are small, and wait for nothing that could be sent along with them.
    stream.set_nodelay(true).unwrap_or(());
    let Some(tls) = tls else { return plain(stream, peer, router, stop).await };
    let begun = Arc::new(AtomicBool::new(false));
    let handshake = async {
        let mut first = [0];
        timeout(HEAD, stream.peek(&mut first)).await??;
        if first != [HANDSHAKE] {
            return speak_tls(stream).await.map(|()| None);
        }
        TlsAcceptor::from(tls).accept(Watched::new(stream, begun.clone())).await.map(Some)
    };
    let shaken = tokio::select! {
        shaken = handshake => shaken,
        // It has asked for nothing yet.
        () = stop.cancelled() => return,
    };
    match shaken {
        Ok(Some(stream)) => requests(stream, begun, peer, router, stop).await,
        Ok(None) => {}
        Err(error) => debug!(%error, %peer, "a handshake failed: {error}"),
    }
}

/// Tells a client that it speaks HTTP to a port that speaks TLS.
async fn speak_tls(mut stream: TcpStream) -> io::Result<()> {
    // What it has sent is taken, or else the end of the connection would come before the answer.
    stream.try_read(&mut [0; 4096])?;
    timeout(HEAD, stream.write_all(SPEAK_TLS.as_bytes())).await??;
    timeout(HEAD, stream.shutdown()).await?
}

async fn plain<S>(stream: S, peer: Peer, router: Router, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let begun = Arc::new(AtomicBool::new(false));
    requests(Watched::new(stream, begun.clone()), begun, peer, router, stop).await;
}

async fn requests<S>(stream: S, begun: Arc<AtomicBool>, peer: Peer, router: Router, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = router.map_request(move |mut request: Request<Incoming>| {
        begun.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(peer);
        request.map(Body::new)
    });
    let builder = builder();
    let mut serving = pin!(builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)));
    let served = tokio::select! {
        served = serving.as_mut() => served,
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = served {
        debug!(%error, %peer, "a connection failed: {error}");
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
