//! The connections of a node, as its program uses them.

use std::num::NonZeroU64;
use std::sync::Arc;

use tokio::task::JoinHandle;

use super::Net;
use crate::connect_error::ConnectError;
use crate::core::Pid;
use crate::notices::ConnectionCounts;
use crate::process::remote::{Connections, Later};
use crate::process::sync::Mutex;

/// What a node has beside its processes. It stops listening when it is dropped.
pub(crate) struct Front {
    net: Arc<Net>,
    listener: Mutex<Option<JoinHandle<()>>>,
}

impl Front {
    pub(crate) fn new(net: Arc<Net>, listener: JoinHandle<()>) -> Self {
        Self { net, listener: Mutex::new(Some(listener)) }
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
        self.net.local.incarnation()
    }

    fn connect<'a>(&'a self, name: &'a str) -> Later<'a, Result<(), ConnectError>> {
        Box::pin(self.net.connect(name))
    }

    fn disconnect(&self, name: &str) -> bool {
        self.net.registry.disconnect(name)
    }

    fn nodes(&self) -> Vec<Arc<str>> {
        self.net.routes.nodes()
    }

    fn pid_on(&self, node: &str, local: u64) -> Option<Pid> {
        let session = self.net.routes.session_of(node)?;
        let peer = session.peer();
        Some(Pid::new(peer.number, peer.creation, local))
    }

    fn node_of(&self, pid: Pid) -> Option<Arc<str>> {
        self.net.routes.node_of(pid)
    }

    fn unsent(&self) -> u64 {
        self.net.routes.unsent()
    }

    fn counts(&self) -> ConnectionCounts {
        self.net.notices.connection_counts()
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
