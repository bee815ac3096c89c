//! What happens in the demonstration, step by step: a process of node `a`.

use std::error::Error;
use std::io;
use std::time::Duration;

use snow_dist_codec::stf;
use snow_dist_runtime::{Context, Direction, Node, Pid, Reason, Received, Refused};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::check::{Checklist, Expected};
use super::peer::{DESK, MAIN, Orders};
use super::second::Second;
use super::show::Screen;
use super::{End, Event, HOST, Sight, Start, Started};
use crate::trace_file::{Sent, TraceFile};
use Direction::{In, Out};
use Expected::Frame;

/// How long a step may take. They take a few milliseconds each.
const STEP_TIME_MAX: Duration = Duration::from_secs(10);

/// The messages of a handshake, as the initiator sees them.
const HANDSHAKE: [Expected; 4] =
    [Frame(Out, "NAME"), Frame(In, "CHALLENGE"), Frame(Out, "REPLY"), Frame(In, "ACK")];

/// A question to `desk` and its answer.
const QUESTION: [Expected; 2] = [Frame(Out, "REG_SEND"), Frame(In, "REG_SEND")];

// Who sees something.
const MAIN_ON_A: &str = "main on a";
const DESK_ON_B: &str = "desk on b";
const WORKER_ON_B: &str = "worker on b";
const KEEPER_ON_B: &str = "keeper on b";
const NODE_B: &str = "node b";

/// The process that runs the demonstration.
pub(super) struct Script {
    node: Node,
    ctx: Context,
    cookie: String,
    tell: UnboundedSender<Event>,
    events: UnboundedReceiver<Event>,
    screen: Screen,
    trace: Option<TraceFile>,
    list: Checklist,
    second: Option<Second>,
    /// Node `b`'s name, once it has said it.
    b: String,
    started: Option<Started>,
}

/// Why a step did not come to its end.
type Failed = Box<dyn Error + Send + Sync>;

/// Something that was expected did not come in time.
#[derive(Debug, thiserror::Error)]
#[error("not all that was expected came within {} s", STEP_TIME_MAX.as_secs())]
struct NotSeen;

impl Script {
    pub(super) fn new(
        node: Node,
        ctx: Context,
        cookie: String,
        tell: UnboundedSender<Event>,
        events: UnboundedReceiver<Event>,
        screen: Screen,
        trace: Option<TraceFile>,
    ) -> Self {
        let list = Checklist::default();
        let b = format!("b@{HOST}:0");
        Self { node, ctx, cookie, tell, events, screen, trace, list, second: None, b, started: None }
    }

    /// Runs all steps. True if all was seen that was expected.
    pub(super) async fn run(mut self) -> io::Result<bool> {
        let taken = self.steps().await;
        if let Err(failed) = &taken {
            self.screen.failed(&failed.to_string())?;
        }
        self.screen.summary(&self.list, taken.is_ok())
    }

    async fn steps(&mut self) -> Result<(), Failed> {
        self.two_nodes().await?;
        self.connect().await?;
        self.send_bytes().await?;
        self.send_terms().await?;
        let worker = self.worker()?;
        let companion = self.link(worker).await?;
        self.monitor(worker).await?;
        self.exit_with_a_reason(worker, companion).await?;
        let keeper = self.trapped_exit().await?;
        self.unlink(keeper).await?;
        let lost = self.kill().await?;
        self.restart(lost).await?;
        self.stop().await
    }

    async fn two_nodes(&mut self) -> Result<(), Failed> {
        self.begin(
            "Two nodes",
            "Node a runs in this operating-system process. A second one is started for node b, and told the cookie that \
             both share over a pipe: a secret does not belong into arguments or the environment. The processes of a \
             node are not the system's: a node has as many of them as it likes.",
        )?;
        self.expect([Expected::sight(NODE_B, "listens as b@")]);
        self.ctx.register(MAIN)?;
        self.ctx.trap_exit(true);
        self.start_second().await?;
        self.end().await
    }

    async fn connect(&mut self) -> Result<(), Failed> {
        self.begin(
            "Connect",
            "a dials b: TCP, TLS 1.3, and four messages in which each end proves to the other that it knows the cookie. \
             Both proofs hold a value that only this very TLS channel has, so nobody can stand in between. Whoever \
             monitors the other node sees it come up.",
        )?;
        self.expect_session();
        self.ctx.monitor_node(&self.b).map_err(|error| error.to_string())?;
        self.dial().await?;
        self.end().await
    }

    async fn send_bytes(&mut self) -> Result<(), Failed> {
        self.begin(
            "Send bytes",
            "main sends five bytes to whoever is registered as desk on b. A message is bytes, and what they mean is the \
             programs' affair. desk answers to the name main in the same way.",
        )?;
        self.expect_greeting();
        self.ctx.send_named(DESK, &self.b, "hello").await?;
        self.end().await
    }

    async fn send_terms(&mut self) -> Result<(), Failed> {
        self.begin(
            "Send terms",
            "main asks desk to start a worker, and desk says which number the new process has. Both messages are terms: \
             values of Rust types, in Snow's term format (STF).",
        )?;
        self.start_worker("worker", false).await?;
        self.end().await
    }

    async fn link(&mut self, worker: Pid) -> Result<Pid, Failed> {
        self.begin(
            "Link",
            "companion, a new process on a, links itself to the worker on b. From now on the end of one reaches the \
             other. A pid on the wire is <node.number.creation>; node 0 is the one that owns the process, and the creation \
             says in which of its starts.",
        )?;
        self.expect([Frame(Out, "LINK")]);
        let (companion, _) =
            self.ctx.spawn_monitor(async move |mut ctx: Context| -> Result<(), Refused> {
                ctx.link(worker).await?;
                loop {
                    ctx.recv().await;
                }
            })?;
        self.end().await?;
        Ok(companion)
    }

    async fn monitor(&mut self, worker: Pid) -> Result<(), Failed> {
        self.begin(
            "Monitor",
            "main monitors the worker: it will be told of the worker's end, and the worker not of main's. The monitor \
             has a number of its own, since a process may watch another several times.",
        )?;
        self.expect([Frame(Out, "MONITOR")]);
        self.ctx.monitor(worker).await?;
        self.end().await
    }

    async fn exit_with_a_reason(&mut self, worker: Pid, companion: Pid) -> Result<(), Failed> {
        self.begin(
            "An exit with a reason",
            "main tells the worker to fail. The exit signal goes over the link and ends companion as well, which does \
             not trap exits; main, which monitors both, sees why each of them ended. companion's reason names the \
             process that it was linked to, and the error that started it all.",
        )?;
        let error = Reason::error("disk full");
        self.expect([
            Frame(Out, "SEND_TERM"),
            Frame(In, "EXIT"),
            Frame(In, "MONITOR_EXIT"),
            Expected::sight(WORKER_ON_B, "a message, the term End"),
            Expected::sight(MAIN_ON_A, down(worker, &error)),
            Expected::sight(MAIN_ON_A, down(companion, &Reason::linked(worker, &error))),
        ]);
        self.tell_to_end(worker, "disk full").await?;
        self.end().await
    }

    async fn trapped_exit(&mut self) -> Result<Pid, Failed> {
        self.begin(
            "A trapped exit",
            "keeper, a new process on b, traps exits: the end of a process that it is linked to comes as a message. \
             helper on a links itself to keeper and ends with a reason of the program's own. keeper sees it, lives on, \
             and says so.",
        )?;
        let keeper = self.start_worker("keeper", true).await?;
        let reason = Reason::custom("upgrade");
        self.expect([Frame(Out, "LINK"), Frame(Out, "EXIT"), Frame(In, "REG_SEND")]);
        self.expect([Expected::sight(MAIN_ON_A, "a message, 10 bytes: \"still here\"")]);
        let ending = reason.clone();
        let helper = self.ctx.spawn(async move |ctx: Context| match ctx.link(keeper).await {
            Ok(()) => ending,
            Err(error) => Reason::error(error.to_string()),
        })?;
        // What node a is called in b's pids, b alone knows.
        let from = format!(".{}.{}>: {reason}", helper.local(), helper.creation());
        self.expect([Expected::sight_that_ends(KEEPER_ON_B, "EXIT from <", from)]);
        self.end().await?;
        Ok(keeper)
    }

    async fn unlink(&mut self, keeper: Pid) -> Result<(), Failed> {
        self.begin(
            "Unlink",
            "main links itself to keeper and monitors it, then takes the link back. b acknowledges that, so an exit \
             signal that is under way meanwhile cannot be taken for one of a later link. Then keeper ends: the monitor \
             tells, the link that is no more does not.",
        )?;
        self.expect([Frame(Out, "LINK"), Frame(Out, "MONITOR")]);
        self.ctx.link(keeper).await?;
        self.ctx.monitor(keeper).await?;
        self.wait().await?;
        self.expect([Frame(Out, "UNLINK_ID"), Frame(In, "UNLINK_ACK")]);
        self.ctx.unlink(keeper);
        self.wait().await?;
        self.expect([
            Frame(Out, "SEND_TERM"),
            Frame(In, "MONITOR_EXIT"),
            Expected::sight(KEEPER_ON_B, "a message, the term End"),
            Expected::sight(MAIN_ON_A, down(keeper, &Reason::error("done"))),
            Expected::never(MAIN_ON_A, format!("EXIT from {keeper}")),
        ]);
        self.tell_to_end(keeper, "done").await?;
        self.end().await
    }

    async fn kill(&mut self) -> Result<Pid, Failed> {
        self.begin(
            "kill -9",
            "main links itself to another worker, monitors it, and the system kills b. Nothing more comes from there: a \
             sees the connection break, and ends itself what crossed it, for the reason noconnection. The node's end \
             comes last.",
        )?;
        let worker = self.start_worker("worker", false).await?;
        self.expect([Frame(Out, "LINK"), Frame(Out, "MONITOR")]);
        self.ctx.link(worker).await?;
        self.ctx.monitor(worker).await?;
        self.wait().await?;
        self.expect([
            Expected::sight(NODE_B, "ends"),
            Expected::sight(MAIN_ON_A, exit(worker)),
            Expected::sight(MAIN_ON_A, down(worker, &Reason::Noconnection)),
        ]);
        self.list.expect_last(Expected::sight(MAIN_ON_A, format!("NODEDOWN {}", self.b)));
        if let Some(second) = self.second.take() {
            self.ended(&second.kill().await?.to_string());
        }
        self.end().await?;
        Ok(worker)
    }

    async fn restart(&mut self, lost: Pid) -> Result<(), Failed> {
        self.begin(
            "Restart and reconnect",
            "b starts again under its name, and a dials it. The incarnation in the handshake is another one, so this is \
             another b: pids of the one before mean nobody now, and a link to one of them ends at once, without a \
             frame. Whoever goes by name finds the new desk.",
        )?;
        self.expect([Expected::sight(NODE_B, format!("listens as {}", self.b))]);
        self.start_second().await?;
        self.wait().await?;
        self.expect_session();
        self.dial().await?;
        self.wait().await?;
        self.expect([Expected::sight(MAIN_ON_A, exit(lost))]);
        self.ctx.link(lost).await?;
        self.wait().await?;
        self.expect_greeting();
        self.ctx.send_named(DESK, &self.b, "hello").await?;
        self.end().await
    }

    async fn stop(&mut self) -> Result<(), Failed> {
        self.begin(
            "Stop",
            "b stops gracefully. It says so in a last frame, and everything that was queued before has been written by \
             then.",
        )?;
        self.expect([
            Frame(In, "CLOSE"),
            Expected::sight(MAIN_ON_A, format!("NODEDOWN {}", self.b)),
            Expected::sight_that_ends(NODE_B, "ends", "0"),
        ]);
        if let Some(second) = self.second.take() {
            self.ended(&second.stop().await?.to_string());
        }
        self.end().await
    }

    // What several steps do.

    fn begin(&mut self, title: &'static str, why: &str) -> Result<(), Failed> {
        self.list.begin(title);
        Ok(self.screen.step(self.list.steps().len(), title, why)?)
    }

    fn expect(&mut self, expected: impl IntoIterator<Item = Expected>) {
        self.list.expect(expected);
    }

    fn expect_session(&mut self) {
        self.expect(HANDSHAKE);
        self.expect([
            Expected::sight(MAIN_ON_A, format!("NODEUP {}", self.b)),
            Expected::sight(DESK_ON_B, format!("NODEUP {}", self.node.name())),
        ]);
    }

    fn expect_greeting(&mut self) {
        self.expect(QUESTION);
        self.expect([
            Expected::sight(DESK_ON_B, "a message, 5 bytes: \"hello\""),
            Expected::sight(MAIN_ON_A, "a message, 14 bytes: \"hello yourself\""),
        ]);
    }

    async fn start_second(&mut self) -> Result<(), Failed> {
        let (name, cookie) = (self.b.clone(), self.cookie.clone());
        let orders = Orders { name, cookie, other: self.node.name().into() };
        self.second = Some(Second::start(&orders, self.tell.clone()).await?);
        Ok(())
    }

    async fn dial(&mut self) -> Result<(), Failed> {
        Ok(timeout_at(Instant::now() + STEP_TIME_MAX, self.node.connect(&self.b))
            .await
            .map_err(|_| NotSeen)??)
    }

    /// Has desk start a worker.
    async fn start_worker(&mut self, role: &str, traps: bool) -> Result<Pid, Failed> {
        self.expect(QUESTION);
        self.expect([
            Expected::sight(DESK_ON_B, "a message, the term Start"),
            Expected::sight(MAIN_ON_A, "a message, the term Started"),
        ]);
        let start = stf::to_vec(&Start { role: role.into(), traps })?;
        self.ctx.send_named(DESK, &self.b, start).await?;
        self.wait().await?;
        self.worker()
    }

    /// The worker that was started last.
    fn worker(&self) -> Result<Pid, Failed> {
        let started = self.started.as_ref().ok_or("desk has started no worker")?;
        let pid = self.node.pid_on(&self.b, started.process);
        Ok(pid.ok_or("there is no session with b any more")?)
    }

    async fn tell_to_end(&mut self, worker: Pid, error: &str) -> Result<(), Failed> {
        Ok(self.ctx.send_term(worker, &End { error: error.into() }).await?)
    }

    /// Node `b`'s process has ended.
    fn ended(&self, status: &str) {
        let _ = self.tell.send(Event::Sight(Sight::new(NODE_B, format!("ends, {status}"))));
    }

    async fn end(&mut self) -> Result<(), Failed> {
        self.wait().await?;
        self.list.end();
        Ok(self.screen.step_over()?)
    }

    /// Shows what comes, until all has come that is expected so far. What went over the wire is shown before what
    /// came of it: a frame is told of before it is handled.
    async fn wait(&mut self) -> Result<(), Failed> {
        let deadline = Instant::now() + STEP_TIME_MAX;
        while !self.list.all_seen() {
            tokio::select! {
                biased;
                Some(event) = self.events.recv() => self.event(event)?,
                received = self.ctx.recv() => self.received(&received)?,
                () = sleep_until(deadline) => return Err(NotSeen.into()),
            }
        }
        Ok(())
    }

    fn received(&mut self, received: &Received) -> Result<(), Failed> {
        if let Received::Message(message) = received
            && let Ok(started) = message.term()
        {
            self.started = Some(started);
        }
        self.sight(&Sight::received(MAIN_ON_A, received))
    }

    fn event(&mut self, event: Event) -> Result<(), Failed> {
        match event {
            Event::Frame { time, direction, handshake, payload } => {
                let (a, b) = (self.node.name(), self.b.as_str());
                let (from, to) = if direction == Out { (a, b) } else { (b, a) };
                if let Some(trace) = &mut self.trace {
                    trace.message(&Sent { time, from, to, handshake, payload: &payload })?;
                }
                let name = self.screen.message(direction, handshake, &payload)?;
                self.list.frame(direction, name);
                Ok(())
            }
            Event::Started { node } => {
                self.b = node;
                Ok(())
            }
            Event::Sight(sight) => self.sight(&sight),
        }
    }

    fn sight(&mut self, sight: &Sight) -> Result<(), Failed> {
        self.list.sight(&sight.who, &sight.what);
        Ok(self.screen.sight(sight)?)
    }
}

fn down(pid: Pid, reason: &Reason) -> String {
    format!("DOWN of {pid}: {reason}")
}

fn exit(pid: Pid) -> String {
    format!("EXIT from {pid}: {}", Reason::Noconnection)
}
