//! Machines on one bridge.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

const BRIDGE: &str = "bridge";
const PORT: u16 = 4000;

/// Processes of each node.
pub(crate) const PROCESSES: usize = 20;

/// The reason of a process that was told to fail, as it is printed.
pub(crate) const FAILED: &str = r#"error "of itself""#;

/// When a test has failed: nothing takes that long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Far longer than a heartbeat of these nodes takes: what has not come by then does not come.
const QUIET: Duration = Duration::from_secs(8);

/// A machine: a network namespace, one end of a cable in it, the other at the bridge.
pub(crate) struct Machine {
    number: usize,
    /// What keeps the namespace.
    holder: Child,
}

/// Machines with a bridge between them. Whatever the test does to it, it goes with the test.
pub(crate) struct Lan {
    machines: Vec<Machine>,
}

impl Lan {
    pub(crate) fn new(machines: usize) -> Self {
        ip(&["link", "add", BRIDGE, "type", "bridge"]);
        ip(&["link", "set", BRIDGE, "up"]);
        Self { machines: (1..=machines).map(Machine::new).collect() }
    }

    /// A node on a machine, which watches those of all others.
    pub(crate) fn node(&self, machine: usize) -> NodeProcess {
        let names = || (1..=self.machines.len()).map(name);
        self.node_of(machine, &name(machine), names().filter(|other| *other != name(machine)))
    }

    /// A node of any name on a machine, which watches others.
    pub(crate) fn node_of(
        &self,
        machine: usize,
        name: &str,
        watched: impl Iterator<Item = String>,
    ) -> NodeProcess {
        let mut command = self.machines[machine - 1].command(env!("CARGO_BIN_EXE_machine_node"));
        NodeProcess::start(command.arg(name).args(watched), name)
    }

    /// Pulls the cable of a machine.
    pub(crate) fn cut(&self, machine: usize) {
        ip(&["link", "set", &cable(machine), "down"]);
    }

    pub(crate) fn mend(&self, machine: usize) {
        ip(&["link", "set", &cable(machine), "up"]);
    }

    /// Those machines reach all others, but not each other.
    pub(crate) fn isolate(&self, machines: &[usize], isolated: bool) {
        for machine in machines {
            let isolated = if isolated { "on" } else { "off" };
            must(Command::new("bridge").args(["link", "set", "dev", &cable(*machine), "isolated", isolated]));
        }
    }

    /// Puts a queueing discipline at the bridge's end of a cable. False if this system has none of that kind.
    pub(crate) fn shape(&self, machine: usize, discipline: &[&str]) -> bool {
        let mut tc = Command::new("tc");
        tc.args(["qdisc", "add", "dev", &cable(machine), "root"]).args(discipline);
        tc.stderr(Stdio::null()).status().unwrap().success()
    }
}

impl Drop for Lan {
    fn drop(&mut self) {
        ip(&["link", "delete", BRIDGE]);
    }
}

impl Machine {
    fn new(number: usize) -> Self {
        let here = fs::read_link("/proc/self/ns/net").unwrap();
        let holder = Command::new("unshare").args(["--net", "sleep", "infinity"]).spawn().unwrap();
        let namespace = format!("/proc/{}/ns/net", holder.id());
        wait("a namespace", || fs::read_link(&namespace).is_ok_and(|there| there != here));
        let machine = Self { number, holder };
        let (cable, process) = (cable(number), machine.holder.id().to_string());
        ip(&["link", "add", &cable, "type", "veth", "peer", "name", "eth0", "netns", &process]);
        ip(&["link", "set", &cable, "master", BRIDGE, "up"]);
        let ip = |arguments: &[&str]| must(machine.command("ip").args(arguments));
        ip(&["link", "set", "lo", "up"]);
        ip(&["address", "add", &format!("{}/24", address(number)), "dev", "eth0"]);
        ip(&["address", "add", &format!("{}/64", link_local(number)), "dev", "eth0", "nodad"]);
        ip(&["link", "set", "eth0", "up"]);
        machine
    }

    /// A command on this machine.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--net", "--target", &self.holder.id().to_string(), program]);
        command
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        ip(&["link", "delete", &cable(self.number)]);
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// A node in a process.
pub(crate) struct NodeProcess {
    pub(crate) name: String,
    child: Child,
    orders: ChildStdin,
    printed: Arc<Mutex<Vec<String>>>,
}

impl NodeProcess {
    fn start(command: &mut Command, name: &str) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (orders, out) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let printed = Arc::new(Mutex::new(Vec::new()));
        let lines = printed.clone();
        thread::spawn(move || {
            BufReader::new(out)
                .lines()
                .map_while(Result::ok)
                .for_each(|line| lines.lock().unwrap().push(line));
        });
        let node = Self { name: name.to_owned(), child, orders, printed };
        node.expect(&format!("started {name}"));
        node
    }

    pub(crate) fn order(&mut self, order: &str) {
        writeln!(self.orders, "{order}").unwrap();
    }

    /// Dials the other node until there is a session at both ends. What was cut a moment ago may not carry yet.
    pub(crate) fn connect(&mut self, other: &Self) {
        let connected = format!("connected {}", other.name);
        let before = self.count(&connected);
        let (order, failed) = (format!("connect {}", other.name), format!("not {connected}"));
        let mut failures = self.count_beginning(&failed);
        self.order(&order);
        wait("a session", || {
            if self.count_beginning(&failed) > failures {
                failures += 1;
                self.order(&order);
            }
            self.count(&connected) > before
        });
    }

    /// Dials once, in vain.
    pub(crate) fn connect_in_vain(&mut self, other: &Self) {
        let failed = format!("not connected {}", other.name);
        let before = self.count_beginning(&failed);
        self.order(&format!("connect {}", other.name));
        wait("the failure of a dial", || self.count_beginning(&failed) > before);
    }

    /// Sends a signal of the operating system.
    pub(crate) fn signal(&self, signal: &str) {
        must(Command::new("kill").args([format!("-{signal}"), self.child.id().to_string()]));
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// How often this line was printed.
    pub(crate) fn count(&self, line: &str) -> usize {
        self.printed.lock().unwrap().iter().filter(|printed| *printed == line).count()
    }

    fn count_beginning(&self, beginning: &str) -> usize {
        self.printed.lock().unwrap().iter().filter(|printed| printed.starts_with(beginning)).count()
    }

    /// Waits for a line.
    pub(crate) fn expect(&self, line: &str) {
        self.expect_times(line, 1);
    }

    pub(crate) fn expect_times(&self, line: &str, times: usize) {
        wait(&format!("`{line}` from {}", self.name), || self.count(line) >= times);
    }

    /// Waits until each process has been told this, in words like `exit NUMBER noconnection`, so many times.
    pub(crate) fn expect_each(&self, verb: &str, what: &str, times: usize) {
        let all = || self.each(verb, what).all(|count| count >= times);
        wait(&format!("{times} times `{verb} .. {what:.20}` from {}", self.name), all);
    }

    /// Whether each process has been told this exactly so many times.
    pub(crate) fn assert_each(&self, verb: &str, what: &str, times: usize) {
        let counts: Vec<_> = self.each(verb, what).collect();
        assert_eq!(counts, [times; PROCESSES], "`{verb} .. {what}` from {}", self.name);
    }

    fn each(&self, verb: &str, what: &str) -> impl Iterator<Item = usize> {
        (1..=PROCESSES).map(move |process| self.count(&format!("{verb} {process} {what}")))
    }

    /// What it printed about a node's coming and going, in order.
    pub(crate) fn saw_of(&self, other: &str) -> Vec<&'static str> {
        let printed = self.printed.lock().unwrap();
        let of_node = printed.iter().filter_map(|line| match line.split_once(' ') {
            Some(("nodeup", name)) if name == other => Some("up"),
            Some(("nodedown", name)) if name == other => Some("down"),
            _ => None,
        });
        of_node.collect()
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Lets everything come that still comes.
pub(crate) fn settle() {
    thread::sleep(QUIET);
}

/// The name of the node on a machine.
pub(crate) fn name(machine: usize) -> String {
    format!("n{machine}@{}:{PORT}", address(machine))
}

/// The name of a node on a machine by its link-local address, which means something only with an interface.
pub(crate) fn link_local_name(machine: usize) -> String {
    format!("n{machine}@[{}%eth0]:{PORT}", link_local(machine))
}

fn address(machine: usize) -> String {
    format!("10.77.0.{machine}")
}

fn link_local(machine: usize) -> String {
    format!("fe80::77:{machine}")
}

fn cable(machine: usize) -> String {
    format!("cable{machine}")
}

fn ip(arguments: &[&str]) {
    must(Command::new("ip").args(arguments));
}

fn must(command: &mut Command) {
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
}

fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what} did not come");
        thread::sleep(Duration::from_millis(10));
    }
}
