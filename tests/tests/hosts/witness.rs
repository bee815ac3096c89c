//! Processes that note what they are told.

use std::sync::{Arc, Mutex};

use snow_dist_runtime::{Context, Pid, Reason, Received};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::cluster::{Cluster, name};

/// A process on a host, which traps exits.
#[derive(Clone)]
pub(crate) struct Witness {
    pub(crate) host: &'static str,
    pub(crate) pid: Pid,
    orders: UnboundedSender<Order>,
    told: Arc<Mutex<Vec<Received>>>,
}

enum Order {
    Link(Pid),
    Unlink(Pid),
    Monitor(Pid),
    Send(Pid, &'static str),
    Fail(&'static str),
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
        let told = Arc::new(Mutex::new(Vec::new()));
        let noted = told.clone();
        let others: Vec<_> = cluster.names().into_iter().filter(|other| *other != host).map(name).collect();
        let pid = cluster.node(host).spawn(move |ctx| witness(ctx, others, to_do, noted)).unwrap();
        Self { host, pid, orders, told }
    }

    /// Links to another, and monitors it.
    pub(crate) fn tie(&self, cluster: &Cluster, other: &Self) {
        let other = self.sees(cluster, other);
        self.order(Order::Link(other));
        self.order(Order::Monitor(other));
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

    /// The other's pid on this one's host.
    pub(crate) fn sees(&self, cluster: &Cluster, other: &Self) -> Pid {
        if self.host == other.host { other.pid } else { cluster.seen_from(self.host, other.host, other.pid) }
    }

    /// What it has been told of the end of this process.
    pub(crate) fn ends_of(&self, other: Pid) -> Ends {
        let mut ends = Ends::default();
        for told in &*self.told.lock().unwrap() {
            match told {
                Received::Exit { from, reason } if *from == other => ends.exits.push(reason.clone()),
                Received::Down { from, reason, .. } if *from == other => ends.downs.push(reason.clone()),
                _ => {}
            }
        }
        ends
    }

    /// What it has been told of the node of a host: `up` and `down`, in order.
    pub(crate) fn saw_of(&self, host: &str) -> Vec<&'static str> {
        let node = name(host);
        let told = self.told.lock().unwrap();
        let of_node = told.iter().filter_map(|told| match told {
            Received::NodeUp { name } if **name == *node => Some("up"),
            Received::NodeDown { name } if **name == *node => Some("down"),
            _ => None,
        });
        of_node.collect()
    }

    /// The messages that have come, in order.
    pub(crate) fn messages(&self) -> Vec<String> {
        let told = self.told.lock().unwrap();
        let messages = told.iter().filter_map(|told| match told {
            Received::Message(message) => Some(String::from_utf8(message.as_bytes().to_vec()).unwrap()),
            _ => None,
        });
        messages.collect()
    }

    fn order(&self, order: Order) {
        self.orders.send(order).unwrap_or_else(|_| panic!("the process has ended"));
    }
}

async fn witness(
    mut ctx: Context,
    nodes: Vec<String>,
    mut to_do: UnboundedReceiver<Order>,
    noted: Arc<Mutex<Vec<Received>>>,
) -> Reason {
    ctx.trap_exit(true);
    for node in &nodes {
        ctx.monitor_node(node);
    }
    loop {
        tokio::select! {
            told = ctx.recv() => noted.lock().unwrap().push(told),
            Some(order) = to_do.recv() => match order {
                Order::Link(other) => ctx.link(other).await.unwrap(),
                Order::Unlink(other) => ctx.unlink(other),
                Order::Monitor(other) => drop(ctx.monitor(other).await.unwrap()),
                Order::Send(to, text) => ctx.send(to, text).await.unwrap(),
                Order::Fail(text) => return Reason::error(text),
            },
        }
    }
}
