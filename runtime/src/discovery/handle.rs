//! The discoveries of a node, as its program sees and stops them.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::SetOnce;

use super::Discovery;
use super::holds::{Holder, Holds, Keep};
use super::looking::{Looking, Looks};
use crate::core::limits::{
    DISCOVERIES_MAX, DISCOVERY_INTERVAL_MAX, DISCOVERY_INTERVAL_MIN, SHOWN_TEXT_BYTES_MAX,
};
use crate::foreign::{Kept, apart};
use crate::sync::Mutex;

/// Why a discovery does not begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoverError {
    /// The node is alone: it was started without a network.
    #[error("this node is alone, and has no connections")]
    Alone,
    /// The node stops.
    #[error("this node stops")]
    Stopped,
    /// There are as many discoveries as there may be.
    #[error("this node has {max} discoveries already: as many as it may have")]
    TooMany {
        /// How many that is.
        max: usize,
    },
    /// The time between two looks is too short or too long.
    #[error("{discovery}: the interval is {given:?}: it must be from {least:?} to {most:?}")]
    Interval {
        /// What the discovery calls itself.
        discovery: String,
        /// The interval that it says.
        given: Duration,
        /// The shortest that is allowed.
        least: Duration,
        /// The longest that is allowed.
        most: Duration,
    },
}

/// How it goes with a discovery: see [`Node::discoveries`](crate::Node::discoveries).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DiscoveryStatus {
    /// What it calls itself.
    pub source: Arc<str>,
    /// The looks that have come to an end, those included that have failed.
    pub looks: u64,
    /// The looks that have failed: with an error or a panic, or because they took too long.
    pub looks_failed: u64,
    /// Why the last look that has failed did so.
    pub last_failure: Option<Arc<str>>,
    /// The nodes that are kept connected because of it, in order.
    pub nodes: Arc<[Arc<str>]>,
    /// How many names of the last look were passed over: what is no name that can be dialled, and what is too many. The node's
    /// own name does not count.
    pub names_passed_over: usize,
}

/// What is noted of a discovery while it runs, and by which it is stopped.
#[derive(Debug)]
pub(super) struct Record {
    status: Mutex<DiscoveryStatus>,
    /// Set when it is to end.
    stop: SetOnce<()>,
    /// Set when it has let go of its nodes, and looks no more.
    ended: SetOnce<()>,
}

impl Record {
    pub(super) fn new(source: Arc<str>) -> Self {
        let nodes = Arc::default();
        let status = DiscoveryStatus {
            source,
            looks: 0,
            looks_failed: 0,
            last_failure: None,
            nodes,
            names_passed_over: 0,
        };
        Self { status: Mutex::new(status), stop: SetOnce::new(), ended: SetOnce::new() }
    }

    pub(super) fn status(&self) -> DiscoveryStatus {
        self.status.lock().clone()
    }

    pub(super) fn found(&self, nodes: Arc<[Arc<str>]>, names_passed_over: usize) {
        let mut status = self.status.lock();
        status.looks += 1;
        (status.nodes, status.names_passed_over) = (nodes, names_passed_over);
    }

    pub(super) fn failed(&self, why: &str) {
        let end = why.floor_char_boundary(SHOWN_TEXT_BYTES_MAX);
        let mut status = self.status.lock();
        status.looks += 1;
        status.looks_failed += 1;
        status.last_failure = why.get(..end).map(Into::into);
    }

    pub(super) fn ended(&self) {
        self.status.lock().nodes = Arc::default();
        // It ends once.
        let _ = self.ended.set(());
    }

    fn stop(&self) {
        // A second time changes nothing.
        let _ = self.stop.set(());
    }
}

/// A discovery of a node. Dropping it stops the discovery: the node looks no more, and lets go of the nodes that nothing else
/// keeps. Sessions with them stay, and are not made again when they are lost.
#[derive(Debug)]
#[must_use = "the discovery ends when this is dropped: `detach` it to let it run as long as the node"]
pub struct Discovering {
    record: Arc<Record>,
    is_detached: bool,
}

impl Discovering {
    /// Lets the discovery run as long as the node.
    pub fn detach(mut self) {
        self.is_detached = true;
    }

    /// Stops the discovery. When this returns, its nodes have been let go of.
    pub async fn stop(self) {
        self.record.stop();
        apart(self.record.ended.wait()).await;
    }

    /// Returns how it goes.
    #[must_use]
    pub fn status(&self) -> DiscoveryStatus {
        self.record.status()
    }
}

impl Drop for Discovering {
    fn drop(&mut self) {
        if !self.is_detached {
            self.record.stop();
        }
    }
}

/// A discovery that was asked what it is, and is to begin.
pub(crate) struct Planned {
    discovery: Box<dyn Looks>,
    source: String,
    interval: Duration,
}

impl Planned {
    pub(crate) fn new(discovery: impl Discovery) -> Self {
        let (source, interval) = (discovery.source(), discovery.interval());
        Self { discovery: Box::new(Kept::new(discovery)), source, interval }
    }

    /// Fails if it looks too often, or too seldom.
    pub(crate) fn check(&self) -> Result<(), DiscoverError> {
        let (given, least, most) = (self.interval, DISCOVERY_INTERVAL_MIN, DISCOVERY_INTERVAL_MAX);
        if (least..=most).contains(&given) {
            return Ok(());
        }
        Err(DiscoverError::Interval { discovery: self.source.clone(), given, least, most })
    }
}

/// The discoveries of a node. They end when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Discoveries(Mutex<Running>);

#[derive(Debug, Default)]
struct Running {
    is_stopped: bool,
    /// How many have begun so far.
    begun: u64,
    records: Vec<Arc<Record>>,
}

impl Discoveries {
    /// Begins one, which looks once `opened` is set.
    pub(crate) fn begin<K: Keep>(
        &self,
        planned: Planned,
        holds: Arc<Holds<K>>,
        runtime: &Handle,
        opened: Arc<SetOnce<()>>,
    ) -> Result<Discovering, DiscoverError> {
        planned.check()?;
        let Planned { discovery, source, interval } = planned;
        let record = Arc::new(Record::new(source.into()));
        let holder = self.add(&record)?;
        let looking = Looking::new(discovery, interval, holder, holds, record.clone());
        let stop = record.clone();
        runtime.spawn(async move {
            let looks = async {
                opened.wait().await;
                looking.run().await;
            };
            tokio::select! {
                () = looks => {}
                _ = stop.stop.wait() => {}
            }
        });
        Ok(Discovering { record, is_detached: false })
    }

    fn add(&self, record: &Arc<Record>) -> Result<Holder, DiscoverError> {
        let mut running = self.0.lock();
        running.records.retain(|record| !record.ended.initialized());
        if running.is_stopped {
            return Err(DiscoverError::Stopped);
        }
        if running.records.len() == DISCOVERIES_MAX {
            return Err(DiscoverError::TooMany { max: DISCOVERIES_MAX });
        }
        running.begun += 1;
        running.records.push(record.clone());
        Ok(Holder::discovery(running.begun))
    }

    /// How it goes with each that has not ended, in the order in which they began.
    pub(crate) fn statuses(&self) -> Vec<DiscoveryStatus> {
        let records = self.0.lock().records.clone();
        let running = records.iter().filter(|record| !record.ended.initialized());
        running.map(|record| record.status()).collect()
    }

    /// Ends all of them at once, and begins none any more. What it returns waits until they have ended.
    pub(crate) fn stop(&self) -> impl Future<Output = ()> + use<> {
        let records = self.end();
        async move {
            for record in records {
                apart(record.ended.wait()).await;
            }
        }
    }

    fn end(&self) -> Vec<Arc<Record>> {
        let records = {
            let mut running = self.0.lock();
            running.is_stopped = true;
            std::mem::take(&mut running.records)
        };
        records.iter().for_each(|record| record.stop());
        records
    }
}

impl Drop for Discoveries {
    fn drop(&mut self) {
        self.end();
    }
}
