//! A member that attacks: a peer that knows the cookie, speaks the handshake of the runtime, and then writes whatever it is given.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};
use bytes::{Buf, BytesMut};
use snow_dist_runtime::CAPABILITIES;
use snow_dist_runtime::codec::limits::{FRAME_BYTES_MAX, HANDSHAKE_BYTES_MAX};
use snow_dist_runtime::codec::{Frame, NodeName, Pid, Reading, framing};
use snow_dist_runtime::core::Cookie;
use snow_dist_runtime::core::handshake::{Channel, Local, Peer, initiator};
use snow_dist_runtime::tls::{Tls, exporter};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::bounds::LINKS_AND_MONITORS_MAX;
use super::floods::{Batch, Flood};
use super::part::Victim;
use super::{COOKIE, MEMBER};

/// Bytes that are written at once.
const WRITTEN_AT_ONCE: usize = 64 << 10;

/// Between two dials, if the last one had no session.
const PAUSE: Duration = Duration::from_millis(1);

/// For so long it is tried at the beginning.
const PATIENCE: Duration = Duration::from_secs(5);

/// How its sessions have ended, as a count of each.
#[derive(Clone, Debug, Default)]
pub(super) struct Ends {
    /// By CLOSE, with this code.
    pub(super) closed: std::collections::BTreeMap<u16, u64>,
    /// Without a word.
    pub(super) cut: u64,
}

/// A member, and what it has done.
pub(super) struct Member {
    victim: Victim,
    tls: Tls,
    incarnation: u64,
    pub(super) frames: u64,
    pub(super) bytes: u64,
    pub(super) ends: Ends,
}

/// A session that it has.
pub(super) struct Session {
    stream: TlsStream<TcpStream>,
    peer: Peer,
    creation: u8,
}

/// What a reader has learned of the node.
enum Heard {
    /// It has asked who is the server of groups here.
    Asked {
        server: Pid,
        reference: u64,
    },
    Closed(u16),
    Over,
}

impl Member {
    pub(super) fn new(victim: Victim) -> Result<Self> {
        let tls = Tls::new()?;
        Ok(Self { victim, tls, incarnation: 0, frames: 0, bytes: 0, ends: Ends::default() })
    }

    /// Dials until there is a session.
    pub(super) async fn join(&mut self) -> Result<Session> {
        let begun = Instant::now();
        loop {
            self.incarnation += 1;
            match dial(&self.victim, &self.tls, self.incarnation, COOKIE).await {
                Ok(session) => return Ok(session),
                Err(error) if begun.elapsed() > PATIENCE => return Err(error),
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// Floods, in one session after the other, until it is told to stop by being dropped.
    pub(super) async fn flood(&mut self, flood: &Flood, mut session: Session) -> Result<()> {
        loop {
            self.flood_session(flood, session).await;
            session = self.join().await?;
        }
    }

    async fn flood_session(&mut self, flood: &Flood, session: Session) {
        let mut batch = Batch::new(&self.victim, &session.peer, session.creation);
        let (reading, mut writing) = split(session.stream);
        let (tell, mut heard) = mpsc::unbounded_channel();
        let reader = flood.reads.then(|| tokio::spawn(read(reading, tell)));
        let mut is_over = false;
        while !is_over {
            batch.begin();
            (flood.write)(&mut batch);
            while flood.repeats && batch.bytes().len() < WRITTEN_AT_ONCE {
                (flood.write)(&mut batch);
            }
            is_over = !flood.repeats && batch.bytes().is_empty() || !self.wrote(&mut writing, &batch).await;
            while let Ok(news) = heard.try_recv() {
                is_over |= self.hears(news, &mut batch);
            }
            if !flood.repeats {
                // It has said all, and holds its session.
                std::future::pending::<()>().await;
            }
        }
        // What it was told before the end.
        if reader.is_some() {
            while let Some(news) = heard.recv().await {
                self.hears(news, &mut batch);
            }
        } else {
            self.ends.cut += 1;
        }
    }

    async fn wrote(&mut self, to: &mut (impl AsyncWrite + Unpin), batch: &Batch) -> bool {
        self.frames += batch.frames();
        self.bytes += batch.bytes().len() as u64;
        to.write_all(batch.bytes()).await.is_ok() && to.flush().await.is_ok()
    }

    /// Whether the session is over.
    fn hears(&mut self, news: Heard, batch: &mut Batch) -> bool {
        match news {
            Heard::Asked { server, reference } => batch.serve_groups(server, reference),
            Heard::Closed(code) => *self.ends.closed.entry(code).or_default() += 1,
            Heard::Over => self.ends.cut += 1,
        }
        !matches!(news, Heard::Asked { .. })
    }
}

/// Reads until the session is over.
async fn read(mut stream: impl AsyncRead + Unpin, tell: mpsc::UnboundedSender<Heard>) {
    let mut inbox = BytesMut::new();
    let end = loop {
        while let Ok(Some(cut)) = framing::cut(&inbox, FRAME_BYTES_MAX) {
            let news = match Frame::decode(cut.payload, Reading::Compatible) {
                Ok(Frame::MonitorName(sought)) => {
                    Some(Heard::Asked { server: sought.from, reference: sought.reference })
                }
                Ok(Frame::Close(close)) => Some(Heard::Closed(close.code)),
                _ => None,
            };
            let (length, is_end) = (4 + cut.payload.len(), matches!(news, Some(Heard::Closed(_))));
            inbox.advance(length);
            if let Some(news) = news
                && (tell.send(news).is_err() || is_end)
            {
                return;
            }
        }
        match stream.read_buf(&mut inbox).await {
            Ok(0) | Err(_) => break Heard::Over,
            Ok(_) => {}
        }
    };
    // Who floods may have gone.
    let _ = tell.send(end);
}

/// Dials as the member does, with this cookie.
async fn dial(victim: &Victim, tls: &Tls, incarnation: u64, cookie: &str) -> Result<Session> {
    let tcp = TcpStream::connect(victim.address()).await?;
    let cookie = Cookie::new(cookie)?;
    let incarnation = NonZeroU64::new(incarnation).ok_or_else(|| anyhow!("incarnation 0"))?;
    let mut local = Local::new(NodeName::parse(MEMBER)?, incarnation, cookie.into());
    local.capabilities = CAPABILITIES;
    local.bounds.links_and_monitors = LINKS_AND_MONITORS_MAX;
    shake(victim, tls, tcp, local).await
}

/// The whole handshake of an initiator.
pub(super) async fn shake(victim: &Victim, tls: &Tls, tcp: TcpStream, local: Local) -> Result<Session> {
    let creation = local.creation();
    tcp.set_nodelay(true)?;
    let connector = TlsConnector::from(tls.client_config().clone());
    let mut stream = connector.connect(tls.server_name(), tcp).await?;
    let channel = Channel::Tls13 { exporter: exporter(stream.get_ref().1)? };
    let (name, expect_challenge) =
        initiator::start(Arc::new(local), channel, NodeName::parse(&victim.name)?)?;
    say(&mut stream, &name).await?;
    let challenge = hear(&mut stream).await?;
    let (reply, expect_ack) = expect_challenge.handle(&challenge, [7; 24])?;
    say(&mut stream, &reply).await?;
    let ack = hear(&mut stream).await?;
    let peer = expect_ack.handle(&ack)?.peer;
    Ok(Session { stream, peer, creation })
}

async fn say(stream: &mut TlsStream<TcpStream>, payload: &[u8]) -> Result<()> {
    let mut message = Vec::new();
    framing::put(payload, HANDSHAKE_BYTES_MAX, &mut message)?;
    stream.write_all(&message).await?;
    Ok(stream.flush().await?)
}

/// The payload of the next message. Nothing comes behind it before it is answered, but for frames behind ACK, which may not be
/// read here.
async fn hear(stream: &mut TlsStream<TcpStream>) -> Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).await?;
    let length = u32::from_le_bytes(length);
    if length > HANDSHAKE_BYTES_MAX {
        bail!("a message of {length} bytes");
    }
    let mut payload = vec![0; usize::try_from(length)?];
    stream.read_exact(&mut payload).await?;
    Ok(payload)
}
