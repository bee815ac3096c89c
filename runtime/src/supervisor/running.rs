//! The process that a supervisor is.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::future::pending;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::handle::{Answer, Order};
use super::intensity::Intensity;
use super::{Child, ChildError, ChildStatus, Restart, Started, Strategy, Supervisor};
use crate::clock::Clock;
use crate::core::{Pid, Reason, Shown};
use crate::foreign::event;
use crate::process::{Context, Received};

/// Where a child stands among the others.
type Place = u64;

/// The supervisor has to end, and why.
type Go = ControlFlow<Reason>;

pub(super) struct Running {
    ctx: Context,
    clock: Clock,
    strategy: Strategy,
    intensity: Intensity,
    children_max: usize,
    orders: Option<mpsc::Receiver<Order>>,
    children: BTreeMap<Place, Present>,
    next_place: Place,
    names: HashMap<Arc<str>, Place>,
    processes: HashMap<Pid, Place>,
    /// Children that have ended by themselves, and nothing was done about it yet.
    ended: VecDeque<Place>,
    /// Somebody wants the supervisor to end.
    told_to_end: Option<Reason>,
}

struct Present {
    child: Child,
    /// The process of this node, while it runs.
    process: Option<Pid>,
    /// The process that is shown for it, if that is another one.
    shown: Option<Pid>,
    last_end: Option<Reason>,
    restarts: u64,
}

impl Running {
    pub(super) fn new(supervisor: Supervisor, ctx: Context) -> Result<Self, ChildError> {
        let Supervisor { strategy, intensity, children_max, children, orders } = supervisor;
        let mut running = Self {
            ctx,
            clock: Clock::start(),
            strategy,
            intensity,
            children_max,
            orders,
            children: BTreeMap::new(),
            next_place: 0,
            names: HashMap::new(),
            processes: HashMap::new(),
            ended: VecDeque::new(),
            told_to_end: None,
        };
        for child in children {
            running.add(child)?;
        }
        Ok(running)
    }

    pub(super) async fn run(mut self, started: Started) -> Reason {
        self.ctx.trap_exit(true);
        let reason = match self.supervise(started).await {
            ControlFlow::Break(reason) => reason,
            ControlFlow::Continue(()) => Reason::Normal,
        };
        self.stop_from(0).await;
        reason
    }

    async fn supervise(&mut self, started: Started) -> Go {
        self.start_from(0).await?;
        self.look_at_ends().await?;
        started.tell();
        loop {
            self.look_at_ends().await?;
            tokio::select! {
                received = self.ctx.recv() => self.note(received),
                order = next(&mut self.orders) => self.obey(order).await?,
            }
        }
    }

    async fn look_at_ends(&mut self) -> Go {
        while let Some(place) = self.ended.pop_front() {
            self.restart(place).await?;
        }
        match self.told_to_end.take() {
            Some(reason) => ControlFlow::Break(reason),
            None => ControlFlow::Continue(()),
        }
    }

    fn add(&mut self, child: Child) -> Result<Place, ChildError> {
        if self.names.contains_key(&child.name) {
            return Err(ChildError::NameTaken { name: child.name });
        }
        if self.children.len() >= self.children_max {
            return Err(ChildError::TooMany { max: self.children_max });
        }
        let place = self.next_place;
        self.next_place += 1;
        self.names.insert(child.name.clone(), place);
        let present = Present { child, process: None, shown: None, last_end: None, restarts: 0 };
        self.children.insert(place, present);
        Ok(place)
    }

    fn forget(&mut self, place: Place) {
        if let Some(present) = self.children.remove(&place) {
            self.names.remove(&present.child.name);
        }
        self.ended.retain(|ended| *ended != place);
    }

    /// What has come, whatever is waited for.
    fn note(&mut self, received: Received) {
        // It takes no messages.
        let Received::Exit { from, reason } = received else { return };
        match self.processes.remove(&from) {
            Some(place) => self.has_ended(place, reason),
            None if reason == Reason::Normal => {}
            None => {
                self.told_to_end.get_or_insert(reason);
            }
        }
    }

    fn has_ended(&mut self, place: Place, reason: Reason) {
        if let Some(present) = self.children.get_mut(&place) {
            present.process = None;
            present.shown = None;
            present.last_end = Some(reason);
            self.ended.push_back(place);
        }
    }
}

/// Starting, and starting again.
impl Running {
    /// Starts all that do not run, from this place on. What ends meanwhile is for later.
    async fn start_from(&mut self, first: Place) -> Go {
        let places: Vec<_> = self.children.range(first..).map(|(place, _)| *place).collect();
        for place in places {
            if self.told_to_end.is_none() {
                self.start(place).await?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Starts a child if it does not run, and waits until it is started or has ended.
    async fn start(&mut self, place: Place) -> Go {
        let Some(present) = self.children.get_mut(&place) else { return ControlFlow::Continue(()) };
        if present.process.is_some() {
            return ControlFlow::Continue(());
        }
        let (tells, told) = oneshot::channel();
        let begin = present.child.begin.clone();
        let Ok(process) = self.ctx.spawn_link(move |ctx| begin(ctx, Started::to(tells))) else {
            // The node stops, or this process has ended.
            return ControlFlow::Break(Reason::Shutdown);
        };
        present.process = Some(process);
        let longest = present.child.starts_within;
        self.processes.insert(process, place);
        self.wait_for_start(place, process, told, self.due(longest)).await;
        ControlFlow::Continue(())
    }

    async fn wait_for_start(
        &mut self,
        place: Place,
        process: Pid,
        told: oneshot::Receiver<Option<Pid>>,
        due: Option<Instant>,
    ) {
        // A child that drops it has most likely ended: its exit signal says why.
        let mut told = std::pin::pin!(async {
            match told.await {
                Ok(shown) => shown,
                Err(_) => pending().await,
            }
        });
        while self.runs(place) {
            tokio::select! {
                received = self.ctx.recv() => {
                    self.note(received);
                    if self.told_to_end.is_some() {
                        return;
                    }
                }
                shown = &mut told => {
                    self.children.get_mut(&place).into_iter().for_each(|present| present.shown = shown);
                    return;
                }
                () = until(due) => return self.kill(place, process, "a child that has not started in time is killed").await,
            }
        }
    }

    /// Does what is to be done when a child has ended by itself.
    async fn restart(&mut self, place: Place) -> Go {
        let Some(present) = self.children.get_mut(&place) else { return ControlFlow::Continue(()) };
        let (None, Some(reason)) = (present.process, present.last_end.clone()) else {
            // It has been started again for another one.
            return ControlFlow::Continue(());
        };
        let name = present.child.name.clone();
        if !present.child.restart.wants(&reason) {
            if present.child.restart == Restart::Temporary {
                self.forget(place);
            }
            return ControlFlow::Continue(());
        }
        let now = self.clock.now();
        if !self.intensity.allows(now) {
            return ControlFlow::Break(self.give_up(&name, &reason));
        }
        present.restarts += 1;
        event!(INFO, supervisor = %self.ctx.pid(), child = %Shown(&name), %reason, "a child is started again");
        match self.strategy {
            Strategy::OneForOne => self.start(place).await,
            Strategy::OneForAll => self.start_anew_from(0).await,
            Strategy::RestForOne => self.start_anew_from(place).await,
        }
    }

    async fn start_anew_from(&mut self, first: Place) -> Go {
        self.stop_from(first).await;
        if self.told_to_end.is_some() {
            return ControlFlow::Continue(());
        }
        self.start_from(first).await
    }

    fn give_up(&self, child: &str, reason: &Reason) -> Reason {
        let Intensity { max, within, .. } = self.intensity;
        event!(ERROR, supervisor = %self.ctx.pid(), child = %Shown(child), %reason, max, ?within, "a supervisor gives up");
        Reason::error(format!(
            "more than {max} restarts in {within:?}, the last one of the child \"{}\": {reason}",
            Shown(child)
        ))
    }
}

/// Stopping.
impl Running {
    /// Stops all from this place on, the last one first, and forgets those that are not started again.
    async fn stop_from(&mut self, first: Place) {
        let places: Vec<_> = self.children.range(first..).map(|(place, _)| *place).collect();
        for place in places.into_iter().rev() {
            self.stop(place).await;
            let is_temporary = |present: &Present| present.child.restart == Restart::Temporary;
            if self.children.get(&place).is_some_and(is_temporary) {
                self.forget(place);
            }
        }
    }

    /// Stops a child. That it has ended is nothing to be looked at any more.
    async fn stop(&mut self, place: Place) {
        if let Some(present) = self.children.get(&place)
            && let Some(process) = present.process
        {
            let longest = present.child.stops_within;
            // To a process of this node that is never refused.
            let _ = self.ctx.send_exit(process, Reason::Shutdown).await;
            let due = longest.and_then(|longest| self.due(longest));
            self.wait_for_end(place, due).await;
            self.kill(place, process, "a child that has not stopped in time is killed").await;
            self.children.get_mut(&place).into_iter().for_each(|present| present.last_end = None);
        }
        self.ended.retain(|ended| *ended != place);
    }

    /// Kills a child if it runs, and waits for its end.
    async fn kill(&mut self, place: Place, process: Pid, why: &'static str) {
        if let Some(present) = self.children.get(&place)
            && present.process.is_some()
        {
            event!(WARN, supervisor = %self.ctx.pid(), child = %Shown(&present.child.name), %process, "{why}");
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
        }
    }

    /// When this time is over; never, if that is further away than any clock goes.
    fn due(&self, longest: Duration) -> Option<Instant> {
        Some(self.clock.at(self.clock.now().checked_add(longest)?))
    }

    fn runs(&self, place: Place) -> bool {
        self.children.get(&place).is_some_and(|present| present.process.is_some())
    }
}

/// Orders of the program.
impl Running {
    async fn obey(&mut self, order: Order) -> Go {
        // Whoever gave the order need not wait for an answer.
        match order {
            Order::Start(child, answer) => match self.add(child) {
                Ok(place) => return self.start_and_answer(place, true, answer).await,
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
                    return self.start_and_answer(place, false, answer).await;
                }
                Err(error) => drop(answer.send(Err(error))),
            },
            Order::List(answer) => drop(answer.send(self.statuses())),
            Order::End => return ControlFlow::Break(Reason::Shutdown),
        }
        ControlFlow::Continue(())
    }

    async fn start_and_answer(&mut self, place: Place, is_new: bool, answer: Answer<Pid>) -> Go {
        self.start(place).await?;
        let Some(present) = self.children.get(&place) else { return ControlFlow::Continue(()) };
        let name = present.child.name.clone();
        let started = match (present.shown.or(present.process), &present.last_end) {
            (Some(process), _) => Ok(process),
            (None, Some(reason)) => Err(ChildError::NotStarted { name, reason: reason.clone() }),
            (None, None) => Err(ChildError::Ended),
        };
        if started.is_err() && is_new {
            self.forget(place);
        }
        let _ = answer.send(started);
        ControlFlow::Continue(())
    }

    fn place(&self, name: Arc<str>) -> Result<Place, ChildError> {
        self.names.get(&name).copied().ok_or(ChildError::Unknown { name })
    }

    fn statuses(&self) -> Vec<ChildStatus> {
        let status = |present: &Present| ChildStatus {
            name: present.child.name.clone(),
            pid: present.shown.or(present.process),
            last_end: present.last_end.clone(),
            restarts: present.restarts,
            restart: present.child.restart,
        };
        self.children.values().map(status).collect()
    }
}

async fn next(orders: &mut Option<mpsc::Receiver<Order>>) -> Order {
    match orders {
        Some(taken) => match taken.recv().await {
            Some(order) => order,
            // All handles have been dropped.
            None => pending().await,
        },
        None => pending().await,
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}
