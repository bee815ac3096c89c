//! Cookies and certificates that are replaced while a node runs.

use std::fs;
use std::path::{Path, PathBuf};

use snow_dist_runtime::core::{Cookie, Cookies};
use snow_dist_runtime::testing::{SimulatedHost, SimulatedNetwork};
use snow_dist_runtime::tls::Certificates;
use snow_dist_runtime::{Context, Node, Reason, ReloadError};
use snow_dist_tests::log::Log;
use snow_dist_tests::program::{
    COOKIE, assert_they_talk, begin, connect, down, node, seen_from, until, until_told,
};

use super::authority::Authority;

const NEW: &str = "another one of thirty-two letters";
const REPLACED: &str = "INFO snow_dist_runtime::configuration cookies or certificates were replaced";
const NOT_REPLACED: &str =
    "WARN snow_dist_runtime::configuration cookies and certificates were to be replaced";

/// The files of one node, which are gone when the test is over.
struct Files(PathBuf);

impl Files {
    fn new(test: &str, node: &str) -> Self {
        let files = std::env::temp_dir().join(format!("snow-dist-{test}-{node}-{}", std::process::id()));
        fs::create_dir_all(&files).unwrap();
        Self(files)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, content: &str) {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        #[cfg(unix)]
        set_mode(&path, 0o600);
    }

    /// A certificate of this authority for the node of this name, and its anchor.
    fn write_certificates(&self, authority: &Authority, name: &str) {
        let issued = authority.issue(&[&format!("snow-dist:{name}")]);
        self.write("chain", &issued.chain_pem());
        self.write("key", &issued.key_pem());
        self.write("anchors", &authority.anchor_pem());
    }

    fn certificates(&self) -> Certificates {
        Certificates::files(self.path("chain"), self.path("key"), self.path("anchors"))
    }

    /// A node of two cookie files and of certificates.
    async fn start(&self, name: &str, host: SimulatedHost) -> Node {
        let builder = Node::builder(name).cookie_file(self.path("cookie"));
        let builder = builder.cookie_file(self.path("accepted")).certificates(self.certificates());
        builder.start_on(host).await.unwrap()
    }
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Each of the two dials the other.
async fn assert_they_meet(a: &Node, b: &Node) {
    for (one, other) in [(a, b), (b, a)] {
        connect(one, other).await;
        one.disconnect(other.name());
        let has_left = |a: &Node, b: &Node| !a.nodes().iter().any(|name| **name == *b.name());
        until("its end", || has_left(a, b) && has_left(b, a)).await;
    }
}

/// Cookie and trust anchor change together, in three steps, and at no time are there two nodes that do not let each other in.
//= spec/handshake.md#hs-cky-007
//# A node whose operator replaces its cookies or certificates while it runs MUST use the new ones in each handshake that
//# begins afterwards.
#[tokio::test(start_paused = true)]
async fn a_system_gets_another_cookie_and_another_authority_while_it_runs() {
    const NAMES: [&str; 3] = ["a@north:1", "b@south:1", "c@east:1"];
    let log = Log::of_this_thread();
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let network = SimulatedNetwork::new();
    let files = NAMES.map(|name| Files::new("rotation", &name[..1]));
    let hosts = ["north", "south", "east"].map(|host| network.host(host));
    for (files, name) in files.iter().zip(NAMES) {
        files.write_certificates(&old, name);
        files.write("cookie", COOKIE);
        files.write("accepted", COOKIE);
    }
    let [of_a, of_b, of_c] = &files;
    let [north, south, east] = hosts;
    let a = of_a.start(NAMES[0], north).await;
    let b = of_b.start(NAMES[1], south).await;
    let c = of_c.start(NAMES[2], east).await;
    // Its session lasts through all of it.
    connect(&a, &c).await;
    let watched = seen_from(&a, &c, c.spawn(until_told).unwrap());
    let (_, ended) = begin(&a, async move |mut ctx: Context| {
        ctx.monitor(watched).await.unwrap();
        down(&mut ctx, watched).await
    });
    assert_they_meet(&a, &b).await;

    let both = old.anchor_pem() + &new.anchor_pem();
    for step in 1..=3 {
        for (node, files) in [(&a, of_a), (&b, of_b)] {
            match step {
                1 => {
                    files.write("accepted", NEW);
                    files.write("anchors", &both);
                }
                2 => {
                    files.write_certificates(&new, node.name());
                    files.write("anchors", &both);
                    files.write("cookie", NEW);
                    files.write("accepted", COOKIE);
                }
                _ => {
                    files.write("anchors", &new.anchor_pem());
                    files.write("accepted", NEW);
                }
            }
            node.reload().unwrap();
            assert_they_meet(&a, &b).await;
        }
    }
    assert_eq!(log.lines_with(REPLACED).len(), 6);
    a.send(watched, "told").await.unwrap();
    assert_eq!(ended.await.unwrap(), Reason::error("told"));
    // Whoever has stayed with the old ones does not come in again.
    assert!(b.connect(c.name()).await.is_err() && c.connect(b.name()).await.is_err());
    of_c.write_certificates(&new, c.name());
    c.reload().unwrap();
    let refused = c.connect(b.name()).await.unwrap_err().to_string();
    assert!(refused.contains("different cookies"), "{refused}");
    c.set_cookies(Cookie::new(NEW).unwrap()).unwrap();
    connect(&c, &b).await;
}

#[tokio::test(start_paused = true)]
async fn a_reload_that_fails_changes_nothing_and_says_which_file() {
    const NAME: &str = "a@north:1";
    let log = Log::of_this_thread();
    let (authority, other) = (Authority::new("root"), Authority::new("other"));
    let (network, files) = (SimulatedNetwork::new(), Files::new("failing", "a"));
    files.write_certificates(&authority, NAME);
    files.write("cookie", COOKIE);
    files.write("accepted", COOKIE);
    let a = files.start(NAME, network.host("north")).await;
    let b = Node::builder("b@south:1").cookie(COOKIE).certificates(authority.certificates("b@south:1"));
    let b = b.start_on(network.host("south")).await.unwrap();

    let others = other.issue(&["snow-dist:a@north:1"]);
    let [key, anchors] = ["key", "anchors"].map(|name| fs::read_to_string(files.path(name)).unwrap());
    let breaks = [
        ("accepted", "", "the cookie is empty"),
        ("key", "", "no private key"),
        ("key", &others.key_pem(), "is not that of"),
        ("anchors", &other.anchor_pem(), "would be refused by every peer"),
        ("anchors", "-----BEGIN", "no certificate"),
    ];
    for (count, (name, content, says)) in (1..).zip(breaks) {
        // All else is good, and new.
        files.write("cookie", NEW);
        files.write("accepted", NEW);
        files.write("key", &key);
        files.write("anchors", &anchors);
        files.write(name, content);
        let refused = a.reload().unwrap_err();
        assert!(matches!(refused, ReloadError::Unusable(_)), "{refused:?}");
        let refused = refused.to_string();
        let path = files.path(name).display().to_string();
        assert!(refused.contains(says) && refused.contains(&path), "{name}, {says}: {refused}");
        let told = log.lines_with(NOT_REPLACED);
        assert!(told.len() == count && told[count - 1].contains(&path), "{told:?}");
        assert_they_meet(&a, &b).await;
    }
    fs::remove_file(files.path("cookie")).unwrap();
    let refused = a.reload().unwrap_err().to_string();
    assert!(refused.contains(&files.path("cookie").display().to_string()), "{refused}");
    assert!(a.set_certificates(other.certificates("c@north:1")).is_err());
    assert_they_meet(&a, &b).await;
    assert!(log.lines_with(REPLACED).is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn a_key_that_others_can_read_and_anchors_that_they_can_write_are_warned_of() {
    const WARNED: &str =
        "WARN snow_dist_runtime::configuration others than its owner can read or write the file of the key";
    const ANCHORS: &str =
        "WARN snow_dist_runtime::configuration others than its owner can write the file of the trust anchors";
    let log = Log::of_this_thread();
    let (a, files) = (node("a").await, Files::new("key", "a"));
    files.write_certificates(&Authority::new("root"), a.name());
    a.set_certificates(files.certificates()).unwrap();
    assert!(log.lines_with(WARNED).is_empty());
    set_mode(&files.path("key"), 0o640);
    a.reload().unwrap();
    let warned = log.lines_with(WARNED);
    assert!(warned.len() == 1 && warned[0].contains("640"), "{warned:?}");
    // Everybody may read them.
    set_mode(&files.path("anchors"), 0o644);
    a.reload().unwrap();
    assert!(log.lines_with(ANCHORS).is_empty());
    set_mode(&files.path("anchors"), 0o664);
    a.reload().unwrap();
    let warned = log.lines_with(ANCHORS);
    assert!(warned.len() == 1 && warned[0].contains("664"), "{warned:?}");
}

#[tokio::test]
async fn cookies_of_the_program_are_replaced_and_stay() {
    let log = Log::of_this_thread();
    let (a, b) = (node("a").await, node("b").await);
    connect(&a, &b).await;
    let cookie = |text: &str| Cookie::new(text).unwrap();
    a.set_cookies(Cookies::from(cookie(NEW)).accepting(cookie("short"))).unwrap();
    assert_eq!(log.lines_with(REPLACED).len(), 1);
    assert_eq!(log.lines_with("the cookie is short").len(), 1);
    a.reload().unwrap();
    assert_they_talk(&a, &b).await;
    a.disconnect(b.name());
    until("its end", || a.nodes().is_empty() && b.nodes().is_empty()).await;
    assert!(a.connect(b.name()).await.is_err());
    b.set_cookies(cookie("short")).unwrap();
    connect(&b, &a).await;

    let alone = Node::alone(tokio::runtime::Handle::current());
    assert!(matches!(alone.reload(), Err(ReloadError::Alone)));
    assert!(matches!(alone.set_cookies(cookie(NEW)), Err(ReloadError::Alone)));
    let certificates = Authority::new("root").certificates("a@h:1");
    assert!(matches!(alone.set_certificates(certificates), Err(ReloadError::Alone)));
}
