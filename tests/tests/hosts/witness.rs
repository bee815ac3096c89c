//! Processes that note what they are told.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use snow_dist_runtime::{Context, MonitorRef, Pid, Reason, Received};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::cluster::{Cluster, name};

/// A process on a host, which traps exits.
#[derive(Clone)]
pub(crate) struct Witness {
    pub(crate) host: &'static str,
    pub(crate) pid: Pid,
    orders: UnboundedSender<Order>,
    notes: Notes,
}

enum Order {
    Link(Pid),
    Unlink(Pid),
    Monitor(Pid),
    Send(Pid, &'static str),
    Fail(&'static str),
}

type Notes = Arc<Mutex<Vec<Note>>>;

/// What a process has done or been told.
enum Note {
    Linked(Pid),
    Unlinked(Pid),
    Monitored(MonitorRef, Pid),
    Told(Received),
}

/// Links and monitors that are not over, and what a process should not have been told.
#[derive(Debug, Default)]
pub(crate) struct Account {
    pub(crate) links: HashSet<Pid>,
    pub(crate) monitors: HashMap<MonitorRef, Pid>,
    pub(crate) surprises: Vec<Received>,
    nodes: HashMap<Arc<str>, bool>,
}

impl Account {
    fn note(&mut self, note: &Note) {
        match note {
            Note::Linked(to) => drop(self.links.insert(*to)),
            Note::Unlinked(to) => drop(self.links.remove(to)),
            Note::Monitored(reference, of) => drop(self.monitors.insert(*reference, *of)),
            Note::Told(told) if !self.expects(told) => self.surprises.push(told.clone()),
            Note::Told(_) => {}
        }
    }

    /// Whether this may come now. It then cannot come again.
    fn expects(&mut self, told: &Received) -> bool {
        match told {
            Received::Exit { from, .. } => self.links.remove(from),
            Received::Down { reference, from, .. } => self.monitors.remove(reference) == Some(*from),
            Received::NodeUp { name } => self.nodes.insert(name.clone(), true) != Some(true),
            Received::NodeDown { name } => self.nodes.insert(name.clone(), false) != Some(false),
            _ => true,
        }
    }
}

/// What a process was told of another's end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) exits: Vec<Reason>,
    pub(crate) downs: Vec<Reason>,
}

impl Ends {
    /// One exit and one DOWN, for the same reason.
    pub(crate) fn once(reason: Reason) -> Self {
        Self { exits: vec![reason.clone()], downs: vec![reason] }
    }
}

impl Witness {
    /// Starts one, which watches the nodes of all other hosts.
    pub(crate) fn start(cluster: &Cluster, host: &'static str) -> Self {
        let (orders, to_do) = unbounded_channel();
        let notes = Notes::default();
        let noted = notes.clone();
        let others: Vec<_> = cluster.names().into_iter().filter(|other| *other != host).map(name).collect();
        let pid = cluster.node(host).spawn(move |ctx| witness(ctx, others, to_do, noted)).unwrap();
        Self { host, pid, orders, notes }
    }

    /// Links to another, and monitors it.
    pub(crate) fn tie(&self, cluster: &Cluster, other: &Self) {
        let other = self.sees(cluster, other);
        self.link(other);
        self.monitor(other);
    }

    pub(crate) fn link(&self, other: Pid) {
        self.order(Order::Link(other));
    }

    pub(crate) fn monitor(&self, other: Pid) {
        self.order(Order::Monitor(other));
    }

    pub(crate) fn unlink(&self, other: Pid) {
        self.order(Order::Unlink(other));
    }

    pub(crate) fn send(&self, to: Pid, text: &'static str) {
        self.order(Order::Send(to, text));
    }

    /// Ends with an error.
    pub(crate) fn fail(&self, text: &'static str) {
        self.order(Order::Fail(text));
    }

    pub(crate) fn is_alive(&self) -> bool {
        !self.orders.is_closed()
    }

    /// Whether the two are the same process.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.notes, &other.notes)
    }

    /// The other's pid on this one's host.
    pub(crate) fn sees(&self, cluster: &Cluster, other: &Self) -> Pid {
        if self.host == other.host { other.pid } else { cluster.seen_from(self.host, other.host, other.pid) }
    }

    /// What it has been told of the end of this process.
    pub(crate) fn ends_of(&self, other: Pid) -> Ends {
        let mut ends = Ends::default();
        for told in self.told(Some) {
            match told {
                Received::Exit { from, reason } if from == other => ends.exits.push(reason),
                Received::Down { from, reason, .. } if from == other => ends.downs.push(reason),
                _ => {}
            }
        }
        ends
    }

    /// What it has been told of the node of a host: `up` and `down`, in order.
    pub(crate) fn saw_of(&self, host: &str) -> Vec<&'static str> {
        let node = name(host);
        self.told(|told| match told {
            Received::NodeUp { name } if *name == *node => Some("up"),
            Received::NodeDown { name } if *name == *node => Some("down"),
            _ => None,
        })
    }

    /// The messages that have come, in order.
    pub(crate) fn messages(&self) -> Vec<String> {
        self.told(|told| Some(String::from_utf8(told.into_message()?.as_bytes().to_vec()).unwrap()))
    }

    fn told<T>(&self, pick: impl Fn(Received) -> Option<T>) -> Vec<T> {
        let notes = self.notes.lock().unwrap();
        let told =
            notes.iter().filter_map(|note| if let Note::Told(told) = note { Some(told) } else { None });
        told.cloned().filter_map(pick).collect()
    }

    /// How much it has done and been told so far.
    pub(crate) fn notes(&self) -> usize {
        self.notes.lock().unwrap().len()
    }

    /// How often it has linked to this process.
    pub(crate) fn links_to(&self, other: Pid) -> usize {
        let notes = self.notes.lock().unwrap();
        notes.iter().filter(|note| matches!(note, Note::Linked(to) if *to == other)).count()
    }

    /// Its links and monitors from beginning to end. To be asked only of one that nobody else links to.
    pub(crate) fn account(&self) -> Account {
        let mut account = Account::default();
        for note in &*self.notes.lock().unwrap() {
            account.note(note);
        }
        account
    }

    fn order(&self, order: Order) {
        self.orders.send(order).unwrap_or_else(|_| panic!("the process has ended"));
    }
}

async fn witness(
    mut ctx: Context,
    nodes: Vec<String>,
    mut to_do: UnboundedReceiver<Order>,
    notes: Notes,
) -> Reason {
    let note = |note| notes.lock().unwrap().push(note);
    ctx.trap_exit(true);
    for node in &nodes {
        ctx.monitor_node(node).unwrap();
    }
    loop {
        let order = tokio::select! {
            told = ctx.recv() => {
                note(Note::Told(told));
                continue;
            }
            Some(order) = to_do.recv() => order,
        };
        match order {
            Order::Link(to) => {
                note(Note::Linked(to));
                ctx.link(to).await.unwrap();
            }
            Order::Unlink(to) => {
                ctx.unlink(to);
                // What is in the mailbox has come before.
                while let Some(told) = ctx.recv_timeout(Duration::ZERO).await {
                    note(Note::Told(told));
                }
                note(Note::Unlinked(to));
            }
            Order::Monitor(of) => note(Note::Monitored(ctx.monitor(of).await.unwrap(), of)),
            Order::Send(to, text) => ctx.send(to, text).await.unwrap(),
            Order::Fail(text) => return Reason::error(text),
        }
    }
}
