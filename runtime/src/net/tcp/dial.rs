//! Connecting to a host with several addresses, by RFC 8305 ("Happy Eyeballs").

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::clock::Clock;
use crate::core::Patience;
use crate::core::limits::{CONNECT_ADDRESSES_MAX, CONNECT_ATTEMPT_DELAY};

/// Connects to the first address of `host:port` that answers, within `longest` in total.
pub(super) async fn connect(
    dialled: &str,
    addresses: impl Future<Output = io::Result<Vec<SocketAddr>>>,
    longest: Duration,
) -> io::Result<TcpStream> {
    race(dialled, addresses, longest, dial).await
}

/// Does the same with any function that connects to one address.
async fn race<S: Send + 'static, D: Future<Output = io::Result<S>> + Send + 'static>(
    dialled: &str,
    addresses: impl Future<Output = io::Result<Vec<SocketAddr>>>,
    longest: Duration,
    dial: impl Fn(SocketAddr) -> D,
) -> io::Result<S> {
    let clock = Clock::start();
    let mut patience = Patience::new(longest, clock.now());
    let unknown =
        || io::Error::new(io::ErrorKind::TimedOut, format!("the name was not resolved within {longest:?}"));
    let addresses = clock.wait(&mut patience, addresses).await.ok_or_else(unknown)??;
    let mut all: Vec<_> =
        interleaved(addresses).into_iter().map(|address| (address, State::Untried)).collect();
    let left_out = all.len().saturating_sub(CONNECT_ADDRESSES_MAX);
    all.truncate(CONNECT_ADDRESSES_MAX);
    let connected = clock.wait(&mut patience, try_each(&mut all, dial)).await.flatten();
    connected.ok_or_else(|| failed(dialled, &all, left_out, longest))
}

/// The state of one address of a host.
#[derive(Debug)]
enum State {
    Untried,
    Begun,
    Failed(io::Error),
}

/// Tries each address when the one before has failed, or has not answered for a while. Returns `None` if all have
/// failed.
async fn try_each<S: Send + 'static, D: Future<Output = io::Result<S>> + Send + 'static>(
    all: &mut [(SocketAddr, State)],
    dial: impl Fn(SocketAddr) -> D,
) -> Option<S> {
    let mut running = JoinSet::new();
    loop {
        let next = all.iter_mut().find(|(_, state)| matches!(state, State::Untried));
        let more = next.is_some();
        if let Some((address, state)) = next {
            let address = *address;
            *state = State::Begun;
            let dialled = dial(address);
            running.spawn(async move { (address, dialled.await) });
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

/// Creates the error when no address has answered. It lists each address with its own error, unless the address is
/// what was dialled, and the number of addresses that were left out.
fn failed(dialled: &str, all: &[(SocketAddr, State)], left_out: usize, longest: Duration) -> io::Error {
    let mut kinds = all.iter().map(|(_, state)| match state {
        State::Failed(error) => error.kind(),
        State::Begun | State::Untried => io::ErrorKind::TimedOut,
    });
    let Some(first) = kinds.next() else {
        return io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    };
    let kind = if kinds.all(|kind| kind == first) { first } else { io::ErrorKind::Other };
    let words = all.iter().map(|(address, state)| {
        let words = match state {
            State::Failed(error) => error.to_string(),
            State::Begun => format!("no answer within {longest:?}"),
            State::Untried => "not tried".to_owned(),
        };
        let address = address.to_string();
        if address == dialled { words } else { format!("{address}: {words}") }
    });
    let mut words = words.collect::<Vec<_>>().join("; ");
    if left_out > 0 {
        words = format!("{words}; {left_out} more addresses are not tried");
    }
    io::Error::new(kind, words)
}

async fn dial(address: SocketAddr) -> io::Result<TcpStream> {
    if address.ip().to_canonical().is_unspecified() {
        // The system would take it for the loopback address.
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it stands for every address of a machine"));
    }
    TcpStream::connect(address).await
}

/// Orders addresses so that both families alternate, beginning with the preferred one.
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
    use std::collections::HashMap;
    use std::future::ready;
    use std::sync::{Arc, Mutex};

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
    const DIALLED: &str = "host:1";

    #[tokio::test]
    async fn an_address_that_does_not_answer_does_not_keep_a_dial_from_the_next() {
        let (dead, _kept) = silent("[::1]:0").await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let good = listener.local_addr().unwrap();
        for addresses in [vec![dead, good], vec![refused().await, dead, good]] {
            let stream = connect(DIALLED, ready(Ok(addresses)), LONG).await.unwrap();
            assert_eq!(stream.peer_addr().unwrap(), good);
        }
    }

    #[tokio::test]
    async fn an_error_names_each_address_with_its_own() {
        let (dead, _kept) = silent("[::1]:0").await;
        let (closed, nowhere) = (refused().await, "0.0.0.0:1".parse().unwrap());
        let error = connect(DIALLED, ready(Ok(vec![dead, closed, nowhere])), SHORT).await.unwrap_err();
        let says = error.to_string();
        assert!(says.contains(&format!("{dead}: no answer within 700ms; {closed}: ")), "{says}");
        assert!(says.ends_with("; 0.0.0.0:1: it stands for every address of a machine"), "{says}");
        let error = connect(DIALLED, ready(Ok(vec![closed])), LONG).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        let error = connect(&dead.to_string(), ready(Ok(vec![dead])), SHORT).await.unwrap_err();
        // Whoever dialled the address knows it.
        assert_eq!(
            (error.kind(), error.to_string()),
            (io::ErrorKind::TimedOut, "no answer within 700ms".to_owned())
        );
    }

    #[tokio::test]
    async fn a_name_that_is_not_resolved_is_told_from_an_address_that_does_not_answer() {
        let error = connect(DIALLED, std::future::pending(), SHORT).await.unwrap_err();
        assert_eq!(error.to_string(), "the name was not resolved within 700ms");
        let error = connect(DIALLED, ready(Ok(Vec::new())), LONG).await.unwrap_err();
        assert_eq!(error.to_string(), "the name has no address");
        let unknown = || Err(io::Error::other("unknown"));
        let error = connect(DIALLED, ready(unknown()), LONG).await.unwrap_err();
        assert_eq!(error.to_string(), "unknown");
    }

    /// What a network would do that has these addresses: whoever dials one waits so long, and is answered or refused.
    #[derive(Clone, Default)]
    struct Wires {
        answers: HashMap<SocketAddr, (Duration, bool)>,
        /// Which were dialled, and when.
        dialled: Arc<Mutex<Vec<(SocketAddr, Duration)>>>,
        /// Dials that go on.
        running: Arc<()>,
    }

    impl Wires {
        fn dial(
            &self,
            clock: Clock,
            to: SocketAddr,
        ) -> impl Future<Output = io::Result<SocketAddr>> + 'static {
            self.dialled.lock().unwrap().push((to, clock.now()));
            let (answer, running) = (self.answers.get(&to).copied(), self.running.clone());
            async move {
                let _running = running;
                let Some((after, takes_it)) = answer else { return std::future::pending().await };
                sleep(after).await;
                if takes_it { Ok(to) } else { Err(io::ErrorKind::ConnectionRefused.into()) }
            }
        }

        /// Dials all of them. Returns who answered, after how long, and how many were dialled when.
        async fn race(
            &self,
            addresses: &[SocketAddr],
        ) -> (io::Result<SocketAddr>, u128, Vec<(SocketAddr, u128)>) {
            let clock = Clock::start();
            let come = race(DIALLED, ready(Ok(addresses.to_vec())), LONG, |to| self.dial(clock, to)).await;
            let millis = clock.now().as_millis();
            let dialled = self.dialled.lock().unwrap().iter().map(|(to, at)| (*to, at.as_millis())).collect();
            (come, millis, dialled)
        }
    }

    fn numbered(count: u8) -> Vec<SocketAddr> {
        (1..=count).map(|number| SocketAddr::from(([192, 0, 2, number], 4000))).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_further_address_is_tried_after_a_quarter_of_a_second_or_at_once_after_a_refusal() {
        let all = numbered(4);
        let mut wires = Wires::default();
        // The first is silent, the second refuses at once, the third answers late and the fourth not in time.
        wires.answers.insert(all[1], (Duration::ZERO, false));
        wires.answers.insert(all[2], (Duration::from_millis(400), true));
        let (come, millis, dialled) = wires.race(&all).await;
        assert_eq!(dialled, [(all[0], 0), (all[1], 250), (all[2], 250), (all[3], 500)]);
        assert_eq!((come.unwrap(), millis), (all[2], 650));
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_answer_wins_and_all_other_dials_are_given_up() {
        let all = numbered(3);
        let mut wires = Wires::default();
        // The one that was dialled first answers, though others were dialled since.
        wires.answers.insert(all[0], (Duration::from_millis(600), true));
        wires.answers.insert(all[1], (Duration::from_millis(500), true));
        let (come, millis, dialled) = wires.race(&all).await;
        assert_eq!((come.unwrap(), millis, dialled.len()), (all[0], 600, 3));
        while Arc::strong_count(&wires.running) > 1 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_with_any_number_of_addresses_is_bounded_work() {
        let mut wires = Wires::default();
        let all = numbered(255);
        let (come, millis, dialled) = wires.race(&all).await;
        assert!(dialled.len() == CONNECT_ADDRESSES_MAX && millis >= LONG.as_millis(), "{dialled:?}");
        assert!(come.unwrap_err().to_string().ends_with("; 235 more addresses are not tried"));
        wires = Wires {
            answers: all.iter().map(|to| (*to, (Duration::ZERO, false))).collect(),
            ..Wires::default()
        };
        let (come, millis, dialled) = wires.race(&all).await;
        assert_eq!((dialled.len(), millis), (CONNECT_ADDRESSES_MAX, 0));
        assert_eq!(come.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
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
