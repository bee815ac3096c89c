//! TLS for hosts with sockets of their own: std's alone here.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::cast_possible_truncation, reason = "a pattern of bytes")]
#![allow(clippy::disallowed_methods, reason = "these hosts have threads")]

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use snow_dist_runtime::core::Cookie;
use snow_dist_runtime::core::connection::Transmit;
use snow_dist_runtime::core::handshake::Channel;
use snow_dist_runtime::core::host::{Input, Next, Written};
use snow_dist_runtime::tls::rustls::client::Resumption;
use snow_dist_runtime::tls::rustls::server::ServerSessionMemoryCache;
use snow_dist_runtime::tls::rustls::{
    AlertDescription, ClientConfig, ClientConnection, Connection, ConnectionCommon, HandshakeKind,
    ProtocolVersion, ServerConfig, ServerConnection,
};
use snow_dist_runtime::tls::{ALPN, SERVER_NAME, Tls, TlsError, TlsStream, exporter, rustls};

/// More than the buffers of two sockets and of TLS hold.
const MUCH: usize = 16 << 20;

/// Enough for a thread to be waiting in most of them.
const ROUNDS: u8 = 200;

/// Long enough for whatever happens here, so that a test that would hang fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Short enough to be waited for, to see a call end because of it.
const TIMEOUT: Duration = Duration::from_millis(20);

fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let dialled = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let accepted = listener.accept().unwrap().0;
    for socket in [&dialled, &accepted] {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
    }
    (dialled, accepted)
}

fn connect(dialled: TcpStream) -> TlsStream {
    let stream = Tls::new().unwrap().connect(dialled).unwrap();
    stream.handshake().unwrap();
    stream
}

/// A channel between two nodes: the end that dialled, and the one that accepted.
fn channel() -> (TlsStream, TlsStream) {
    let (dialled, accepted) = sockets();
    let acceptor = thread::spawn(|| {
        let stream = Tls::new().unwrap().accept(accepted).unwrap();
        stream.handshake().unwrap();
        stream
    });
    (connect(dialled), acceptor.join().unwrap())
}

/// A channel whose acceptor is a connection of rustls itself.
fn raw_channel() -> (TlsStream, TcpStream, Connection) {
    let (dialled, mut accepted) = sockets();
    let acceptor = thread::spawn(move || {
        let mut tls = Connection::from(Tls::new().unwrap().server().unwrap());
        tls.complete_io(&mut accepted).unwrap();
        (accepted, tls)
    });
    let dialled = connect(dialled);
    let (accepted, tls) = acceptor.join().unwrap();
    (dialled, accepted, tls)
}

fn bytes(count: usize) -> Vec<u8> {
    (0..=250).cycle().take(count).collect()
}

fn carry<A, B>(from: &mut ConnectionCommon<A>, to: &mut ConnectionCommon<B>) {
    let mut wire = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut wire).unwrap();
    }
    let mut wire = &wire[..];
    while !wire.is_empty() {
        to.read_tls(&mut wire).unwrap();
        to.process_new_packets().unwrap();
    }
}

/// Two connections whose handshake is complete, and what came behind it is read.
fn secured(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) -> (ClientConnection, ServerConnection) {
    let name = SERVER_NAME.try_into().unwrap();
    let mut client = ClientConnection::new(client.clone(), name).unwrap();
    let mut server = ServerConnection::new(server.clone()).unwrap();
    while client.wants_write() || server.wants_write() {
        carry(&mut client, &mut server);
        carry(&mut server, &mut client);
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
    (client, server)
}

//= spec/handshake.md#hs-tls-001
//# An initiator MUST send the server name `snow-node`, whatever host it dials.
//= spec/handshake.md#hs-tls-002
//# An initiator SHOULD offer the application protocol `snow-dist/1`.
//= spec/handshake.md#hs-tls-003
//# An acceptor SHOULD select the application protocol `snow-dist/1` if offered.
//= spec/handshake.md#hs-tls-007
//# An initiator MUST NOT end a connection because of the acceptor's certificate, unless its operator has
//# asked for that.
#[test]
fn the_configuration_is_that_of_the_specification() {
    let (initiator, acceptor) = (Tls::new().unwrap(), Tls::new().unwrap());
    let (client, server) = secured(initiator.client_config(), acceptor.server_config());
    assert_eq!(server.server_name(), Some(SERVER_NAME));
    assert_eq!((client.alpn_protocol(), server.alpn_protocol()), (Some(ALPN), Some(ALPN)));
    assert_eq!(client.protocol_version(), Some(ProtocolVersion::TLSv1_3));
}

/// The other end would resume, in either role.
//= spec/handshake.md#hs-tls-010
//# A node MUST NOT resume a TLS session.
//= spec/handshake.md#hs-tls-011
//# An acceptor SHOULD NOT issue session tickets.
#[test]
fn nothing_is_resumed_in_either_role() {
    let tls = Tls::new().unwrap();
    let mut eager = ClientConfig::clone(tls.client_config());
    eager.resumption = Resumption::in_memory_sessions(8);
    let eager = Arc::new(eager);
    let mut generous = ServerConfig::clone(tls.server_config());
    generous.session_storage = ServerSessionMemoryCache::new(8);
    generous.send_tls13_tickets = 2;
    let generous = Arc::new(generous);
    for (client, server) in [(&eager, tls.server_config()), (tls.client_config(), &generous)] {
        for _ in 0..2 {
            assert_eq!(secured(client, server).0.handshake_kind(), Some(HandshakeKind::Full));
        }
    }
    assert_eq!(secured(&eager, tls.server_config()).0.tls13_tickets_received(), 0);
    // That a resumption would show.
    secured(&eager, &generous);
    assert_eq!(secured(&eager, &generous).0.handshake_kind(), Some(HandshakeKind::Resumed));
}

#[test]
fn the_exporter_is_that_of_this_channel_alone() {
    let early = exporter(&Tls::new().unwrap().client().unwrap());
    assert!(matches!(early, Err(TlsError::Tls(rustls::Error::HandshakeNotComplete))), "{early:?}");
    let (a, b) = channel();
    let (other, _) = channel();
    assert_eq!(a.handshake().unwrap(), b.handshake().unwrap());
    assert_ne!(a.handshake().unwrap(), other.handshake().unwrap());
}

/// Both ends write before they read, far more than fits between them: it ends only if a reader never waits for the
/// writer beside it.
#[test]
fn one_thread_reads_while_another_one_writes() {
    let (a, b) = channel();
    let sent = bytes(MUCH);
    thread::scope(|threads| {
        for mut end in [&a, &b] {
            let sent = &sent;
            threads.spawn(move || end.write_all(sent).unwrap());
        }
        let readers = [&a, &b].map(|mut end| {
            let sent = &sent;
            threads.spawn(move || {
                let mut read = vec![0; MUCH];
                end.read_exact(&mut read).unwrap();
                assert!(read == *sent, "other bytes than were sent");
            })
        });
        for reader in readers {
            reader.join().unwrap();
        }
    });
}

/// Each answer is asked for while the thread beside waits for it.
#[test]
fn a_thread_that_waits_for_bytes_stops_nobody_from_writing() {
    let (a, b) = channel();
    let (sender, answers) = mpsc::channel();
    thread::scope(|threads| {
        threads.spawn(|| io::copy(&mut (&b).take(ROUNDS.into()), &mut &b).unwrap());
        let a = &a;
        threads.spawn(move || {
            let (mut a, mut answer) = (a, [0]);
            for _ in 0..ROUNDS {
                a.read_exact(&mut answer).unwrap();
                sender.send(answer[0]).unwrap();
            }
        });
        for round in 0..ROUNDS {
            let mut a = a;
            a.write_all(&[round]).unwrap();
            assert_eq!(answers.recv().unwrap(), round);
        }
    });
}

#[test]
fn a_handshake_that_times_out_can_be_made_again() {
    let (dialled, accepted) = sockets();
    accepted.set_read_timeout(Some(TIMEOUT)).unwrap();
    let accepted = Tls::new().unwrap().accept(accepted).unwrap();
    let error = accepted.handshake().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    accepted.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
    let dialled = thread::spawn(|| connect(dialled).handshake().unwrap());
    assert_eq!(accepted.handshake().unwrap(), dialled.join().unwrap());
}

/// One of them makes the handshake; the other one must not wait for what the first one does next.
#[test]
fn two_threads_may_begin_with_a_read_and_a_write_at_once() {
    let tls = Tls::new().unwrap();
    for _ in 0..ROUNDS {
        let (dialled, accepted) = sockets();
        let (client, server) = (tls.connect(dialled).unwrap(), tls.accept(accepted).unwrap());
        let echo = move || -> io::Result<()> {
            let mut read = [0; 5];
            (&server).read_exact(&mut read)?;
            (&server).write_all(&read)
        };
        let mut read = [0; 5];
        thread::scope(|threads| {
            threads.spawn(echo);
            threads.spawn(|| (&client).write_all(b"hello").unwrap());
            (&client).read_exact(&mut read).unwrap();
        });
        assert_eq!(&read, b"hello");
    }
}

#[test]
fn the_first_bytes_wait_for_the_handshake() {
    let (dialled, accepted) = sockets();
    let writer = thread::spawn(|| {
        (&Tls::new().unwrap().accept(accepted).unwrap()).write_all(b"early").unwrap();
    });
    let mut read = [0; 5];
    (&Tls::new().unwrap().connect(dialled).unwrap()).read_exact(&mut read).unwrap();
    assert_eq!(&read, b"early");
    writer.join().unwrap();
}

#[test]
fn a_read_that_times_out_can_be_made_again() {
    let (a, b) = channel();
    b.get_ref().set_read_timeout(Some(TIMEOUT)).unwrap();
    let error = (&b).read(&mut [0]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    b.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
    (&a).write_all(b"late").unwrap();
    let mut read = [0; 4];
    (&b).read_exact(&mut read).unwrap();
    assert_eq!(&read, b"late");
}

#[test]
fn a_write_that_times_out_loses_and_doubles_nothing() {
    let (a, b) = channel();
    a.get_ref().set_write_timeout(Some(TIMEOUT)).unwrap();
    let sent = bytes(MUCH);
    let mut written = 0;
    let error = loop {
        match (&a).write(&sent[written..]) {
            Ok(count) => written += count,
            Err(error) => break error,
        }
    };
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    let reader = thread::spawn(move || {
        let mut read = Vec::new();
        (&b).read_to_end(&mut read).unwrap();
        read
    });
    a.get_ref().set_write_timeout(Some(PATIENCE)).unwrap();
    (&a).write_all(&sent[written..]).unwrap();
    a.close().unwrap();
    assert!(reader.join().unwrap() == sent, "other bytes than were sent");
}

#[test]
fn an_end_that_was_said_is_told_from_one_that_was_not() {
    let (a, b) = channel();
    a.close().unwrap();
    assert_eq!((&b).read(&mut [0]).unwrap(), 0);
    let (a, b) = channel();
    drop(a);
    assert_eq!((&b).read(&mut [0]).unwrap_err().kind(), ErrorKind::UnexpectedEof);
}

#[test]
fn a_thread_that_reads_is_woken_by_a_shutdown() {
    let (a, _b) = channel();
    let a = Arc::new(a);
    let reader = thread::spawn({
        let a = a.clone();
        move || (&*a).read(&mut [0])
    });
    a.get_ref().shutdown(Shutdown::Both).unwrap();
    assert_eq!(reader.join().unwrap().unwrap_err().kind(), ErrorKind::UnexpectedEof);
}

/// After some millions of records TLS changes its keys, and asks the peer to do the same.
#[test]
fn a_change_of_keys_is_answered() {
    let (a, mut socket, mut tls) = raw_channel();
    tls.refresh_traffic_keys().unwrap();
    tls.writer().write_all(b"new keys").unwrap();
    while tls.wants_write() {
        tls.write_tls(&mut socket).unwrap();
    }
    let mut read = [0; 8];
    (&a).read_exact(&mut read).unwrap();
    assert_eq!(&read, b"new keys");
    (&a).write_all(b"so here").unwrap();
    let mut read = [0; 7];
    rustls_read(&mut tls, &mut socket, &mut read);
    assert_eq!(&read, b"so here");
}

fn rustls_read(tls: &mut Connection, socket: &mut TcpStream, into: &mut [u8]) {
    while tls.reader().read_exact(into).is_err() {
        tls.read_tls(socket).unwrap();
        tls.process_new_packets().unwrap();
    }
}

#[test]
fn who_breaks_the_channel_is_told_by_the_close() {
    let (a, mut socket, mut tls) = raw_channel();
    // A record of data that no key has encrypted.
    socket.write_all(&[0x17, 3, 3, 0, 32]).unwrap();
    socket.write_all(&[7; 32]).unwrap();
    let error = (&a).read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
    a.close().unwrap();
    tls.read_tls(&mut socket).unwrap();
    let told = tls.process_new_packets().unwrap_err();
    assert_eq!(told, rustls::Error::AlertReceived(AlertDescription::BadRecordMac));
}

#[test]
fn what_is_no_tls_is_refused_in_both_roles() {
    for accepts in [true, false] {
        let (ours, mut theirs) = sockets();
        theirs.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        let tls = Tls::new().unwrap();
        let stream = if accepts { tls.accept(ours) } else { tls.connect(ours) }.unwrap();
        let error = stream.handshake().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
    }
}

const LOG: &str = "SSLKEYLOGFILE";

/// The variable is that of a whole process, so the channel is made in another one.
#[test]
fn keys_are_logged_when_asked_for() {
    if std::env::var_os(LOG).is_some() {
        let (dialled, accepted) = sockets();
        let acceptor = thread::spawn(|| {
            Tls::new().unwrap().with_key_log().accept(accepted).unwrap().handshake().unwrap()
        });
        connect(dialled);
        acceptor.join().unwrap();
        return;
    }
    let log = std::env::temp_dir().join(format!("snow-dist-keys-{}", std::process::id()));
    let test = ["--exact", "keys_are_logged_when_asked_for"];
    let child = Command::new(std::env::current_exe().unwrap()).args(test).env(LOG, &log).status().unwrap();
    assert!(child.success());
    let keys = std::fs::read_to_string(&log).unwrap();
    std::fs::remove_file(log).unwrap();
    // Those of one end: the other one has not been asked.
    assert_eq!(keys.matches("CLIENT_TRAFFIC_SECRET_0 ").count(), 1, "{keys}");
}

/// Both ends, of which neither waits long for its socket.
fn looking() -> (TlsStream, TlsStream) {
    let (a, b) = channel();
    (a.looking_every(TIMEOUT).unwrap(), b.looking_every(TIMEOUT).unwrap())
}

const BLOCK_BYTES: u64 = 16 << 10;

const BYTES: Transmit = Transmit::Bytes { flush: true, is_handshake: false };

#[test]
fn a_host_is_handed_the_channel_once_and_then_what_comes() {
    let ((a, b), mut block) = (looking(), [0; 100]);
    let channel = Channel::Tls13 { exporter: a.handshake().unwrap() };
    for end in [&a, &b] {
        assert_eq!(end.input(Next::Wait, &mut block), Input::Nothing);
        assert_eq!(end.input(Next::Read, &mut block), Input::Secured(channel));
        assert_eq!(end.input(Next::Read, &mut block), Input::Nothing);
    }
    let mut bytes = b"hello".to_vec();
    assert_eq!((a.output(BYTES, &mut bytes), bytes.len()), (Written::All, 0));
    assert_eq!(b.input(Next::Wait, &mut block), Input::Nothing);
    assert_eq!(b.input(Next::Read, &mut block), Input::Bytes(b"hello"));
    assert_eq!(a.output(Transmit::Close, &mut bytes), Written::All);
    assert_eq!(b.input(Next::Read, &mut block), Input::Ended("the peer has closed it".to_owned()));
    drop(a);
    assert!(matches!(b.input(Next::Read, &mut block), Input::Ended(_)));
}

#[test]
fn a_host_is_told_whether_a_handshake_goes_on_or_has_failed() {
    let (ours, mut theirs) = sockets();
    let stream = Tls::new().unwrap().accept(ours).unwrap().looking_every(TIMEOUT).unwrap();
    assert_eq!(stream.input(Next::Read, &mut [0; 10]), Input::Nothing);
    theirs.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert!(matches!(stream.input(Next::Read, &mut [0; 10]), Input::Ended(_)));
}

/// Its thread has to look at the clock in between.
#[test]
fn a_peer_that_sends_byte_by_byte_keeps_no_host_waiting() {
    let (ours, mut theirs) = sockets();
    let stream = Tls::new().unwrap().accept(ours).unwrap().looking_every(2 * PATIENCE).unwrap();
    let (give, given) = mpsc::channel();
    thread::spawn(
        move || while give.send(stream.input(Next::Read, &mut [0; 10]) == Input::Nothing).is_ok() {},
    );
    // The beginning of a long message of the handshake.
    for byte in [22, 3, 1, 0x40, 0, 1, 0, 0x30, 0] {
        theirs.write_all(&[byte]).unwrap();
        assert_eq!(given.recv_timeout(PATIENCE), Ok(true));
    }
}

#[test]
fn a_host_is_told_how_much_a_stream_takes_and_nothing_is_lost_in_between() {
    let ((a, b), mut written, mut sent) = (looking(), Written::All, 0_u64);
    let mut bytes = Vec::new();
    while written == Written::All {
        bytes.extend((sent..sent + BLOCK_BYTES).map(|number| number as u8));
        sent += BLOCK_BYTES;
        written = a.output(BYTES, &mut bytes);
    }
    // It had room for some of these, or for none. Now it has none.
    while written == Written::Part {
        written = a.output(BYTES, &mut bytes);
    }
    assert_eq!(written, Written::Nothing);
    let reader = thread::spawn(move || {
        let (mut block, mut read) = ([0; 50_000], 0_u64);
        while read < sent {
            if let Ok(count) = (&b).read(&mut block) {
                let expected = (read..).map(|number| number as u8);
                assert!(block[..count].iter().copied().eq(expected.take(count)));
                read += count as u64;
            }
        }
        b
    });
    while written != Written::All {
        written = a.output(BYTES, &mut bytes);
        assert!(!matches!(written, Written::Failed(_)), "{written:?}");
    }
    drop(reader.join().unwrap());
    while a.output(BYTES, &mut vec![0; 100]) == Written::All {}
    assert!(matches!(a.output(BYTES, &mut vec![0]), Written::Failed(_)));
}

#[test]
fn a_node_listens_where_its_name_says_and_is_found_by_it() {
    let (tls, cookie) = (Tls::new().unwrap(), || Cookie::new("the cookie of these tests").unwrap());
    let (listener, settings) = tls.listen("a@127.0.0.1:0", cookie()).unwrap();
    let name = settings.local.name().clone();
    assert_eq!(*name, format!("a@{}", listener.local_addr().unwrap()));
    let dialled = tls.dial(&name).unwrap();
    assert_eq!(listener.accept().unwrap().1, dialled.get_ref().local_addr().unwrap());
    assert!(tls.listen(&name, cookie()).is_err(), "the port is taken");
    assert_eq!(tls.listen("no name", cookie()).unwrap_err().kind(), ErrorKind::InvalidInput);
    drop(listener);
    assert_eq!(tls.dial(&name).unwrap_err().kind(), ErrorKind::ConnectionRefused);
}
