//! Listening at a host with several addresses.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::panic::catch_unwind;
use std::task::{Context, Poll};

use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::accepted;
use crate::foreign::event;
use crate::network::{Connection, Listener};

/// The maximum number of connections that wait to be accepted at one address.
const BACKLOG: u32 = 1_024;

/// The number of ports that are tried until one is free at all addresses, if the operating system chooses the
/// port.
const PORTS_TRIED_MAX: usize = 16;

/// The operating system's error code for a missing address family: EAFNOSUPPORT.
const FAMILY_ABSENT: i32 = if cfg!(any(target_os = "linux", target_os = "android")) {
    97
} else if cfg!(windows) {
    10_047
} else {
    47
};

/// Listeners at every address that a host has on this machine, all with the same port: the
/// [`Listener`] of [`Tcp`](crate::Tcp).
#[derive(Debug)]
pub struct TcpListeners {
    listeners: Vec<TcpListener>,
    /// The index of the listener that is asked first. It rotates, so that the others do not wait for a busy one.
    first: usize,
}

/// Listens at all addresses. An address that this machine does not have is skipped, if there is another one.
pub(super) fn bind(addresses: &[SocketAddr]) -> io::Result<TcpListeners> {
    let mut tried = 1;
    loop {
        match bind_all(addresses) {
            // Another address had that port taken.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && tried < PORTS_TRIED_MAX => {
                if addresses.iter().any(|address| address.port() != 0) {
                    return Err(error);
                }
                tried += 1;
            }
            bound => return bound,
        }
    }
}

fn bind_all(addresses: &[SocketAddr]) -> io::Result<TcpListeners> {
    let (mut listeners, mut absent, mut port) = (Vec::new(), None, 0);
    for address in addresses {
        let mut address = *address;
        if address.port() == 0 {
            address.set_port(port);
        }
        match bind_one(address) {
            Ok(listener) => {
                port = listener.local_addr()?.port();
                listeners.push(listener);
            }
            Err(error) if is_absent(&error) => {
                event!(connections, DEBUG, %address, %error, "this machine does not have the address: it is left out");
                absent.get_or_insert_with(|| at(address, &error));
            }
            Err(error) => return Err(at(address, &error)),
        }
    }
    let nowhere =
        || absent.unwrap_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    if listeners.is_empty() { Err(nowhere()) } else { Ok(TcpListeners { listeners, first: 0 }) }
}

/// Listens at one address. Panics in a runtime without I/O.
fn bind_one(address: SocketAddr) -> io::Result<TcpListener> {
    let bind = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // So a node that is started again has its port, while connections of the last start are forgotten.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    let without_io = "the tokio runtime has no I/O: turn it on by `enable_io` or `enable_all` of its builder";
    catch_unwind(bind).unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::Unsupported, without_io)))
}

fn is_absent(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(FAMILY_ABSENT)
}

fn at(address: SocketAddr, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{address}: {error}"))
}

impl TcpListeners {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        let count = self.listeners.len();
        for number in self.first..self.first + count {
            let Some(listener) = self.listeners.get(number % count) else { continue };
            if let Poll::Ready(taken) = listener.poll_accept(cx) {
                self.first = (number + 1) % count;
                return Poll::Ready(taken);
            }
        }
        Poll::Pending
    }
}

impl Listener for TcpListeners {
    fn port(&self) -> io::Result<u16> {
        let listener = self.listeners.first().ok_or(io::ErrorKind::NotFound)?;
        Ok(listener.local_addr()?.port())
    }

    async fn accept(&mut self) -> io::Result<(Connection, SocketAddr)> {
        accepted(poll_fn(|cx| self.poll_accept(cx)).await?)
    }
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use super::*;

    fn addresses(hosts: &[&str], port: u16) -> Vec<SocketAddr> {
        hosts.iter().map(|host| format!("{host}:{port}").parse().unwrap()).collect()
    }

    #[tokio::test]
    async fn a_host_is_listened_at_by_all_its_addresses() {
        let hosts = ["127.0.0.1", "127.0.0.2", "[::1]"];
        let mut listeners = bind(&addresses(&hosts, 0)).unwrap();
        let port = listeners.port().unwrap();
        for address in addresses(&hosts, port) {
            for _ in 0..3 {
                let (dialled, accepted) =
                    tokio::join!(TcpStream::connect(address), Listener::accept(&mut listeners));
                assert_eq!(accepted.unwrap().1, dialled.unwrap().local_addr().unwrap());
            }
        }
    }

    #[tokio::test]
    async fn a_busy_address_does_not_keep_the_others_waiting() {
        let hosts = ["127.0.0.1", "[::1]"];
        let mut listeners = bind(&addresses(&hosts, 0)).unwrap();
        let both = addresses(&hosts, listeners.port().unwrap());
        let mut dialled = Vec::new();
        for _ in 0..5 {
            dialled.push(TcpStream::connect(both[0]).await.unwrap());
        }
        dialled.push(TcpStream::connect(both[1]).await.unwrap());
        let mut families = Vec::new();
        for _ in 0..2 {
            families.push(Listener::accept(&mut listeners).await.unwrap().1.is_ipv6());
        }
        families.sort_unstable();
        assert_eq!(families, [false, true]);
    }

    #[tokio::test]
    async fn an_address_that_is_taken_is_an_error_though_another_is_free() {
        // Not 127.0.0.1: there another program may have the port that is free at the other address.
        let hosts = ["127.0.77.1", "[::1]"];
        for taken in hosts {
            let first = bind(&addresses(&[taken], 0)).unwrap();
            let port = first.port().unwrap();
            let error = bind(&addresses(&hosts, port)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
            assert!(error.to_string().starts_with(&format!("{taken}:{port}: ")), "{error}");
        }
    }

    #[tokio::test]
    async fn an_address_that_this_machine_does_not_have_is_left_out() {
        // A network for documentation (RFC 5737, RFC 3849).
        for elsewhere in ["192.0.2.1", "[2001:db8::1]"] {
            let listeners = bind(&addresses(&[elsewhere, "127.0.0.1"], 0)).unwrap();
            assert_eq!(listeners.listeners.len(), 1);
            let error = bind(&addresses(&[elsewhere], 0)).unwrap_err();
            assert!(is_absent(&error) || error.to_string().contains(elsewhere), "{error}");
        }
        assert_eq!(bind(&[]).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_runtime_without_io_is_an_error() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let error = runtime.block_on(async { bind(&addresses(&["127.0.0.1"], 0)) }).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
        assert!(error.to_string().contains("enable_io"), "{error}");
    }
}
