//! A source of names of the program's own.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use snow_dist_runtime::discovery::{Discovery, LookError};
use snow_dist_tests::program::{idle, node, until};

use super::{CallsBack, watchdog};

/// Where a discovery is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Interval,
    Source,
    Look,
    Shown,
    Drop,
}

type Does = Arc<dyn Fn(Place) + Send + Sync>;

/// Finds nothing, and does something in each place.
struct Looks(Does);

/// An error that does something when it is shown.
struct Shown(Does);

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("shown")
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.0)(Place::Shown);
        f.write_str("shown")
    }
}

impl std::error::Error for Shown {}

impl Discovery for Looks {
    async fn look(&mut self) -> Result<Vec<String>, LookError> {
        (self.0)(Place::Look);
        Err(Shown(Arc::clone(&self.0)).into())
    }

    fn interval(&self) -> Duration {
        (self.0)(Place::Interval);
        Duration::from_millis(100)
    }

    fn source(&self) -> String {
        (self.0)(Place::Source);
        "a test".to_owned()
    }
}

impl Drop for Looks {
    fn drop(&mut self) {
        (self.0)(Place::Drop);
    }
}

#[tokio::test]
async fn a_discovery_may_use_the_node_in_every_place() {
    let _watchdog = watchdog();
    let (a, calls_back) = (node("a").await, CallsBack::default());
    calls_back.know(vec![(a.clone(), a.spawn(idle).unwrap())], Vec::new());
    let (in_discovery, uses) = (calls_back.clone(), a.clone());
    let does: Does = Arc::new(move |_| {
        in_discovery.call();
        // What it may take of the discoveries and of the nodes that are kept.
        let _ = (uses.discoveries(), uses.keep("b@127.0.0.1:1"), uses.let_go("b@127.0.0.1:1"));
    });
    let discovering = a.discover(Looks(does)).unwrap();
    until("two looks", || discovering.status().looks_failed >= 2).await;
    discovering.stop().await;
    calls_back.assert_finished().await;
    a.shutdown().await;
}

#[tokio::test]
async fn a_discovery_that_panics_fails_its_looks_and_goes() {
    let _watchdog = watchdog();
    let a = node("a").await;
    for panics in [Place::Interval, Place::Source] {
        let does: Does = Arc::new(move |place| assert_ne!(place, panics));
        assert!(catch_unwind(AssertUnwindSafe(|| a.discover(Looks(does)))).is_err(), "{panics:?}");
        assert!(a.discoveries().is_empty());
    }
    for panics in [Place::Look, Place::Shown, Place::Drop] {
        let does: Does = Arc::new(move |place| assert_ne!(place, panics));
        let discovering = a.discover(Looks(Arc::clone(&does))).unwrap();
        until("two looks", || discovering.status().looks_failed >= 2).await;
        discovering.stop().await;
        assert_eq!(Arc::strong_count(&does), 1, "{panics:?}: nothing is left");
    }
    a.shutdown().await;
}
