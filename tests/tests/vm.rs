//! The little language runtime of `runtime/examples/vm.rs`, which is built on the engine with threads and blocking sockets,
//! beside a node on tokio.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::process::Command;

use serde_json::json;
use snow_dist_runtime::{Context, Node, Pid, Reason, Received};
use snow_dist_tests::adapter::Adapter;
use snow_dist_tests::program::{COOKIE, node, run, within};

/// `cargo test` builds it with the tests; a part of them alone needs `cargo build --workspace --example vm` before.
fn vm() -> Adapter {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().unwrap().parent().unwrap().join("examples/vm");
    assert!(program.exists(), "{} is missing: cargo build --workspace --example vm", program.display());
    Adapter::start(Command::new(program), "vm", COOKIE)
}

/// A process of the node on tokio, and the other runtime.
struct Story {
    ctx: Context,
    vm: Adapter,
}

impl Story {
    async fn next(&mut self) -> Received {
        within("something", self.ctx.recv()).await
    }

    fn node(&self) -> Node {
        self.ctx.node()
    }

    fn pid(&self, local: u64) -> Pid {
        self.node().pid_on(&self.vm.name, local).unwrap()
    }

    /// What this process has done is handled there when its message is.
    async fn settle(&mut self, local: u64) {
        self.ctx.send(self.pid(local), "settled").await.unwrap();
        self.vm.sees(local, json!([{"message": hex::encode("settled")}])).await;
    }

    async fn session(&mut self, vm_dials: bool) {
        if vm_dials {
            self.vm.ask(&json!({"do": "connect", "to": self.node().name()}));
        } else {
            self.node().connect(&self.vm.name).await.unwrap();
        }
        assert_eq!(self.next().await, Received::NodeUp { name: self.vm.name.as_str().into() });
    }

    async fn messages(&mut self) {
        let there = self.vm.spawn();
        self.settle(there).await;
        let (node, me) = (self.node().name().to_owned(), self.ctx.pid().local());
        let message = hex::encode("hello");
        let send = json!({"do": "send", "process": there, "node": node, "other": me, "message": message});
        self.vm.ask(&send);
        assert_eq!(self.next().await.into_message().unwrap().as_bytes(), b"hello");
    }

    /// A process there ends, and then one here: who is linked with it learns why, and who monitors it.
    async fn ends(&mut self) {
        let there = self.vm.spawn();
        let from = self.pid(there);
        self.ctx.link(from).await.unwrap();
        let reference = self.ctx.monitor(from).await.unwrap();
        self.settle(there).await;
        self.vm.exit(there, "boom");
        let reason = Reason::error("boom");
        let mut seen = [self.next().await, self.next().await];
        seen.sort_by_key(|seen| matches!(seen, Received::Down { .. }));
        let exit = Received::Exit { from, reason: reason.clone() };
        assert_eq!(seen, [exit, Received::Down { reference, from, reason }]);

        let (linked, monitoring) = (self.vm.spawn_trapping(), self.vm.spawn());
        let worker = self.node().spawn(async |mut ctx| {
            ctx.recv().await;
            Reason::error("disk full")
        });
        let (node, worker) = (self.node().name().to_owned(), worker.unwrap().local());
        self.vm.ask(&json!({"do": "link", "process": linked, "node": node, "other": worker}));
        let about = json!({"do": "monitor", "process": monitoring, "node": node, "other": worker});
        let monitor = self.vm.ask(&about)["monitor"].clone();
        // It may not overtake the monitor.
        let last =
            json!({"do": "send", "process": monitoring, "node": node, "other": worker, "message": "00"});
        self.vm.ask(&last);
        let (from, reason) =
            (json!({"node": node, "process": worker}), json!({"kind": "error", "text": "disk full"}));
        self.vm.sees(linked, json!([{"exit": from, "reason": reason}])).await;
        self.vm.sees(monitoring, json!([{"down": from, "monitor": monitor, "reason": reason}])).await;
    }

    /// The session is ended there: both see that, and who was linked.
    async fn nodedown(&mut self) {
        let (watching, node) = (self.vm.spawn_trapping(), self.node().name().to_owned());
        self.vm.ask(&json!({"do": "watch", "process": watching, "node": node}));
        let from = self.pid(watching);
        self.ctx.link(from).await.unwrap();
        self.ctx.send(from, "settled").await.unwrap();
        let settled = json!({"message": hex::encode("settled")});
        self.vm.sees(watching, json!([settled])).await;
        self.vm.ask(&json!({"do": "disconnect", "node": node}));
        assert_eq!(self.next().await, Received::Exit { from, reason: Reason::Noconnection });
        assert_eq!(self.next().await, Received::NodeDown { name: self.vm.name.as_str().into() });
        let exit = json!({
            "exit": {"node": node, "process": self.ctx.pid().local()}, "reason": {"kind": "noconnection"},
        });
        self.vm.sees(watching, json!([settled, exit, {"nodedown": node}])).await;
    }

    async fn kill(&mut self) {
        let there = self.vm.spawn();
        let from = self.pid(there);
        let reference = self.ctx.monitor(from).await.unwrap();
        self.vm.kill();
        let down = Received::Down { reference, from, reason: Reason::Noconnection };
        assert_eq!(self.next().await, down);
        assert_eq!(self.next().await, Received::NodeDown { name: self.vm.name.as_str().into() });
    }
}

async fn tell(vm_dials: bool) {
    let own = node("own").await;
    run(&own, async move |ctx| {
        let vm = vm();
        ctx.trap_exit(true);
        ctx.monitor_node(&vm.name).unwrap();
        let mut story = Story { ctx, vm };
        story.session(vm_dials).await;
        story.messages().await;
        story.ends().await;
        story.nodedown().await;
        // And once more, dialled by the other one.
        story.session(!vm_dials).await;
        story.messages().await;
        story.kill().await;
    })
    .await;
    own.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runtime_on_the_engine_dials_a_node_on_tokio() {
    tell(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_on_tokio_dials_a_runtime_on_the_engine() {
    tell(false).await;
}
