//! A cluster of five processes of the system, whose members are killed and started again while all send to all.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use snow_dist_runtime::{Context, Node, Reason, Received};
use snow_dist_tests::program::{down, exit, received, run, start, text, until, within};

use super::{Second, ask};

const MEMBERS: usize = 4;

/// Whose `echo` each member is linked with and monitors: the other members.
const OTHERS: u64 = MEMBERS as u64 - 1;

/// Bytes by which a process may have grown after all cycles: what an allocator keeps, and the numbers of nodes that were there,
/// which are kept for pids that programs hold.
const GROWTH_MAX: u64 = 16 << 20;

/// The test's own node, which all members know, and theirs.
struct Cluster {
    node: Node,
    members: Vec<Second>,
}

impl Cluster {
    async fn start() -> Self {
        let node = start(Node::builder("seed@127.0.0.1:0").mesh()).await;
        node.spawn(sink).unwrap();
        let member = |number| Second::start_with(&[&format!("m{number}@127.0.0.1:0"), "--mesh", node.name()]);
        let members = (0..MEMBERS).map(member).collect();
        let cluster = Self { node, members };
        cluster.is_up().await;
        cluster
    }

    async fn is_up(&self) {
        let names: BTreeSet<Arc<str>> =
            self.members.iter().map(|member| member.name.as_str().into()).collect();
        until("all members", || self.node.nodes().into_iter().collect::<BTreeSet<_>>() == names).await;
    }

    /// Kills a member that a process is linked with and monitors, by its pid and by its node, and starts it again.
    async fn cycle(&mut self, number: usize) {
        let (own, seed) = (self.node.clone(), self.node.name().to_owned());
        let Some(member) = self.members.get_mut(number % MEMBERS) else { return };
        let name = member.name.clone();
        let (ready, is_ready) = tokio::sync::oneshot::channel();
        let (other, of) = (name.clone(), own.clone());
        let seen = tokio::spawn(async move {
            run(&own, async move |mut ctx| {
                ctx.trap_exit(true);
                ctx.monitor_node(&other).unwrap();
                let (echo, _) = ask(&mut ctx, &of, &other).await;
                ctx.link(echo).await.unwrap();
                ctx.monitor(echo).await.unwrap();
                ctx.monitor(echo).await.unwrap();
                ready.send(()).unwrap();
                assert_eq!(exit(&mut ctx, echo).await, Reason::Noconnection);
                assert_eq!(down(&mut ctx, echo).await, Reason::Noconnection);
                assert_eq!(down(&mut ctx, echo).await, Reason::Noconnection);
                assert!(matches!(received(&mut ctx).await, Received::NodeDown { .. }));
            })
            .await;
        });
        within("links and monitors", is_ready).await.unwrap();
        member.kill_9();
        within("their ends", seen).await.unwrap();
        *member = Second::start_with(&[&name, "--mesh", &seed]);
        self.is_up().await;
    }

    /// What each member has linked and monitored has ended, or is there: one of each for every other member.
    async fn account(&self) {
        for member in &self.members {
            let (own, name) = (self.node.clone(), member.name.clone());
            let counts = || async {
                let (own, name) = (own.clone(), name.clone());
                run(&own.clone(), async move |mut ctx| {
                    ctx.register("asker").unwrap();
                    ctx.send_named("watcher", &name, format!("asker {}", own.name())).await.unwrap();
                    text(&mut ctx).await
                })
                .await
            };
            let mut told = Vec::new();
            for _ in 0..1_000 {
                told = counts().await.split(' ').skip(1).map(|count| count.parse::<u64>().unwrap()).collect();
                if told.last() == Some(&OTHERS) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            let [made, downs, exits, open] = told[..] else { panic!("{told:?}") };
            assert_eq!((downs, exits, open), (made - open, made - open, OTHERS), "{}", member.name);
        }
    }

    /// Whether this node holds no more tasks and processes than these. Timers that are not due yet are tasks as well.
    fn holds_no_more(&self, tasks: usize, processes: usize) -> bool {
        alive_tasks() <= tasks + TIMERS && self.node.process_count() <= processes
    }
}

/// Tasks that wait for a time at which names are to be dialled.
const TIMERS: usize = 4;

fn alive_tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

/// Descriptors and resident bytes of this process of the system, which other tests may share.
fn of_this_process() -> (usize, u64) {
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap().count();
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    (descriptors, pages * 4_096)
}

/// Takes what all members send.
async fn sink(mut ctx: Context) -> Result<(), String> {
    ctx.register("sink").map_err(|error| error.to_string())?;
    loop {
        ctx.recv().await;
    }
}

/// As many cycles, after which nothing is left over; gives by how many descriptors and bytes this process has grown.
async fn cycles(count: usize) -> (usize, u64) {
    let mut cluster = Cluster::start().await;
    // The first of each has what is made once.
    for number in 0..MEMBERS {
        cluster.cycle(number).await;
    }
    cluster.account().await;
    let (tasks, processes) = (alive_tasks(), cluster.node.process_count());
    let (descriptors, bytes) = of_this_process();
    for number in 0..count {
        cluster.cycle(number).await;
    }
    cluster.account().await;
    until("nothing is left over", || cluster.holds_no_more(tasks, processes)).await;
    let now = of_this_process();
    (now.0.saturating_sub(descriptors), now.1.saturating_sub(bytes))
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn members_that_are_killed_and_started_again_leave_nothing_behind() {
    cycles(8).await;
}

#[tokio::test]
#[cfg(target_os = "linux")]
#[ignore = "it takes minutes and measures the whole process: run it by name after changes of how nodes are kept connected"]
async fn a_thousand_kills_leave_nothing_behind() {
    let (descriptors, bytes) = cycles(1_000).await;
    assert_eq!(descriptors, 0);
    assert!(bytes <= GROWTH_MAX, "{bytes} bytes are left over");
}
