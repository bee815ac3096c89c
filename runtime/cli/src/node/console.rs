//! What the prompt knows, shared by its commands, its processes, the completion and the tap: which processes there are, and
//! what has happened.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use snow_dist_runtime::core::groups::GroupChange;
use snow_dist_runtime::{Call, Delegate, GroupChanges, MonitorRef, Node, Pid, Reason, Received};
use tokio::sync::Notify;

use super::screen::Screen;
use super::terms;
use super::words::Failure;

/// What has happened and no `wait` has found, at most.
const EVENTS_KEPT_MAX: usize = 10_000;
/// Calls that wait for a `reply`, at most: the caller of an older one is told that there is no reply.
const CALLS_KEPT_MAX: usize = 1_000;
/// Processes that peers have had started and that have a number, at most: further ones have none.
const PROCESSES_OF_PEERS_MAX: usize = 1_000;
/// Pids of other nodes that completion offers, at most.
const PIDS_OFFERED_MAX: usize = 32;

/// What the prompt knows. Cheap to clone.
#[derive(Clone)]
pub(super) struct Console(Arc<Inner>);

struct Inner {
    screen: Screen,
    /// The node, and the process that acts unless another is named. Known from the start of the node on.
    own: OnceLock<(Node, Delegate)>,
    state: Mutex<State>,
    happened: Notify,
}

#[derive(Default)]
struct State {
    /// The process that `$1` is, and so on.
    processes: BTreeMap<usize, Pid>,
    numbers_given: usize,
    /// The end that a DOWN or EXIT of one of them has told, as it is shown.
    told: BTreeMap<usize, String>,
    /// The numbers of those that no command has named: they are forgotten with their ends.
    of_peers: BTreeSet<usize>,
    /// Monitors by which the prompt learns that one of them has ended, with its number.
    watches: BTreeMap<MonitorRef, usize>,
    events: VecDeque<String>,
    calls: VecDeque<(u64, Call)>,
    calls_seen: u64,
    /// Pids of other nodes that were shown last.
    shown: VecDeque<Pid>,
    /// The pid that was shown last as the result of a command.
    it: Option<Pid>,
}

impl State {
    fn number_of(&self, pid: Pid) -> Option<usize> {
        self.processes.iter().find_map(|(number, known)| (*known == pid).then_some(*number))
    }

    fn add(&mut self, pid: Pid) -> usize {
        self.numbers_given += 1;
        self.processes.insert(self.numbers_given, pid);
        self.numbers_given
    }

    /// A DOWN tells more than an EXIT, which may have been sent by one that lives on.
    fn tells(&mut self, received: &Received) {
        let (pid, told) = match received {
            Received::Down { from, reason: Reason::Noconnection, .. } => (*from, "DOWN: noconnection".into()),
            Received::Down { from, reason, .. } => (*from, format!("which has ended: {reason}")),
            Received::Exit { from, reason } => (*from, format!("EXIT: {reason}")),
            _ => return,
        };
        let Some(number) = self.number_of(pid) else { return };
        if matches!(received, Received::Down { .. }) {
            self.told.insert(number, told);
        } else {
            self.told.entry(number).or_insert(told);
        }
    }

    fn forget_of_peer(&mut self, number: usize) {
        if self.of_peers.remove(&number) {
            self.processes.remove(&number);
            self.told.remove(&number);
        }
    }
}

impl Console {
    pub(super) fn new(screen: Screen) -> Self {
        let (own, state) = (OnceLock::new(), Mutex::new(State::default()));
        Self(Arc::new(Inner { screen, own, state, happened: Notify::new() }))
    }

    pub(super) fn set_own(&self, node: Node, own: Delegate) {
        // Set once, when the node starts.
        let _ = self.0.own.set((node, own));
    }

    pub(super) fn own(&self) -> Option<&(Node, Delegate)> {
        self.0.own.get()
    }

    pub(super) fn screen(&self) -> &Screen {
        &self.0.screen
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Processes.
impl Console {
    /// Gives a process its number, as the result of a command.
    pub(super) fn add(&self, pid: Pid) -> usize {
        let mut state = self.lock();
        state.it = Some(pid);
        let number = state.number_of(pid).unwrap_or_else(|| state.add(pid));
        state.of_peers.remove(&number);
        number
    }

    /// Gives a process its number that may be a peer's, until its end is told. None, if there are too many of them.
    pub(super) fn add_of_peer(&self, pid: Pid) -> Option<usize> {
        let mut state = self.lock();
        if let Some(number) = state.number_of(pid) {
            return Some(number);
        }
        if state.of_peers.len() >= PROCESSES_OF_PEERS_MAX {
            return None;
        }
        let number = state.add(pid);
        state.of_peers.insert(number);
        Some(number)
    }

    /// The end of a process is told, by this monitor.
    pub(super) fn watch(&self, reference: MonitorRef, number: usize) {
        self.lock().watches.insert(reference, number);
    }

    /// The processes with a number.
    pub(super) fn processes(&self) -> BTreeMap<usize, Pid> {
        self.lock().processes.clone()
    }

    /// Returns the end that was told of the process with this number, or `None`.
    pub(super) fn told(&self, number: usize) -> Option<String> {
        self.lock().told.get(&number).cloned()
    }

    /// A pid is the result of a command.
    pub(super) fn found(&self, pid: Pid) -> String {
        self.lock().it = Some(pid);
        self.shown(pid)
    }

    /// A process as people write it: `$1`, `self`, or its pid with the name of its node.
    pub(super) fn shown(&self, pid: Pid) -> String {
        let mut state = self.lock();
        if let Some(number) = state.number_of(pid) {
            return format!("${number}");
        }
        if self.own().is_some_and(|(_, own)| own.pid() == pid) {
            return "self".into();
        }
        if pid.is_here() {
            return pid.to_string();
        }
        state.shown.retain(|shown| *shown != pid);
        state.shown.push_back(pid);
        if state.shown.len() > PIDS_OFFERED_MAX {
            state.shown.pop_front();
        }
        drop(state);
        match self.own().and_then(|(node, _)| node.node_of(pid)) {
            Some(node) => format!("{pid} on {node}"),
            None => pid.to_string(),
        }
    }

    /// Pids of other nodes that were shown last.
    pub(super) fn shown_last(&self) -> Vec<Pid> {
        self.lock().shown.iter().copied().collect()
    }

    /// The process that somebody names as [`shown`](Self::shown) does; nothing, if it is no such name.
    pub(super) fn named(&self, name: &str) -> Result<Option<Pid>, Failure> {
        if let Some(number) = name.strip_prefix('$') {
            let state = self.lock();
            let pid = number.parse().ok().and_then(|number: usize| state.processes.get(&number)).copied();
            return pid
                .map(Some)
                .ok_or_else(|| Failure::new(format_args!("there is no process {name}: `spawn` starts one")));
        }
        match name {
            "self" => Ok(self.own().map(|(_, own)| own.pid())),
            "it" => self.lock().it.map(Some).ok_or_else(|| Failure::new("nothing has shown a process yet")),
            _ if name.starts_with('<') => pid_of(name).map(Some),
            _ => Ok(None),
        }
    }
}

/// A pid as it is shown: `<node.number.creation>`.
fn pid_of(text: &str) -> Result<Pid, Failure> {
    use snow_dist_runtime::NodeNumber;
    let wrong =
        || Failure::new(format_args!("{text} is no pid: one is <node.number.creation>, such as <1.5.203>"));
    let inner = text.strip_prefix('<').and_then(|text| text.strip_suffix('>')).ok_or_else(wrong)?;
    let parts: Vec<u64> = inner.split('.').map(str::parse).collect::<Result<_, _>>().map_err(|_| wrong())?;
    let [node, local, creation] = parts[..] else { return Err(wrong()) };
    let creation = u8::try_from(creation).map_err(|_| wrong())?;
    let node = if node == 0 { NodeNumber::HERE } else { NodeNumber::other(node).ok_or_else(wrong)? };
    let pid = Pid::new(node, creation, local);
    if pid.local() == local { Ok(pid) } else { Err(wrong()) }
}

/// What happens.
impl Console {
    /// Tells of something, and keeps it for `wait`.
    pub(super) fn happens(&self, event: String) {
        self.0.screen.tell(&format!("* {event}"));
        let mut state = self.lock();
        state.events.push_back(event);
        if state.events.len() > EVENTS_KEPT_MAX {
            state.events.pop_front();
        }
        drop(state);
        self.0.happened.notify_waiters();
    }

    /// Waits for something whose line has these words. Each thing that happens is found once.
    pub(super) async fn wait(&self, words: &str) {
        loop {
            let mut happened = std::pin::pin!(self.0.happened.notified());
            happened.as_mut().enable();
            if self.finds(words) {
                return;
            }
            happened.await;
        }
    }

    fn finds(&self, words: &str) -> bool {
        let events = &mut self.lock().events;
        let found = events.iter().position(|event| event.contains(words));
        found.and_then(|at| events.remove(at)).is_some()
    }

    /// A process of the prompt has received something.
    pub(super) fn received(&self, pid: Pid, received: Received) {
        self.lock().tells(&received);
        match received {
            Received::NodeUp { name } => return self.happens(format!("up {name}")),
            Received::NodeDown { name } => return self.happens(format!("down {name}")),
            Received::Down { reference, ref reason, .. } => {
                let mut state = self.lock();
                let watched = state.watches.remove(&reference);
                watched.into_iter().for_each(|number| state.forget_of_peer(number));
                drop(state);
                if let Some(number) = watched {
                    return self.happens(format!("${number} has ended: {reason}"));
                }
            }
            _ => {}
        }
        let who = self.shown(pid);
        self.happens(match received {
            Received::Message(message) => format!("{who} got {}", terms::shown(&message)),
            Received::Call(call) => {
                let (from, request) = (self.shown(call.from()), terms::shown(call.message()));
                format!("{who} got call {} from {from}: {request}", self.keep(call))
            }
            Received::Exit { from, reason } => format!("{who} got EXIT of {}: {reason}", self.shown(from)),
            Received::Down { reference, from, reason } => {
                format!("{who} got DOWN of {} (monitor {}): {reason}", self.shown(from), reference.number())
            }
            Received::NameConflict { name, winner } => {
                format!("{who} has lost the global name {name:?} to {}", self.shown(winner))
            }
            other => format!("{who} got {other:?}"),
        });
    }

    /// Tells of members of groups, of all nodes, as long as the node takes part.
    pub(super) async fn tell_of(&self, mut changes: GroupChanges) {
        while let Some(change) = changes.next().await {
            match change {
                GroupChange::Joined { group, pid } => {
                    self.happens(format!("{} joins {group}", self.shown(pid)))
                }
                GroupChange::Left { group, pid } => {
                    self.happens(format!("{} leaves {group}", self.shown(pid)))
                }
                _ => {}
            }
        }
    }

    /// Keeps a call for `reply`, under a number.
    fn keep(&self, call: Call) -> u64 {
        let mut state = self.lock();
        state.calls_seen += 1;
        let number = state.calls_seen;
        state.calls.push_back((number, call));
        let oldest = if state.calls.len() > CALLS_KEPT_MAX { state.calls.pop_front() } else { None };
        drop(state);
        // Its caller is told, which nobody does under a lock.
        drop(oldest);
        number
    }

    /// Takes the call of that number.
    pub(super) fn take_call(&self, number: &str) -> Result<Call, Failure> {
        let mut state = self.lock();
        let is_it = |(known, _): &(u64, Call)| number.parse() == Ok(*known);
        let found = state.calls.iter().position(is_it).and_then(|at| state.calls.remove(at));
        found
            .map(|(_, call)| call)
            .ok_or_else(|| Failure::new(format_args!("there is no call {number} to reply to")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use snow_dist_runtime::NodeNumber;

    fn pid(local: usize) -> Pid {
        Pid::new(NodeNumber::HERE, 1, local as u64)
    }

    #[test]
    fn a_down_tells_that_a_process_has_ended_and_an_exit_or_a_lost_session_do_not() {
        let mut state = State::default();
        let (from, reference) = (pid(1), MonitorRef::new(1));
        let number = state.add(from);
        let mut told = |received| {
            state.tells(&received);
            state.told.get(&number).cloned().unwrap_or_default()
        };
        assert_eq!(told(Received::NodeUp { name: "b@h:1".into() }), "");
        assert_eq!(told(Received::Exit { from: pid(2), reason: Reason::Killed }), "");
        assert_eq!(told(Received::Exit { from, reason: Reason::Shutdown }), "EXIT: shutdown");
        assert_eq!(
            told(Received::Down { reference, from, reason: Reason::Noconnection }),
            "DOWN: noconnection"
        );
        assert_eq!(
            told(Received::Down { reference, from, reason: Reason::Killed }),
            "which has ended: killed"
        );
        assert_eq!(told(Received::Exit { from, reason: Reason::Shutdown }), "which has ended: killed");
    }

    #[test]
    fn processes_of_peers_are_bounded_forgotten_and_never_it() {
        let console = Console::new(Screen::output());
        assert_eq!(console.add(pid(1)), 1);
        for local in 2..2 + PROCESSES_OF_PEERS_MAX {
            assert_eq!(console.add_of_peer(pid(local)), Some(local));
        }
        assert_eq!(console.add_of_peer(pid(9_999)), None);
        assert_eq!(console.named("it").ok().flatten(), Some(pid(1)));
        // What a command has named is its own.
        assert_eq!((console.add(pid(2)), console.add_of_peer(pid(2))), (2, Some(2)));
        for number in [1, 2, 3] {
            console.lock().forget_of_peer(number);
        }
        assert_eq!((console.shown(pid(2)), console.shown(pid(3))), ("$2".into(), pid(3).to_string()));
        assert_eq!(console.processes().len(), PROCESSES_OF_PEERS_MAX);
        assert_eq!(console.add(pid(9_999)), PROCESSES_OF_PEERS_MAX + 2, "no number is given twice");
    }
}
