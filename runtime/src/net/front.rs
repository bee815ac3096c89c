//! The connections of a node, as its program uses them.

use std::num::NonZeroU64;
use std::sync::Arc;

use tokio::sync::SetOnce;
use tokio::task::JoinHandle;

use super::{Net, listening};
use crate::connect_error::ConnectError;
use crate::core::Pid;
use crate::network::{Listener, Listening};
use crate::notices::ConnectionCounts;
use crate::process::remote::{Connections, Later};
use crate::sync::Mutex;

/// What a node has beside its processes. It stops listening when it is dropped.
pub(super) struct Front {
    net: Arc<Net>,
    /// Set when the connections of others are taken.
    opened: Arc<SetOnce<()>>,
    listeners: Mutex<Vec<JoinHandle<()>>>,
}

impl Front {
    /// Takes no connection yet.
    pub(super) fn new(net: Arc<Net>, listeners: Vec<Listening<impl Listener>>) -> Self {
        let opened = Arc::new(SetOnce::new());
        let listen = |listener| listening::listen(net.clone(), listener, opened.clone());
        let listeners = Mutex::new(listeners.into_iter().map(listen).collect());
        Self { net, opened, listeners }
    }

    async fn stop(&self) {
        let listeners = std::mem::take(&mut *self.listeners.lock());
        listeners.iter().for_each(JoinHandle::abort);
        for listener in listeners {
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

    fn listen(&self) {
        // A second time changes nothing.
        let _ = self.opened.set(());
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
        self.listeners.lock().iter().for_each(JoinHandle::abort);
    }
}
