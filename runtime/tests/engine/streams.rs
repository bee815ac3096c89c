//! Streams between two nodes, which a test moves by hand.

use snow_dist_runtime::core::Dial;
use snow_dist_runtime::core::peers::ConnectionId;

use crate::node::Node;

/// Two ends of one stream.
pub(crate) type Ends = (ConnectionId, ConnectionId);

/// Node `a` dials `b`; TLS comes up on both ends, and nothing has been moved.
pub(crate) fn dial(a: &mut Node, b: &mut Node) -> Ends {
    let name = b.name.clone();
    let Dial::Start(id, connection) = a.dial(&name) else { panic!("no dial") };
    let ends = (a.add(id, connection), b.accept());
    let exporter = a.dice;
    a.secured(ends.0, exporter);
    b.secured(ends.1, exporter);
    ends
}

/// Moves bytes between the two ends until nothing moves.
pub(crate) fn flow(a: &mut Node, b: &mut Node, ends: Ends) {
    while one_way(a, ends.0, b, ends.1) | one_way(b, ends.1, a, ends.0) {}
}

/// Moves what one end has written. True if that was something.
pub(crate) fn one_way(from: &mut Node, id: ConnectionId, to: &mut Node, other: ConnectionId) -> bool {
    let gone = from.take_last_words(id);
    let (bytes, is_over) = match (from.streams.get_mut(&id), gone) {
        (Some(stream), _) => (std::mem::take(&mut stream.sent), stream.has_closed),
        (None, Some(words)) => (words, true),
        (None, None) => return false,
    };
    let moves = !bytes.is_empty() || is_over && to.streams.contains_key(&other);
    if !bytes.is_empty() {
        to.receive(other, &bytes);
    }
    if is_over {
        to.stream_ended(other);
    }
    moves
}

/// A session that `a` has dialled.
pub(crate) fn session(a: &mut Node, b: &mut Node) -> Ends {
    let ends = dial(a, b);
    flow(a, b, ends);
    assert!(a.stream(ends.0).connection.is_session() && b.stream(ends.1).connection.is_session());
    ends
}
