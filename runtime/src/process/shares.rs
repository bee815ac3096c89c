//! Who may have how much of what mailboxes keep for other nodes.
//!
//! Nobody's share is a fixed part: it is a part of what is *free*, as in a switch whose ports share one memory. Whoever
//! hoards has taken all of its share before half is gone, since what it takes is no longer free; so there is room for
//! the others, however much one of them takes. A peer may have as much as is free, and so may a mailbox; a peer in one
//! mailbox less, so that neither one process that takes nothing uses up what its peers have, nor one peer what a
//! process has.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::charge::Charge;
use super::sync::{AtomicI64, AtomicU64, Mutex, Ordering};
use crate::core::limits::{MAILBOX_PAIR_PART, PEER_SHARES_MAX, SIGNALS_BEYOND_PART, SIGNALS_RESERVE_PART};

/// What all mailboxes of a node keep for other nodes.
#[derive(Debug)]
pub(crate) struct Shares {
    /// Bytes that are held. Reported in batches by both sides, so that it may be below zero for a moment.
    held: AtomicI64,
    /// How many there may be.
    held_max: i64,
    /// The shares by their numbers: what a mailbox gives back must find its share without a lock.
    blocks: [OnceLock<Box<[Arc<Share>]>>; BLOCKS],
    peers: Mutex<Peers>,
}

/// What is held for one peer.
#[derive(Debug, Default)]
pub(crate) struct Share {
    held: AtomicI64,
    /// As much of it as was in the share when it came.
    in_share: AtomicI64,
    dropped: AtomicU64,
}

/// Which peer has which share.
#[derive(Debug, Default)]
struct Peers {
    by_name: HashMap<Arc<str>, Peer>,
    numbers_given: u32,
    /// Numbers that can be given again.
    unused: Vec<u32>,
}

#[derive(Debug)]
struct Peer {
    number: u32,
    /// How many deliver for it.
    users: usize,
}

/// What can be added for one peer now.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Room {
    /// Bytes that are held of the peer.
    of_peer: Held,
    /// Bytes that nobody has.
    free: usize,
    /// Bytes that signals may still take, of all peers.
    for_signals: usize,
    /// Bytes of signals by which a peer may go beyond its share, and that a mailbox may hold whatever is free.
    floor: usize,
}

/// What is held of somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) bytes: usize,
    /// As much of it as was in the share when it came: the rest are signals, which are not dropped.
    pub(crate) in_share: usize,
}

impl Held {
    const fn beyond(self, charge: Charge) -> usize {
        (self.bytes + charge.bytes()).saturating_sub(self.in_share)
    }
}

impl Room {
    /// Whether the peer may add this.
    pub(crate) const fn peer_takes(self, charge: Charge) -> bool {
        //= spec/session.md#ses-msg-010
        //# A node MUST drop a message of another node by which its mailboxes would keep more than
        //# `mailbox_remote_bytes_max` for other nodes.
        //= spec/session.md#ses-msg-011
        //# A node MUST drop a message by which its mailboxes would keep more than half of
        //# `mailbox_remote_bytes_max` for one peer.
        charge.bytes() <= self.free && self.of_peer.bytes + charge.bytes() <= self.left_by(charge)
    }

    /// Whether a mailbox may add it, of what it holds already so much and so much of this peer.
    pub(crate) const fn mailbox_takes(self, held: usize, held_of_peer: usize, charge: Charge) -> bool {
        //= spec/session.md#ses-msg-012
        //# A node MUST take a mailbox for full for a message by which that mailbox would keep more than half
        //# of `mailbox_remote_bytes_max` for other nodes.
        let held = held + charge.bytes();
        held <= self.left_by(charge) && self.pair_takes(held_of_peer, charge)
    }

    /// Whether a mailbox may add it that holds so much of this peer already. It takes one thing of each peer that has
    /// nothing in it.
    pub(crate) const fn pair_takes(self, held_of_peer: usize, charge: Charge) -> bool {
        //= spec/session.md#ses-msg-013
        //# A node MUST take a mailbox for full for a message by which it would keep more than one message and
        //# more than an eighth of `mailbox_remote_bytes_max` for one peer.
        held_of_peer == 0 || held_of_peer + charge.bytes() <= self.left_by(charge) / MAILBOX_PAIR_PART
    }

    /// Whether a mailbox that does not take this is full because of what its process has not taken. If it is not, others
    /// have taken what was free.
    pub(crate) const fn mailbox_is_full(self, held: usize, charge: Charge) -> bool {
        held + charge.bytes() > self.floor
    }

    /// Whether a peer may add a signal that has so much in the mailbox that it is for. What others hold does not count
    /// against it before the signals of all need more than there is.
    pub(crate) const fn signal_fits(self, pair: Held, charge: Charge) -> bool {
        let pair_fits = self.pair_takes(pair.bytes, charge) || pair.beyond(charge) <= self.floor;
        let peer_fits = self.peer_takes(charge)
            || self.of_peer.beyond(charge) <= self.floor && charge.bytes() <= self.for_signals;
        pair_fits && peer_fits
    }

    /// Bytes of the peer when this was added.
    pub(crate) const fn of_peer_with(self, charge: Charge) -> usize {
        self.of_peer.bytes + charge.bytes()
    }

    const fn left_by(self, charge: Charge) -> usize {
        self.free.saturating_sub(charge.bytes())
    }
}

/// Share number `n` is in block `log2(n)`: `PEER_SHARES_MAX` of them and the one of all others.
const BLOCKS: usize = PEER_SHARES_MAX.ilog2() as usize + 1;

/// The share of all peers for which none is left.
const OF_OTHERS: u32 = 1;

impl Shares {
    pub(crate) fn new(held_max: usize) -> Self {
        Self {
            held: AtomicI64::new(0),
            held_max: signed(held_max),
            blocks: [const { OnceLock::new() }; BLOCKS],
            peers: Mutex::default(),
        }
    }

    /// The share of a peer, to be given back by [`close`](Self::close).
    pub(crate) fn open(&self, peer: &Arc<str>) -> (u32, Arc<Share>) {
        let mut peers = self.peers.lock();
        let number = match peers.by_name.get_mut(peer) {
            Some(known) => {
                known.users += 1;
                known.number
            }
            None => self.give_number(&mut peers, peer),
        };
        (number, self.get(number).cloned().unwrap_or_default())
    }

    fn give_number(&self, peers: &mut Peers, peer: &Arc<str>) -> u32 {
        if peers.numbers_given as usize == PEER_SHARES_MAX && peers.unused.is_empty() {
            self.forget_idle(peers);
        }
        let number = match peers.unused.pop() {
            Some(number) => number,
            None if (peers.numbers_given as usize) < PEER_SHARES_MAX => {
                peers.numbers_given += 1;
                OF_OTHERS + peers.numbers_given
            }
            None => return OF_OTHERS,
        };
        peers.by_name.insert(Arc::clone(peer), Peer { number, users: 1 });
        number
    }

    /// Forgets the peers that have no session and nothing in a mailbox.
    fn forget_idle(&self, peers: &mut Peers) {
        let Peers { by_name, unused, .. } = peers;
        by_name.retain(|_, peer| {
            let held = self.get(peer.number).map_or(0, |share| share.held());
            let idle = peer.users == 0 && held == 0;
            if idle {
                unused.push(peer.number);
            }
            !idle
        });
    }

    /// Nobody delivers for the peer any more that [`open`](Self::open) was called for.
    pub(crate) fn close(&self, peer: &str) {
        if let Some(peer) = self.peers.lock().by_name.get_mut(peer) {
            peer.users = peer.users.saturating_sub(1);
        }
    }

    fn get(&self, number: u32) -> Option<&Arc<Share>> {
        let block = number.checked_ilog2()?;
        let first = 1_u32 << block;
        let shares = self.blocks.get(block as usize)?;
        let shares = shares.get_or_init(|| (0..first).map(|_| Arc::default()).collect());
        shares.get((number - first) as usize)
    }

    /// What a peer may add, of which `unreported` bytes more are held than [`hold`](Self::hold) was told.
    pub(crate) fn room(&self, share: &Share, unreported: usize) -> Room {
        let held = self.held() + signed(unreported);
        let reserve = self.held_max / signed(SIGNALS_RESERVE_PART);
        let free = self.held_max.saturating_sub(held);
        Room {
            of_peer: share.look(unreported),
            free: unsigned(free),
            for_signals: unsigned(free.saturating_add(reserve)),
            floor: unsigned(self.held_max / signed(SIGNALS_BEYOND_PART)),
        }
    }

    /// Notes that so many more bytes are held for a peer.
    pub(crate) fn hold(&self, share: &Share, bytes: usize) {
        if bytes > 0 {
            self.held.fetch_add(signed(bytes), Ordering::Relaxed);
            share.held.fetch_add(signed(bytes), Ordering::Relaxed);
        }
    }

    /// Notes that so many bytes are held less.
    pub(crate) fn release(&self, share: u64, bytes: usize) {
        if bytes > 0 {
            self.held.fetch_sub(signed(bytes), Ordering::Relaxed);
            if let Some(share) = u32::try_from(share).ok().and_then(|number| self.get(number)) {
                share.held.fetch_sub(signed(bytes), Ordering::Relaxed);
            }
        }
    }

    /// Bytes that are held, as far as reported.
    pub(crate) fn held(&self) -> i64 {
        self.held.load(Ordering::Relaxed)
    }
}

impl Share {
    /// What is held, with so much that was not reported. What was taken was of that beyond the share first.
    fn look(&self, unreported: usize) -> Held {
        let held = self.held() + signed(unreported);
        let in_share = self.in_share.load(Ordering::Relaxed);
        if held < in_share {
            self.in_share.store(held, Ordering::Relaxed);
        }
        Held { bytes: unsigned(held), in_share: unsigned(in_share.min(held)) }
    }

    /// So much was in the share when the last of it came.
    pub(crate) fn is_in_share(&self, bytes: usize) {
        self.in_share.store(signed(bytes), Ordering::Relaxed);
    }

    /// Bytes that are held of the peer, as far as reported.
    pub(crate) fn held(&self) -> i64 {
        self.held.load(Ordering::Relaxed)
    }

    /// Counts something of the peer that was dropped. Returns the count if it is to be warned of: a flood of messages must
    /// not become a flood of warnings.
    pub(crate) fn count_dropped(&self) -> Option<u64> {
        let dropped = self.dropped.fetch_add(1, Ordering::Relaxed) + 1;
        dropped.is_power_of_two().then_some(dropped)
    }
}

fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn unsigned(bytes: i64) -> usize {
    usize::try_from(bytes).unwrap_or(0)
}
