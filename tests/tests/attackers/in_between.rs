//! Somebody between two nodes, who can end TLS on both sides and change what is said.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use snow_dist_codec::handshake::{Challenge, ExtensionBuf, MAGIC, Name, Reject};
use snow_dist_codec::{Extension, Handshake, Reading};
use snow_dist_runtime::core::handshake::Failure;
use snow_dist_runtime::{ConnectError, Node};
use snow_dist_tests::program::{assert_they_talk, connect, node, start, within};
use snow_dist_tests::raw_peer::{Relay, address, by_hand};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

/// Where the nodes believe each other to be.
const BETWEEN: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 5);

/// A node that dials, one that is dialled and lives elsewhere than its name says, and a friend of that one.
struct Scene {
    dials: Node,
    dialled: Node,
    friend: Node,
    port: u16,
}

impl Scene {
    async fn new() -> Self {
        let dialled = start(Node::builder(format!("b@{BETWEEN}:0")).listen("127.0.0.1:0")).await;
        let port = address(dialled.name()).rsplit_once(':').unwrap().1.parse().unwrap();
        let (dials, friend) = (node("a").await, node("friend").await);
        connect(&dialled, &friend).await;
        Self { dials, dialled, friend, port }
    }

    /// Nobody gets in. Gives the error, and which messages were said: as places in the handshake.
    async fn attack(
        &self,
        edit: impl Fn(usize, Vec<u8>) -> Vec<u8> + Send + Sync + 'static,
    ) -> (ConnectError, Vec<usize>) {
        let places = Arc::new(Mutex::new(Vec::new()));
        let said = places.clone();
        let edit = move |place, message| {
            said.lock().unwrap().push(place);
            edit(place, message)
        };
        let to = format!("127.0.0.1:{}", self.port);
        let relay = Relay::start((BETWEEN, self.port), to, Arc::new(edit)).await;
        let refused = within("a refusal", self.dials.connect(self.dialled.name())).await.unwrap_err();
        relay.stop().await;
        assert!(self.dials.nodes().is_empty());
        assert_eq!(self.dialled.nodes().len(), 1);
        let places = places.lock().unwrap().clone();
        (refused, places)
    }

    async fn assert_undisturbed(&self) {
        assert_they_talk(&self.friend, &self.dialled).await;
    }
}

/// The message with another block in the place of its own.
fn with_block(message: &[u8], block: Option<Extension<'_>>) -> Vec<u8> {
    match Handshake::decode(message, Reading::Strict).unwrap() {
        Handshake::Name(name) => by_hand::payload(Name { extension: block, ..name }),
        Handshake::Challenge(challenge) => by_hand::payload(Challenge { extension: block, ..challenge }),
        other => panic!("{} has no block of its own", other.name()),
    }
}

#[tokio::test]
async fn who_passes_on_bytes_and_ends_no_tls_is_no_attacker() {
    let scene = Scene::new().await;
    let listener = TcpListener::bind((BETWEEN, scene.port)).await.unwrap();
    let port = scene.port;
    tokio::spawn(async move {
        let mut from = listener.accept().await.unwrap().0;
        let mut to = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let _ = copy_bidirectional(&mut from, &mut to).await;
    });
    connect(&scene.dials, &scene.dialled).await;
    assert_they_talk(&scene.dials, &scene.dialled).await;
}

#[tokio::test]
async fn who_ends_tls_and_passes_everything_on_gets_no_session() {
    let scene = Scene::new().await;
    let (refused, places) = scene.attack(|_, message| message).await;
    let ConnectError::Handshake(Failure::Rejected { code, .. }) = refused else { panic!("{refused}") };
    assert_eq!(code, Reject::REFUSED);
    assert_eq!(places, [0, 1, 2, 3], "the last is the REJECT");
    scene.assert_undisturbed().await;
}

#[tokio::test]
async fn without_its_block_a_name_is_answered_by_nothing() {
    let scene = Scene::new().await;
    let (_, places) =
        scene.attack(|place, message| if place == 0 { with_block(&message, None) } else { message }).await;
    assert_eq!(places, [0], "no CHALLENGE");
    scene.assert_undisturbed().await;
}

#[tokio::test]
async fn without_its_block_a_challenge_is_answered_by_nothing() {
    let scene = Scene::new().await;
    let (refused, places) =
        scene.attack(|place, message| if place == 1 { with_block(&message, None) } else { message }).await;
    let stripped = ConnectError::Handshake(Failure::Stripped { message: "CHALLENGE" });
    assert_eq!(refused.to_string(), stripped.to_string());
    assert_eq!(places, [0, 1], "no REPLY");
    // Without the sentinel, as a version 1 node would challenge.
    let (refused, places) = scene
        .attack(|place, message| {
            if place != 1 {
                return message;
            }
            let Ok(Handshake::Challenge(challenge)) = Handshake::decode(&message, Reading::Strict) else {
                panic!("no CHALLENGE")
            };
            by_hand::payload(Challenge { challenge: &[0x5A; 32], extension: None, ..challenge })
        })
        .await;
    assert!(matches!(refused, ConnectError::Handshake(Failure::Version1)), "{refused}");
    assert_eq!(places, [0, 1], "no REPLY, which would open a version 1 node");
    scene.assert_undisturbed().await;
}

#[tokio::test]
async fn blocks_that_say_less_get_no_session() {
    let scene = Scene::new().await;
    for places in [[0, 0], [1, 1], [0, 1]] {
        let (_, said) = scene
            .attack(move |place, message| {
                let empty = ExtensionBuf::default();
                if places.contains(&place) {
                    with_block(&message, Some(empty.as_extension()))
                } else {
                    message
                }
            })
            .await;
        assert!(!said.contains(&4), "{said:?}");
    }
    scene.assert_undisturbed().await;
}

#[tokio::test]
async fn blocks_in_each_others_place_get_no_session() {
    let scene = Scene::new().await;
    let names = Arc::new(Mutex::new(Vec::new()));
    scene
        .attack(move |place, message| {
            let mut names = names.lock().unwrap();
            if place == 0 {
                names.clone_from(&message);
            }
            let Ok(Handshake::Name(name)) = Handshake::decode(&names, Reading::Strict) else {
                panic!("no NAME")
            };
            if place == 1 { with_block(&message, name.extension) } else { message }
        })
        .await;
    scene.assert_undisturbed().await;
}

#[tokio::test]
async fn damage_at_any_byte_gets_no_session() {
    let scene = Scene::new().await;
    for place in 0..3 {
        for at in (0..120).step_by(9) {
            scene
                .attack(move |here, mut message| {
                    if here == place && at < message.len() {
                        message[at] ^= 1;
                    }
                    message
                })
                .await;
        }
    }
    // And a block of which a part is missing is not one that was never there.
    for cut in 1..MAGIC.len() + 4 {
        let (_, places) = scene
            .attack(move |place, mut message| {
                if place == 0 {
                    let block = message.windows(MAGIC.len()).position(|part| part == MAGIC).unwrap();
                    message.truncate(block + cut);
                }
                message
            })
            .await;
        assert!(!places.contains(&2), "{places:?}");
    }
    scene.assert_undisturbed().await;
}
