//! A whole node of version 1, with what the original does beside the wire: sessions in a table by name, and each session
//! with two tasks of its own, of which one reads and answers, and the other looks every half second whether the
//! connection has ended, and then takes the session *of that name* out of the table. So a session can be forgotten in the
//! place of another one, and be read and answered for ever. It routes exits by node id, whoever has written that.
//!
//! Its frames go out in two TLS records, and it never says that a connection ends.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Shutdown};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rustls::pki_types::ServerName;
use snow_dist_codec::frame::{Exit, MonitorExit, Pong, RegSend};
use snow_dist_codec::handshake::{Ack, Challenge, Name, Reply};
use snow_dist_codec::{Frame, Handshake, Pid, Reading, Root};
use snow_dist_conform::wire::SERVER_NAME;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use super::by_hand::{digest, payload};
use super::{address, client_config, server_config};
use crate::program::COOKIE;

/// How often a session looks whether its connection has ended.
const POLL: Duration = Duration::from_millis(500);

/// The creation that every node of version 1 announces.
const CREATION: u8 = 1;

/// A version 1 node. Dropped, it is killed.
#[derive(Clone)]
pub struct Original {
    node: Arc<Node>,
    _tasks: Arc<Mutex<JoinSet<()>>>,
}

struct Node {
    name: String,
    address: Ipv4Addr,
    state: Mutex<State>,
    tasks: std::sync::Weak<Mutex<JoinSet<()>>>,
}

#[derive(Default)]
struct State {
    sessions: BTreeMap<String, Arc<Session>>,
    names: BTreeMap<u16, String>,
    node_ids: u16,
    /// Messages to names, in their order.
    messages: Vec<(String, Vec<u8>)>,
    living: BTreeSet<u64>,
    links: Vec<(u64, Pid)>,
    monitors: BTreeMap<u64, (u64, Pid)>,
    /// Connections that were closed after NAME, since there was a session with that name.
    refusals: usize,
}

struct Session {
    peer: String,
    node_id: u16,
    write: tokio::sync::Mutex<WriteHalf<TlsStream<TcpStream>>>,
    /// The same connection below TLS.
    tcp: std::net::TcpStream,
    has_ended: AtomicBool,
}

/// A session that is in no table any more, and whose connection is still served.
pub struct Orphan(Arc<Session>);

impl Orphan {
    /// Its connection breaks, at both ends.
    pub fn cut(&self) {
        self.0.tcp.shutdown(Shutdown::Both).unwrap();
    }
}

/// Why `connect` fails: the peer closes, or another session of its name is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

impl<E: std::error::Error> From<E> for Refused {
    fn from(_: E) -> Self {
        Self
    }
}

/// A TLS stream, and the connection below it.
type Connected = (TlsStream<TcpStream>, std::net::TcpStream);

impl Original {
    /// Starts a node that listens and dials at this address of this machine, with the living processes 1 to 9.
    pub async fn start(name: &str, address: Ipv4Addr) -> Self {
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let name = format!("{name}@{}", listener.local_addr().unwrap());
        let tasks = Arc::new(Mutex::new(JoinSet::new()));
        let state = Mutex::new(State { living: (1..=9).collect(), ..State::default() });
        let node = Arc::new(Node { name, address, state, tasks: Arc::downgrade(&tasks) });
        let accepting = node.clone();
        tasks.lock().unwrap().spawn(async move {
            // One after the other, however long one takes.
            while let Ok((tcp, _)) = listener.accept().await {
                let _ = accepting.accept(tcp).await;
            }
        });
        Self { node, _tasks: tasks }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.node.name
    }

    /// Dials a node, whether it has a session with it or not.
    ///
    /// # Errors
    /// There is no session in the end, or none on this connection.
    pub async fn connect(&self, peer: &str) -> Result<(), Refused> {
        self.node.connect(peer).await
    }

    /// Whether its table has a session of that name.
    #[must_use]
    pub fn lists(&self, peer: &str) -> bool {
        self.node.state().sessions.contains_key(peer)
    }

    /// Sends a message to a name on a node that its table has.
    ///
    /// # Errors
    /// The table has none of that name.
    pub async fn send_named(&self, peer: &str, name: &str, message: &[u8]) -> Result<(), Refused> {
        let session = self.node.state().sessions.get(peer).cloned().ok_or(Refused)?;
        session.write(RegSend { name: name.into(), message }).await;
        Ok(())
    }

    /// How many connections it has closed after NAME, since it had a session with that name.
    #[must_use]
    pub fn refusals(&self) -> usize {
        self.node.state().refusals
    }

    /// The messages to names that have come.
    #[must_use]
    pub fn messages(&self) -> Vec<(String, Vec<u8>)> {
        self.node.state().messages.clone()
    }

    /// The connection of the session with that node breaks, at both ends.
    pub fn cut(&self, peer: &str) {
        let session = self.node.state().sessions.get(peer).cloned().unwrap();
        Orphan(session).cut();
    }

    /// Loses sight of a session, as when that has come up too early; its tasks go on.
    pub fn forget(&self, peer: &str) -> Orphan {
        Orphan(self.node.forget(peer).unwrap())
    }

    /// Returns `true` once so many links and monitors of other nodes have been entered.
    #[must_use]
    pub fn has(&self, links: usize, monitors: usize) -> bool {
        let state = self.node.state();
        (state.links.len(), state.monitors.len()) == (links, monitors)
    }

    /// Ends a process. Whoever is linked with it or monitors it is told on the session of the node id in its pid.
    pub async fn exit(&self, local: u64) {
        let told: Vec<_> = {
            let mut state = self.node.state();
            state.living.remove(&local);
            let links = state.links.iter().filter(|(of, _)| *of == local).map(|(_, from)| (*from, None));
            let monitors = state.monitors.iter().filter(|(_, (of, _))| *of == local);
            links.chain(monitors.map(|(reference, (_, from))| (*from, Some(*reference)))).collect()
        };
        let from = Pid::new(0, 0, local).unwrap();
        let reason = Root::Normal.into();
        for (to, reference) in told {
            let session = {
                let state = self.node.state();
                let name = state.names.get(&to.node());
                name.and_then(|name| state.sessions.get(name)).cloned()
            };
            match (session, reference) {
                (None, _) => {}
                (Some(session), None) => session.write(Exit { from, to, reason }).await,
                (Some(session), Some(reference)) => {
                    session.write(MonitorExit { monitored: from, monitoring: to, reference, reason }).await;
                }
            }
        }
    }
}

impl Node {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    async fn connect(self: &Arc<Self>, peer: &str) -> Result<(), Refused> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((self.address, 0).into())?;
        let (tcp, below) = both(socket.connect(address(peer).parse()?).await?)?;
        let name = ServerName::try_from(SERVER_NAME)?;
        let tls = TlsConnector::from(Arc::new(client_config())).connect(name, tcp).await?;
        let mut stream = TlsStream::from(tls);
        write(
            &mut stream,
            &payload(Name { name: (&*self.name).into(), creation: CREATION, extension: None }),
        )
        .await?;
        let came = read(&mut stream).await?;
        let Handshake::Challenge(challenge) = message(&came)? else { return Err(Refused) };
        let own = digest(COOKIE, challenge.challenge);
        write(&mut stream, &payload(Reply { digest: &own, challenge: &[0x5A; 32], proof: None })).await?;
        let acked = read(&mut stream).await?;
        let Handshake::Ack(ack) = message(&acked)? else { return Err(Refused) };
        assert_eq!(*ack.digest, digest(COOKIE, &[0x5A; 32]));
        self.register(challenge.name.as_str(), (stream, below))
    }

    async fn accept(self: &Arc<Self>, tcp: TcpStream) -> Result<(), Refused> {
        let (tcp, below) = both(tcp)?;
        let mut stream = TlsStream::from(TlsAcceptor::from(Arc::new(server_config())).accept(tcp).await?);
        let came = read(&mut stream).await?;
        let Handshake::Name(name) = message(&came)? else { return Err(Refused) };
        let name = name.name.as_str().to_owned();
        if self.is_taken(&name) {
            return Err(Refused);
        }
        let own = Challenge {
            name: (&*self.name).into(),
            creation: CREATION,
            challenge: &[0xA5; 32],
            extension: None,
        };
        write(&mut stream, &payload(own)).await?;
        let came = read(&mut stream).await?;
        let Handshake::Reply(reply) = message(&came)? else { return Err(Refused) };
        assert_eq!(*reply.digest, digest(COOKIE, &[0xA5; 32]));
        write(&mut stream, &payload(Ack { digest: &digest(COOKIE, reply.challenge), proof: None })).await?;
        self.register(&name, (stream, below))
    }

    /// Whether there is a session with that name, so that a connection of it is refused.
    fn is_taken(&self, name: &str) -> bool {
        let mut state = self.state();
        let is_taken = state.sessions.contains_key(name);
        state.refusals += usize::from(is_taken);
        is_taken
    }

    /// A session that is there already is kept by the smaller name, and replaced by the larger one, whose tasks then go
    /// on. The number is used up in any case.
    fn register(self: &Arc<Self>, peer: &str, (stream, tcp): Connected) -> Result<(), Refused> {
        let (reader, writer) = split(stream);
        let session = {
            let mut state = self.state();
            state.node_ids += 1;
            if state.sessions.contains_key(peer) {
                if *self.name < *peer {
                    return Err(Refused);
                }
                state.names.retain(|_, name| name != peer);
            }
            let session = Arc::new(Session {
                peer: peer.to_owned(),
                node_id: state.node_ids,
                write: tokio::sync::Mutex::new(writer),
                tcp,
                has_ended: AtomicBool::new(false),
            });
            state.sessions.insert(peer.to_owned(), session.clone());
            state.names.insert(session.node_id, peer.to_owned());
            session
        };
        let Some(tasks) = self.tasks.upgrade() else { return Err(Refused) };
        let mut tasks = tasks.lock().unwrap();
        tasks.spawn(self.clone().read_on(session.clone(), reader));
        tasks.spawn(self.clone().watch(session));
        Ok(())
    }

    async fn read_on(self: Arc<Self>, session: Arc<Session>, mut reader: ReadHalf<TlsStream<TcpStream>>) {
        while let Ok(came) = read(&mut reader).await {
            let Ok(frame) = Frame::decode(&came, Reading::Compatible) else { continue };
            let answer = self.handle(&frame);
            if let Some(answer) = answer {
                session.write_payload(&answer).await;
            }
        }
        session.has_ended.store(true, Ordering::SeqCst);
    }

    /// What a frame does; what is answered at once.
    fn handle(&self, frame: &Frame<'_>) -> Option<Vec<u8>> {
        let mut state = self.state();
        match frame {
            Frame::Ping(ping) => Some(encoded(Pong { payload: ping.payload })),
            Frame::RegSend(send) => {
                state.messages.push((send.name.as_str().to_owned(), send.message.to_vec()));
                None
            }
            Frame::Link(link) if is_plain(link.to) && state.living.contains(&link.to.local()) => {
                state.links.push((link.to.local(), link.from));
                None
            }
            Frame::Monitor(monitor) if is_plain(monitor.to) && state.living.contains(&monitor.to.local()) => {
                state.monitors.insert(monitor.reference, (monitor.to.local(), monitor.from));
                None
            }
            Frame::Monitor(monitor) => Some(encoded(MonitorExit {
                monitored: monitor.to,
                monitoring: monitor.from,
                reference: monitor.reference,
                reason: Root::Error("noproc".into()).into(),
            })),
            _ => None,
        }
    }

    async fn watch(self: Arc<Self>, session: Arc<Session>) {
        while !session.has_ended.load(Ordering::SeqCst) {
            tokio::time::sleep(POLL).await;
        }
        drop(self.forget(&session.peer));
    }

    fn forget(&self, peer: &str) -> Option<Arc<Session>> {
        let mut state = self.state();
        let removed = state.sessions.remove(peer)?;
        state.names.remove(&removed.node_id);
        Some(removed)
    }
}

impl Session {
    async fn write<'f>(&self, frame: impl Into<Frame<'f>>) {
        self.write_payload(&encoded(frame)).await;
    }

    /// That a write fails nobody notices: the reader does.
    async fn write_payload(&self, payload: &[u8]) {
        let _ = write(&mut *self.write.lock().await, payload).await;
    }
}

fn is_plain(pid: Pid) -> bool {
    (pid.node(), pid.creation()) == (0, 0)
}

fn encoded<'f>(frame: impl Into<Frame<'f>>) -> Vec<u8> {
    let mut payload = Vec::new();
    frame.into().encode(&mut payload).unwrap();
    payload
}

fn message(came: &[u8]) -> Result<Handshake<'_>, Refused> {
    Ok(Handshake::decode(came, Reading::Compatible)?)
}

/// The connection for TLS, and once more for whoever cuts it.
fn both(tcp: TcpStream) -> std::io::Result<(TcpStream, std::net::TcpStream)> {
    let tcp = tcp.into_std()?;
    let below = tcp.try_clone()?;
    Ok((TcpStream::from_std(tcp)?, below))
}

async fn read(stream: &mut (impl AsyncReadExt + Unpin)) -> std::io::Result<Vec<u8>> {
    let length = stream.read_u32_le().await?;
    let mut payload = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut payload).await?;
    Ok(payload)
}

/// Length and payload are two records.
async fn write(stream: &mut (impl AsyncWriteExt + Unpin), payload: &[u8]) -> std::io::Result<()> {
    stream.write_u32_le(u32::try_from(payload.len()).unwrap()).await?;
    stream.flush().await?;
    stream.write_all(payload).await?;
    stream.flush().await
}
