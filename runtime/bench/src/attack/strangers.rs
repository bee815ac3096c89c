//! Strangers: they do not know the cookie, and come from many addresses.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use snow_dist_runtime::codec::NodeName;
use snow_dist_runtime::core::Cookie;
use snow_dist_runtime::core::handshake::Local;
use snow_dist_runtime::tls::Tls;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_rustls::TlsConnector;

use super::member::shake;
use super::part::Victim;

/// Addresses that they come from: more than a node has places for, at one connection each.
const ADDRESSES: u32 = 250;

/// Those of them that are at it at once.
const AT_ONCE: u32 = 64;

/// Connections that each of these holds open.
const HELD: usize = 16;

/// Between two bytes of a slow handshake.
const TRICKLE: Duration = Duration::from_millis(50);

/// How a record of TLS begins that holds 16 KiB of a first message.
const CLIENT_HELLO: &[u8] = &[22, 3, 1, 0x40, 0, 1, 0, 0x3F, 0xFC];

/// How a NAME of 4 KiB begins.
const NAME: &[u8] = &[0, 16, 0, 0, 1];

/// What they do on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// They close at once.
    Close,
    /// They say nothing.
    Silent,
    /// They say all that a handshake needs, and prove another cookie.
    WrongProof,
    /// They say a byte now and then: half of them of TLS, half of them of NAME.
    Slow,
}

/// Comes again and again, and counts attempts, until it is dropped.
pub(super) async fn come(manner: Manner, victim: Victim, attempts: Arc<AtomicU64>) -> Result<()> {
    let (victim, tls) = (Arc::new(victim), Tls::new()?);
    let mut all = JoinSet::new();
    for number in 0..AT_ONCE {
        let one = One { number, victim: victim.clone(), tls: tls.clone(), attempts: attempts.clone() };
        all.spawn(one.come(manner));
    }
    while let Some(ended) = all.join_next().await {
        ended??;
    }
    Ok(())
}

struct One {
    number: u32,
    victim: Arc<Victim>,
    tls: Tls,
    attempts: Arc<AtomicU64>,
}

impl One {
    async fn come(self, manner: Manner) -> Result<()> {
        let to: SocketAddr = self.victim.address().parse()?;
        let mut held = VecDeque::new();
        let mut slow = JoinSet::new();
        for turn in 0.. {
            let from = Ipv4Addr::from(
                u32::from(Ipv4Addr::new(127, 1, 0, 1)) + (self.number + turn * AT_ONCE) % ADDRESSES,
            );
            self.attempts.fetch_add(1, Ordering::Relaxed);
            // The node may not take it: it is busy.
            let Ok(tcp) = connect(from, to).await else { continue };
            match manner {
                Manner::Close => drop(tcp),
                Manner::Silent => {
                    held.push_back(tcp);
                    if held.len() > HELD {
                        held.pop_front();
                    }
                }
                Manner::WrongProof => {
                    // It never has a session.
                    let _ = self.prove(tcp).await;
                }
                Manner::Slow => {
                    slow.spawn(trickle(turn % 2 == 0, self.tls.clone(), tcp));
                    if slow.len() > HELD {
                        slow.join_next().await.context("one of them")?.ok();
                    }
                }
            }
        }
        Ok(())
    }

    async fn prove(&self, tcp: TcpStream) -> Result<()> {
        let name = NodeName::parse("thief@127.0.0.1:1")?;
        let local = Local::new(name, NonZeroU64::MIN, Cookie::new("a cookie that was guessed")?.into());
        shake(&self.victim, &self.tls, tcp, local).await?;
        Ok(())
    }
}

async fn connect(from: Ipv4Addr, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    socket.connect(to).await
}

/// Until the node has enough of it.
async fn trickle(before_tls: bool, tls: Tls, mut tcp: TcpStream) {
    if before_tls {
        return trickle_over(&mut tcp, CLIENT_HELLO).await;
    }
    if let Ok(mut tls) = TlsConnector::from(tls.client_config().clone()).connect(tls.server_name(), tcp).await
    {
        trickle_over(&mut tls, NAME).await;
    }
}

async fn trickle_over(stream: &mut (impl AsyncWrite + Unpin), begin: &[u8]) {
    for byte in begin.iter().copied().chain(std::iter::repeat(0)) {
        if stream.write_all(&[byte]).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        sleep(TRICKLE).await;
    }
}
