//! The steps about connections that say nothing, and about dials that must not be.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::Instant;

use super::{Player, REPORT_PAUSE};
use crate::cases::{Dialled, Knock, Knocking, Undialled};
use crate::verdict::Trouble;

/// A connection that says nothing.
pub(super) struct Knocker {
    from: IpAddr,
    tcp: TcpStream,
}

impl Knocker {
    /// Whether the subject has not closed it. It must not write a byte either.
    fn is_open(&self) -> Result<bool, Trouble> {
        match self.tcp.try_read(&mut [0; 64]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(true),
            Ok(0) | Err(_) => Ok(false),
            Ok(_) => Err(Trouble::wrong("the subject wrote to a connection on which nothing was said")),
        }
    }
}

/// A node has so long to make room for a connection: much less than the deadline at which it closes all of them.
const ROOM_PATIENCE: Duration = Duration::from_secs(3);

/// Between two such connections.
const KNOCK_PAUSE: Duration = Duration::from_millis(5);

/// Behind the last change it has so long to close more than it should.
const AFTERMATH: Duration = Duration::from_millis(300);

impl Player<'_> {
    pub(super) async fn knock(&mut self, knock: &Knock) -> Result<(), Trouble> {
        let address = self.subject.address.clone();
        let address = address.ok_or_else(|| Trouble::Unsupported("the subject has no address".into()))?;
        for _ in 0..knock.knock {
            let tcp = dial_from(knock.from, &address).await?;
            self.knocks.push(Knocker { from: knock.from, tcp });
            // So that the subject accepts them in this order, whichever processor handles what they say in TCP.
            tokio::time::sleep(KNOCK_PAUSE).await;
        }
        self.log.note(&format!("{} connections from {} that say nothing", knock.knock, knock.from));
        Ok(())
    }

    pub(super) async fn knocking(&mut self, knocking: &Knocking) -> Result<(), Trouble> {
        let until = Instant::now() + ROOM_PATIENCE;
        while self.open_knocks()? > knocking.knocking && Instant::now() < until {
            tokio::time::sleep(REPORT_PAUSE).await;
        }
        tokio::time::sleep(AFTERMATH).await;
        let open = self.open_knocks()?;
        if open != knocking.knocking {
            return Err(Trouble::wrong(format!(
                "{open} connections are open, and not {}",
                knocking.knocking
            )));
        }
        let Some(gone) = knocking.gone else { return Ok(()) };
        // Of each address they stand in the order in which they were made: none is open before one that is not.
        for address in self.knocks.iter().map(|knock| knock.from) {
            let mut of_it = self.knocks.iter().filter(|knock| knock.from == address);
            let closed =
                of_it.try_fold((0, false), |(closed, open_before), knock| match knock.is_open()? {
                    true => Ok((closed, true)),
                    false if open_before => {
                        Err(Trouble::wrong(format!("of {address} not the oldest connection was closed")))
                    }
                    false => Ok((closed + 1, false)),
                })?;
            if closed.0 > 0 && address != gone {
                return Err(Trouble::wrong(format!(
                    "a connection of {address} gave way, and not one of {gone}"
                )));
            }
        }
        Ok(())
    }

    fn open_knocks(&self) -> Result<usize, Trouble> {
        let mut open = 0;
        for knock in &self.knocks {
            open += usize::from(knock.is_open()?);
        }
        Ok(open)
    }

    pub(super) async fn dialled(&mut self, dialled: &Dialled) -> Result<(), Trouble> {
        let deadline = self.deadline;
        let Some(listener) = &self.listener else {
            return Err(Trouble::unjudged("the runner does not listen"));
        };
        let mut held = Vec::new();
        let mut until = deadline;
        while let Ok(tcp) = tokio::time::timeout_at(until, listener.listener().accept_tcp()).await {
            held.push(tcp);
            if held.len() >= dialled.dialled {
                until = deadline.min(Instant::now() + AFTERMATH);
            }
        }
        if held.len() == dialled.dialled {
            return Ok(());
        }
        Err(Trouble::wrong(format!("the subject dialled {} times, and not {}", held.len(), dialled.dialled)))
    }

    pub(super) async fn undialled(&mut self, undialled: &Undialled) -> Result<(), Trouble> {
        let Some(listener) = &self.listener else {
            return Err(Trouble::unjudged("the runner does not listen"));
        };
        let patience = Duration::from_millis(undialled.undialled);
        match tokio::time::timeout(patience, listener.listener().accept_tcp()).await {
            Err(_) => Ok(()),
            Ok(_) => Err(Trouble::wrong("the subject dialled, which it should not")),
        }
    }
}

async fn dial_from(from: IpAddr, address: &str) -> Result<TcpStream, Trouble> {
    let unjudged = |error: std::io::Error| Trouble::unjudged(format!("{address}: {error}"));
    let to = lookup_host(address).await.map_err(unjudged)?.find(|to| to.is_ipv4() == from.is_ipv4());
    let to = to.ok_or_else(|| Trouble::unjudged(format!("{address} cannot be reached from {from}")))?;
    let socket = if from.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.map_err(unjudged)?;
    socket.bind(SocketAddr::new(from, 0)).map_err(|error| {
        Trouble::Unsupported(format!("this machine cannot dial from the address {from}: {error}"))
    })?;
    socket.connect(to).await.map_err(unjudged)
}
