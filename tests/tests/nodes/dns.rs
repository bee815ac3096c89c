//! Nodes that are found by a real name server, `dnsmasq`, on a port of this machine. `.ci/run` runs these tests.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use snow_dist_runtime::discovery::{Discovery, Dns};
use tokio::net::UdpSocket;

/// A name server that knows the names of the domain `test` that it is given, and no others.
struct Server(Child);

impl Server {
    /// It answers when this returns.
    fn start(at: SocketAddr, records: &[&str]) -> Self {
        let own = [
            "--conf-file=/dev/null",
            "--keep-in-foreground",
            "--pid-file=",
            "--user=",
            "--no-resolv",
            "--no-hosts",
            "--bind-interfaces",
            "--local=/test/",
            "--log-facility=-",
        ];
        let mut command = Command::new("dnsmasq");
        // Where Debian has it, for those who are not root as well.
        command.env("PATH", format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default()));
        command.args(own).args(records).stderr(Stdio::piped());
        command.arg(format!("--listen-address={}", at.ip())).arg(format!("--port={}", at.port()));
        let mut server =
            command.spawn().unwrap_or_else(|error| panic!("dnsmasq, of the package dnsmasq-base: {error}"));
        let said = BufReader::new(server.stderr.take().unwrap());
        let mut lines = said.lines().map(Result::unwrap);
        assert!(lines.any(|line| line.contains("cleared cache")), "dnsmasq does not start");
        // What it says later goes nowhere, and is no error of its own.
        std::thread::spawn(move || lines.for_each(drop));
        Self(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// An address of this machine where nobody listens.
async fn free() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

async fn found(dns: &mut Dns) -> Vec<String> {
    let mut names = dns.look().await.unwrap_or_else(|error| panic!("{error}"));
    names.sort();
    names
}

const POD_0: &str = "--srv-host=_dist._tcp.snow.test,snow-0.Snow.test,4000,1,1";
const POD_1: &str = "--srv-host=_dist._tcp.snow.test,snow-1.snow.test,4001,9,9";
const NOT_HERE: &str = "--srv-host=_dist._tcp.snow.test,.,0,1,1";

#[tokio::test]
#[ignore = "needs dnsmasq: `.ci/run` runs it"]
async fn srv_records_appear_vanish_and_return() {
    let at = free().await;
    let mut pods = Dns::srv("_dist._tcp.snow.test", "worker@{target}:{port}").unwrap().server(at);
    let [first, second] = ["worker@snow-0.snow.test:4000", "worker@snow-1.snow.test:4001"];
    let records: [(&[&str], &[&str]); 6] = [
        (&[], &[]),
        (&[POD_0], &[first]),
        (&[POD_1, POD_0], &[first, second]),
        (&[POD_1], &[second]),
        (&[POD_0, POD_1, NOT_HERE], &[first, second]),
        // The name is there, and has records of another kind only.
        (&["--txt-record=_dist._tcp.snow.test,nothing"], &[]),
    ];
    for (records, nodes) in records {
        let _server = Server::start(at, records);
        assert_eq!(found(&mut pods).await, nodes, "{records:?}");
    }
}

#[tokio::test]
#[ignore = "needs dnsmasq: `.ci/run` runs it"]
async fn addresses_of_both_families_are_nodes() {
    let at = free().await;
    let _server = Server::start(
        at,
        &["--host-record=nodes.test,10.0.0.1,fd00::1", "--host-record=nodes.test,10.0.0.2"],
    );
    let mut both = Dns::addresses("nodes.test", "w@{address}:4000").unwrap().server(at);
    assert_eq!(found(&mut both).await, ["w@10.0.0.1:4000", "w@10.0.0.2:4000", "w@[fd00::1]:4000"]);
    let mut only_ipv4 = Dns::ipv4_addresses("nodes.test.", "w@{address}:4000").unwrap().server(at);
    assert_eq!(found(&mut only_ipv4).await, ["w@10.0.0.1:4000", "w@10.0.0.2:4000"]);
    let mut nobody = Dns::addresses("nobody.test", "w@{address}:4000").unwrap().server(at);
    assert!(found(&mut nobody).await.is_empty());
    // Not in this server's domain: it knows nobody whom it could ask, and refuses.
    let error = Dns::addresses("nodes.example", "w@{address}").unwrap().server(at).look().await.unwrap_err();
    assert!(error.to_string().starts_with("A nodes.example.: "), "{error}");
}

#[tokio::test]
#[ignore = "needs dnsmasq: `.ci/run` runs it"]
async fn an_answer_that_is_too_long_for_a_datagram_is_whole() {
    let at = free().await;
    let pod = |number| {
        format!("--srv-host=_dist._tcp.snow.test,snow-{number:03}.a-long-label-of-a-service.test,4000,1,1")
    };
    let records: Vec<_> = (0..200).map(pod).collect();
    let _server = Server::start(at, &records.iter().map(String::as_str).collect::<Vec<_>>());
    let mut pods = Dns::srv("_dist._tcp.snow.test", "{label}@h:{port}").unwrap().server(at);
    let names: Vec<_> = (0..200).map(|number| format!("snow-{number:03}@h:4000")).collect();
    assert_eq!(found(&mut pods).await, names);
}

/// In time that goes on when nobody has anything to do.
#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_is_a_look_that_fails() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let pods = Dns::srv("_dist._tcp.snow.test", "worker@{target}:{port}").unwrap();
    let begin = tokio::time::Instant::now();
    let error = pods.server(silent.local_addr().unwrap()).look().await.unwrap_err();
    assert!(error.to_string().starts_with("SRV _dist._tcp.snow.test.: "), "{error}");
    let longest = snow_dist_runtime::core::limits::DISCOVERY_LOOK_DEADLINE;
    assert!(begin.elapsed() < longest, "the look ends by itself: {:?}", begin.elapsed());
}
