//! The wire: TLS connections on which bytes go out as they are given and payloads come in whole, with a log of both.

mod certificates;
mod log;
mod proof;
mod tls;

pub use certificates::{Authorities, Authority, Issued, Wanted};
pub use log::{Log, Phase};
pub use proof::{Transcript, digest, key, pseudorandom_key};
pub use tls::{ALPN, Facts, Listener, Offer, SERVER_NAME};

use std::collections::VecDeque;
use std::time::Duration;

use bytes::BytesMut;
use rustls::pki_types::CertificateDer;
use serde_json::Value;
use snow_dist_codec::document::Shown;
use snow_dist_codec::framing;
use snow_dist_codec::handshake::proof::EXPORTER_LABEL;
use snow_dist_codec::limits::FRAME_BYTES_MAX;
use snow_dist_codec::{Frame, Pid, Reading};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::coop::consume_budget;
use tokio::time::Instant;
use tokio_rustls::TlsStream;

use crate::verdict::Trouble;

/// A TLS connection with the subject.
#[derive(Debug)]
pub struct Wire {
    stream: TlsStream<TcpStream>,
    inbox: BytesMut,
    log: Log,
    label: String,
    /// How payloads are shown in the log.
    pub phase: Phase,
    facts: Facts,
    /// Bytes that have been taken out of the inbox.
    taken: u64,
    /// Where TLS records end, in bytes since the beginning.
    records: VecDeque<u64>,
    parted: u64,
    was_notified: bool,
}

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A payload.
    Payload(Vec<u8>),
    /// The connection has ended.
    End,
}

impl Wire {
    /// Dials `host:port`.
    ///
    /// # Errors
    /// TCP or TLS does not come about.
    pub async fn dial(address: &str, offer: Offer, log: &Log, label: &str) -> std::io::Result<Self> {
        let made = tls::dial(address, offer).await;
        log.note(&match &made {
            Ok((_, facts)) => format!("{label}    dialled {address}: {facts:?}"),
            Err(error) => format!("{label}    dialled {address}: {error}"),
        });
        let (stream, facts) = made?;
        Ok(Self::new(stream, facts, log, label))
    }

    /// TLS over a connection that the subject has made.
    ///
    /// # Errors
    /// It does not come about.
    pub async fn accept(tcp: TcpStream, offer: Offer, log: &Log, label: &str) -> std::io::Result<Self> {
        let made = tls::accept(tcp, offer).await;
        log.note(&match &made {
            Ok((_, facts)) => format!("{label}    was dialled: {facts:?}"),
            Err(error) => format!("{label}    was dialled: {error}"),
        });
        let (stream, facts) = made?;
        Ok(Self::new(stream, facts, log, label))
    }

    fn new(stream: TlsStream<TcpStream>, facts: Facts, log: &Log, label: &str) -> Self {
        let (log, label) = (log.clone(), label.to_owned());
        Self {
            stream,
            inbox: BytesMut::new(),
            log,
            label,
            phase: Phase::Handshake,
            facts,
            taken: 0,
            records: VecDeque::new(),
            parted: 0,
            was_notified: false,
        }
    }

    /// What TLS knows of the subject.
    #[must_use]
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The certificates that the subject has presented, its own first.
    #[must_use]
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        match &self.stream {
            TlsStream::Client(stream) => stream.get_ref().1.peer_certificates(),
            TlsStream::Server(stream) => stream.get_ref().1.peer_certificates(),
        }
        .unwrap_or_default()
    }

    /// Session tickets that the subject has sent so far.
    #[must_use]
    pub fn tickets(&self) -> u32 {
        match &self.stream {
            TlsStream::Client(stream) => stream.get_ref().1.tls13_tickets_received(),
            TlsStream::Server(_) => 0,
        }
    }

    /// Frames so far that fit into one TLS record and came in several.
    #[must_use]
    pub const fn parted(&self) -> u64 {
        self.parted
    }

    /// Whether the subject has said by close_notify that it writes no more.
    #[must_use]
    pub const fn was_notified(&self) -> bool {
        self.was_notified
    }

    /// What the proofs hold of the channel; zero over TLS 1.2.
    #[must_use]
    pub fn exporter(&self) -> [u8; 32] {
        let exported = match &self.stream {
            TlsStream::Client(stream) => {
                stream.get_ref().1.export_keying_material([0; 32], EXPORTER_LABEL, Some(&[]))
            }
            TlsStream::Server(stream) => {
                stream.get_ref().1.export_keying_material([0; 32], EXPORTER_LABEL, Some(&[]))
            }
        };
        if self.facts.tls13 { exported.unwrap_or_default() } else { [0; 32] }
    }

    /// Writes a payload behind its length, in pieces of at most so many bytes if that is asked for.
    ///
    /// # Errors
    /// The connection is gone, or the deadline passes.
    pub async fn say(
        &mut self,
        payload: &[u8],
        pieces: Option<usize>,
        deadline: Instant,
    ) -> Result<(), Trouble> {
        self.log.sent(&self.label, self.phase, payload);
        let mut message = Vec::new();
        framing::put(payload, FRAME_BYTES_MAX, &mut message)
            .map_err(|error| Trouble::unjudged(error.to_string()))?;
        self.write(&message, pieces, deadline).await
    }

    /// Writes bytes as they are.
    ///
    /// # Errors
    /// As [`Wire::say`].
    pub async fn raw(
        &mut self,
        bytes: &[u8],
        pieces: Option<usize>,
        deadline: Instant,
    ) -> Result<(), Trouble> {
        let shown = bytes.get(..96).unwrap_or(bytes);
        self.log.note(&format!(
            "{} -> {} bytes as they are: {}",
            self.label,
            bytes.len(),
            hex::encode(shown)
        ));
        self.write(bytes, pieces, deadline).await
    }

    async fn write(&mut self, bytes: &[u8], pieces: Option<usize>, deadline: Instant) -> Result<(), Trouble> {
        let pieces = pieces.unwrap_or(bytes.len()).max(1);
        let writing = async {
            for (place, piece) in bytes.chunks(pieces).enumerate() {
                self.stream.write_all(piece).await?;
                self.stream.flush().await?;
                // Each piece is a record of its own; after the first few the next one follows when this one is
                // likely to have been read. All of them would take longer than a handshake may on a slow machine.
                if piece.len() < bytes.len() && place < PAUSES {
                    tokio::time::sleep(PIECE_PAUSE).await;
                }
            }
            std::io::Result::Ok(())
        };
        match tokio::time::timeout_at(deadline, writing).await {
            Ok(Ok(())) => Ok(()),
            // What has been said in between tells more than the broken pipe: whoever reads next finds it.
            Ok(Err(error)) => {
                self.log.note(&format!("{}    writing: {error}", self.label));
                Ok(())
            }
            Err(_) => Err(Trouble::wrong("the subject took no bytes in time")),
        }
    }

    /// The next payload, or the end; nothing if neither comes before the deadline.
    ///
    /// # Errors
    /// The subject writes a length that no reader accepts.
    pub async fn hear(&mut self, deadline: Instant) -> Result<Option<Heard>, Trouble> {
        // Who reads a flood lets other cases have their turn.
        consume_budget().await;
        loop {
            let cut = framing::cut(&self.inbox, FRAME_BYTES_MAX)
                .map_err(|error| Trouble::wrong(format!("the subject wrote a length: {error}")))?;
            if let Some(cut) = cut {
                let payload = cut.payload.to_vec();
                self.take(4 + payload.len());
                self.log.came(&self.label, self.phase, &payload);
                return Ok(Some(Heard::Payload(payload)));
            }
            match tokio::time::timeout_at(deadline, self.read_record()).await {
                Ok(Ok(0)) => {
                    self.was_notified = true;
                    return Ok(Some(self.ended("close_notify")));
                }
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Ok(Some(self.ended(&error.to_string()))),
                Err(_) => return Ok(None),
            }
        }
    }

    /// Reads what one TLS record brings. 0 is close_notify. Nothing is lost if this is dropped before it is ready.
    async fn read_record(&mut self) -> std::io::Result<usize> {
        let record = self.stream.fill_buf().await?;
        let length = record.len();
        self.inbox.extend_from_slice(record);
        self.stream.consume(length);
        self.records.push_back(self.taken + self.inbox.len() as u64);
        Ok(length)
    }

    /// Takes a message out of the inbox, and looks whether it came in one record.
    fn take(&mut self, length: usize) {
        let _ = self.inbox.split_to(length);
        self.taken += length as u64;
        let is_parted = self.records.front().is_some_and(|end| *end < self.taken);
        while self.records.front().is_some_and(|end| *end <= self.taken) {
            self.records.pop_front();
        }
        self.parted += u64::from(is_parted && length <= RECORD_BYTES);
    }

    fn ended(&self, how: &str) -> Heard {
        self.log.note(&format!("{} <- end of the connection: {how}", self.label));
        Heard::End
    }

    /// The stream itself.
    #[must_use]
    pub fn into_stream(self) -> TlsStream<TcpStream> {
        self.stream
    }

    /// Closes the connection, in TLS too if it can be said.
    pub async fn close(mut self) {
        self.log.note(&format!("{} -> end of the connection", self.label));
        let _ = tokio::time::timeout(Duration::from_secs(1), self.stream.shutdown()).await;
    }
}

/// The longest content of a TLS record.
const RECORD_BYTES: usize = 16_384;

/// Pieces of a message behind which there is a pause.
const PAUSES: usize = 12;

/// Between two pieces of a message that is written in pieces.
const PIECE_PAUSE: Duration = Duration::from_millis(1);

/// The pid that a value of a document is, if it is one.
pub(crate) fn pid_of(value: &Value) -> Option<Pid> {
    let fields = value.as_object().filter(|fields| fields.len() == 3)?;
    let number = |name: &str| fields.get(name).and_then(Value::as_u64);
    let (node, creation) = (number("node")?, number("creation")?);
    Pid::new(u16::try_from(node).ok()?, u8::try_from(creation).ok()?, number("local")?)
}

/// A frame of the subject's as a document: its name, and its fields. It has to be as a writer writes it; the one
/// thing that a writer can pass on without knowing it is the root of a reason.
pub(crate) fn document_of(payload: &[u8]) -> Result<(String, Value), Trouble> {
    let bad = |what: String| {
        let shown = hex::encode(payload.get(..64).unwrap_or(payload));
        Trouble::wrong(format!("the subject wrote a frame that it should not: {what}, in {shown}"))
    };
    let (frame, surplus) =
        Frame::decode_with_surplus(payload, Reading::Compatible).map_err(|error| bad(error.to_string()))?;
    if !surplus.is_empty() || matches!(frame, Frame::Unknown(_) | Frame::Empty) {
        return Err(bad("surplus, an unknown tag, or nothing".into()));
    }
    let fields = serde_json::to_value(Shown(&frame)).map_err(|error| bad(error.to_string()))?;
    Ok((frame.name().to_owned(), fields))
}
