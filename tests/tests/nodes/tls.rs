//! The channel, as the other end of it sees it.

use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, HandshakeKind};
use snow_dist_runtime::Node;
use snow_dist_tests::program::{node, within};
use snow_dist_tests::raw_peer::{Listener, RawNode, address, client_config, server_config};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

const PROTOCOL: &[u8] = b"snow-dist/1";

/// A channel that the node has taken.
async fn taken_by(node: &Node, config: Arc<ClientConfig>) -> client::TlsStream<TcpStream> {
    let tcp = TcpStream::connect(address(node.name())).await.unwrap();
    let name = ServerName::try_from("snow-node").unwrap();
    within("TLS", TlsConnector::from(config).connect(name, tcp)).await.unwrap()
}

/// The channels of a dial and of the one that follows it, to an acceptor that would resume, selects the protocol, and
/// closes before the handshake is over.
async fn two_dials(node: &Node) -> Vec<server::TlsStream<TcpStream>> {
    let listener = Listener::bind().await;
    let name = listener.name("raw");
    let mut config = server_config();
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    let tls = TlsAcceptor::from(Arc::new(config));
    let dial = tokio::spawn({
        let node = node.clone();
        async move { node.connect(&name).await }
    });
    let mut channels = Vec::new();
    for _ in 0..2 {
        let mut channel = within("TLS", tls.accept(listener.accept_tcp().await)).await.unwrap();
        let mut length = [0; 4];
        within("the length of NAME", channel.read_exact(&mut length)).await.unwrap();
        // Tickets, if it takes any, came before this.
        channel.shutdown().await.unwrap();
        channels.push(channel);
    }
    dial.abort();
    channels
}

//= spec/handshake.md#hs-tls-001
//# An initiator MUST send the server name `snow-node`, whatever host it dials.
//= spec/handshake.md#hs-tls-002
//# An initiator SHOULD offer the application protocol `snow-dist/1`.
#[tokio::test]
async fn an_initiator_says_the_server_name_and_offers_the_protocol() {
    let a = node("a").await;
    for channel in two_dials(&a).await {
        let tls = channel.get_ref().1;
        assert_eq!((tls.server_name(), tls.alpn_protocol()), (Some("snow-node"), Some(PROTOCOL)));
    }
}

//= spec/handshake.md#hs-tls-003
//# An acceptor SHOULD select the application protocol `snow-dist/1` if offered.
#[tokio::test]
async fn an_acceptor_selects_the_protocol_among_others() {
    let a = node("a").await;
    let mut config = client_config();
    config.alpn_protocols = vec![b"h2".to_vec(), PROTOCOL.to_vec()];
    assert_eq!(taken_by(&a, Arc::new(config)).await.get_ref().1.alpn_protocol(), Some(PROTOCOL));
}

//= spec/handshake.md#hs-tls-004
//# A node MUST NOT end a connection because the other end offers or selects no application protocol.
//= spec/handshake.md#hs-tls-007
//# An initiator MUST NOT end a connection because of the acceptor's certificate, unless its operator has
//# asked for that.
#[tokio::test]
async fn a_session_needs_no_application_protocol_and_no_good_certificate() {
    let a = node("a").await;
    // This peer neither offers nor selects one, and its certificate is that of another name, which nobody vouches for.
    let mut session = RawNode::new("raw@127.0.0.1:1", 7).join(a.name()).await;
    assert_eq!(session.fence().await, []);
    let listener = Listener::bind().await;
    let name = listener.name("dialled");
    let dial = tokio::spawn({
        let (node, name) = (a.clone(), name.clone());
        async move { node.connect(&name).await }
    });
    let mut session = RawNode::new(&name, 7).accept(&listener).await;
    within("the dial", dial).await.unwrap().unwrap();
    assert_eq!(session.fence().await, []);
}

//= spec/handshake.md#hs-tls-010
//# A node MUST NOT resume a TLS session.
//= spec/handshake.md#hs-tls-011
//# An acceptor SHOULD NOT issue session tickets.
#[tokio::test]
async fn nothing_is_resumed_in_either_role() {
    let a = node("a").await;
    for channel in two_dials(&a).await {
        assert_eq!(channel.get_ref().1.handshake_kind(), Some(HandshakeKind::Full));
    }
    let mut config = client_config();
    config.enable_early_data = true;
    let config = Arc::new(config);
    for _ in 0..2 {
        let mut channel = taken_by(&a, config.clone()).await;
        // An empty message, which ends the connection: whatever the node says comes before that.
        channel.write_all(&[0; 4]).await.unwrap();
        let _ = within("the end", channel.read_to_end(&mut Vec::new())).await;
        let tls = channel.get_ref().1;
        assert_eq!((tls.handshake_kind(), tls.tls13_tickets_received()), (Some(HandshakeKind::Full), 0));
        assert!(!tls.is_early_data_accepted());
    }
}
