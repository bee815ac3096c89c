//! The handles by which a program watches and stops its discoveries.

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

/// An error that says why a discovery was not started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoverError {
    /// The node has no network: it was not started with a name and a cookie.
    #[error("this node is alone, and has no connections")]
    Alone,
    /// The node is shutting down.
    #[error("this node stops")]
    Stopped,
    /// The node has the maximum number of running discoveries. Stop another one first.
    #[error("this node has {max} discoveries already: as many as it may have")]
    TooMany {
        /// The maximum number of discoveries.
        max: usize,
    },
    /// The time between two looks is outside its allowed range, 100 ms to 24 hours.
    #[error("{discovery}: the interval is {given:?}: it must be from {least:?} to {most:?}")]
    Interval {
        /// The name of the discovery's source, as [`Discovery::source`] returned it.
        discovery: String,
        /// The interval of the discovery.
        given: Duration,
        /// The shortest interval that is allowed.
        least: Duration,
        /// The longest interval that is allowed.
        most: Duration,
    },
}

/// The state of a running discovery. [`Node::discoveries`](crate::Node::discoveries) and [`Discovering::status`]
/// return it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DiscoveryStatus {
    /// The name of the discovery's source, as [`Discovery::source`] returned it.
    pub source: Arc<str>,
    /// The number of completed looks, including those that failed.
    pub looks: u64,
    /// The number of looks that failed, with an error, with a panic, or because they took longer than 15 s.
    pub looks_failed: u64,
    /// The error of the last look that failed, cut to 255 bytes
    /// ([`SHOWN_TEXT_BYTES_MAX`](crate::core::limits::SHOWN_TEXT_BYTES_MAX)). `None` if no look has failed yet. The
    /// error stays after later looks have succeeded.
    pub last_failure: Option<Arc<str>>,
    /// The names of the nodes that are kept connected because of this discovery, in alphabetical order.
    pub nodes: Arc<[Arc<str>]>,
    /// The number of names that the last successful look returned and that were ignored, because they cannot be
    /// dialled or are beyond the maximum number. The node's own name does not count.
    pub names_passed_over: usize,
}

/// The shared state of a running discovery.
#[derive(Debug)]
pub(super) struct Record {
    status: Mutex<DiscoveryStatus>,
    /// Set when the discovery should end.
    stop: SetOnce<()>,
    /// Set when the discovery has released its nodes and looks no more.
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

/// A handle to a running discovery of a node. Dropping the handle stops the discovery: the node makes no more looks,
/// and releases the nodes that nothing else keeps. Their sessions stay, but are not re-established when they are
/// lost. To let the discovery run on without the handle, call [`detach`](Self::detach).
#[derive(Debug)]
#[must_use = "the discovery ends when this is dropped: `detach` it to let it run as long as the node"]
pub struct Discovering {
    record: Arc<Record>,
    is_detached: bool,
}

impl Discovering {
    /// Drops the handle, and lets the discovery run until the node is shut down.
    pub fn detach(mut self) {
        self.is_detached = true;
    }

    /// Stops the discovery, and waits until the node has released the nodes that nothing else keeps.
    pub async fn stop(self) {
        self.record.stop();
        apart(self.record.ended.wait()).await;
    }

    /// Returns the current state of the discovery.
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

/// A discovery that was asked for its settings and is ready to start.
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

    /// Returns an error if the interval is outside its allowed range.
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
    /// The number of discoveries that were started so far.
    begun: u64,
    records: Vec<Arc<Record>>,
}

impl Discoveries {
    /// Starts a discovery, which looks once `opened` is set.
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

    /// Returns the states of all discoveries that have not ended, in the order in which they were started.
    pub(crate) fn statuses(&self) -> Vec<DiscoveryStatus> {
        let records = self.0.lock().records.clone();
        let running = records.iter().filter(|record| !record.ended.initialized());
        running.map(|record| record.status()).collect()
    }

    /// Ends all discoveries at once, and starts no more. The returned future waits until they have ended.
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
