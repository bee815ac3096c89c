//! Exit reasons, with hops as this node knows them.

use serde_json::{Value, json};
use snow_dist_codec::{Pid, Reason as WireReason, ReasonBuf, Root as WireRoot, UnknownRoot};

use super::{Other, Toy};
use crate::defects::Defect;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reason {
    pub(super) hops: Vec<Hop>,
    pub(super) root: Root,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Hop {
    Own(u64),
    Other(Other),
    Unknown(Pid),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Root {
    Normal,
    Error(String),
    Killed,
    Shutdown,
    Custom(String),
    Noconnection,
    Unknown(Vec<u8>),
}

/// Bytes of a reason on the wire.
const BYTES_MAX: usize = 4_096;
/// Bytes of a text: a tag, a length and a hop have room beside it.
const TEXT_MAX: usize = 4_078;

impl Reason {
    pub(super) fn error(text: &str) -> Self {
        Self { hops: Vec::new(), root: Root::Error(text.to_owned()) }
    }

    pub(super) fn ends(&self) -> bool {
        !self.hops.is_empty() || !matches!(self.root, Root::Normal | Root::Shutdown)
    }

    pub(super) fn custom(text: &str) -> Self {
        Self { hops: Vec::new(), root: Root::Custom(text.to_owned()) }
    }

    pub(super) fn linked(from: Other, reason: &Self) -> Self {
        let hops = std::iter::once(Hop::Other(from)).chain(reason.hops.iter().cloned()).collect();
        Self { hops, root: reason.root.clone() }
    }

    pub(super) fn of_wire(toy: &Toy, peer: &Other, wire: &WireReason<'_>) -> Self {
        let hop = |pid: Pid| match pid.node() {
            0 if pid.creation() == peer.creation => Hop::Other(Other { local: pid.local(), ..peer.clone() }),
            0xFFFE if pid.creation() == toy.creation() => Hop::Own(pid.local()),
            _ => Hop::Unknown(pid),
        };
        let root = match &wire.root {
            WireRoot::Normal => Root::Normal,
            WireRoot::Error(text) => Root::Error(text.as_str().into()),
            WireRoot::Killed => Root::Killed,
            WireRoot::Shutdown => Root::Shutdown,
            WireRoot::Custom(text) => Root::Custom(text.as_str().into()),
            WireRoot::Noconnection => Root::Noconnection,
            WireRoot::Unknown(unknown) => Root::Unknown([&[unknown.tag()], unknown.payload()].concat()),
        };
        Self { hops: wire.hops().map(hop).collect(), root }
    }

    pub(super) fn to_wire(&self, toy: &Toy, peer: &Other) -> ReasonBuf {
        let text_max = if toy.has(Defect::ReasonCut) { 16 } else { TEXT_MAX };
        let cut = |text: &'_ str| text[..text.floor_char_boundary(text_max)].to_owned();
        let (error, custom);
        let root = match &self.root {
            _ if toy.has(Defect::ReasonLost) => WireRoot::Normal,
            Root::Normal => WireRoot::Normal,
            Root::Error(text) => {
                error = cut(text);
                WireRoot::Error(error.as_str().into())
            }
            Root::Killed => WireRoot::Killed,
            Root::Shutdown => WireRoot::Shutdown,
            Root::Custom(text) => {
                custom = cut(text);
                WireRoot::Custom(custom.as_str().into())
            }
            Root::Noconnection => WireRoot::Noconnection,
            Root::Unknown(bytes) if bytes.len() < TEXT_MAX => {
                WireRoot::Unknown(UnknownRoot::new(bytes).unwrap())
            }
            Root::Unknown(_) => WireRoot::Error("unknown".into()),
        };
        let hops_max = (BYTES_MAX - WireReason::from(root).encoded_len()) / 9;
        let hops: Vec<_> = self.hops.iter().take(hops_max).map(|hop| there(toy, peer, hop)).collect();
        ReasonBuf::new(hops.into_iter(), &root)
    }

    pub(super) fn to_json(&self) -> Value {
        let root = match &self.root {
            Root::Normal => json!({"kind": "normal"}),
            Root::Error(text) => json!({"kind": "error", "text": text}),
            Root::Killed => json!({"kind": "killed"}),
            Root::Shutdown => json!({"kind": "shutdown"}),
            Root::Custom(text) => json!({"kind": "custom", "text": text}),
            Root::Noconnection => json!({"kind": "noconnection"}),
            Root::Unknown(_) => json!({"kind": "unknown"}),
        };
        if self.hops.is_empty() { root } else { json!({"kind": "linked", "root": root}) }
    }

    pub(super) fn of_json(value: &Value) -> Self {
        let text = || value["text"].as_str().unwrap_or_default().to_owned();
        let root = match value["kind"].as_str().unwrap_or_default() {
            "error" => Root::Error(text()),
            "killed" => Root::Killed,
            "shutdown" => Root::Shutdown,
            "custom" => Root::Custom(text()),
            _ => Root::Normal,
        };
        Self { hops: Vec::new(), root }
    }
}

/// A hop as the peer reads it.
fn there(toy: &Toy, peer: &Other, hop: &Hop) -> Pid {
    let (node, creation, local) = match hop {
        Hop::Own(local) => (0, toy.creation(), *local),
        Hop::Other(_) | Hop::Unknown(_) if toy.has(Defect::HopsUntranslated) => return raw(hop),
        Hop::Other(other) if (&other.node, other.incarnation) == (&peer.node, peer.incarnation) => {
            (0xFFFE, other.creation, other.local)
        }
        Hop::Other(other) => (0xFFFF, other.creation, other.local),
        Hop::Unknown(pid) => (0xFFFF, pid.creation(), pid.local()),
    };
    Pid::new(node, creation, local).unwrap()
}

fn raw(hop: &Hop) -> Pid {
    match hop {
        Hop::Other(other) => Pid::new(0, other.creation, other.local).unwrap(),
        Hop::Unknown(pid) => *pid,
        Hop::Own(local) => Pid::new(0, 0, *local).unwrap(),
    }
}
