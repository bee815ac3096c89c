use super::*;

const NAME: &str = "b@h:1";
const SECOND: Duration = Duration::from_secs(1);
const ID: ConnectionId = ConnectionId(1);

fn keeping() -> (Keeping, Dice) {
    (Keeping::new(2, 3), Dice::new([7; 8]))
}

/// Dials the next name that is due, in vain.
fn fail(keeping: &mut Keeping, dice: &mut Dice, now: Duration) -> Option<Unreached> {
    let name = keeping.next_due(now).unwrap();
    keeping.ask(&name, now);
    keeping.dialled(&name, ID);
    keeping.failed(&name, Some(ID), &"no answer", now, dice)
}

#[test]
fn whoever_is_not_reached_is_dialled_for_ever_and_ever_more_seldom() {
    let (mut keeping, mut dice) = keeping();
    keeping.keep(&NAME.into(), KeptFor::Program, Duration::ZERO);
    let mut longest = KEEP_PAUSE_MIN;
    let mut now = Duration::ZERO;
    let mut told = Vec::new();
    for times in 1..=1_000 {
        told.extend(fail(&mut keeping, &mut dice, now).map(|unreached| unreached.failures));
        let pause = keeping.deadline().unwrap() - now;
        assert!(longest / 2 <= pause && pause <= longest, "{times}: {pause:?}");
        assert_eq!(keeping.next_due(now), None);
        longest = KEEP_PAUSE_MAX.min(longest * 2);
        now += pause;
    }
    assert_eq!(longest, KEEP_PAUSE_MAX);
    assert_eq!(told, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);
}

#[test]
fn a_session_that_has_lasted_is_dialled_again_soon_and_one_that_has_not_is_a_failure() {
    let (mut keeping, mut dice) = keeping();
    keeping.keep(&NAME.into(), KeptFor::Program, Duration::ZERO);
    for _ in 0..20 {
        let due = keeping.deadline().unwrap();
        fail(&mut keeping, &mut dice, due);
    }
    keeping.up(NAME, 1_000 * SECOND);
    keeping.down(NAME, 1_001 * SECOND, &mut dice);
    assert!(keeping.deadline().unwrap() >= 1_001 * SECOND + KEEP_PAUSE_MAX / 2);
    keeping.up(NAME, 2_000 * SECOND);
    keeping.down(NAME, 2_000 * SECOND + KEEP_PAUSE_MAX, &mut dice);
    assert!(keeping.deadline().unwrap() <= 2_000 * SECOND + KEEP_PAUSE_MAX + KEEP_PAUSE_MIN);
}

#[test]
fn the_first_dial_in_vain_after_each_session_is_told_of() {
    let (mut keeping, mut dice) = keeping();
    keeping.keep(&NAME.into(), KeptFor::Program, Duration::ZERO);
    let mut now = Duration::ZERO;
    let in_a_row = |keeping: &Keeping| keeping.iter().next().unwrap().failures_in_a_row;
    for sessions_that_do_not_last in 1..=4 {
        for _ in 0..sessions_that_do_not_last {
            keeping.up(NAME, now);
            now += SECOND;
            keeping.down(NAME, now, &mut dice);
            assert_eq!(in_a_row(&keeping), 0, "a session that is lost is told of by its own line");
        }
        for (times, told) in [(1, Some(1)), (2, Some(2)), (3, None), (4, Some(4))] {
            now = keeping.deadline().unwrap();
            let unreached = fail(&mut keeping, &mut dice, now);
            assert_eq!((unreached.map(|it| it.failures), in_a_row(&keeping)), (told, times));
        }
    }
}

#[test]
fn no_more_dials_are_under_way_than_may_be() {
    let (mut keeping, mut dice) = keeping();
    for name in ["a@h:1", "b@h:1", "c@h:1"] {
        keeping.keep(&name.into(), KeptFor::Program, Duration::ZERO);
    }
    for _ in 0..2 {
        let name = keeping.next_due(SECOND).unwrap();
        keeping.ask(&name, SECOND);
        keeping.dialled(&name, ID);
    }
    assert_eq!((keeping.next_due(SECOND), keeping.deadline()), (None, None));
    keeping.failed("a@h:1", Some(ID), &"no answer", SECOND, &mut dice);
    assert_eq!(keeping.next_due(SECOND).as_deref(), Some("c@h:1"));
    // Whoever is let go of gives its place back as well.
    let name = keeping.next_due(SECOND).unwrap();
    keeping.ask(&name, SECOND);
    assert!(keeping.let_go("b@h:1") && !keeping.let_go("b@h:1"));
    assert!(keeping.deadline().is_some());
}

//= spec/session.md#ses-lst-004
//= type=test
//# A node MUST NOT make more than `peer_list_dials_max` dials within a minute because of PEER_LISTs, of all
//# peers together.
#[test]
fn dials_because_of_lists_are_bounded_and_those_of_the_program_are_not() {
    let (mut keeping, mut dice) = keeping();
    keeping.keep(&NAME.into(), KeptFor::PeerList, Duration::ZERO);
    let mut dials = Vec::new();
    while dials.len() < 20 {
        let now = keeping.deadline().unwrap();
        if keeping.next_due(now).is_some() {
            dials.push(now);
            fail(&mut keeping, &mut dice, now);
        }
    }
    assert!(dials.windows(4).all(|of_a_minute| of_a_minute[3] - of_a_minute[0] >= PEER_LIST_PERIOD));
    let now = *dials.last().unwrap();
    keeping.keep(&"a@h:1".into(), KeptFor::Program, now);
    assert_eq!(keeping.next_due(now).as_deref(), Some("a@h:1"));
}

//= spec/session.md#ses-lst-009
//= type=test
//# A node SHOULD forget a name that only PEER_LISTs have told when either node ends their session by CLOSE
//# with code 0.
#[test]
fn whom_only_lists_have_named_is_forgotten_when_it_leaves() {
    let (mut keeping, mut dice) = keeping();
    for (name, kept_for) in [("a@h:1", KeptFor::Program), (NAME, KeptFor::PeerList)] {
        keeping.keep(&name.into(), kept_for, Duration::ZERO);
        keeping.up(name, SECOND);
        keeping.leaves(name);
        keeping.down(name, 2 * SECOND, &mut dice);
        assert_eq!(keeping.has(name), kept_for == KeptFor::Program);
    }
    // A connection that is lost is no farewell, nor is one that was ended before.
    keeping.keep(&NAME.into(), KeptFor::PeerList, Duration::ZERO);
    keeping.leaves(NAME);
    keeping.up(NAME, SECOND);
    keeping.down(NAME, 2 * SECOND, &mut dice);
    assert!(keeping.has(NAME));
}

//= spec/session.md#ses-lst-010
//= type=test
//# A node SHOULD forget a name that only PEER_LISTs have told after `learned_patience` without a session with
//# that node.
#[test]
fn whom_only_lists_have_named_is_forgotten_when_it_is_not_reached_for_long() {
    let mut keeping = Keeping::new(2, 1_000);
    let mut dice = Dice::new([7; 8]);
    keeping.keep(&NAME.into(), KeptFor::PeerList, SECOND);
    let mut last = Duration::ZERO;
    while let Some(now) = keeping.deadline() {
        keeping.forget_what_is_lost(now);
        if keeping.has(NAME) {
            fail(&mut keeping, &mut dice, now);
        }
        last = now;
    }
    assert!(!keeping.has(NAME));
    assert_eq!(last, SECOND + LEARNED_PATIENCE);
}

#[test]
fn whom_only_lists_have_named_is_forgotten_in_time_though_its_turn_does_not_come() {
    // One dial a minute, and all of them to the first.
    let mut keeping = Keeping::new(2, 1);
    let mut dice = Dice::new([7; 8]);
    let waits: Arc<str> = "waits@h:1".into();
    keeping.keep(&NAME.into(), KeptFor::PeerList, SECOND);
    fail(&mut keeping, &mut dice, SECOND);
    keeping.up(NAME, SECOND);
    keeping.keep(&waits, KeptFor::PeerList, 2 * SECOND);
    keeping.keep(&"program@h:1".into(), KeptFor::Program, 2 * SECOND);
    assert!(fail(&mut keeping, &mut dice, 2 * SECOND).is_some());
    keeping.up("program@h:1", 2 * SECOND);
    keeping.ask(&waits, 3 * SECOND);
    keeping.dialled(&waits, ID);
    let over = 2 * SECOND + LEARNED_PATIENCE;
    // A dial that is under way is not cut short.
    assert_eq!(keeping.deadline(), None);
    keeping.forget_what_is_lost(over);
    assert!(keeping.has(&waits));
    keeping.put_off(&waits, over);
    keeping.elsewhere(&waits, Some(ID));
    assert_eq!(keeping.failed(&waits, None, &"no answer", over - SECOND, &mut dice), None);
    // Neither a place nor the window is needed.
    keeping.put_off(&waits, over + 1_000 * SECOND);
    assert_eq!(keeping.deadline(), Some(over));
    keeping.forget_what_is_lost(over - SECOND);
    assert!(keeping.has(&waits));
    keeping.forget_what_is_lost(over);
    assert_eq!(keeping.iter().map(|kept| kept.name).collect::<Vec<_>>(), [NAME.into(), "program@h:1".into()]);
    // A name that was lost later has its own time, and the program's names have none.
    for name in [NAME, "program@h:1"] {
        keeping.down(name, over, &mut dice);
        keeping.put_off(name, over + 1_000 * SECOND);
    }
    assert_eq!(keeping.deadline(), Some(over + LEARNED_PATIENCE));
    keeping.forget_what_is_lost(over + LEARNED_PATIENCE);
    assert_eq!(keeping.iter().map(|kept| kept.name).collect::<Vec<_>>(), ["program@h:1".into()]);
}

#[test]
fn a_connection_of_the_other_node_that_fails_is_followed_by_a_dial() {
    let (mut keeping, mut dice) = keeping();
    keeping.keep(&NAME.into(), KeptFor::Program, Duration::ZERO);
    keeping.elsewhere(NAME, None);
    assert_eq!(keeping.deadline(), None);
    keeping.failed(NAME, Some(ConnectionId(9)), &"no answer", SECOND, &mut dice);
    assert!(keeping.deadline().unwrap() <= SECOND + KEEP_PAUSE_MIN);
    // Another connection's end says nothing of an own dial.
    let name = keeping.next_due(2 * SECOND).unwrap();
    keeping.ask(&name, 2 * SECOND);
    keeping.dialled(&name, ID);
    assert_eq!(keeping.failed(NAME, Some(ConnectionId(9)), &"no answer", 2 * SECOND, &mut dice), None);
    assert_eq!(keeping.deadline(), None);
}

#[test]
fn an_own_dial_stays_one_whoever_else_asks_for_the_name() {
    let (mut keeping, mut dice) = keeping();
    keeping.keep(&NAME.into(), KeptFor::Program, Duration::ZERO);
    let mut last = Duration::ZERO;
    for times in 1..=12 {
        let now = keeping.deadline().unwrap();
        assert!(times < 3 || now - last >= KEEP_PAUSE_MIN / 2 * 2_u32.pow(times - 2).min(300), "{times}");
        let name = keeping.next_due(now).unwrap();
        keeping.ask(&name, now);
        keeping.dialled(&name, ID);
        // A process turns to that node meanwhile, and one of its connections comes and goes.
        keeping.elsewhere(NAME, None);
        keeping.elsewhere(NAME, Some(ConnectionId(9)));
        keeping.put_off(NAME, now);
        assert_eq!(keeping.failed(NAME, Some(ConnectionId(9)), &"gone", now, &mut dice), None);
        keeping.failed(NAME, Some(ID), &"no answer", now, &mut dice);
        last = now;
    }
    assert_eq!(keeping.iter().next().unwrap().failures_in_a_row, 12);
}

#[test]
fn names_of_lists_leave_places_and_room_to_the_program() {
    let mut keeping = Keeping::new(4, 100);
    for number in 0..8 {
        keeping.keep(&format!("l{number}@h:1").into(), KeptFor::PeerList, Duration::ZERO);
    }
    for _ in 0..3 {
        let name = keeping.next_due(SECOND).unwrap();
        keeping.ask(&name, SECOND);
    }
    assert_eq!((keeping.next_due(SECOND), keeping.deadline()), (None, Some(LEARNED_PATIENCE)));
    keeping.keep(&"p@h:1".into(), KeptFor::Program, SECOND);
    assert_eq!(keeping.next_due(SECOND).as_deref(), Some("p@h:1"));
    // Those that wait give way to what the program wants.
    assert!((0..5).all(|_| keeping.make_room()) && !keeping.make_room());
    assert_eq!(keeping.len(), 4);
}

#[test]
fn a_name_of_a_list_that_the_program_lets_go_of_is_one_of_a_list_again() {
    let (mut keeping, _) = keeping();
    keeping.keep(&NAME.into(), KeptFor::PeerList, 9 * SECOND);
    keeping.keep(&NAME.into(), KeptFor::Program, SECOND);
    assert_eq!(keeping.next_due(SECOND).as_deref(), Some(NAME), "the program's wish is for now");
    assert!(keeping.let_go(NAME) && !keeping.let_go(NAME));
    assert_eq!(keeping.iter().next().unwrap().kept_for, KeptFor::PeerList);
    assert_eq!(keeping.next_due(SECOND).as_deref(), Some(NAME));
}

#[test]
fn of_many_names_in_lists_none_waits_for_ever_behind_the_others() {
    let mut keeping = Keeping::new(16, 5);
    let mut dice = Dice::new([7; 8]);
    for number in 0..40 {
        keeping.keep(&format!("n{number:02}@h:1").into(), KeptFor::PeerList, Duration::ZERO);
    }
    let mut dialled = BTreeSet::new();
    for _ in 0..40 {
        let now = keeping.deadline().unwrap();
        let name = keeping.next_due(now).unwrap();
        keeping.ask(&name, now);
        keeping.dialled(&name, ID);
        keeping.failed(&name, Some(ID), &"refused", now, &mut dice);
        dialled.insert(name);
    }
    assert!(dialled.len() > 20, "{}", dialled.len());
}
