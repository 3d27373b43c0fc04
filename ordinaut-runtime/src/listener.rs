//! Where a process of ours takes connections: a port, and beside it perhaps a Unix socket.

use crate::tls::Tls;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// The processes' own account and group may connect, nobody else.
const MODE: u32 = 0o660;

/// The other end of the connection of a request, as the socket has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// It came to the port, from this address.
    Address(SocketAddr),
    /// It came to the Unix socket.
    Socket,
}

impl Peer {
    /// Its address; a process of this machine has none.
    pub fn ip(self) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(address.ip()),
            Self::Socket => None,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Socket => f.write_str("the Unix socket"),
        }
    }
}

/// A port, which speaks TLS if it is told to, and perhaps a Unix socket, which never does.
pub struct Listener {
    port: TcpListener,
    socket: Option<Socket>,
    tls: Option<Tls>,
}

/// A port that speaks HTTP without TLS.
impl From<TcpListener> for Listener {
    fn from(port: TcpListener) -> Self {
        Self { port, socket: None, tls: None }
    }
}

impl Listener {
    /// The same, whose port speaks TLS.
    #[must_use]
    pub fn tls(self, tls: Tls) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// The same, which listens at a path of the file system too. A socket that nobody listens on
    /// any more is replaced; one with a living process behind it is an error, as is any other file.
    pub async fn socket(self, path: &Path) -> io::Result<Self> {
        Ok(Self { socket: Some(Socket::bind(path).await?), ..self })
    }

    /// The address of the port.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.port.local_addr()
    }

    /// `https` if the port speaks TLS, else `http`.
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    pub(crate) fn parts(&self) -> (&TcpListener, Option<&UnixListener>, Option<&Tls>) {
        (&self.port, self.socket.as_ref().map(|socket| &socket.listener), self.tls.as_ref())
    }
}

/// A connection that was taken.
pub(crate) enum Taken {
    Port(TcpStream, SocketAddr),
    Socket(UnixStream),
}

/// Waits for the next connection of either.
pub(crate) async fn accept(port: &TcpListener, socket: Option<&UnixListener>) -> io::Result<Taken> {
    let of_socket = async {
        match socket {
            Some(socket) => socket.accept().await.map(|(stream, _)| Taken::Socket(stream)),
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        taken = port.accept() => taken.map(|(stream, peer)| Taken::Port(stream, peer)),
        taken = of_socket => taken,
    }
}

/// A Unix socket, whose file goes with it.
struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Socket {
    async fn bind(path: &Path) -> io::Result<Self> {
        match std::fs::symlink_metadata(path) {
            Ok(found) if !found.file_type().is_socket() => {
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file, which is no socket"));
            }
            Ok(_) => match UnixStream::connect(path).await {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                // Its owner may be too busy to take us, or not let us in: it lives.
                _ => return Err(io::Error::new(io::ErrorKind::AddrInUse, "another process listens there")),
            },
            Err(_) => {}
        }
        // It gets its place only with its mode, so that nobody else can connect before that. What
        // a process with our id left there is its own.
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(format!(".{}", std::process::id()));
        std::fs::remove_file(&unfinished).ok();
        let listener = UnixListener::bind(&unfinished)?;
        let placed = std::fs::set_permissions(&unfinished, std::fs::Permissions::from_mode(MODE))
            .and_then(|()| std::fs::rename(&unfinished, path));
        if let Err(error) = placed {
            std::fs::remove_file(&unfinished).ok();
            return Err(error);
        }
        Ok(Self { listener, path: path.to_owned() })
    }
}

impl Drop for Socket {
    /// While we still listen: later, the file may be that of our successor.
    fn drop(&mut self) {
        std::fs::remove_file(&self.path).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_dead_socket_is_replaced_and_a_living_one_is_not() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("api");
        // A std listener leaves its file behind, as a process does that was killed.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let socket = Socket::bind(&path).await.unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);
        let refused = Socket::bind(&path).await.err().unwrap();
        assert_eq!(refused.kind(), io::ErrorKind::AddrInUse, "{refused}");
        UnixStream::connect(&path).await.unwrap();
        drop(socket);
        assert!(!path.exists());
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_file_that_is_no_socket_stays() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let refused = Socket::bind(file.path()).await.err().unwrap();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists, "{refused}");
        assert!(file.path().exists());
    }
}
