//! The life of a connection: TLS, handshake, verdict, session, end.

use std::net::SocketAddr;
use std::sync::Arc;

use snow_dist_codec::NodeName;
use snow_dist_codec::frame::Close;
use snow_dist_codec::handshake::Reject;
use tokio::sync::oneshot;
use tokio::time::sleep_until;
use tokio_rustls::TlsStream;

use super::accept_error::AcceptError;
use super::ahead::ReadAhead;
use super::channel::{Broken, Channel};
use super::clock::Clock;
use super::driver::Driver;
use super::network::Connection;
use super::registry::{Begun, Verdict};
use super::slots::Progress;
use super::{ConnectError, Net, Stage};
use crate::core::epochs::Facts;
use crate::core::handshake::{Established, Peer, acceptor, initiator};
use crate::core::limits::{ACK_DEADLINE, HANDSHAKE_DEADLINE};
use crate::core::peers::{ConnectionId, Refusal, ReplyDecision};
use crate::core::session::{Config, Ending, Version};
use crate::core::{Patience, Shown, Source};
use crate::foreign::event;
use crate::random::random;
use crate::session::SessionHandle;

/// Reports a connection's end, however it comes about: also when its task panics, or goes with its runtime.
struct Guard {
    net: Arc<Net>,
    connection: ConnectionId,
    /// The peer's name, once it counts.
    name: Arc<str>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.net.slots().give_back(self.connection);
        self.net.registry.finish(&self.name, self.connection);
    }
}

/// Brings up a connection that has been accepted. The session then runs in a task of its own, which has no room for a
/// handshake.
pub(super) async fn accept(net: Arc<Net>, stream: Connection, from: SocketAddr) {
    let Begun { connection, verdict } = net.registry.accept();
    let guard = Guard { net: net.clone(), connection, name: "".into() };
    let gives_way = net.slots().take(connection, Source::from(from.ip()));
    if let Some(other) = gives_way {
        net.registry.give_way(other);
    }
    let Err(error) = accepted(guard, stream, from, verdict).await else { return };
    let Some(cause) = error.cause() else { return };
    let (notices, clock) = (net.notices.clone(), net.clock);
    drop(net);
    if let Some(due) = notices.refused(clock.now(), from, cause, &error) {
        sleep_until(clock.at(due)).await;
        notices.tell_refusals(clock.now());
    }
}

async fn accepted(
    mut guard: Guard,
    stream: Connection,
    from: SocketAddr,
    mut verdict: oneshot::Receiver<Verdict>,
) -> Result<(), AcceptError> {
    let net = guard.net.clone();
    let (mut channel, verified) = tokio::select! {
        //= spec/connection.md#con-dln-001
        //# An acceptor MUST close a connection that is not verified `handshake_deadline` after TCP has
        //# accepted it.
        //= spec/connection.md#con-dln-004
        //# A node MUST NOT move a deadline of the handshake because bytes arrive.
        shown = net.clock.wait_for(HANDSHAKE_DEADLINE, show_acceptor(&guard, stream)) => {
            shown.ok_or(AcceptError::Silent)??
        }
        verdict = &mut verdict => return Err(verdict.map_or(AcceptError::Stopped, |_| AcceptError::GaveWay)),
    };
    //= spec/connection.md#con-plc-005
    //# An acceptor MUST NOT count a verified connection against `handshakes_max` or
    //# `handshakes_per_address_max`.
    net.slots().give_back(guard.connection);
    guard.name = verified.peer().name.clone();
    //= spec/connection.md#con-elc-002
    //# A node MUST NOT end, probe or delay a session or a dial because of a connection that is not verified.
    let peer = verified.peer();
    net.registry.verified(from, guard.connection, net.facts(peer)?);

    let verdict = tokio::select! {
        verdict = verdict => verdict.map_err(|_| AcceptError::Stopped)?,
        () = channel.closed() => return Err(Broken::Closed.into()),
        never = net.registry.tell_time(&guard.name), if peer.version == 1 => match never {},
    };
    match verdict {
        Verdict::Up(session) => {
            let (ack, established) = verified.accept();
            net.report_old_cookie(&established);
            //= spec/connection.md#con-elc-015
            //# A node MUST NOT write a frame on a connection on which ACK has not been sent, or not been
            //# verified.
            net.clock.wait_for(ACK_DEADLINE, channel.write(&ack)).await.ok_or(AcceptError::Silent)??;
            net.runtime.spawn(serve(guard, channel, session, Dialled::ByPeer));
            Ok(())
        }
        Verdict::Reject(refusal) => {
            if let Some(reject) = verified.refuse(code(refusal), &refusal.to_string()) {
                refuse(net.clock, channel, &reject).await;
            }
            Err(AcceptError::Refused(refusal))
        }
        Verdict::Close => Err(AcceptError::GaveWay),
    }
}

/// TLS and the handshake up to REPLY, as the acceptor.
async fn show_acceptor(
    guard: &Guard,
    stream: Connection,
) -> Result<(Channel, acceptor::Verified), AcceptError> {
    let net = &guard.net;
    let stream = net.tls.acceptor.accept(ReadAhead::new(stream)).await.map_err(AcceptError::tls)?;
    net.slots().reached(guard.connection, Progress::Secured);
    let mut channel = Channel::new(TlsStream::Server(stream), net.tap.clone());
    let expect_name = acceptor::start(net.local.clone(), channel.bound_to()?);
    let name = channel.read().await?;
    //= spec/handshake.md#hs-sen-002
    //= type=implication
    //= reason=the source is the operating system's: a test could only see that bytes differ
    //# A node MUST take the bytes of a challenge before the sentinel from a cryptographic random source, anew
    //# for each challenge.
    let (challenge, expect_reply) = match expect_name.handle(&name, random()?) {
        Ok(next) => next,
        //= spec/handshake.md#hs-crs-002
        //# A node MUST close the connection when a check of its table fails or the table says that the
        //# handshake ends.
        Err(refusal) => return Err(refused(net.clock, channel, refusal).await),
    };
    net.slots().reached(guard.connection, Progress::Named);
    channel.write(&challenge).await?;
    let reply = channel.read().await?;
    match expect_reply.handle(&reply) {
        Ok(verified) => Ok((channel, verified)),
        Err(refusal) => Err(refused(net.clock, channel, refusal).await),
    }
}

async fn refused(clock: Clock, channel: Channel, refusal: crate::core::handshake::Refusal) -> AcceptError {
    //= spec/handshake.md#hs-rej-006
    //# An acceptor SHOULD send REJECT with the code of its table before it closes the connection.
    if let Some(reject) = refusal.reject {
        refuse(clock, channel, &reject).await;
    }
    AcceptError::Handshake(refusal.failure)
}

async fn refuse(clock: Clock, mut channel: Channel, reject: &[u8]) {
    let told = async {
        if channel.write(reject).await.is_ok() {
            channel.close().await;
        }
    };
    // Whether the peer learns why changes nothing here.
    let _ = clock.wait_for(HANDSHAKE_DEADLINE, told).await;
}

/// Makes a connection to the node of this completed name, and brings it up. The session then runs in a task of its
/// own. The connection is over when the future is dropped, even if it was never polled: a runtime that has been shut
/// down polls nothing.
pub(super) fn dial(
    net: Arc<Net>,
    name: Arc<str>,
    begun: Begun,
) -> impl Future<Output = Result<(), ConnectError>> + Send {
    let Begun { connection, verdict } = begun;
    dialled(Guard { net, connection, name }, verdict)
}

async fn dialled(guard: Guard, mut verdict: oneshot::Receiver<Verdict>) -> Result<(), ConnectError> {
    let (net, connection) = (guard.net.clone(), guard.connection);
    let (channel, established) = tokio::select! {
        shown = initiate_in_time(&guard) => shown?,
        _ = &mut verdict => return Err(ConnectError::GaveWay),
    };
    net.registry.acked(connection, net.facts(&established.peer)?);
    match verdict.await.unwrap_or(Verdict::Close) {
        Verdict::Up(session) => {
            net.runtime.spawn(serve(guard, channel, session, Dialled::Here));
            Ok(())
        }
        Verdict::Reject(refusal) => Err(ConnectError::Election(refusal)),
        Verdict::Close => Err(ConnectError::GaveWay),
    }
}

/// The handshake as the initiator, once a version 1 peer has forgotten its last session with this node.
async fn initiate_in_time(guard: &Guard) -> Result<(Channel, Established), ConnectError> {
    //= spec/version1.md#v1-elc-006
    //# A node SHOULD NOT connect to a version 1 peer that it dials before `version_1_cleanup` has passed since its
    //# last session with that peer has ended.
    guard.net.registry.worth_dialling(&guard.name).await;
    initiate(guard).await
}

/// The whole handshake as the initiator, within its two deadlines.
async fn initiate(guard: &Guard) -> Result<(Channel, Established), ConnectError> {
    let (mut channel, expect_ack) = show_initiator(guard).await.map_err(ConnectError::unjudged)?;
    //= spec/connection.md#con-dln-003
    //# An initiator MUST give up a dial on which it has not received ACK `ack_deadline` after it sent REPLY.
    let ack = guard.net.clock.wait_for(ACK_DEADLINE, channel.read()).await.ok_or_else(late(Stage::Ack))?;
    let ack = ack.map_err(|broken| {
        let error = ConnectError::from(broken);
        if expect_ack.is_told_of_refusal() { error.unjudged() } else { error.unanswered() }
    })?;
    Ok((channel, expect_ack.handle(&ack)?))
}

/// TCP, TLS and the handshake up to REPLY, as the initiator.
async fn show_initiator(guard: &Guard) -> Result<(Channel, initiator::ExpectAck), ConnectError> {
    let net = &guard.net;
    let name = NodeName::parse(&guard.name)?;
    //= spec/connection.md#con-dln-002
    //# An initiator MUST give up a dial on which it has not sent REPLY `handshake_deadline` after it
    //# began to connect.
    let patience = &mut Patience::new(HANDSHAKE_DEADLINE, net.clock.now());
    let stream = net.clock.wait(patience, connect(net, name)).await.ok_or_else(late(Stage::Connect))??;
    let channel = net.clock.wait(patience, secure(net, stream)).await.ok_or_else(late(Stage::Tls))??;
    net.clock.wait(patience, reply(guard, name, channel)).await.ok_or_else(late(Stage::Handshake))?
}

async fn connect(net: &Net, name: NodeName<'_>) -> Result<Connection, ConnectError> {
    let address = format!("{}:{}", name.host(), name.port());
    let dialled = net.network.dial(&address).await.map_err(ConnectError::Panic)?;
    dialled.map_err(|error| ConnectError::Tcp { address, error })
}

async fn secure(net: &Net, stream: Connection) -> Result<Channel, ConnectError> {
    let secured = net.tls.connector.connect(net.tls.server_name.clone(), ReadAhead::new(stream));
    let stream = secured.await.map_err(ConnectError::Tls)?;
    Ok(Channel::new(TlsStream::Client(stream), net.tap.clone()))
}

/// NAME, CHALLENGE and REPLY.
async fn reply(
    guard: &Guard,
    name: NodeName<'_>,
    mut channel: Channel,
) -> Result<(Channel, initiator::ExpectAck), ConnectError> {
    let net = &guard.net;
    let (hello, expect_challenge) = initiator::start(net.local.clone(), channel.bound_to()?, name)?;
    channel.write(&hello).await?;
    let challenge = channel.read().await?;
    //= spec/handshake.md#hs-sen-002
    //= type=implication
    //= reason=as above
    //# A node MUST take the bytes of a challenge before the sentinel from a cryptographic random source, anew
    //# for each challenge.
    let (reply, expect_ack) = expect_challenge.handle(&challenge, random()?)?;
    // Another connection may have come up meanwhile. From here on the peer may have answered this one.
    //= spec/connection.md#con-elc-008
    //# A node MUST close a dial on which it has not sent REPLY when another connection becomes the session
    //# with that peer.
    loop {
        match net.registry.may_reply(&guard.name, guard.connection, expect_ack.peer().version == 1) {
            ReplyDecision::Send => break,
            ReplyDecision::Wait(due) => sleep_until(net.clock.at(due)).await,
            ReplyDecision::Close => return Err(ConnectError::GaveWay),
        }
    }
    channel.write(&reply).await?;
    Ok((channel, expect_ack))
}

fn late(stage: Stage) -> impl FnOnce() -> ConnectError {
    move || ConnectError::Deadline(stage)
}

/// Who has dialled a session.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialled {
    Here,
    ByPeer,
}

/// Runs a session to its end. The guard's drop delivers what that means.
async fn serve(guard: Guard, channel: Channel, session: Arc<SessionHandle>, dialled: Dialled) {
    let net = &guard.net.clone();
    // A node that is gone has no processes that could be told.
    let Some(table) = net.table.upgrade() else { return };
    let began = net.clock.now();
    //= spec/version1.md#v1-lrn-003
    //# A node MUST forget k when the session ends.
    // What was said is good for one session; connections that became none have not used it up.
    net.node_ids.lock().remove(&guard.name);
    let (stream, arrived) = channel.into_parts();
    let (life, name, connection) = (net.clone(), guard.name.clone(), guard.connection);
    let driver = Driver {
        stream,
        session: session.clone(),
        creation: net.local.creation(),
        frame_bytes_max: net.local.bounds.frame_bytes,
        processes: net.registry.delivery(&table, &session),
        clock: net.clock,
        tap: net.tap.clone(),
        notices: net.notices.clone(),
        on_life: Box::new(move |sign| life.registry.alive(&name, connection, sign)),
    };
    let peer = &*session.peer.name;
    tell_of_session(net, peer, |peer| {
        event!(INFO, %peer, "session up");
    });
    let ending = driver.run(arrived).await;
    let is_replaced = matches!(ending, Ending::Closed { code: Close::REPLACED, .. });
    // Before anybody learns of the end, as a program may dial again when it does.
    let lost_in_a_row =
        (is_replaced && dialled == Dialled::Here).then(|| net.lost_to_rival(&guard.name, began));
    // At once, so that nobody takes it for a session while its end is logged.
    drop(guard);
    tell_of_session(net, peer, |peer| {
        event!(INFO, %peer, %ending, "session ended");
    });
    if let Some(times) = lost_in_a_row {
        net.notices.lost_to_rival(net.clock.now(), peer, times);
    }
    let counts = session.counts();
    if counts.has_unexpected()
        && let Some(sessions) = net.notices.overlooked_line(net.clock.now())
    {
        event!(WARN, peer = %Shown(peer), ?counts, sessions, "frames of this session were passed over");
    }
}

/// Tells that a session has begun or ended, or how many have when there are too many for a line each.
fn tell_of_session(net: &Net, peer: &str, tell: impl FnOnce(Shown<'_>)) {
    match net.notices.session_line(net.clock.now()) {
        Some(1) => tell(Shown(peer)),
        Some(count) => {
            event!(INFO, "sessions have begun or ended {count} times");
        }
        None => {}
    }
}

impl Net {
    /// What a session with this peer is made of. Its number is given when it comes up.
    fn facts(&self, peer: &Peer) -> Result<Facts, getrandom::Error> {
        Ok(Facts {
            name: peer.name.clone(),
            incarnation: peer.incarnation,
            config: Config {
                version: self.version(peer)?,
                peer: crate::core::NodeNumber::UNKNOWN,
                peer_creation: peer.creation,
                creation: self.local.creation(),
                capabilities: peer.capabilities,
                bounds: self.local.bounds,
                peer_bounds: peer.bounds,
                timing: self.timing,
                ping: random()?,
            },
        })
    }

    /// While a cookie is being replaced, this tells when the old one is no longer in use.
    fn report_old_cookie(&self, established: &Established) {
        if established.cookie > 0 {
            self.notices.old_cookie(self.clock.now(), &established.peer.name);
        }
    }

    /// The version of a session with this peer, and what it needs.
    fn version(&self, peer: &Peer) -> Result<Version, getrandom::Error> {
        if peer.version != 1 {
            return Ok(Version::Two);
        }
        let node_id = self.node_ids.lock().get(&peer.name).copied();
        Ok(Version::One { node_id, seed: random()? })
    }
}

const fn code(refusal: Refusal) -> u16 {
    match refusal {
        Refusal::Busy | Refusal::BusyAddress => Reject::BUSY,
        Refusal::Duplicate => Reject::DUPLICATE,
        Refusal::OwnName => Reject::NAME,
    }
}
