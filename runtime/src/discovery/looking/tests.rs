//! Looks that are driven by hand, and what is kept after each.

use std::collections::VecDeque;
use std::fmt;

use super::super::holds::tests::{Few, OWN};
use super::*;

/// What a look comes to.
enum Comes {
    Names(Vec<String>),
    Error,
    ErrorThatPanics,
    Panic,
    Nothing,
}

/// Names of nodes of one host.
fn names(names: &[&str]) -> Comes {
    Comes::Names(names.iter().map(|name| (*name).to_owned()).collect())
}

/// Finds what the test has said, one look after the other.
struct Told(VecDeque<Comes>);

#[derive(Debug)]
struct PanicsWhenShown;

impl fmt::Display for PanicsWhenShown {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("shown")
    }
}

impl std::error::Error for PanicsWhenShown {}

impl Discovery for Told {
    async fn look(&mut self) -> Result<Vec<String>, LookError> {
        match self.0.pop_front().expect("a look too many") {
            Comes::Names(names) => Ok(names),
            Comes::Error => Err("the server is on fire".into()),
            Comes::ErrorThatPanics => Err(PanicsWhenShown.into()),
            Comes::Panic => panic!("looked"),
            Comes::Nothing => std::future::pending().await,
        }
    }
}

fn looking(
    holds: &Arc<Holds<Few>>,
    number: u64,
    comes: impl IntoIterator<Item = Comes>,
) -> (Looking<Few>, Arc<Record>) {
    let told = Box::new(Kept::new(Told(comes.into_iter().collect())));
    let record = Arc::new(Record::new("told".into()));
    let holder = Holder::discovery(number);
    (Looking::new(told, Duration::from_secs(5), holder, holds.clone(), record.clone()), record)
}

fn few(max: usize) -> (Few, Arc<Holds<Few>>) {
    let few = Few::new(max);
    (few.clone(), Arc::new(Holds::new(few)))
}

#[tokio::test]
async fn new_names_are_kept_and_vanished_ones_let_go_of() {
    let (kept, holds) = few(9);
    let comes = [&["b@h", "a@h:1"][..], &["a@h:1", "b@h:9000"], &["c@h:1", "a@h:1"], &[], &["b@h"]];
    let (mut looking, record) = looking(&holds, 1, comes.map(names));
    for now in [&["a@h:1", "b@h:9000"][..], &["a@h:1", "b@h:9000"], &["a@h:1", "c@h:1"], &[], &["b@h:9000"]] {
        looking.look().await;
        assert_eq!(kept.kept(), now);
        assert!(record.status().nodes.iter().map(|name| &**name).eq(now.iter().copied()));
    }
    let status = record.status();
    assert_eq!((status.looks, status.looks_failed, status.names_passed_over), (5, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_look_that_fails_changes_nothing_and_is_counted() {
    let (kept, holds) = few(9);
    let failing = [Comes::Error, Comes::ErrorThatPanics, Comes::Panic, Comes::Nothing];
    let comes = [names(&["a@h:1"])].into_iter().chain(failing).chain([names(&["b@h:1"])]);
    let (mut looking, record) = looking(&holds, 1, comes);
    looking.look().await;
    for (number, why) in [
        (1, "the server is on fire"),
        (2, "its error panicked: shown"),
        (3, "it panicked: looked"),
        (4, "it took longer than 15.0 s"),
    ] {
        looking.look().await;
        let status = record.status();
        assert_eq!((status.looks_failed, status.last_failure.as_deref()), (number, Some(why)));
        assert_eq!((kept.kept(), status.nodes.len()), (vec!["a@h:1".to_owned()], 1));
    }
    looking.look().await;
    assert_eq!((kept.kept(), record.status().looks), (vec!["b@h:1".to_owned()], 6));
}

#[tokio::test]
async fn what_is_no_name_to_dial_is_passed_over_and_so_is_the_node_itself() {
    let (kept, holds) = few(9);
    let nonsense =
        ["", "@", "no name", "a@h:0", "a@0.0.0.0:1", "a@h:99999", "a\u{7}@h:1", "a@[::1", &"x".repeat(300)];
    let found: Vec<_> = nonsense.into_iter().chain([OWN, "a@h:1", "a@h:1"]).collect();
    let (mut looking, record) = looking(&holds, 1, [names(&found), names(&[OWN])]);
    looking.look().await;
    assert_eq!((kept.kept(), record.status().names_passed_over), (vec!["a@h:1".to_owned()], nonsense.len()));
    looking.look().await;
    assert_eq!((kept.kept().len(), record.status().names_passed_over), (0, 0));
}

#[tokio::test]
async fn of_too_many_names_the_first_are_kept_and_the_same_at_each_look() {
    let (kept, holds) = few(usize::MAX);
    let many: Vec<_> = (0..2 * DISCOVERED_NAMES_MAX).map(|number| format!("n{number:05}@h:1")).collect();
    let reversed = many.iter().rev().cloned().collect();
    let (mut looking, record) = looking(&holds, 1, [Comes::Names(many.clone()), Comes::Names(reversed)]);
    for _ in 0..2 {
        looking.look().await;
        assert_eq!(kept.kept(), many[..DISCOVERED_NAMES_MAX]);
        assert_eq!(record.status().names_passed_over, DISCOVERED_NAMES_MAX);
    }
}

#[tokio::test]
async fn a_name_for_which_there_is_no_room_is_kept_when_there_is() {
    let (kept, holds) = few(2);
    let (mut looking, record) =
        looking(&holds, 1, [names(&["a@h:1", "b@h:1", "c@h:1"]), names(&["b@h:1", "c@h:1"])]);
    looking.look().await;
    assert_eq!((kept.kept().len(), record.status().names_passed_over), (2, 1));
    looking.look().await;
    assert_eq!(
        (kept.kept(), record.status().names_passed_over),
        (vec!["b@h:1".to_owned(), "c@h:1".to_owned()], 0)
    );
}

#[tokio::test]
async fn two_discoveries_and_the_program_do_not_take_names_from_each_other() {
    let (kept, holds) = few(9);
    let (mut first, _) = looking(&holds, 1, [names(&["a@h:1", "b@h:1"]), names(&[])]);
    let (mut second, record) = looking(&holds, 2, [names(&["b@h:1", "c@h:1"])]);
    holds.hold(Holder::PROGRAM, &"a@h:1".into()).unwrap();
    first.look().await;
    second.look().await;
    first.look().await;
    assert_eq!(kept.kept(), ["a@h:1", "b@h:1", "c@h:1"]);
    drop(second);
    assert_eq!((kept.kept(), record.status().nodes.len()), (vec!["a@h:1".to_owned()], 0));
    assert!(holds.release(Holder::PROGRAM, &"a@h:1".into()) && kept.kept().is_empty());
}

#[tokio::test(start_paused = true)]
async fn it_looks_at_once_and_then_after_each_interval_give_or_take_a_tenth() {
    let (_, holds) = few(9);
    let (looking, record) = looking(&holds, 1, (0..20).map(|_| names(&["a@h:1"])).chain([Comes::Panic]));
    let clock = looking.clock;
    let (ended, _) = tokio::join!(clock.wait_for(Duration::from_millis(87_000), looking.run()), async {});
    assert_eq!(ended, None);
    // 87 s are 16 intervals at least, and 20 at most.
    let looks = record.status().looks;
    assert!((16..=20).contains(&looks), "{looks}");
}

#[test]
fn an_interval_is_spread_within_a_tenth_of_it() {
    let interval = Duration::from_secs(10);
    let spread: Vec<_> = (0..100).map(|_| spread(interval)).collect();
    assert!(spread.iter().all(|time| (9..=11).contains(&time.as_secs()) && *time <= Duration::from_secs(11)));
    assert!(spread.iter().any(|time| *time != spread[0]));
}
