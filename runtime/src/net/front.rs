//! The connections of a node, as its program uses them.

use std::num::NonZeroU64;
use std::sync::Arc;

use tokio::task::JoinHandle;

use super::{Net, listening};
use crate::connect_error::ConnectError;
use crate::core::Pid;
use crate::network::Listener;
use crate::notices::ConnectionCounts;
use crate::process::remote::{Connections, Later};
use crate::sync::Mutex;

/// What a node has beside its processes. It stops listening when it is dropped.
pub(super) struct Front {
    net: Arc<Net>,
    listener: Mutex<Option<JoinHandle<()>>>,
}

impl Front {
    /// Listens from now on.
    pub(super) fn new(net: Arc<Net>, listener: impl Listener) -> Self {
        let listener = Mutex::new(Some(listening::listen(net.clone(), listener)));
        Self { net, listener }
    }

    async fn stop(&self) {
        let listener = self.listener.lock().take();
        if let Some(listener) = listener {
            listener.abort();
            // It has been aborted: that is its result.
            let _ = listener.await;
        }
        let registry = &self.net.registry;
        registry.stop();
        registry.idle().await;
    }
}

impl Connections for Front {
    fn incarnation(&self) -> NonZeroU64 {
        self.net.registry.incarnation
    }

    fn connect<'a>(&'a self, name: &'a str) -> Later<'a, Result<(), ConnectError>> {
        Box::pin(self.net.connect(name))
    }

    fn disconnect(&self, name: &str) -> bool {
        self.net.registry.disconnect(name)
    }

    fn nodes(&self) -> Vec<Arc<str>> {
        self.net.registry.routes.nodes()
    }

    fn pid_on(&self, node: &str, local: u64) -> Option<Pid> {
        self.net.registry.routes.pid_on(node, local)
    }

    fn node_of(&self, pid: Pid) -> Option<Arc<str>> {
        self.net.registry.routes.node_of(pid)
    }

    fn unsent(&self) -> u64 {
        self.net.registry.routes.unsent()
    }

    fn counts(&self) -> ConnectionCounts {
        self.net.registry.notices.connection_counts()
    }

    fn shutdown(&self) -> Later<'_, ()> {
        Box::pin(self.stop())
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        if let Some(listener) = self.listener.lock().take() {
            listener.abort();
        }
    }
}
