//! The process of a supervisor. It does one thing after the other, and checks before each one whether it should end.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::pending;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::child::{Again, Process, Shown};
use super::handle::{Answer, Order, Record};
use super::intensity::Intensity;
use super::{Child, ChildError, ChildStatus, Restart, Started, Strategy};
use crate::clock::Clock;
use crate::core::{Pid, Reason, Shown as Escaped};
use crate::foreign::event;
use crate::process::{Context, MonitorRef, Received, SpawnError, shown};
use crate::sync::Mutex;

/// The position of a child in the order of starting.
type Place = u64;

/// The decision to continue, or to end with a reason.
type Go = ControlFlow<Reason>;

pub(super) struct Running {
    ctx: Context,
    clock: Clock,
    strategy: Strategy,
    intensity: Intensity,
    children_max: usize,
    orders: mpsc::Receiver<Order>,
    record: Arc<Record>,
    children: BTreeMap<Place, Present>,
    next_place: Place,
    names: HashMap<Arc<str>, Place>,
    /// The monitors that report the ends of children. Exit signals do not suffice: a child can send one without
    /// ending, and can remove its link.
    monitors: HashMap<MonitorRef, Place>,
    processes: HashMap<Pid, Place>,
    /// Children that have to be started, in order. Each start delays those after it.
    to_start: BTreeSet<Place>,
    /// Children that have ended by themselves, and whose end was not handled yet.
    ended: BTreeSet<Place>,
    /// The callers that wait for the start of a child.
    askers: HashMap<Place, Answer<Pid>>,
    /// The reason with which the supervisor should end, if it should.
    told_to_end: Option<Reason>,
}

struct Present {
    child: Child,
    /// The process of this node that is the child or represents it, while it runs.
    process: Option<Pid>,
    shown: Arc<Mutex<Shown>>,
    /// `true` for a child that was added while the supervisor ran and has not been started yet. If its start fails,
    /// it is removed.
    is_new: bool,
    last_end: Option<Reason>,
}

impl Present {
    fn pid(&self) -> Option<Pid> {
        let process = self.process?;
        match self.shown.lock().process {
            Process::Own => Some(process),
            Process::Nobody | Process::Lost => None,
            Process::There(pid) => Some(pid),
        }
    }

    /// Returns `true` if the child ran on another node, and has ended because the session with that node has.
    fn is_lost(&self) -> bool {
        matches!(self.shown.lock().process, Process::Lost)
    }

    /// Counts a start again and logs it: now, or when the other node has started the child.
    fn starts_again(&self, again: Again) {
        let mut shown = self.shown.lock();
        if self.child.is_remote {
            shown.due = Some(again);
        } else {
            shown.restarts += 1;
            drop(shown);
            again.tell();
        }
    }
}

impl Running {
    pub(super) fn new(
        ctx: Context,
        strategy: Strategy,
        intensity: Intensity,
        children_max: usize,
        orders: mpsc::Receiver<Order>,
        record: Arc<Record>,
    ) -> Self {
        Self {
            ctx,
            clock: Clock::start(),
            strategy,
            intensity,
            children_max,
            orders,
            record,
            children: BTreeMap::new(),
            next_place: 0,
            names: HashMap::new(),
            monitors: HashMap::new(),
            processes: HashMap::new(),
            to_start: BTreeSet::new(),
            ended: BTreeSet::new(),
            askers: HashMap::new(),
            told_to_end: None,
        }
    }

    /// Adds the initial children.
    pub(super) fn adopt(&mut self, children: Vec<Child>) -> Result<(), ChildError> {
        children.into_iter().try_for_each(|child| self.add(child).map(|_| ()))
    }

    pub(super) async fn run(&mut self, started: Started) -> Reason {
        self.ctx.trap_exit(true);
        let mut started = Some(started);
        loop {
            if let ControlFlow::Break(reason) = self.turn(&mut started).await {
                self.stop_from(0).await;
                return reason;
            }
        }
    }

    async fn turn(&mut self, started: &mut Option<Started>) -> Go {
        if let Some(reason) = self.told_to_end.take() {
            return ControlFlow::Break(reason);
        }
        if let Some(place) = self.ended.pop_first() {
            self.look_at_end(place).await?;
        } else if let Some(place) = self.to_start.pop_first() {
            self.start(place).await?;
        } else {
            // Only the first of these reports has an effect.
            let _ = self.record.started.set(());
            started.take().into_iter().for_each(Started::tell);
            return self.wait().await;
        }
        // Children that fail again and again must not delay requests.
        match self.orders.try_recv() {
            Ok(order) => self.obey(order).await,
            Err(_) => ControlFlow::Continue(()),
        }
    }

    async fn wait(&mut self) -> Go {
        tokio::select! {
            received = self.ctx.recv() => self.note(received),
            () = is_set(&self.record) => self.told_to_end = Some(Reason::Shutdown),
            order = next(&mut self.orders) => return self.obey(order).await,
        }
        ControlFlow::Continue(())
    }

    fn add(&mut self, child: Child) -> Result<Place, ChildError> {
        if self.names.contains_key(&child.name) {
            return Err(ChildError::NameTaken { name: child.name.clone() });
        }
        if self.children.len() >= self.children_max {
            return Err(ChildError::TooMany { max: self.children_max });
        }
        let place = self.next_place;
        self.next_place += 1;
        self.names.insert(child.name.clone(), place);
        self.to_start.insert(place);
        let present = Present { child, process: None, shown: Arc::default(), is_new: false, last_end: None };
        self.children.insert(place, present);
        Ok(place)
    }

    fn forget(&mut self, place: Place) {
        self.ended.remove(&place);
        self.to_start.remove(&place);
        if let Some(present) = self.children.remove(&place) {
            self.names.remove(&present.child.name);
        }
    }

    /// Handles a received item, whatever the supervisor is waiting for. Messages are ignored.
    fn note(&mut self, received: Received) {
        match received {
            Received::Down { reference, from, reason } => {
                if let Some(place) = self.monitors.remove(&reference) {
                    self.processes.remove(&from);
                    self.has_ended(place, reason);
                }
            }
            Received::Exit { from, reason } if self.is_strange(from) && reason != Reason::Normal => {
                self.told_to_end.get_or_insert(reason);
            }
            _ => {}
        }
    }

    /// Returns `true` if this is not the process of a running child.
    fn is_strange(&self, process: Pid) -> bool {
        !self.processes.contains_key(&process)
    }

    fn has_ended(&mut self, place: Place, reason: Reason) {
        if let Some(present) = self.children.get_mut(&place) {
            present.process = None;
            present.last_end = Some(if present.is_lost() { Reason::Noconnection } else { reason });
            self.ended.insert(place);
        }
    }
}

/// Starting, and starting again.
impl Running {
    /// Starts a child if it does not run, and waits until it has reported its start or has ended.
    async fn start(&mut self, place: Place) -> Go {
        let Some(present) = self.children.get_mut(&place) else { return ControlFlow::Continue(()) };
        if present.process.is_some() {
            return ControlFlow::Continue(());
        }
        let (tells, told) = oneshot::channel();
        present.shown.lock().process = Process::Own;
        let (begin, started) = (present.child.begin.clone(), Started::new(tells, present.shown.clone()));
        let (longest, name) = (present.child.starts_within, present.child.name.clone());
        let life = move |ctx: Context| {
            ctx.describe(&name);
            begin.life(ctx, started)
        };
        let process = match self.ctx.spawn_link(life) {
            Ok(process) => process,
            Err(SpawnError::Stopped | SpawnError::RuntimeGone | SpawnError::Ended) => {
                return ControlFlow::Break(Reason::Shutdown);
            }
            Err(error) => return ControlFlow::Break(Reason::error(error.to_string())),
        };
        present.process = Some(process);
        self.processes.insert(process, place);
        self.ctx.supervise(process);
        // Monitoring a process of this node is not refused.
        if let Ok(reference) = self.ctx.monitor(process).await {
            self.monitors.insert(reference, place);
        }
        let is_started = self.wait_for_start(place, process, told, longest).await;
        if is_started {
            self.has_started(place, process);
        }
        ControlFlow::Continue(())
    }

    /// Waits until a child has reported its start. Returns `true` if it has, even if it has ended meanwhile.
    async fn wait_for_start(
        &mut self,
        place: Place,
        process: Pid,
        mut told: oneshot::Receiver<()>,
        longest: Duration,
    ) -> bool {
        let due = self.due(longest);
        while self.runs(place) && self.told_to_end.is_none() {
            tokio::select! {
                // A child that drops the handle has most likely ended, and its DOWN brings the reason.
                Ok(()) = &mut told, if !told.is_terminated() => return true,
                received = self.ctx.recv() => self.note(received),
                () = is_set(&self.record) => self.told_to_end = Some(Reason::Shutdown),
                () = until(due) => self.kill_unstarted(place, process, longest).await,
            }
        }
        told.try_recv().is_ok()
    }

    /// Kills a child that has not reported its start in time. The reason of its end names the limit, because the end
    /// of a killed process does not say what it was killed for.
    async fn kill_unstarted(&mut self, place: Place, process: Pid, longest: Duration) {
        self.kill(place, process, longest, "a child that has not started in time is killed").await;
        if let Some(present) = self.children.get_mut(&place)
            && present.last_end == Some(Reason::Killed)
        {
            let why = format!("killed: it did not report its start within {longest:?} (`starts_within`)");
            present.last_end = Some(Reason::error(why));
        }
    }

    fn has_started(&mut self, place: Place, process: Pid) {
        let Some(present) = self.children.get_mut(&place) else { return };
        present.is_new = false;
        let shown = present.pid().unwrap_or(process);
        // The caller may have stopped waiting.
        let _ = self.askers.remove(&place).map(|asker| asker.send(Ok(shown)));
    }

    /// Handles the end of a child that has ended by itself.
    async fn look_at_end(&mut self, place: Place) -> Go {
        let Some(present) = self.children.get_mut(&place) else { return ControlFlow::Continue(()) };
        let Some(reason) = present.last_end.clone() else { return ControlFlow::Continue(()) };
        let name = present.child.name.clone();
        if let Some(asker) = self.askers.remove(&place) {
            let _ = asker.send(Err(ChildError::NotStarted { name: name.clone(), reason: reason.clone() }));
        }
        if present.is_new {
            self.forget(place);
            return ControlFlow::Continue(());
        }
        if !present.child.restart.wants(&reason) {
            if present.child.restart == Restart::Temporary {
                self.forget(place);
            }
            return ControlFlow::Continue(());
        }
        // A child whose node was lost waits for the node. This is no failure of the child, and does not count.
        if !present.is_lost() && !self.intensity.allows(self.clock.now()) {
            return ControlFlow::Break(self.give_up(&name, &reason));
        }
        let counters = self.ctx.supervision().clone();
        present.starts_again(Again { supervisor: self.ctx.pid(), child: name, reason, counters });
        let first = match self.strategy {
            Strategy::OneForOne => {
                self.to_start.insert(place);
                return ControlFlow::Continue(());
            }
            Strategy::OneForAll => 0,
            Strategy::RestForOne => place,
        };
        self.stop_from(first).await;
        self.to_start.extend(self.children.range(first..).map(|(place, _)| *place));
        ControlFlow::Continue(())
    }

    fn give_up(&self, child: &str, reason: &Reason) -> Reason {
        let Intensity { max, within, .. } = self.intensity;
        self.ctx.supervision().gave_up();
        // The reason is shortened, because each supervisor above this one repeats it in its own reason.
        let reason = shown(reason);
        event!(processes, ERROR, supervisor = %self.ctx.pid(), child = %Escaped(child), %reason, max, ?within, "a supervisor gives up");
        Reason::error(format!(
            "restarted more than {max} times in {within:?}, the last time the child \"{}\": {reason}",
            Escaped(child)
        ))
    }
}

/// Stopping.
impl Running {
    /// Stops all children from this place on, the last one first, and removes those that will not be restarted.
    async fn stop_from(&mut self, first: Place) {
        let places: Vec<_> = self.children.range(first..).map(|(place, _)| *place).collect();
        for place in places.into_iter().rev() {
            self.stop(place).await;
            let goes = |present: &Present| present.is_new || present.child.restart == Restart::Temporary;
            if self.children.get(&place).is_some_and(goes) {
                self.forget(place);
            }
        }
    }

    /// Stops a child. Its end needs no handling afterwards.
    async fn stop(&mut self, place: Place) {
        if let Some(present) = self.children.get(&place)
            && let Some(process) = present.process
        {
            let longest = present.child.stops_within;
            if longest == Some(Duration::ZERO) {
                // It is of this node.
                let _ = self.ctx.kill(process);
                self.wait_for_end(place, None).await;
            } else {
                // An exit signal to a process of this node is never refused.
                let _ = self.ctx.send_exit(process, Reason::Shutdown).await;
                let longest = longest.unwrap_or(Duration::MAX);
                self.wait_for_end(place, self.due(longest)).await;
                self.kill(place, process, longest, "a child that has not stopped in time is killed").await;
            }
            self.children.get_mut(&place).into_iter().for_each(|present| present.last_end = None);
        }
        self.ended.remove(&place);
        self.to_start.remove(&place);
        if let Some(asker) = self.askers.remove(&place)
            && let Some(present) = self.children.get(&place)
        {
            let name = present.child.name.clone();
            let _ = asker.send(Err(ChildError::NotStarted { name, reason: Reason::Shutdown }));
        }
    }

    /// Kills a child if it runs, and waits for its end.
    async fn kill(&mut self, place: Place, process: Pid, within: Duration, why: &'static str) {
        if let Some(present) = self.children.get(&place)
            && present.process.is_some()
        {
            event!(processes, WARN, supervisor = %self.ctx.pid(), child = %Escaped(&present.child.name), %process, ?within, "{why}");
            // It is of this node.
            let _ = self.ctx.kill(process);
            self.wait_for_end(place, None).await;
        }
    }

    async fn wait_for_end(&mut self, place: Place, due: Option<Instant>) {
        while self.runs(place) {
            tokio::select! {
                biased;
                received = self.ctx.recv() => self.note(received),
                () = until(due) => return,
            }
            // A flood of messages to this process must not put off the deadline.
            if due.is_some_and(|due| self.clock.at(self.clock.now()) >= due) {
                return;
            }
        }
    }

    /// Returns the time at which this period ends, or `None` if no clock reaches it.
    fn due(&self, longest: Duration) -> Option<Instant> {
        Some(self.clock.at(self.clock.now().checked_add(longest)?))
    }

    fn runs(&self, place: Place) -> bool {
        self.children.get(&place).is_some_and(|present| present.process.is_some())
    }
}

/// Requests of the program. A request whose caller has gone is not begun.
impl Running {
    async fn obey(&mut self, order: Order) -> Go {
        match order {
            order if order.is_given_up() => {}
            Order::Start(child, answer) => match self.add(child) {
                Ok(place) => {
                    self.children.get_mut(&place).into_iter().for_each(|present| present.is_new = true);
                    self.askers.insert(place, answer);
                }
                Err(error) => drop(answer.send(Err(error))),
            },
            Order::Stop(name, answer) => match self.place(name) {
                Ok(place) => {
                    self.stop(place).await;
                    self.forget(place);
                    let _ = answer.send(Ok(()));
                }
                Err(error) => drop(answer.send(Err(error))),
            },
            Order::Restart(name, answer) => match self.place(name) {
                Ok(place) => {
                    self.stop(place).await;
                    self.to_start.insert(place);
                    self.askers.insert(place, answer);
                }
                Err(error) => drop(answer.send(Err(error))),
            },
            Order::List(answer) => drop(answer.send(self.statuses())),
        }
        ControlFlow::Continue(())
    }

    fn place(&self, name: Arc<str>) -> Result<Place, ChildError> {
        self.names.get(&name).copied().ok_or(ChildError::Unknown { name })
    }

    fn statuses(&self) -> Vec<ChildStatus> {
        let status = |present: &Present| ChildStatus {
            name: present.child.name.clone(),
            pid: present.pid(),
            last_end: present.last_end.clone(),
            restarts: present.shown.lock().restarts,
            restart: present.child.restart,
        };
        self.children.values().map(status).collect()
    }
}

async fn next(orders: &mut mpsc::Receiver<Order>) -> Order {
    match orders.recv().await {
        Some(order) => order,
        // No handle is left, so there are no more requests.
        None => pending().await,
    }
}

async fn is_set(record: &Record) {
    record.stop.wait().await;
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}
