//! Connecting to a host that has several addresses, as RFC 8305 ("Happy Eyeballs") has it.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::clock::Clock;
use crate::core::Patience;
use crate::core::limits::CONNECT_ATTEMPT_DELAY;

/// Connects to the first address that answers, within `longest` in all.
pub(super) async fn connect(
    addresses: impl Future<Output = io::Result<Vec<SocketAddr>>>,
    longest: Duration,
) -> io::Result<TcpStream> {
    let clock = Clock::start();
    let mut patience = Patience::new(longest, clock.now());
    let unknown =
        || io::Error::new(io::ErrorKind::TimedOut, format!("the name was not resolved within {longest:?}"));
    let addresses = clock.wait(&mut patience, addresses).await.ok_or_else(unknown)??;
    let mut all: Vec<_> =
        interleaved(addresses).into_iter().map(|address| (address, State::Untried)).collect();
    let connected = clock.wait(&mut patience, try_each(&mut all)).await.flatten();
    connected.ok_or_else(|| failed(&all, longest))
}

/// What has become of an address of a host.
#[derive(Debug)]
enum State {
    Untried,
    Begun,
    Failed(io::Error),
}

/// Tries each address when the one before it has failed, or has not answered for a while. `None` if all have failed.
async fn try_each(all: &mut [(SocketAddr, State)]) -> Option<TcpStream> {
    let mut running = JoinSet::new();
    loop {
        let next = all.iter_mut().find(|(_, state)| matches!(state, State::Untried));
        let more = next.is_some();
        if let Some((address, state)) = next {
            let address = *address;
            *state = State::Begun;
            running.spawn(async move { (address, dial(address).await) });
        }
        tokio::select! {
            done = running.join_next() => match done? {
                Ok((_, Ok(stream))) => return Some(stream),
                Ok((address, Err(error))) => {
                    if let Some((_, state)) = all.iter_mut().find(|(other, _)| *other == address) {
                        *state = State::Failed(error);
                    }
                }
                // The runtime shuts down, and this task with it.
                Err(_) => return None,
            },
            () = sleep(CONNECT_ATTEMPT_DELAY), if more => {}
        }
    }
}

/// No address has answered: each with its own error.
fn failed(all: &[(SocketAddr, State)], longest: Duration) -> io::Error {
    let mut kinds = all.iter().map(|(_, state)| match state {
        State::Failed(error) => error.kind(),
        State::Begun | State::Untried => io::ErrorKind::TimedOut,
    });
    let Some(first) = kinds.next() else {
        return io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    };
    let kind = if kinds.all(|kind| kind == first) { first } else { io::ErrorKind::Other };
    let words = all.iter().map(|(address, state)| match state {
        State::Failed(error) => format!("{address}: {error}"),
        State::Begun => format!("{address}: no answer within {longest:?}"),
        State::Untried => format!("{address}: not tried"),
    });
    io::Error::new(kind, words.collect::<Vec<_>>().join("; "))
}

async fn dial(address: SocketAddr) -> io::Result<TcpStream> {
    if address.ip().to_canonical().is_unspecified() {
        // The system would take it for the loopback address.
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it stands for every address of a machine"));
    }
    TcpStream::connect(address).await
}

/// The addresses with both families in turn, beginning with the one that the system prefers.
fn interleaved(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Some(first) = addresses.first().map(SocketAddr::is_ipv6) else { return addresses };
    let (preferred, other): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first);
    let (mut preferred, mut other) = (preferred.into_iter(), other.into_iter());
    let mut all = Vec::new();
    loop {
        let pair = [preferred.next(), other.next()];
        if pair == [None, None] {
            return all;
        }
        all.extend(pair.into_iter().flatten());
    }
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use std::future::ready;

    use tokio::net::{TcpListener, TcpSocket};
    use tokio::time::timeout;

    use super::*;

    /// An address that takes no connection and refuses none, as long as what is beside it is kept: its queue is full.
    async fn silent(host: &str) -> (SocketAddr, impl Drop) {
        let address: SocketAddr = host.parse().unwrap();
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.unwrap();
        socket.bind(address).unwrap();
        let listener = socket.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let mut queued = Vec::new();
        while let Ok(stream) = timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
            queued.push(stream.unwrap());
        }
        (address, Box::new((listener, queued)))
    }

    async fn refused() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
    }

    /// Less than the system takes to give up an address, and much more than a dial of several needs.
    const LONG: Duration = Duration::from_secs(30);
    const SHORT: Duration = Duration::from_millis(700);

    #[tokio::test]
    async fn an_address_that_does_not_answer_does_not_keep_a_dial_from_the_next() {
        let (dead, _kept) = silent("[::1]:0").await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let good = listener.local_addr().unwrap();
        for addresses in [vec![dead, good], vec![refused().await, dead, good]] {
            let stream = connect(ready(Ok(addresses)), LONG).await.unwrap();
            assert_eq!(stream.peer_addr().unwrap(), good);
        }
    }

    #[tokio::test]
    async fn an_error_names_each_address_with_its_own() {
        let (dead, _kept) = silent("[::1]:0").await;
        let (closed, nowhere) = (refused().await, "0.0.0.0:1".parse().unwrap());
        let error = connect(ready(Ok(vec![dead, closed, nowhere])), SHORT).await.unwrap_err();
        let says = error.to_string();
        assert!(says.contains(&format!("{dead}: no answer within 700ms; {closed}: ")), "{says}");
        assert!(says.ends_with("; 0.0.0.0:1: it stands for every address of a machine"), "{says}");
        let error = connect(ready(Ok(vec![closed])), LONG).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        let error = connect(ready(Ok(vec![dead])), SHORT).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_name_that_is_not_resolved_is_told_from_an_address_that_does_not_answer() {
        let error = connect(std::future::pending(), SHORT).await.unwrap_err();
        assert_eq!(error.to_string(), "the name was not resolved within 700ms");
        let error = connect(ready(Ok(Vec::new())), LONG).await.unwrap_err();
        assert_eq!(error.to_string(), "the name has no address");
        let unknown = || Err(io::Error::other("unknown"));
        let error = connect(ready(unknown()), LONG).await.unwrap_err();
        assert_eq!(error.to_string(), "unknown");
    }

    #[test]
    fn families_take_turns() {
        let addresses = |texts: &[&str]| -> Vec<SocketAddr> {
            texts.iter().map(|text| format!("{text}:1").parse().unwrap()).collect()
        };
        let resolved = addresses(&["[::1]", "[::2]", "[::3]", "1.1.1.1", "2.2.2.2"]);
        let tried = addresses(&["[::1]", "1.1.1.1", "[::2]", "2.2.2.2", "[::3]"]);
        assert_eq!(interleaved(resolved), tried);
        assert_eq!(interleaved(addresses(&["1.1.1.1", "[::1]"])), addresses(&["1.1.1.1", "[::1]"]));
        assert_eq!(interleaved(Vec::new()), []);
    }
}
