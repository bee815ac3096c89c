//! The shares of peers and mailboxes in the memory that mailboxes use for other nodes.
//!
//! A share is not a fixed part of the memory, but a part of what is *free*, as in a network switch whose ports share
//! one buffer. Memory that a peer takes is no longer free, so a peer that takes as much as it can reaches its limit
//! before half of the memory is used. There is always room for the others, however much one of them takes.
//!
//! A peer may have as much as is free, and so may a mailbox. One peer in one mailbox may have less: a process that
//! receives nothing then does not use up the shares of its peers, and one peer does not use up the share of a
//! process. A peer can choose its name freely, so all peers that dial from one address also have a common share.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::charge::Charge;
use crate::core::Source;
use crate::core::limits::{
    MAILBOX_PAIR_PART, PEER_SHARES_MAX, SIGNALS_BEYOND_PART, SIGNALS_RESERVE_PART, SOURCE_SHARE_TIMES,
};
use crate::sync::{AtomicI64, AtomicU64, Mutex, Ordering};

/// The memory that all mailboxes of a node use for other nodes.
#[derive(Debug)]
pub(crate) struct Shares {
    /// The number of bytes that are held. Both sides report in batches, so it can be negative for a moment.
    held: AtomicI64,
    /// The maximum number of bytes.
    held_max: i64,
    /// The shares by number. A mailbox that releases memory must find the share without a lock.
    blocks: [OnceLock<Box<[Arc<Share>]>>; BLOCKS],
    /// The maximum number of shares that are given, besides the share of all others.
    shares_max: u32,
    given: Mutex<Given>,
}

/// The peer for which something is held: its name and, if it has dialled this node, the address it dialled from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Owner {
    pub(crate) name: Arc<str>,
    pub(crate) source: Option<Source>,
}

impl<N: Into<Arc<str>>> From<N> for Owner {
    fn from(name: N) -> Self {
        Self { name: name.into(), source: None }
    }
}

/// The bytes that are held for one peer, or for all peers from one address.
#[derive(Debug, Default)]
struct Share {
    held: AtomicI64,
    /// The part of these bytes that exceeded the share when it came. These are signals, which are never dropped.
    beyond: AtomicI64,
    dropped: AtomicU64,
    /// The number of the share that all peers from this peer's address have in common, or 0.
    of_source: AtomicU64,
}

/// The share of a peer, as the peer's session uses it.
#[derive(Debug)]
pub(crate) struct Account {
    number: u32,
    share: Arc<Share>,
    of_source: Option<Arc<Share>>,
}

/// The assignment of shares to peers.
#[derive(Debug, Default)]
struct Given {
    to: HashMap<Holder, Number>,
    numbers_given: u32,
    /// Numbers that can be reused.
    unused: Vec<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Holder {
    Peer(Owner),
    /// All peers from this address.
    Source(Source),
}

#[derive(Debug)]
struct Number {
    number: u32,
    /// The number of sessions that deliver for the share.
    users: usize,
}

/// The bytes that can be added for one peer now. Negative if there are too many already.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Room {
    /// Bytes that the peer may add in all mailboxes.
    of_peer: i64,
    /// Bytes of signals by which the peer, or all peers from its address, exceed their share.
    beyond: i64,
    /// Free bytes.
    free: i64,
    /// Bytes that the signals of all peers may still use.
    for_signals: i64,
    /// Bytes of signals by which a peer may exceed its share. A mailbox may hold this much however little is free.
    floor: i64,
    /// Bytes that were added since the others were computed. Negative if bytes are left out that they contain.
    added: i64,
}

/// Bytes that are held for a peer, an address or a mailbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) bytes: usize,
    /// The part of these bytes that exceeded the share when it came: signals, which are never dropped. Released bytes
    /// reduce this part first.
    pub(crate) beyond: usize,
}

impl Room {
    /// Computes the room of a peer from the bytes that are held for it, and for all peers from its address if it has
    /// dialled this node.
    fn new(of_peer: Held, of_source: Option<Held>, free: i64, held_max: i64) -> Self {
        //= spec/session.md#ses-msg-010
        //# A node MUST drop a message by which its mailboxes would keep more than `mailbox_remote_bytes_max`
        //# for other nodes.
        //= spec/session.md#ses-msg-011
        //# A node MUST drop a message by which its mailboxes would keep more than half of
        //# `mailbox_remote_bytes_max` for one peer.
        //= spec/session.md#ses-msg-015
        //# A node MUST drop a message by which its mailboxes would keep more than three quarters of
        //# `mailbox_remote_bytes_max` for the peers of sessions that it has accepted from one address.
        // The limits hold after the addition: the peer then has at most as much as is still free, and all peers from
        // its address at most `SOURCE_SHARE_TIMES` times that.
        let with_all_from_there = of_source.map_or(free, |held| {
            let times = signed(SOURCE_SHARE_TIMES);
            (free.saturating_mul(times) - signed(held.bytes)).div_euclid(times + 1)
        });
        let alone = (free - signed(of_peer.bytes)).div_euclid(2);
        Self {
            of_peer: free.min(alone).min(with_all_from_there),
            beyond: signed(of_source.map_or(of_peer.beyond, |held| held.beyond.max(of_peer.beyond))),
            free,
            for_signals: free.saturating_add(held_max / signed(SIGNALS_RESERVE_PART)),
            floor: held_max / signed(SIGNALS_BEYOND_PART),
            added: 0,
        }
    }

    /// Returns `true` if the peer may add this.
    pub(crate) fn peer_takes(&self, charge: Charge) -> bool {
        charge.signed() <= self.of_peer - self.added
    }

    /// Returns `true` if a mailbox may add this. `held` is what the mailbox holds for all nodes, and `held_of_peer`
    /// what it holds for this peer.
    pub(crate) fn mailbox_takes(&self, held: usize, held_of_peer: usize, charge: Charge) -> bool {
        //= spec/session.md#ses-msg-012
        //# A node MUST treat a mailbox as full for a message by which it would keep more than half of
        //# `mailbox_remote_bytes_max` for other nodes.
        signed(held) + charge.signed() <= self.left_by(charge) && self.pair_takes(held_of_peer, charge)
    }

    /// Returns `true` if a mailbox that holds this much for the peer may add this. A mailbox always accepts one item
    /// of each peer that has nothing in it.
    pub(crate) fn pair_takes(&self, held_of_peer: usize, charge: Charge) -> bool {
        //= spec/session.md#ses-msg-013
        //# A node MUST treat a mailbox as full for a message by which it would keep more than one message and
        //# more than an eighth of `mailbox_remote_bytes_max` for one peer.
        let held = signed(held_of_peer) + charge.signed();
        held_of_peer == 0 || held <= self.left_by(charge) / signed(MAILBOX_PAIR_PART)
    }

    /// Returns `true` if a mailbox that does not accept this is full because its process does not receive. Otherwise
    /// other mailboxes have used the free memory.
    pub(crate) fn mailbox_is_full(&self, held: usize, charge: Charge) -> bool {
        signed(held) + charge.signed() > self.floor
    }

    /// Returns `true` if a peer that has this much in the receiver's mailbox may add a signal. Memory that others
    /// hold does not count against the peer until the signals of all peers exceed their reserve.
    pub(crate) fn signal_fits(&self, pair: Held, charge: Charge) -> bool {
        let pair_fits =
            self.pair_takes(pair.bytes, charge) || self.may_go_beyond(signed(pair.beyond), charge);
        let peer_fits = self.peer_takes(charge)
            || self.may_go_beyond(self.beyond, charge) && charge.signed() <= self.for_signals - self.added;
        pair_fits && peer_fits
    }

    fn may_go_beyond(&self, beyond: i64, charge: Charge) -> bool {
        beyond + charge.signed() <= self.floor
    }

    /// Returns `true` if signals have exceeded a share of the peer.
    pub(crate) const fn is_beyond(&self) -> bool {
        self.beyond > 0
    }

    /// Notes that this much more is held for the peer.
    pub(crate) fn add(&mut self, bytes: usize) {
        self.added += signed(bytes);
    }

    /// Returns the room as it was before this much was held for the peer.
    pub(crate) fn without(mut self, bytes: usize) -> Self {
        self.added -= signed(bytes);
        self
    }

    fn left_by(&self, charge: Charge) -> i64 {
        (self.free - self.added - charge.signed()).max(0)
    }
}

/// Share number `n` is in block `log2(n)`. There are `PEER_SHARES_MAX` shares, and the common share of all other
/// peers.
const BLOCKS: usize = PEER_SHARES_MAX.ilog2() as usize + 1;

/// The number of the common share of all peers for which no other share is left.
const OF_OTHERS: u32 = 1;

impl Shares {
    pub(crate) fn new(held_max: usize) -> Self {
        Self::with_shares_max(held_max, PEER_SHARES_MAX)
    }

    /// Creates shares for at most this number of peers, which is limited to [`PEER_SHARES_MAX`].
    fn with_shares_max(held_max: usize, shares_max: usize) -> Self {
        Self {
            held: AtomicI64::new(0),
            held_max: signed(held_max),
            blocks: [const { OnceLock::new() }; BLOCKS],
            shares_max: u32::try_from(shares_max.min(PEER_SHARES_MAX)).unwrap_or(u32::MAX),
            given: Mutex::default(),
        }
    }

    /// Returns the share of a peer, to be given back by [`close`](Self::close).
    pub(crate) fn open(&self, owner: &Owner) -> Account {
        let mut given = self.given.lock();
        let of_source = owner.source.map(|source| self.number(&mut given, Holder::Source(source)));
        let number = self.number(&mut given, Holder::Peer(owner.clone()));
        let share = self.share(number);
        // Peers with the common share come from any address.
        let of_source = of_source.filter(|_| number != OF_OTHERS);
        share.of_source.store(of_source.unwrap_or(0).into(), Ordering::Relaxed);
        Account { number, share, of_source: of_source.map(|number| self.share(number)) }
    }

    fn number(&self, given: &mut Given, to: Holder) -> u32 {
        match given.to.get_mut(&to) {
            Some(known) => {
                known.users += 1;
                known.number
            }
            None => self.give_number(given, to),
        }
    }

    fn give_number(&self, given: &mut Given, to: Holder) -> u32 {
        if given.numbers_given == self.shares_max && given.unused.is_empty() {
            self.forget_idle(given);
        }
        let number = match given.unused.pop() {
            Some(number) => number,
            None if given.numbers_given < self.shares_max => {
                given.numbers_given += 1;
                OF_OTHERS + given.numbers_given
            }
            None => return OF_OTHERS,
        };
        self.share(number).begin();
        given.to.insert(to, Number { number, users: 1 });
        number
    }

    /// Frees the numbers of peers that have no session and nothing in a mailbox.
    fn forget_idle(&self, given: &mut Given) {
        let Given { to, unused, .. } = given;
        to.retain(|_, known| {
            let idle = known.users == 0 && self.share(known.number).held() == 0;
            if idle {
                unused.push(known.number);
            }
            !idle
        });
    }

    /// Gives back the share that [`open`](Self::open) has returned, because the session has ended.
    pub(crate) fn close(&self, owner: &Owner) {
        let mut given = self.given.lock();
        let of_source = owner.source.map(Holder::Source);
        for holder in [Some(Holder::Peer(owner.clone())), of_source].into_iter().flatten() {
            if let Some(known) = given.to.get_mut(&holder) {
                known.users = known.users.saturating_sub(1);
            }
        }
    }

    fn share(&self, number: u32) -> Arc<Share> {
        self.get(number).cloned().unwrap_or_default()
    }

    fn get(&self, number: u32) -> Option<&Arc<Share>> {
        let block = number.checked_ilog2()?;
        let first = 1_u32 << block;
        let shares = self.blocks.get(block as usize)?;
        let shares = shares.get_or_init(|| (0..first).map(|_| Arc::default()).collect());
        shares.get((number - first) as usize)
    }

    fn find(&self, number: u64) -> Option<&Arc<Share>> {
        self.get(u32::try_from(number).ok()?)
    }

    /// Returns the room of a peer, for which `unreported` bytes are held in addition to those reported by
    /// [`hold`](Self::hold).
    pub(crate) fn room(&self, account: &Account, unreported: usize) -> Room {
        let free = self.held_max.saturating_sub(self.held() + signed(unreported));
        let of_source = account.of_source.as_ref().map(|share| share.look(unreported));
        Room::new(account.share.look(unreported), of_source, free, self.held_max)
    }

    /// Adds to the bytes that are held for a peer.
    pub(crate) fn hold(&self, account: &Account, bytes: usize) {
        if bytes > 0 {
            self.held.fetch_add(signed(bytes), Ordering::Relaxed);
            for share in account.shares() {
                share.held.fetch_add(signed(bytes), Ordering::Relaxed);
            }
        }
    }

    /// Subtracts bytes that were added a moment ago, or that were in the share. The excess of signals over the share
    /// stays as it is.
    pub(crate) fn take_back(&self, account: &Account, bytes: usize) {
        if bytes > 0 {
            self.held.fetch_sub(signed(bytes), Ordering::Relaxed);
            for share in account.shares() {
                share.held.fetch_sub(signed(bytes), Ordering::Release);
            }
        }
    }

    /// Subtracts bytes that a mailbox has released. The peer's own share is changed last: as soon as nothing is held
    /// for the peer, its number can be given to another one.
    pub(crate) fn release(&self, share: u64, bytes: usize) {
        if bytes > 0 {
            self.held.fetch_sub(signed(bytes), Ordering::Relaxed);
            let Some(share) = self.find(share) else { return };
            if let Some(of_source) = self.find(share.of_source.load(Ordering::Relaxed)) {
                of_source.release(bytes);
            }
            share.release(bytes);
        }
    }

    /// Returns the bytes that are held, as far as reported.
    pub(crate) fn held(&self) -> i64 {
        self.held.load(Ordering::Relaxed)
    }
}

impl Share {
    /// Resets the share, which belongs to another peer from now on.
    fn begin(&self) {
        for count in [&self.dropped, &self.of_source] {
            count.store(0, Ordering::Relaxed);
        }
        self.beyond.store(0, Ordering::Relaxed);
    }

    /// Returns the bytes that are held, including unreported ones.
    fn look(&self, unreported: usize) -> Held {
        let held = self.held() + signed(unreported);
        Held { bytes: unsigned(held), beyond: unsigned(self.beyond.load(Ordering::Relaxed)) }
    }

    fn release(&self, bytes: usize) {
        let beyond = self.beyond.load(Ordering::Relaxed);
        if beyond > 0 {
            self.beyond.fetch_sub(beyond.min(signed(bytes)), Ordering::Relaxed);
        }
        self.held.fetch_sub(signed(bytes), Ordering::Release);
    }

    /// Returns the bytes that are held, as far as reported.
    fn held(&self) -> i64 {
        self.held.load(Ordering::Acquire)
    }

    /// Notes the bytes by which an addition exceeded the share; 0 if it was within the share.
    fn goes_beyond(&self, bytes: usize) {
        if bytes > 0 {
            self.beyond.fetch_add(signed(bytes), Ordering::Relaxed);
        } else if self.beyond.load(Ordering::Relaxed) != 0 {
            self.beyond.store(0, Ordering::Relaxed);
        }
    }
}

impl Account {
    /// Returns the number of the peer's share.
    pub(crate) const fn number(&self) -> u32 {
        self.number
    }

    /// Returns the bytes that are held for the peer, as far as reported.
    #[cfg(test)]
    #[cfg(not(shuttle))]
    pub(crate) fn held(&self) -> i64 {
        self.share.held()
    }

    fn shares(&self) -> impl Iterator<Item = &Arc<Share>> {
        [&self.share].into_iter().chain(&self.of_source)
    }

    /// Notes whether an addition was within the share.
    pub(crate) fn note(&self, charge: Charge, in_share: bool) {
        let beyond = if in_share { 0 } else { charge.bytes() };
        self.shares().for_each(|share| share.goes_beyond(beyond));
    }

    /// Counts a drop of the peer. Returns the count if a warning is due, so that a flood of messages does not become
    /// a flood of warnings.
    pub(crate) fn count_dropped(&self) -> Option<u64> {
        let dropped = self.share.dropped.fetch_add(1, Ordering::Relaxed) + 1;
        dropped.is_power_of_two().then_some(dropped)
    }
}

fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn unsigned(bytes: i64) -> usize {
    usize::try_from(bytes).unwrap_or(0)
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use super::*;

    fn source(address: &str) -> Source {
        address.parse::<std::net::IpAddr>().unwrap().into()
    }

    fn owner(name: &str, address: &str) -> Owner {
        Owner { source: Some(source(address)), ..name.into() }
    }

    /// Adds as much as there is room for, in pieces; gives how much that was.
    fn fill(shares: &Shares, account: &Account) -> usize {
        let charge = Charge::of(account.number(), 0);
        let mut added = 0;
        while shares.room(account, 0).peer_takes(charge) {
            shares.hold(account, charge.bytes());
            added += charge.bytes();
        }
        added
    }

    //= spec/session.md#ses-msg-015
    //= type=test
    //# A node MUST drop a message by which its mailboxes would keep more than three quarters of
    //# `mailbox_remote_bytes_max` for the peers of sessions that it has accepted from one address.
    #[test]
    fn names_of_one_address_have_one_share() {
        let shares = Shares::new(16_000_000);
        let filled: usize = (0..100)
            .map(|number| fill(&shares, &shares.open(&owner(&format!("made-up{number}@h:1"), "192.0.2.1"))))
            .sum();
        assert!((11_900_000..=12_000_000).contains(&filled), "{filled}");
        // Whoever comes from elsewhere, or was dialled, has half of the rest each.
        let elsewhere = fill(&shares, &shares.open(&owner("made-up1@h:1", "192.0.2.2")));
        assert!((1_990_000..=2_010_000).contains(&elsewhere), "{elsewhere}");
        assert!(fill(&shares, &shares.open(&"honest@h:1".into())) > 990_000);
        // What is taken of one name makes room for another one of that address.
        let first = shares.open(&owner("made-up0@h:1", "192.0.2.1"));
        shares.release(first.number().into(), 4_000_000);
        assert!(fill(&shares, &shares.open(&owner("made-up100@h:1", "192.0.2.1"))) > 1_000_000);
    }

    //= spec/session.md#ses-bnd-006
    //= type=test
    //# A node MUST end the session when exit signals of links and DOWNs of the peer go beyond its share, in one
    //# mailbox or in all, by more than a sixty-fourth of `mailbox_remote_bytes_max`.
    #[test]
    fn signals_of_one_address_go_beyond_its_share_once() {
        let shares = Shares::new(640_000);
        fill(&shares, &shares.open(&"other@h:1".into()));
        fill(&shares, &shares.open(&"another@h:1".into()));
        let mut beyond = 0;
        for number in 0..10 {
            let account = shares.open(&owner(&format!("made-up{number}@h:1"), "192.0.2.1"));
            fill(&shares, &account);
            let charge = Charge::of(account.number(), 0);
            while shares.room(&account, 0).signal_fits(Held::default(), charge) {
                assert!(!shares.room(&account, 0).peer_takes(charge));
                account.note(charge, false);
                shares.hold(&account, charge.bytes());
                beyond += charge.bytes();
            }
        }
        assert!((9_800..=10_000).contains(&beyond), "{beyond}");
    }

    #[test]
    fn whoever_has_nothing_any_more_gives_its_share_to_others() {
        let shares = Shares::with_shares_max(1_000_000, 3);
        let names = ["a@h:1", "b@h:1", "c@h:1"].map(Owner::from);
        let accounts = names.each_ref().map(|name| shares.open(name));
        assert_eq!(accounts.each_ref().map(Account::number), [2, 3, 4]);
        assert_eq!([(); 3].map(|()| accounts[0].count_dropped()), [Some(1), Some(2), None]);
        shares.hold(&accounts[1], 500);
        // All further ones have one share, as long as each of the three is used or holds something.
        let [d, e] = ["d@h:1", "e@h:1"].map(Owner::from);
        assert_eq!([shares.open(&d).number(), shares.open(&e).number()], [OF_OTHERS; 2]);
        shares.close(&names[1]);
        shares.hold(&shares.open(&d), 7_000);
        assert_eq!(shares.open(&e).held(), 7_000);
        shares.release(OF_OTHERS.into(), 7_000);

        shares.close(&names[0]);
        let anew = shares.open(&d);
        assert_eq!((anew.number(), anew.held()), (2, 0));
        // What was dropped of the one before is not its.
        assert_eq!(anew.count_dropped(), Some(1));
        // The same peer finds its own again, with what it holds.
        let again = shares.open(&names[1]);
        assert_eq!((again.number(), again.held()), (3, 500));
        shares.close(&names[1]);
        shares.release(3, 500);
        assert_eq!(shares.open(&e).number(), 3);
        assert_eq!(shares.open(&names[1]).number(), OF_OTHERS);
        assert_eq!(shares.held(), 0);
    }

    #[test]
    fn an_address_gives_its_share_back_with_its_last_name() {
        let shares = Shares::with_shares_max(1_000_000, 2);
        let one = owner("a@h:1", "192.0.2.1");
        let account = shares.open(&one);
        shares.hold(&account, 500);
        shares.close(&one);
        assert_eq!(shares.open(&"b@h:1".into()).number(), OF_OTHERS);
        shares.release(account.number().into(), 500);
        let [b, c, d] = ["b@h:1", "c@h:1", "d@h:1"].map(|name| shares.open(&name.into()).number());
        assert_eq!((b.min(c), b.max(c), d), (2, 3, OF_OTHERS));
    }
}
