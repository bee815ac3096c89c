//! The sessions of a node, as its processes and its program use them.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;

use super::{CODE_SHUTDOWN, ConnectError, Net};
use crate::core::Pid;
use crate::process::remote::{Denied, Later, Remote, Sent};
use crate::session::Stop;

/// How long a session that ends in order may take to write what is queued.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a node has beside its processes. It stops listening when it is dropped.
pub(crate) struct Sessions {
    net: Arc<Net>,
    listener: AbortHandle,
}

impl Sessions {
    pub(crate) const fn new(net: Arc<Net>, listener: AbortHandle) -> Self {
        Self { net, listener }
    }

    async fn stop(&self) {
        self.listener.abort();
        let registry = &self.net.registry;
        registry.close(CODE_SHUTDOWN, "the node stops", Stop { patience: PATIENCE });
        loop {
            let changed = registry.changed();
            if registry.is_idle() {
                return;
            }
            changed.await;
        }
    }
}

impl Remote for Sessions {
    fn send(&self, from: Pid, to: Pid, message: &[u8]) -> Result<Sent, Denied> {
        self.net.registry.with(to, |session| session.send(from.local(), to.local(), message))
    }

    fn send_named(&self, from: Pid, node: &str, name: &str, message: &[u8]) -> Result<Sent, Denied> {
        let session = self.net.registry.session_of(node).ok_or(Denied::NotConnected)?;
        session.send_named(from.local(), name, message)
    }

    fn link(&self, from: Pid, to: Pid) -> Result<(), Denied> {
        self.net.registry.with_attached(from, to, |session| session.link(from.local(), to.local()))
    }

    fn unlink(&self, from: Pid, to: Pid) {
        let _ = self.net.registry.with(to, |session| {
            session.unlink(from.local(), to.local());
            Ok(())
        });
    }

    fn monitor(&self, from: Pid, to: Pid, reference: u64) -> Result<(), Denied> {
        self.net
            .registry
            .with_attached(from, to, |session| session.monitor(from.local(), to.local(), reference))
    }

    fn demonitor(&self, _from: Pid, to: Pid, reference: u64) {
        let _ = self.net.registry.with(to, |session| {
            session.demonitor(reference);
            Ok(())
        });
    }

    fn incarnation(&self) -> NonZeroU64 {
        self.net.local.incarnation()
    }

    fn connect<'a>(&'a self, name: &'a str) -> Later<'a, Result<(), ConnectError>> {
        Box::pin(self.net.connect(name))
    }

    fn disconnect(&self, name: &str) -> bool {
        let session = self.net.registry.session_of(name);
        if let Some(session) = &session {
            session.stop(CODE_SHUTDOWN, "disconnected", Stop { patience: PATIENCE });
        }
        session.is_some()
    }

    fn nodes(&self) -> Vec<Arc<str>> {
        self.net.registry.nodes()
    }

    fn pid_on(&self, node: &str, local: u64) -> Option<Pid> {
        let session = self.net.registry.session_of(node)?;
        Some(Pid::new(session.peer.number, session.peer.creation, local))
    }

    fn node_of(&self, pid: Pid) -> Option<Arc<str>> {
        self.net.registry.with(pid, |session| Ok(session.peer.name.clone())).ok()
    }

    fn shutdown(&self) -> Later<'_, ()> {
        Box::pin(self.stop())
    }
}

impl Drop for Sessions {
    fn drop(&mut self) {
        self.listener.abort();
    }
}
