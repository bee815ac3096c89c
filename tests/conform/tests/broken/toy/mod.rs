//! A toy node: all of version 2 that the cases see, in as few lines as that takes, and none of the care for memory,
//! speed and many peers that a node needs. It can have one defect.
//!
//! - `certificates`: what it presents, and which it takes;
//! - `handshake`: the four messages in both roles;
//! - `stream`: frames of a TLS connection;
//! - `outbound`: what waits to be written;
//! - `connection`: who becomes the session of two nodes, and its loop;
//! - `session`: what the frames of a session do, those of its capabilities too;
//! - `lists`: peer lists, global names;
//! - `reason`: exit reasons;
//! - `adapter`: what the runner asks for.

mod adapter;
mod certificates;
mod connection;
mod handshake;
mod lists;
mod outbound;
mod reason;
mod session;
mod stream;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::Value;
use snow_dist_codec::Pid;
use snow_dist_conform::adapter::Launch;
use tokio::io::DuplexStream;
use tokio::time::{Instant, sleep_until};

use crate::defects::Defect;
use certificates::Certificates;
use connection::{PeerState, Place};
use lists::Lists;
use reason::Reason;
use session::{Assembly, Called, Groups};

/// How a toy with this defect, or none, comes into being.
pub(crate) fn launch(defect: Option<Defect>) -> Launch {
    Launch::Task(Arc::new(move |lines| start(lines, defect)))
}

/// Starts a toy that takes its orders from these lines.
pub(crate) fn start(lines: DuplexStream, defect: Option<Defect>) {
    tokio::spawn(adapter::run(lines, defect));
}

/// A node.
pub(crate) struct Toy {
    name: String,
    /// The first one signs.
    cookies: Vec<String>,
    incarnation: u64,
    defect: Option<Defect>,
    certificates: Option<Certificates>,
    heartbeat: (Duration, Duration),
    /// How many links and monitors of a peer it holds.
    bound: u64,
    sessions_max: usize,
    sessions_per_address_max: usize,
    handshakes_max: usize,
    handshakes_per_address_max: usize,
    /// Its operator allows it to dial every name in a peer list.
    peer_lists: bool,
    peer_list_dials_max: usize,
    /// It tells its peers of each other.
    tells_peers: bool,
    state: Mutex<State>,
}

/// All that changes.
#[derive(Default)]
struct State {
    peers: HashMap<String, PeerState>,
    /// The last start of each node that there was a session with: incarnation and creation.
    known: HashMap<String, (u64, u8)>,
    /// Pieces that the session before has left behind, which none should.
    left: HashMap<String, Assembly>,
    /// The oldest first.
    places: Vec<Place>,
    /// Connections that are verified, sessions included, and where they come from.
    verified: Vec<(u64, IpAddr)>,
    lists: Lists,
    /// None before the first command about groups.
    groups: Option<Groups>,
    processes: BTreeMap<u64, Process>,
    names: HashMap<String, u64>,
    /// Processes of other nodes as they were named last.
    named: HashMap<(String, u64), Other>,
    /// Calls of other nodes that processes have seen, by the number that the runner knows.
    calls: BTreeMap<u64, Called>,
    /// Functions that peers may have started, with the reason for which their processes end at once.
    offers: HashMap<String, Offer>,
    /// The last number given to anything.
    number: u64,
    /// It does not look at its clock before.
    held_up_until: Option<Instant>,
    stopped: bool,
}

/// A function that others may have started.
#[derive(Clone)]
struct Offer {
    /// Its processes end at once.
    ends: Option<Reason>,
    /// They note what they were given.
    notes: bool,
}

#[derive(Default)]
struct Process {
    ended: bool,
    traps: bool,
    seen: Vec<Value>,
    /// It takes nothing out of its mailbox.
    held: bool,
    mailbox: Vec<Value>,
    /// Messages that its mailbox holds.
    bound: Option<usize>,
    ends_when_full: bool,
    watches: BTreeSet<String>,
    /// Messages of its flood that were taken.
    sent: u64,
}

/// A process of another node.
#[derive(Clone, Debug, PartialEq)]
struct Other {
    node: String,
    incarnation: u64,
    creation: u8,
    local: u64,
}

impl Toy {
    /// For so long it looks at no clock, which is all that a peer could see of it.
    async fn hold_up(&self, time: Duration) {
        let until = Instant::now() + time;
        self.state().held_up_until = Some(until);
        sleep_until(until).await;
        self.state().held_up_until = None;
    }

    /// Waits until it is not held up any more. Returns `true` if it was, and does not count that against its peer.
    async fn was_held_up(&self) -> bool {
        let until = self.state().held_up_until;
        if let Some(until) = until {
            sleep_until(until).await;
        }
        until.is_some() && !self.has(Defect::CountsHoldUps)
    }

    fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    fn creation(&self) -> u8 {
        creation_of(self.incarnation + u64::from(self.has(Defect::CreationOfItsOwn)))
    }

    fn own(&self, local: u64) -> Pid {
        Pid::new(0, self.creation(), local).unwrap()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl State {
    fn next(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    fn lives(&self, local: u64) -> bool {
        self.processes.get(&local).is_some_and(|process| !process.ended)
    }

    fn give(&mut self, local: u64, sight: Value) {
        if let Some(process) = self.processes.get_mut(&local).filter(|process| !process.ended) {
            let to = if process.held { &mut process.mailbox } else { &mut process.seen };
            to.push(sight);
        }
    }
}

fn creation_of(incarnation: u64) -> u8 {
    (incarnation % 255 + 1) as u8
}

/// What an ended process or session tells others: to whom, by which process, and what. Written later, in this order.
type Owed = Vec<(String, u64, outbound::Kind, Vec<u8>)>;

/// The reason of those who were linked over a session that is over.
fn noconnection() -> Reason {
    Reason { hops: Vec::new(), root: reason::Root::Noconnection }
}
