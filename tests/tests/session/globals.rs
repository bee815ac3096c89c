//! What a session tells of the global names of its node. Specification: `session.md`, "Names that hold for all nodes".

use snow_dist_codec::{Frame, Reading, framing};
use snow_dist_runtime::core::session::{Forbidden, Rights};
use snow_dist_tests::simnet::Pair;
use snow_dist_tests::simnet::Side::{A, B};

/// A pair whose A owns these names when the session comes up.
fn owning(names: &[&str]) -> Pair {
    let mut pair = Pair::new();
    let names: Vec<_> = names.iter().map(|name| (*name).into()).collect();
    pair[A].session.tell_globals(&"a@h:1".into(), names.iter().map(|name| (name, 3)));
    pair
}

/// What A writes, if so many bytes are wanted.
fn written(pair: &mut Pair, bytes_wanted: usize) -> Vec<String> {
    let mut out = Vec::new();
    pair[A].session.write(&mut out, bytes_wanted);
    framing::Frames::new(&out, u32::MAX).map(|payload| told(payload.unwrap())).collect()
}

fn told(payload: &[u8]) -> String {
    match Frame::decode(payload, Reading::Strict).unwrap() {
        Frame::GlobalRegister(it) => format!("register {}", it.name.as_str()),
        Frame::GlobalUnregister(it) => format!("unregister {}", it.name.as_str()),
        Frame::GlobalSync(it) => {
            it.entries.iter().fold("sync".into(), |text, entry| format!("{text} {}", entry.name.as_str()))
        }
        frame => frame.name().into(),
    }
}

#[test]
fn what_is_taken_back_is_told_before_what_is_registered_and_as_much_as_is_wanted() {
    let mut pair = owning(&["b", "c"]);
    assert_eq!(written(&mut pair, usize::MAX), ["sync b c"]);
    pair[A].session.register_global(&"a".into(), 3);
    for name in ["c", "b"] {
        pair[A].session.unregister_global(&name.into());
    }
    assert_eq!(written(&mut pair, 1), ["unregister b"]);
    assert_eq!(written(&mut pair, usize::MAX), ["unregister c", "register a"]);
    assert!(!pair[A].session.has_output());
}

/// What does not fit into one GLOBAL_SYNC is told in another one, and only what has been told is taken back.
#[test]
fn a_name_that_was_told_is_taken_back_before_the_rest_is_told() {
    let names: Vec<_> = ('d'..='z').map(|letter| letter.to_string().repeat(4_096)).collect();
    let mut pair = owning(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let first = written(&mut pair, 1);
    assert!(first[0].contains(&names[0]) && !first[0].contains(&names[22]), "one frame is too short for all");
    pair[A].session.register_global(&"a".into(), 3);
    for name in [&names[22], &names[0]] {
        pair[A].session.unregister_global(&name.as_str().into());
    }
    let then = written(&mut pair, usize::MAX);
    assert_eq!(
        (then.len(), &then[0], &then[2]),
        (3, &format!("unregister {}", names[0]), &"register a".into())
    );
    assert!(then[1].starts_with("sync") && !then[1].contains(&names[22]));
}

#[test]
fn only_the_last_of_several_changes_is_told() {
    let mut pair = owning(&["b"]);
    let name = "b".into();
    // All that there was at first is gone: there is nothing to sync.
    pair[A].session.register_global(&"a".into(), 3);
    pair[A].session.unregister_global(&name);
    assert_eq!(written(&mut pair, usize::MAX), ["register a"]);
    pair[A].session.register_global(&name, 3);
    pair[A].session.unregister_global(&name);
    assert!(!pair[A].session.has_output());
    pair[A].session.register_global(&name, 3);
    assert_eq!(written(&mut pair, usize::MAX), ["register b"]);
    pair[A].session.unregister_global(&name);
    pair[A].session.register_global(&name, 4);
    assert_eq!(written(&mut pair, usize::MAX), ["register b"]);
    // The peer knows it, for another process.
    pair[A].session.unregister_global(&name);
    pair[A].session.register_global(&name, 5);
    pair[A].session.unregister_global(&name);
    assert_eq!(written(&mut pair, usize::MAX), ["unregister b"]);
}

//= spec/session.md#ses-glb-019
//= type=test
//# A node MUST ignore each GLOBAL_* of a peer from which it takes no global names.
#[test]
fn names_of_a_peer_from_which_none_are_taken_are_counted_and_told_of_seldom() {
    let mut pair = owning(&["a", "b", "c"]);
    pair[B].session.set_rights(Rights { global_names: false, ..Rights::default() });
    pair.settle();
    assert_eq!(pair[B].names(), ["GLOBAL_SYNC"]);
    assert_eq!(pair[B].session.take_forbidden(), [(Forbidden::GlobalName, 3)]);
    for number in 4..=1_000 {
        pair[A].session.register_global(&number.to_string().into(), 3);
        pair.settle();
    }
    pair[A].session.unregister_global(&"a".into());
    pair.settle();
    let told = [4, 8, 16, 32, 64, 128, 256, 512].map(|count| (Forbidden::GlobalName, count));
    assert_eq!(pair[B].session.take_forbidden(), told);
    let counts = pair[B].session.counts();
    assert_eq!((counts.global_names_refused, counts.left_alone, counts.has_unexpected()), (1_000, 0, false));
}
