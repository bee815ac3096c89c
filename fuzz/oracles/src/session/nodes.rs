//! Third nodes, naively: what the two tables say, and the pids in terms.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use snow_dist_codec::frame::NodeTable;
use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::stf::{Encoder, Terms, Value};
use snow_dist_codec::{Frame, NodeName, Pid as WirePid, Reading};
use snow_dist_runtime::core::session::Config;
use snow_dist_runtime::core::{NodeNumber, Pid, Start, Term};

use super::model::{OURS, PEER, THEIRS};

/// The third nodes that this node knows, by their numbers.
pub(super) const THIRD: std::ops::RangeInclusive<u64> = 5..=7;

/// Which start of a node one of them is.
pub(super) fn start(number: u64) -> Start {
    Start { name: format!("n{number}@h:1").into(), incarnation: NonZeroU64::new(number * 300).unwrap() }
}

/// The number of a start that the peer names: any, but always the same.
pub(super) fn number_of(name: &str, incarnation: u64) -> NodeNumber {
    let bytes = name.bytes().chain(incarnation.to_le_bytes());
    let hash = bytes.fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    NodeNumber::other(hash >> 1 | 1 << 32).unwrap()
}

/// The two tables of a session.
#[derive(Default)]
pub(super) struct Nodes {
    has: bool,
    entries_max: usize,
    entries: BTreeMap<u16, Option<(NodeNumber, u8)>>,
    indexes: BTreeMap<u64, u16>,
    /// Entries that must be written before anything else.
    due: Vec<Vec<u8>>,
}

impl Nodes {
    /// All of [`THIRD`] have been introduced, as far as there is room.
    pub(super) fn new(config: &Config) -> Self {
        let has = config.capabilities.contains(Capabilities::NODE_TABLE);
        let max = if has { config.peer_bounds.node_table_entries as usize } else { 0 };
        let mut nodes =
            Self { has, entries_max: config.bounds.node_table_entries as usize, ..Self::default() };
        for (index, number) in (1_u16..).zip(THIRD).take(max) {
            let start = start(number);
            let entry =
                NodeTable { index, incarnation: start.incarnation.get(), name: (&*start.name).into() };
            let mut payload = Vec::new();
            Frame::from(entry).encode(&mut payload).unwrap();
            nodes.due.push(payload);
            nodes.indexes.insert(number, index);
        }
        nodes
    }

    /// NODE_TABLE came; false if the session must end.
    pub(super) fn read(&mut self, entry: &NodeTable<'_>) -> bool {
        if !self.has || [0, 0xFFFE, 0xFFFF].contains(&entry.index) || self.entries.contains_key(&entry.index)
        {
            return false;
        }
        if self.entries.len() < self.entries_max {
            let known = NodeName::parse(entry.name.as_str()).ok().filter(|_| entry.incarnation != 0);
            let known = known.map(|name| {
                let creation = u8::try_from(entry.incarnation % 255 + 1).unwrap();
                (number_of(&name.completed(), entry.incarnation), creation)
            });
            self.entries.insert(entry.index, known);
        }
        true
    }

    /// An entry was written.
    pub(super) fn written(&mut self, payload: &[u8]) {
        assert_eq!(self.due.remove(0), payload);
    }

    pub(super) fn is_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// The process of a pid without an owner, as this node sees it.
    pub(super) fn here(&self, wire: WirePid) -> Pid {
        let node = match (wire.node(), wire.creation()) {
            (0, THEIRS) => NodeNumber::other(PEER).unwrap(),
            (0xFFFE, OURS) => NodeNumber::HERE,
            (index, creation) => match self.entries.get(&index) {
                Some(Some((number, of))) if *of == creation => *number,
                _ => NodeNumber::UNKNOWN,
            },
        };
        Pid::new(node, wire.creation(), wire.local())
    }

    /// What stands for a process in a pid without an owner.
    pub(super) fn there(&self, pid: Pid) -> WirePid {
        let node = match pid.node().get() {
            0 => 0,
            PEER if pid.creation() == THEIRS => 0xFFFE,
            number => self.indexes.get(&number).copied().unwrap_or(0xFFFF),
        };
        WirePid::new(node, pid.creation(), pid.local()).unwrap()
    }

    /// Which processes the pids of a message are; none if it is no term of this kind.
    pub(super) fn pids(&self, message: &[u8], terms: Terms) -> Vec<Pid> {
        let mut pids = Vec::new();
        if let Ok((value, _)) = terms.decode(message, Reading::Compatible) {
            collect(&value, &mut pids);
        }
        pids.into_iter().map(|pid| self.here(pid)).collect()
    }
}

fn collect(value: &Value<'_>, pids: &mut Vec<WirePid>) {
    match value {
        Value::Pid(pid) => pids.push(*pid),
        Value::List(values) | Value::Set(values) | Value::Tuple(values) => {
            values.iter().for_each(|value| collect(&value, pids));
        }
        Value::Sum(sum) => sum.values().iter().for_each(|value| collect(&value, pids)),
        Value::Map(map) => map.iter().for_each(|(key, value)| {
            collect(&key, pids);
            collect(&value, pids);
        }),
        Value::Struct(fields) => fields.iter().for_each(|(_, value)| collect(&value, pids)),
        Value::Variant(variant) => collect(&Value::Struct(variant.fields()), pids),
        Value::Some(inner) | Value::Ok(inner) | Value::Err(inner) => collect(&inner.value(), pids),
        _ => {}
    }
}

/// A term that says who sent it, so that no two processes write the same, with pids as `there` has them.
pub(super) fn term(local: u64, pids: &[Pid], mut there: impl FnMut(usize, Pid) -> WirePid) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes);
    encoder.tuple(pids.len() + 1).unwrap();
    encoder.int(i64::try_from(local).unwrap());
    pids.iter().enumerate().for_each(|(place, pid)| encoder.pid(there(place, *pid)));
    encoder.finish().unwrap();
    bytes
}

/// The same, to be sent.
pub(super) fn to_send(local: u64, pids: &[Pid]) -> Term {
    Term::new(term(local, pids, |place, _| WirePid::from_bits(place as u64)), pids).unwrap()
}
