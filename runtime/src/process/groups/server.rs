//! The server of groups: a process that is given what other servers say, and starts one more for each node ([`peer`]).

use std::collections::HashMap;
use std::sync::Arc;

use super::super::task::Task;
use super::super::{Context, Mailbox, Received};
use super::peer;
use super::shared::{Line, Shared};
use crate::core::Pid;

/// Runs until the process is ended.
pub(super) async fn run(mut ctx: Context, over: Over) {
    ctx.dial_nobody();
    let mut server = Server { peers: HashMap::new(), shared: Arc::clone(&over.0), _over: over };
    // A process that has ended runs no more.
    drop(ctx.monitor_nodes());
    for name in ctx.node().nodes() {
        server.node_up(&ctx, name);
    }
    loop {
        server.stir(&ctx).await;
        tokio::select! {
            received = ctx.recv() => server.receive(&ctx, received),
            () = server.shared.stirred() => {}
        }
    }
}

/// Whatever ends the server, also before it has run, its memberships end with it.
pub(super) struct Over(pub(super) Arc<Shared>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.end();
    }
}

struct Server {
    peers: HashMap<Arc<str>, Peer>,
    shared: Arc<Shared>,
    _over: Over,
}

/// What it has started ends with it.
impl Drop for Server {
    fn drop(&mut self) {
        self.shared.end();
        self.peers.values().for_each(|peer| peer.line.stirred.notify_one());
    }
}

/// Another node, and the process that speaks with its server.
struct Peer {
    line: Arc<Line>,
    process: Option<Pid>,
}

impl Server {
    /// Sees to what others have changed.
    async fn stir(&self, ctx: &Context) {
        while let Some(pid) = self.shared.poll_watch() {
            // Of a process of this node nothing is refused.
            drop(ctx.monitor(pid).await);
        }
        while let Some(number) = self.shared.poll_node() {
            let lines = self.peers.values().map(|peer| &peer.line);
            lines.filter(|line| line.node == number).for_each(|line| line.stirred.notify_one());
        }
    }

    fn receive(&mut self, ctx: &Context, received: Received) {
        match received {
            Received::Message(message) => {
                let pids = message.term_pids();
                self.shared.act(|groups| groups.handle_message(message.as_bytes(), &pids));
            }
            Received::Down { from, .. } => {
                self.shared.act(|groups| groups.handle_process_ended(from));
            }
            Received::NodeUp { name } => self.node_up(ctx, name),
            Received::NodeDown { name } => self.node_down(ctx, &name),
            // Nobody ends the server so; who calls is told that nobody replies.
            Received::Exit { .. } | Received::Call(_) | Received::NameConflict { .. } => {}
        }
    }

    fn node_up(&mut self, ctx: &Context, name: Arc<str>) {
        // If there is none, its NODEDOWN is in the mailbox.
        let Some(number) = ctx.node().pid_on(&name, 0).map(Pid::node) else { return };
        if self.peers.get(&name).is_some_and(|peer| peer.line.node == number) {
            return;
        }
        self.node_down(ctx, &name);
        self.shared.act(|groups| groups.handle_node_up(number));
        let line = Arc::new(Line::new(number));
        let process = self.start_line(ctx, &name, &line);
        self.peers.insert(name, Peer { line, process });
    }

    /// Starts the process that speaks with a node.
    fn start_line(&self, ctx: &Context, name: &Arc<str>, line: &Arc<Line>) -> Option<Pid> {
        let cell = ctx.table().add(Mailbox::default()).ok()?;
        // Before it runs: whoever guesses its pid ends it as little as the server.
        cell.trap_exit(true);
        let pid = cell.pid();
        let (shared, name, line) = (Arc::clone(&self.shared), Arc::clone(name), Arc::clone(line));
        let task = Task::new(cell, move |ctx| peer::run(ctx, shared, name, line));
        ctx.table().executor().start(task).then_some(pid)
    }

    fn node_down(&mut self, ctx: &Context, name: &str) {
        let Some(peer) = self.peers.remove(name) else { return };
        self.shared.cut(&peer.line);
        if let Some(process) = peer.process {
            // It may have ended already.
            let _ = ctx.kill(process);
        }
    }
}
