//! Names, cookies, paths and texts that are made while they are handed over, and iterators of them.

use std::cell::Cell;
use std::num::NonZeroU16;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::rc::Rc;

use snow_dist_runtime::{Allowed, Node, NodeBuilder, Reason};
use snow_dist_tests::program::{COOKIE, assert_they_talk, connect, idle, node, start};

use super::{CallsBack, watchdog};

/// Runs in every place where code of the program runs.
type Does = Rc<dyn Fn()>;

/// Something of a program's that becomes a text when it is asked for it.
struct Text(&'static str, Does);

impl Text {
    fn made(&self) -> &'static str {
        (self.1)();
        self.0
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.made().into()
    }
}

impl From<Text> for Vec<u8> {
    fn from(text: Text) -> Self {
        text.made().into()
    }
}

impl From<Text> for PathBuf {
    fn from(text: Text) -> Self {
        text.made().into()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self.made()
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        (self.1)();
    }
}

/// One name, from an iterator that does the same when it is asked for it.
fn names(does: &Does) -> impl Iterator<Item = Text> {
    let does = Rc::clone(does);
    std::iter::once("peer@127.0.0.1").map(move |name| {
        does();
        Text(name, Rc::clone(&does))
    })
}

/// Any file can be a cookie's.
const COOKIE_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");

/// Code of the program in [`hand_over`]: ten texts are made and dropped, and three iterators are asked.
const PLACES: usize = 10 * 2 + 3;

/// Hands such a text to everything that takes one.
fn hand_over(does: &Does) -> NodeBuilder {
    let text = |text| Text(text, Rc::clone(does));
    let _ = (Reason::error(text("an error")), Reason::custom(text("a reason")));
    let builder = Node::builder(text("a@127.0.0.1:0"))
        .cookie(text(COOKIE))
        .cookie_file(text(COOKIE_FILE))
        .listen(text("127.0.0.1:0"))
        .version_1(Allowed::only(names(does)).unwrap())
        .version_1_node_id(text("peer@127.0.0.1"), NonZeroU16::MIN)
        .remote_exit(Allowed::only(names(does)).unwrap());
    builder.remote_exit(Allowed::except(names(does)).unwrap())
}

#[tokio::test]
async fn what_is_handed_to_a_builder_may_use_another_node() {
    let _watchdog = watchdog();
    let other = node("other").await;
    let (calls_back, places) = (CallsBack::default(), Rc::<Cell<usize>>::default());
    calls_back.know(vec![(other.clone(), other.spawn(idle).unwrap())], Vec::new());
    let (in_place, reached) = (calls_back.clone(), Rc::clone(&places));
    let builder = hand_over(
        &(Rc::new(move || {
            in_place.call();
            reached.set(reached.get() + 1);
        }) as Does),
    );
    assert_eq!(places.get(), PLACES);
    calls_back.assert_finished().await;
    let node = start(builder).await;
    connect(&node, &other).await;
    assert_they_talk(&node, &other).await;
}

#[tokio::test]
async fn what_panics_while_it_is_handed_to_a_builder_is_its_callers_alone() {
    let _watchdog = watchdog();
    let other = node("other").await;
    // One place after the other.
    for place in 0..PLACES {
        let places = Cell::new(0);
        let does: Does = Rc::new(move || {
            places.set(places.get() + 1);
            assert_ne!(places.get() - 1, place, "handed over");
        });
        let panic = catch_unwind(AssertUnwindSafe(|| hand_over(&does))).unwrap_err();
        assert!(panic.downcast_ref::<String>().is_some_and(|words| words.contains("handed over")), "{place}");
        assert_eq!(Rc::strong_count(&does), 1, "{place}: all of it is dropped");
    }
    let node = start(hand_over(&(Rc::new(|| ()) as Does))).await;
    connect(&node, &other).await;
    assert_they_talk(&node, &other).await;
}
