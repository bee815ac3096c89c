//! The model `clean-up`: this node beside one of version 1, which forgets a session late and by its name, and goes on
//! serving the connection of one that it has forgotten.
//!
//! On this side stands [`Peers`], as it runs in a node. The other side is what unmodified nodes were seen to do
//! (`spec/version1.md`, "Connections"). Time is counted in seconds, and passes only where somebody waits for it. What
//! both ends can notice is noticed, and forgotten, before a second has passed; what is lost without a word is not.

use std::collections::VecDeque;
use std::time::Duration;

use snow_dist_runtime::core::limits::VERSION_1_CLEANUP;
use snow_dist_runtime::core::peers::{Action, ConnectionId, DialDecision, Peers, ReplyDecision, Sign};
use stateright::{Model, Property};

use crate::search::{Size, Words, search};

pub const NAME: &str = "clean-up";
pub const WHAT: &str =
    "a version 1 node forgets sessions late and by name, and serves those that it has forgotten";

const OWN: &str = "m@h:1";
const THEIRS: [&str; 2] = ["a@h:1", "z@h:1"];

/// How often each thing can still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Left {
    pub our_dials: u8,
    /// Their program connects, whether they have a session or not.
    pub their_dials: u8,
    /// A connection breaks, and both ends learn of it.
    pub breaks: u8,
    /// A connection breaks, and each end learns of it at any time.
    pub losses: u8,
    /// One of their processes sends something.
    pub uses: u8,
    pub restarts: u8,
}

pub const BOUNDS: Left = Left { our_dials: 1, their_dials: 3, breaks: 1, losses: 1, uses: 1, restarts: 1 };
pub const SMALL: Left = Left { our_dials: 1, their_dials: 2, breaks: 1, losses: 1, uses: 0, restarts: 1 };
pub const DEEP: Left = Left { our_dials: 2, their_dials: 3, breaks: 2, losses: 1, uses: 1, restarts: 1 };

/// The bounds.
#[derive(Clone, Debug)]
struct CleanUp {
    left: Left,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    name: &'static str,
    ours: Peers,
    seconds: u64,
    /// The session that they find.
    table: Option<usize>,
    connections: Vec<Connection>,
    left: Left,
    /// A connection was lost without a word.
    is_lossy: bool,
    /// They took another session out of their table than the one that has ended, and of whose end they knew in time.
    took_another: bool,
    /// A dial began when all was at rest, and nothing has gone wrong since.
    must_come_up: bool,
    /// This node has replaced a session that they had lost sight of.
    replaced: bool,
    /// This node has kept a session because they used it.
    kept: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Connection {
    is_lost: bool,
    ours: Ours,
    theirs: Theirs,
    to_ours: VecDeque<Item>,
    to_theirs: VecDeque<Item>,
    /// What this node waits for, and whether its PING is answered.
    probe: Option<(Sign, bool)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Ours {
    Dialling,
    Replied,
    Accepted,
    Waiting,
    Session,
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Theirs {
    /// NAME is under way to their acceptor.
    Accepting,
    /// They have answered it, and wait for REPLY.
    Challenging,
    /// They have sent REPLY, and wait for ACK.
    Dialling,
    /// Its two threads run, whether the table has it or not.
    Serving,
    /// The connection has ended, and its second thread will look.
    Over,
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Item {
    Challenge,
    Reply,
    Ack,
    Ping,
    Pong,
    /// A frame that they write only on the session that their table has.
    Use,
    Fin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Step {
    HearName(usize),
    HearOurs(usize),
    HearTheirs(usize),
    NoticeOurs(usize),
    NoticeTheirs(usize),
    CleanUp(usize),
    ProbeOver(usize),
    Second,
    OurDial,
    TheirDial,
    Break(usize),
    Lose(usize),
    Use,
    Restart,
}

const fn id(connection: usize) -> ConnectionId {
    ConnectionId(connection as u64 + 1)
}

impl World {
    fn new(name: &'static str, left: Left) -> Self {
        Self {
            name,
            ours: Peers::new(OWN, 1),
            seconds: 0,
            table: None,
            connections: Vec::new(),
            left,
            is_lossy: false,
            took_another: false,
            must_come_up: false,
            replaced: false,
            kept: false,
        }
    }

    fn begin(&mut self, ours: Ours, theirs: Theirs) -> usize {
        let (to_ours, to_theirs) = (VecDeque::new(), VecDeque::new());
        self.connections.push(Connection { is_lost: false, ours, theirs, to_ours, to_theirs, probe: None });
        self.connections.len() - 1
    }

    fn send_ours(&mut self, of: usize, item: Item) {
        let it = &mut self.connections[of];
        if !it.is_lost && it.ours != Ours::Closed {
            it.to_ours.push_back(item);
        }
    }

    fn send_theirs(&mut self, of: usize, item: Item) {
        let it = &mut self.connections[of];
        if !it.is_lost && it.theirs != Theirs::Closed {
            it.to_theirs.push_back(item);
        }
    }

    // This node.

    /// What the records order, carried out.
    fn obey(&mut self) {
        while let Some(action) = self.ours.poll_action() {
            let (Action::Up(ConnectionId(of))
            | Action::Reject(ConnectionId(of), _)
            | Action::Close(ConnectionId(of))
            | Action::Probe(ConnectionId(of), _)
            | Action::End(ConnectionId(of))) = action;
            let of = of as usize - 1;
            match action {
                Action::Up(_) => {
                    if self.connections[of].ours == Ours::Waiting {
                        self.send_theirs(of, Item::Ack);
                    }
                    self.connections[of].ours = Ours::Session;
                }
                Action::Reject(..) | Action::Close(_) => self.close_ours(of),
                Action::Probe(_, sign) => {
                    self.connections[of].probe = Some((sign, false));
                    self.send_theirs(of, Item::Ping);
                }
                Action::End(_) => self.over(of),
            }
        }
    }

    fn over(&mut self, of: usize) {
        self.close_ours(of);
        self.ours.ending(self.name, id(of));
        self.ours.ended(self.name, id(of));
        self.obey();
    }

    fn close_ours(&mut self, of: usize) {
        self.send_theirs(of, Item::Fin);
        let it = &mut self.connections[of];
        it.ours = Ours::Closed;
        it.to_ours.clear();
        it.probe = None;
    }

    /// False if it has to wait.
    fn hear_ours(&mut self, of: usize) -> bool {
        let item = self.connections[of].to_ours[0];
        if item == Item::Challenge {
            match self.ours.may_reply(self.name, id(of), true) {
                ReplyDecision::Wait(_) => return false,
                ReplyDecision::Close => {
                    self.close_ours(of);
                    return true;
                }
                ReplyDecision::Send => {
                    self.connections[of].ours = Ours::Replied;
                    self.send_theirs(of, Item::Reply);
                }
            }
        }
        self.connections[of].to_ours.pop_front();
        let it = &mut self.connections[of];
        match (item, it.ours) {
            (Item::Reply, Ours::Accepted) => {
                it.ours = Ours::Waiting;
                self.ours.verified(self.name, id(of), None);
            }
            (Item::Ack, Ours::Replied) => self.ours.acked(self.name, id(of), None),
            (Item::Pong | Item::Use, Ours::Session) => self.show(of, item),
            (Item::Fin, _) => self.over(of),
            _ => {}
        }
        self.obey();
        true
    }

    /// A frame of the session has come: perhaps what a probe waits for.
    fn show(&mut self, of: usize, item: Item) {
        let Some((sign, is_answered)) = &mut self.connections[of].probe else { return };
        let sign = *sign;
        if sign == Sign::Use && item == Item::Pong {
            *is_answered = true;
        } else if sign == Sign::Life || *is_answered {
            self.kept |= item == Item::Use;
            self.connections[of].probe = None;
            self.ours.alive(self.name, id(of), sign);
        }
    }

    fn probe_over(&mut self, of: usize) {
        self.replaced |= self.table != Some(of);
        self.over(of);
    }

    fn second(&mut self) {
        self.seconds += VERSION_1_CLEANUP.as_secs().max(1);
        self.ours.tell_time(Duration::from_secs(self.seconds));
        self.obey();
    }

    fn restart(&mut self) {
        for of in 0..self.connections.len() {
            if self.connections[of].ours != Ours::Closed {
                self.close_ours(of);
            }
        }
        (self.ours, self.seconds) = (Peers::new(OWN, 1), 0);
        self.ours.begun(ConnectionId(self.connections.len() as u64));
    }

    // They.

    fn hear_name(&mut self, of: usize) {
        if self.table.is_some() {
            return self.close_theirs(of);
        }
        self.connections[of].theirs = Theirs::Challenging;
        self.send_ours(of, Item::Challenge);
    }

    fn hear_theirs(&mut self, of: usize) {
        let Some(item) = self.connections[of].to_theirs.pop_front() else { return };
        match (item, self.connections[of].theirs) {
            (Item::Reply, Theirs::Challenging) => {
                self.send_ours(of, Item::Ack);
                self.register(of);
            }
            (Item::Ack, Theirs::Dialling) => self.register(of),
            (Item::Ping, Theirs::Serving) => self.send_ours(of, Item::Pong),
            (Item::Fin, _) => self.notice_theirs(of),
            _ => {}
        }
    }

    /// The smaller name keeps the session that its table has, the larger one puts the new one in its place.
    fn register(&mut self, of: usize) {
        if self.table.is_some() && self.name < OWN {
            return self.close_theirs(of);
        }
        self.table = Some(of);
        self.connections[of].theirs = Theirs::Serving;
    }

    fn notice_theirs(&mut self, of: usize) {
        let it = &mut self.connections[of];
        it.theirs = if it.theirs == Theirs::Serving { Theirs::Over } else { Theirs::Closed };
        it.to_theirs.clear();
        if it.theirs == Theirs::Closed {
            self.send_ours(of, Item::Fin);
        }
    }

    fn close_theirs(&mut self, of: usize) {
        self.send_ours(of, Item::Fin);
        let it = &mut self.connections[of];
        it.theirs = Theirs::Closed;
        it.to_theirs.clear();
    }

    /// By name: whichever connection that is on.
    fn clean_up(&mut self, of: usize) {
        self.took_another |= !self.connections[of].is_lost && self.table.is_some_and(|there| there != of);
        self.table = None;
        self.close_theirs(of);
    }

    // What can happen.

    /// What happens by itself, sooner or later.
    fn own_steps(&self, steps: &mut Vec<Step>) {
        for (of, it) in self.connections.iter().enumerate() {
            if it.theirs == Theirs::Accepting && !it.is_lost {
                steps.push(Step::HearName(of));
            }
            if !it.to_ours.is_empty() {
                steps.push(Step::HearOurs(of));
            }
            if !it.to_theirs.is_empty() && it.theirs != Theirs::Over {
                steps.push(Step::HearTheirs(of));
            }
            if it.is_lost && it.ours != Ours::Closed {
                steps.push(Step::NoticeOurs(of));
            }
            if it.is_lost && !matches!(it.theirs, Theirs::Over | Theirs::Closed) {
                steps.push(Step::NoticeTheirs(of));
            }
            if it.theirs == Theirs::Over {
                steps.push(Step::CleanUp(of));
            }
            // What is under way arrives in time.
            let under_way = it.to_theirs.iter().chain(&it.to_ours).next().is_some();
            if it.probe.is_some() && (it.is_lost || !under_way) {
                steps.push(Step::ProbeOver(of));
            }
        }
        if self.is_withheld() && self.is_waited_for() && !self.is_in_doubt() {
            steps.push(Step::Second);
        }
    }

    fn is_withheld(&self) -> bool {
        self.ours.answer_at(self.name).is_some()
    }

    fn is_waited_for(&self) -> bool {
        let waits =
            |it: &Connection| it.ours == Ours::Waiting || it.to_ours.front() == Some(&Item::Challenge);
        self.connections.iter().any(waits)
    }

    /// They have not forgotten yet what has ended, and will within half a second.
    fn is_in_doubt(&self) -> bool {
        let of = |it: &Connection| {
            let has_ended =
                it.ours == Ours::Closed && !matches!(it.theirs, Theirs::Closed | Theirs::Accepting);
            !it.is_lost && (has_ended || it.theirs == Theirs::Over)
        };
        self.connections.iter().any(of)
    }

    fn is_at_rest(&self) -> bool {
        let mut steps = Vec::new();
        self.own_steps(&mut steps);
        steps.is_empty()
    }

    fn other_steps(&self, steps: &mut Vec<Step>) {
        let left = &self.left;
        let mut push = |count, step| {
            if count > 0 {
                steps.push(step);
            }
        };
        push(left.our_dials, Step::OurDial);
        push(left.their_dials, Step::TheirDial);
        push(left.uses, Step::Use);
        push(left.restarts, Step::Restart);
        for (of, it) in self.connections.iter().enumerate() {
            if !it.is_lost && it.ours != Ours::Closed && it.theirs != Theirs::Closed {
                push(left.breaks, Step::Break(of));
                push(left.losses, Step::Lose(of));
            }
        }
    }

    /// False if it cannot happen.
    fn take(&mut self, step: Step) -> bool {
        match step {
            Step::HearName(of) => self.hear_name(of),
            Step::HearOurs(of) => return self.hear_ours(of),
            Step::HearTheirs(of) => self.hear_theirs(of),
            Step::NoticeOurs(of) => self.over(of),
            Step::NoticeTheirs(of) => self.notice_theirs(of),
            Step::CleanUp(of) => self.clean_up(of),
            Step::ProbeOver(of) => self.probe_over(of),
            Step::Second => self.second(),
            Step::OurDial | Step::TheirDial => return self.dial(step == Step::OurDial),
            Step::Break(of) => {
                self.left.breaks -= 1;
                self.must_come_up = false;
                let it = &mut self.connections[of];
                (it.to_ours, it.to_theirs) = (VecDeque::from([Item::Fin]), VecDeque::from([Item::Fin]));
            }
            Step::Lose(of) => {
                self.left.losses -= 1;
                (self.is_lossy, self.must_come_up) = (true, false);
                let it = &mut self.connections[of];
                it.is_lost = true;
                it.to_ours.clear();
                it.to_theirs.clear();
            }
            Step::Use => {
                self.left.uses -= 1;
                let Some(of) = self.table.filter(|of| self.connections[*of].theirs == Theirs::Serving) else {
                    return false;
                };
                self.send_ours(of, Item::Use);
            }
            Step::Restart => {
                self.left.restarts -= 1;
                self.must_come_up = false;
                self.restart();
            }
        }
        true
    }

    fn dial(&mut self, by_us: bool) -> bool {
        let is_at_rest = self.is_at_rest();
        let next = id(self.connections.len());
        if by_us {
            self.left.our_dials -= 1;
            if self.ours.dial(self.name, next) != DialDecision::Start {
                return false;
            }
            self.begin(Ours::Dialling, Theirs::Accepting);
        } else {
            self.left.their_dials -= 1;
            self.ours.begun(next);
            let of = self.begin(Ours::Accepted, Theirs::Dialling);
            self.send_ours(of, Item::Reply);
        }
        self.must_come_up |= is_at_rest;
        true
    }

    fn sessions(&self) -> usize {
        self.connections.iter().filter(|it| it.ours == Ours::Session).count()
    }

    /// Both have the same session, or none.
    fn agree(&self) -> bool {
        self.ours.session(self.name) == self.table.map(id)
    }
}

impl Model for CleanUp {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        THEIRS.map(|name| World::new(name, self.left)).into()
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        world.own_steps(steps);
        world.other_steps(steps);
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let mut world = world.clone();
        world.take(step).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            //= spec/version1.md#v1-elc-003
            //# A node MUST NOT send ACK to a version 1 peer, or REPLY on a dial to one, before
            //# `version_1_cleanup` has passed since its own start, and since the ends of its last session
            //# with that peer and of its last dial to it on which REPLY was sent.
            Property::always(FORGOTTEN, |_, world: &World| !world.took_another),
            Property::always(AGREE, |_, world: &World| {
                world.is_lossy || world.agree() || !world.is_at_rest()
            }),
            Property::always(COMES_UP, |_, world: &World| {
                !world.must_come_up || world.table.is_some() && world.agree() || !world.is_at_rest()
            }),
            Property::always(ONE, |_, world: &World| world.sessions() <= 1),
            Property::sometimes(REPLACED, |_, world: &World| world.replaced && world.agree()),
            Property::sometimes(KEPT, |_, world: &World| world.kept && world.agree()),
        ]
    }
}

const FORGOTTEN: &str = "no session is forgotten in the place of one whose end both have noticed";
const AGREE: &str = "at rest both nodes have the same session, unless a connection was lost without a word";
const COMES_UP: &str = "whoever dials when all is at rest has a session in the end";
const ONE: &str = "never two sessions on this node";
const REPLACED: &str = "a session that they had lost sight of is replaced";
const KEPT: &str = "a session that they use is kept";

/// Explores the model and says what holds. Returns how many states it has, and whether all is as it must be.
#[must_use]
pub fn explore(size: Size, threads: usize) -> (usize, bool) {
    let left = match size {
        Size::Small => SMALL,
        Size::Usual => BOUNDS,
        Size::Deep => DEEP,
    };
    let bounds = format!(
        "{} dials of ours, {} of theirs, {} breaks, {} losses, {} frames, {} restarts",
        left.our_dials, left.their_dials, left.breaks, left.losses, left.uses, left.restarts
    );
    let (properties, situations) = (&[FORGOTTEN, AGREE, COMES_UP, ONE], &[REPLACED, KEPT]);
    search(CleanUp { left }, &Words { name: NAME, what: WHAT, bounds, properties, situations }, size, threads)
}
