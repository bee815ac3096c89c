//! Nodes that require certificates: whom they let in, and what they say to the others.

mod authority;
mod reloading;

use std::net::TcpListener;
use std::thread;

use rcgen::{BasicConstraints, IsCa, date_time_ymd};
use snow_dist_runtime::core::connection::Connection;
use snow_dist_runtime::core::handshake::{Certified, Channel, Failure, acceptor};
use snow_dist_runtime::core::host::{Input, Next};
use snow_dist_runtime::testing::SimulatedNetwork;
use snow_dist_runtime::tls::{CertificateError, Certificates, Tls, TlsError};
use snow_dist_runtime::{Allowed, ConnectError, Node, StartError};
use snow_dist_tests::log::Log;
use snow_dist_tests::program::{COOKIE, assert_they_talk, connect, node, start, until, within};
use snow_dist_tests::raw_peer::{Listener, NoSession, OldNode, RawNode, address, over_with};
use tokio::net::TcpStream;

use authority::{Authority, Issued};

/// Who the raw peer is, wherever it dials from.
const RAW: &str = "raw@127.0.0.1:1";

/// A dial of the raw peer, which presents this certificate.
async fn dial(node: &Node, name: &str, presented: &Issued) -> Result<(), NoSession> {
    let tcp = TcpStream::connect(address(node.name())).await.unwrap();
    let wire = over_with(tcp, presented.initiator()).await.unwrap();
    RawNode::new(name, 7).initiate(wire, node.name()).await.map(drop)
}

/// What comes of the node's dial to a raw peer that presents this certificate and calls itself `name`.
async fn dialled(
    node: &Node,
    name: &str,
    presented: impl FnOnce(&str) -> Issued,
) -> Result<(), ConnectError> {
    let listener = Listener::bind().await;
    let at = listener.name(name);
    let listener = listener.with_tls(presented(&at).acceptor());
    let (connecting, accepting) = (node.connect(&at), async {
        let Ok(mut wire) = listener.try_accept().await else { return };
        let Ok(name) = wire.hear().await.try_payload() else { return };
        let local = RawNode::new(&at, 7).local;
        let (challenge, expect_reply) =
            acceptor::start(local.into(), wire.channel()).handle(&name, [7; 24]).unwrap();
        wire.say(&challenge).await;
        // REPLY comes only if the name is taken.
        let Ok(reply) = wire.hear().await.try_payload() else { return };
        let (ack, _) = expect_reply.handle(&reply).unwrap().accept();
        wire.say(&ack).await;
    });
    within("the dial", async { tokio::join!(connecting, accepting).0 }).await
}

fn refused_for_certificates(node: &Node) -> u64 {
    node.connection_counts().refused.certificate
}

//= spec/handshake.md#hs-crt-002
//# An acceptor that requires certificates MUST ask the initiator for one.
//= spec/handshake.md#hs-crt-003
//# A node that its operator has given a certificate MUST present that as acceptor, and as initiator when
//# asked for one.
#[tokio::test(start_paused = true)]
async fn nodes_whose_certificates_speak_for_them_have_a_session() {
    let (network, authority) = (SimulatedNetwork::new(), Authority::new("root"));
    let delegate = authority.delegate("north").delegate("far north");
    let builder = |name: &str| Node::builder(name).cookie(COOKIE);
    // A chain of four, one name among several, and one that has to be escaped.
    let issued = delegate.issue(&["https://example.org", "snow-dist:x@h", "snow-dist:k%C3%A4se%25@north"]);
    let certificates = Certificates::pem(issued.chain_pem(), issued.key_pem(), authority.anchor_pem());
    assert_eq!(issued.chain.len(), 3);
    let a = builder("käse%@north").certificates(certificates).start_on(network.host("north")).await.unwrap();
    let b = builder("b@south:1").certificates(authority.certificates("b@south:1"));
    let b = b.start_on(network.host("south")).await.unwrap();
    for (one, other) in [(&a, &b), (&b, &a)] {
        connect(one, other).await;
        assert_they_talk(one, other).await;
        one.disconnect(other.name());
        until("its end", || one.nodes().is_empty() && other.nodes().is_empty()).await;
    }
}

//= spec/handshake.md#hs-crt-005
//# A node that requires certificates MUST end a handshake in which the certificate of the other end does not speak for
//# its name.
#[tokio::test]
async fn who_bears_the_name_of_another_is_refused_in_both_roles() {
    let log = Log::of_this_thread();
    let authority = Authority::new("root");
    let a = authority.node("a").await;
    let own = authority.issue(&["snow-dist:other@127.0.0.1:1"]);
    let refused = dial(&a, RAW, &own).await.unwrap_err();
    let NoSession::Failed(Failure::Rejected { code: 4, text }) = refused else { panic!("{refused:?}") };
    assert!(text.contains("does not speak for \"raw@127.0.0.1:1\""), "{text}");
    until("the count", || refused_for_certificates(&a) == 1).await;
    let line = log.lines_with("INFO snow_dist_runtime::connections a connection was refused");
    assert!(line.len() == 1 && line[0].contains("URI:snow-dist:raw@127.0.0.1:1"), "{line:?}");

    let refused = dialled(&a, "raw", |_| authority.issue(&["snow-dist:other@127.0.0.1:1"])).await;
    let Err(ConnectError::Handshake(Failure::Uncertified { name, certified })) = refused else {
        panic!("{refused:?}")
    };
    assert!(name.starts_with("raw@127.0.0.1:"));
    assert_eq!(certified, Certified::by_uris(["snow-dist:other@127.0.0.1:1"]));

    // With one that speaks for it, all is well.
    dial(&a, RAW, &authority.issue(&["snow-dist:raw@127.0.0.1:1"])).await.unwrap();
    dialled(&a, "raw", |name| authority.issue(&[&format!("snow-dist:{name}")])).await.unwrap();
    assert_eq!(refused_for_certificates(&a), 1);
}

//= spec/handshake.md#hs-crt-004
//# A node that requires certificates MUST end a connection whose other end presents none, or one that does not lead to one
//# of its trust anchors by certificates that are valid at that time.
#[tokio::test]
async fn certificates_that_are_not_good_are_refused_in_both_roles() {
    let log = Log::of_this_thread();
    let (authority, other) = (Authority::new("root"), Authority::new("other"));
    let a = authority.node("a").await;
    let bad = |name: &str, kind: &str| {
        let uri = format!("snow-dist:{name}");
        let uri = [&*uri];
        match kind {
            "expired" => authority.issue_with(&uri, |params| params.not_after = date_time_ymd(2020, 1, 1)),
            "not valid yet" => {
                authority.issue_with(&uri, |params| params.not_before = date_time_ymd(4000, 1, 1))
            }
            "UnknownIssuer" => other.issue(&uri),
            "UnknownIssuer, the chain broken" => {
                let mut issued = authority.delegate("north").issue(&uri);
                issued.chain.truncate(1);
                issued
            }
            _ => {
                authority.issue_with(&uri, |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained))
            }
        }
    };
    let kinds =
        ["expired", "not valid yet", "UnknownIssuer", "UnknownIssuer, the chain broken", "CaUsedAsEndEntity"];
    for (count, kind) in (1..).zip(kinds) {
        let ended = dial(&a, RAW, &bad(RAW, kind)).await;
        assert!(matches!(ended, Err(NoSession::Ended)), "{kind}: {ended:?}");
        until("the count", || refused_for_certificates(&a) == count).await;
        let words = kind.split(',').next().unwrap();
        let line = log.lines_with("a connection was refused").pop().unwrap();
        assert!(line.contains("the peer's certificate is refused") && line.contains(words), "{kind}: {line}");
        let refused = dialled(&a, "raw", |name| bad(name, kind)).await.unwrap_err();
        assert!(matches!(refused, ConnectError::Certificate(_)), "{kind}: {refused:?}");
        assert!(refused.to_string().contains(words), "{kind}: {refused}");
    }
}

#[tokio::test]
async fn nodes_without_certificates_are_refused_and_told_why() {
    let log = Log::of_this_thread();
    let authority = Authority::new("root");
    let (a, plain) = (authority.node("a").await, node("plain").await);
    let refused = plain.connect(a.name()).await.unwrap_err();
    assert!(matches!(refused, ConnectError::Certificate(_)), "{refused:?}");
    assert!(refused.to_string().contains("give it one"), "{refused}");
    until("the count", || refused_for_certificates(&a) == 1).await;
    assert_eq!(log.lines_with("the peer has no certificate, and this node requires one").len(), 1);
    let refused = a.connect(plain.name()).await.unwrap_err();
    assert!(refused.to_string().contains("the peer's certificate is refused"), "{refused}");
    until("the count", || refused_for_certificates(&plain) == 1).await;

    // Version 1 is no way round.
    let old = start(Node::builder("old@127.0.0.1:0").version_1(Allowed::Everyone)).await;
    OldNode::new(RAW).dial(old.name()).await.unwrap();
    old.set_certificates(authority.certificates(old.name())).unwrap();
    assert!(OldNode::new("older@127.0.0.1:1").dial(old.name()).await.is_err());
    until("the count", || refused_for_certificates(&old) == 1).await;
}

/// The first step of a system that runs without certificates.
#[tokio::test]
async fn a_node_that_does_not_require_certificates_presents_its_own() {
    let authority = Authority::new("root");
    let (a, b, plain) = (authority.node("a").await, node("b").await, node("plain").await);
    b.set_certificates(authority.certificates(b.name()).not_required()).unwrap();
    connect(&b, &a).await;
    b.disconnect(a.name());
    until("its end", || a.nodes().is_empty() && b.nodes().is_empty()).await;
    connect(&a, &b).await;
    connect(&b, &plain).await;
    let refused = a.connect(plain.name()).await.unwrap_err();
    assert!(matches!(refused, ConnectError::Certificate(_)), "{refused:?}");
}

#[test]
fn certificates_that_peers_would_refuse_are_refused_at_once() {
    const NAME: &str = "a@127.0.0.1:4000";
    let authority = Authority::new("root");
    let good = authority.issue(&["snow-dist:a@127.0.0.1:4000"]);
    let [chain, key, anchors] = [good.chain_pem(), good.key_pem(), authority.anchor_pem()];
    let other = authority.issue(&["snow-dist:b@127.0.0.1:4000"]);
    let expired = authority.issue_with(&["snow-dist:a@127.0.0.1:4000"], |params| {
        params.not_after = date_time_ymd(2020, 1, 1);
    });
    let tls = |chain: &str, key: &str, anchors: &str| {
        Tls::with_certificates(&Certificates::pem(chain, key, anchors), NAME).map_err(|error| {
            let TlsError::Given(error) = error else { panic!("{error}") };
            error
        })
    };
    tls(&chain, &key, &anchors).unwrap();
    // Whatever else stands in the files.
    tls(&format!("{key}{chain}"), &format!("{chain}{key}"), &format!("# root\n{anchors}")).unwrap();
    let broken = chain.replacen('M', "#", 1);
    let encrypted = key.replace("PRIVATE", "ENCRYPTED PRIVATE");
    let other_anchor = Authority::new("other").anchor_pem();
    for (refused, says) in [
        (tls("", &key, &anchors), "the certificate that the program gave: no certificate is there"),
        (tls(&chain, &key, &key), "the trust anchors that the program gave: no certificate is there"),
        (tls(&chain, &encrypted, &anchors), "encrypted has to be decrypted"),
        (tls(&broken, &key, &anchors), "the certificate that the program gave cannot be used"),
        (tls(&chain, &other.key_pem(), &anchors), "is not that of the certificate"),
        (tls(&other.chain_pem(), &other.key_pem(), &anchors), "URI:snow-dist:a@127.0.0.1:4000"),
        (tls(&expired.chain_pem(), &expired.key_pem(), &anchors), "expired"),
        (tls(&chain, &key, &other_anchor), "would be refused by every peer"),
        // Whose key signs names for everybody.
        (tls(&chain, &key, &format!("{anchors}{chain}")), "one of them is the certificate of a node"),
        (tls(&chain, &key, &expired.chain_pem()), "one of them is the certificate of a node"),
        (tls(&chain, &key.replace('\n', ""), &anchors), "are its line ends missing?"),
        (tls(&chain, &key.replace('\n', "\\n"), &anchors), "are its line ends missing?"),
        (tls(&key.replace('\n', ""), &key, &anchors), "are its line ends missing?"),
        (tls(&chain, &key, &key.replace('\n', "\\n")), "are its line ends missing?"),
    ] {
        let refused = refused.unwrap_err();
        let (shown, debugged) = (refused.to_string(), format!("{refused:?}"));
        assert!(shown.contains(says), "{says}: {shown}");
        // Nothing of a key, neither as it stands in its file nor as numbers.
        let secret = key.lines().nth(1).unwrap();
        let numbers = format!("{:?}", &secret.as_bytes()[..8]);
        for said in [shown, debugged] {
            assert!(
                !said.contains(&secret[..8]) && !said.contains(numbers.trim_matches(['[', ']'])),
                "{said}"
            );
        }
    }
}

#[tokio::test]
async fn a_node_does_not_start_with_what_its_peers_would_refuse() {
    let authority = Authority::new("root");
    let builder = Node::builder("a@127.0.0.1:0").cookie(COOKIE);
    let refused = builder.certificates(authority.certificates("b@127.0.0.1:1")).start().await.unwrap_err();
    let StartError::Tls(TlsError::Given(CertificateError::OtherName { certified, .. })) = refused else {
        panic!("{refused}")
    };
    assert_eq!(certified, Certified::by_uris(["snow-dist:b@127.0.0.1:1"]));
}

/// Two hosts with sockets and threads of their own: each hands the names of the other's certificate to the protocol.
#[test]
fn a_host_with_threads_is_told_for_whom_the_certificate_speaks() {
    let authority = Authority::new("root");
    let tls = |name: &str| Tls::with_certificates(&authority.certificates(name), name).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let acceptor = tls("a@h:1").accept(listener.accept().unwrap().0).unwrap();
    let initiator = tls("b@h:1").connect(socket).unwrap();
    let secured = |stream: snow_dist_runtime::tls::TlsStream| {
        let exporter = stream.handshake().unwrap();
        let mut block = [0; 8];
        let input = stream.input(Next::Read, &mut block);
        let Input::Certified(Channel::Tls13 { exporter: given }, certified) = input else {
            panic!("{input:?}")
        };
        assert_eq!(given, exporter);
        assert_eq!(stream.certified(), Some(certified.clone()));
        certified
    };
    let accepted = thread::spawn(move || secured(acceptor));
    assert_eq!(secured(initiator), Certified::by_uris(["snow-dist:a@h:1"]));
    assert_eq!(accepted.join().unwrap(), Certified::by_uris(["snow-dist:b@h:1"]));
    let _: fn(&mut Connection, Channel, Certified) = Connection::certified;
}
