//! A server of groups and that of a peer, event by event: `groups.md`.
//!
//! What the server does stands in the stories, by hand, and the terms are laid out here: nothing asks the core.

use serde_json::{Map, Value, json};

/// The creations of the node and of its peer.
const OWN: u8 = 7;
const PEER: u8 = 18;
/// In a pid of a term: a process of the reader.
const READER: u16 = 0xFFFE;

pub(super) fn file() -> Value {
    let about = "A server of groups and that of a peer, event by event: what it sends, and who is a member.";
    let stories = [finding(), telling(), learning(), nonsense()].into_iter().flatten();
    super::file("groups", about, stories.map(Story::finish).collect())
}

fn finding() -> Vec<Story> {
    vec![
        Story::of("finds", "GRP-SRV-002 GRP-STR-001 GRP-STR-003 GRP-MSG-001", "both servers are there")
            .event("up", true, "MONITOR_NAME", &[MONITOR])
            .event("named", 1, "a stream to it, though there is nothing to name", &[send(1, 0, &[], &[])]),
        Story::of("finds-nobody", "GRP-SRV-002 GRP-SRV-005", "the peer takes no part")
            .event("up", true, "MONITOR_NAME", &[MONITOR])
            .event("nobody", true, "nothing more is asked", &[])
            .event("down", true, "", &[]),
        Story::known("loses", "GRP-SRV-005 GRP-SRV-006", "a server ends, and another one is started")
            .message(&members(9, 0, true, &[("chat", &[5])], &[]), "learned", &[])
            .knows(&[("chat", &[peer(5)])])
            .event("server_ended", true, "forgotten; MONITOR_NAME once more", &[MONITOR])
            .knows(&[])
            .event("named", 8, "a stream to the new one", &[send_to(8, 2, 0, &[], &[])])
            .message(&members(9, 1, true, &[("chat", &[5])], &[]), "of the old one: MONITOR_NAME", &[MONITOR])
            .event("named", 8, "it is the new one still, which is asked for what was missed", &[ask_of(8, 0)])
            .message(&from(8, members(1, 0, true, &[("chat", &[6])], &[])), "learned", &[])
            .knows(&[("chat", &[peer(6)])])
            .event("down", true, "forgotten", &[])
            .knows(&[]),
        Story::of(
            "hears-first",
            "GRP-SRV-003 GRP-SRV-004",
            "a server that was started later is heard before it is known",
        )
        .event("up", true, "MONITOR_NAME", &[MONITOR])
        .event("nobody", true, "there is none yet", &[])
        .message(&members(1, 0, true, &[("chat", &[5])], &[]), "ignored; MONITOR_NAME", &[MONITOR])
        .message(&ask(0), "ignored; it is sought already", &[])
        .event("named", 1, "it is asked for what was missed, and told", &[ask_of(1, 0), send(1, 0, &[], &[])])
        .message(&members(2, 0, true, &[("chat", &[5])], &[]), "learned", &[])
        .knows(&[("chat", &[peer(5)])]),
        Story::of("hears-another", "GRP-SRV-003 GRP-SRV-004 GRP-SRV-007", "the answer is not whom was heard")
            .event("up", true, "MONITOR_NAME", &[MONITOR])
            .message(&members(1, 0, true, &[], &[]), "of process 1, while it is sought", &[])
            .event("nobody", true, "it can have been registered since: MONITOR_NAME", &[MONITOR])
            .message(&members(1, 1, true, &[], &[]), "of process 1, while it is sought", &[])
            .event("named", 8, "it can be that which is registered now: MONITOR_NAME", &[MONITOR])
            .event("named", 1, "it is, and it is asked", &[ask_of(1, 0), send(2, 0, &[], &[])]),
        Story::known("names-once", "GRP-SRV-005 GRP-SRV-007 GRP-STR-001", "the same server is named again")
            .message(&members(1, 0, true, &[("chat", &[5])], &[]), "learned", &[])
            .knows(&[("chat", &[peer(5)])])
            .message(&from(8, members(1, 0, true, &[], &[])), "of another process: MONITOR_NAME", &[MONITOR])
            .message(&from(8, members(1, 1, true, &[], &[])), "and one more, while it is sought", &[])
            .event("named", 1, "the other one can be registered since: MONITOR_NAME", &[MONITOR])
            .event(
                "named",
                1,
                "it is not: nothing is forgotten and nothing begins anew, and it is asked",
                &[ask_of(1, 0)],
            )
            .knows(&[("chat", &[peer(5)])]),
        Story::known("asked-while-sought", "GRP-SRV-004 GRP-SRV-008", "an ask of who is the server still")
            .join_does("chat", 5, "", &[send(1, 1, &[("chat", &[5])], &[])])
            .message(&from(8, members(1, 0, true, &[], &[])), "of another process: MONITOR_NAME", &[MONITOR])
            .message(&ask(1), "ignored; it is sought", &[])
            .event(
                "named",
                1,
                "each can have missed something of the other",
                &[ask_of(1, 0), send(2, 0, &[("chat", &[5])], &[])],
            )
            .message(&from(8, ask(2)), "of another process: MONITOR_NAME", &[MONITOR])
            .event("named", 1, "its ask is none of the server's", &[ask_of(1, 0)])
            .message(&ask(2), "known: another stream", &[send(3, 0, &[("chat", &[5])], &[])]),
    ]
}

fn telling() -> Vec<Story> {
    vec![
        Story::of("tells", "GRP-STR-008 GRP-STR-009 GRP-STR-003", "what was there before, and each change")
            .join("chat", 5, "nobody is there to be told")
            .join("news", 6, "")
            .event("up", true, "MONITOR_NAME", &[MONITOR])
            .event("named", 1, "all", &[send(1, 0, &[("chat", &[5]), ("news", &[6])], &[])])
            .join_does("chat", 6, "a change", &[send(1, 1, &[("chat", &[6])], &[])])
            .knows(&[("chat", &[own(5), own(6)]), ("news", &[own(6)])])
            .join_does("chat", 6, "it is a member: no change", &[])
            .leave("chat", 5, "a change", &[send(1, 2, &[], &[("chat", &[5])])])
            .leave("chat", 5, "it is none: no change", &[])
            .knows(&[("chat", &[own(6)]), ("news", &[own(6)])]),
        Story::known("tells-ends", "GRP-MEM-002 GRP-STR-008", "a member of two groups ends")
            .join_does("chat", 5, "", &[send(1, 1, &[("chat", &[5])], &[])])
            .join_does("news", 5, "", &[send(1, 2, &[("news", &[5])], &[])])
            .event("ended", 5, "it leaves both", &[send(1, 3, &[], &[("chat", &[5]), ("news", &[5])])])
            .knows(&[]),
        Story::known("tells-nothing", "GRP-STR-010 GRP-STR-003", "nothing changes, and messages go on")
            .event("interval", true, "a message, though there is nothing to tell", &[send(1, 1, &[], &[])])
            .join_does("chat", 5, "", &[send(1, 2, &[("chat", &[5])], &[])])
            .event("interval", true, "another one", &[send(1, 3, &[], &[])])
            .message(&from(8, members(1, 0, true, &[], &[])), "of another process: MONITOR_NAME", &[MONITOR])
            .event("interval", true, "it is not known who reads", &[])
            .event("nobody", true, "there is none", &[])
            .event("interval", true, "nobody reads", &[]),
        Story::known("asked", "GRP-STR-007 GRP-STR-002", "the peer has missed something")
            .join_does("chat", 5, "", &[send(1, 1, &[("chat", &[5])], &[])])
            .message(&ask(1), "another stream, from the beginning", &[send(2, 0, &[("chat", &[5])], &[])])
            .message(&ask(1), "that stream is no more: ignored", &[])
            .message(&ask(0), "another stream", &[send(3, 0, &[("chat", &[5])], &[])])
            .message(&ask(9), "there is no such stream: ignored", &[]),
        Story::known("numbers", "GRP-STR-002", "no number is used again in another session")
            .event("down", true, "", &[])
            .event("up", true, "MONITOR_NAME", &[MONITOR])
            .event("named", 1, "stream 2", &[send(2, 0, &[], &[])]),
        Story::of("names-of-groups", "GRP-MEM-001", "what can be no name of a group")
            .join(&"x".repeat(255), 5, "the longest name")
            .knows(&[(&"x".repeat(255), &[own(5)])])
            .refused("", 5, "no name")
            .refused(&"x".repeat(256), 5, "too long")
            .knows(&[(&"x".repeat(255), &[own(5)])]),
    ]
}

fn learning() -> Vec<Story> {
    vec![
        Story::known("learns", "GRP-STR-005 GRP-MSG-006", "memberships of the peer, beside an own one")
            .join_does("chat", 5, "", &[send(1, 1, &[("chat", &[5])], &[])])
            .message(&members(4, 0, true, &[("chat", &[5, 6]), ("news", &[5])], &[]), "learned", &[])
            .knows(&[("chat", &[own(5), peer(5), peer(6)]), ("news", &[peer(5)])])
            .message(&members(4, 1, true, &[("chat", &[7])], &[("chat", &[5])]), "a change", &[])
            .knows(&[("chat", &[own(5), peer(6), peer(7)]), ("news", &[peer(5)])])
            .message(&members(4, 2, true, &[("chat", &[7])], &[("news", &[8])]), "nothing new", &[])
            .knows(&[("chat", &[own(5), peer(6), peer(7)]), ("news", &[peer(5)])]),
        Story::known("learns-anew", "GRP-STR-004 GRP-STR-005", "the peer begins another stream")
            .message(&members(1, 0, true, &[("chat", &[5, 6])], &[]), "learned", &[])
            .knows(&[("chat", &[peer(5), peer(6)])])
            .message(&members(2, 0, false, &[("chat", &[7])], &[]), "what is not named yet stays", &[])
            .knows(&[("chat", &[peer(5), peer(6), peer(7)])])
            .message(&members(1, 1, true, &[("chat", &[8])], &[]), "of the old stream: ignored", &[])
            .message(&members(2, 0, true, &[("chat", &[8])], &[]), "was read before: ignored", &[])
            .message(&members(2, 1, true, &[("chat", &[6])], &[]), "all is named: 5 is not", &[])
            .knows(&[("chat", &[peer(6), peer(7)])]),
        Story::known("misses", "GRP-STR-005 GRP-STR-006 GRP-STR-011", "messages are missing")
            .message(&members(1, 0, true, &[("chat", &[5])], &[]), "learned", &[])
            .knows(&[("chat", &[peer(5)])])
            .message(
                &members(1, 2, true, &[("chat", &[7])], &[]),
                "1 is missing: ignored; ask",
                &[ask_of(1, 1)],
            )
            .knows(&[("chat", &[peer(5)])])
            .message(&members(2, 0, true, &[("chat", &[5, 6, 7])], &[]), "all is told again", &[])
            .knows(&[("chat", &[peer(5), peer(6), peer(7)])])
            .message(
                &members(3, 4, true, &[("chat", &[8])], &[]),
                "the beginning is missing; ask",
                &[ask_of(1, 3)],
            )
            .knows(&[("chat", &[peer(5), peer(6), peer(7)])])
            .message(&members(3, 5, true, &[], &[]), "the second: ask again", &[ask_of(1, 3)])
            .message(&members(3, 6, true, &[], &[]), "the third: no ask", &[])
            .message(&members(4, 1, true, &[], &[]), "the fourth, of another stream: ask", &[ask_of(1, 4)])
            .message(&members(2, 0, true, &[], &[]), "was read before: nothing is missing", &[])
            .message(&members(4, 0, true, &[("chat", &[9])], &[]), "read", &[])
            .knows(&[("chat", &[peer(9)])])
            .message(&members(4, 2, true, &[], &[]), "the first since then: ask", &[ask_of(1, 4)]),
        Story::known(
            "misses-the-last",
            "GRP-STR-006 GRP-STR-010",
            "the last message is lost, and nothing changes",
        )
        .message(&members(1, 0, true, &[("chat", &[5])], &[]), "learned", &[])
        .knows(&[("chat", &[peer(5)])])
        .message(&members(1, 2, true, &[], &[]), "it tells nothing, and 1 is missing: ask", &[ask_of(1, 1)])
        .message(&members(2, 0, true, &[("chat", &[6])], &[]), "all is told again", &[])
        .knows(&[("chat", &[peer(6)])]),
    ]
}

fn nonsense() -> Vec<Story> {
    let mut later = fields(1, 0, true, &[], &[]);
    later[7] = list(&[tuple(&[string("chat"), list(&[pid(0, PEER, 5)]), int(3)])]);
    later.push(string("more"));
    let changed = |field: usize, value: Vec<u8>| {
        let mut fields = fields(1, 0, true, &[("chat", &[5])], &[]);
        fields[field] = value;
        term(&tuple(&fields))
    };
    let entries = list(&[
        int(3),
        tuple(&[string("chat")]),
        tuple(&[string("chat"), list(&[int(1), pid(0, PEER, 5)])]),
        tuple(&[string(""), list(&[pid(0, PEER, 5)])]),
        tuple(&[string(&"x".repeat(256)), list(&[pid(0, PEER, 5)])]),
        tuple(&[
            string("chat"),
            list(&[pid(READER, OWN, 5), pid(0xFFFF, PEER, 6), pid(0, 19, 7), pid(0, PEER, 0)]),
        ]),
        tuple(&[string("chat"), list(&[pid(0, PEER, 8)])]),
    ]);
    vec![
        Story::known("later-versions", "GRP-MSG-002", "fields that this text does not know")
            .message(&term(&tuple(&later)), "passed over", &[])
            .knows(&[("chat", &[peer(5)])]),
        Story::known("no-messages", "GRP-MSG-003 GRP-MSG-004", "anybody can send anything to a name")
            .message(&[9, 9], "no term", &[])
            .message(&term(&int(1)), "no tuple", &[])
            .message(&term(&tuple(&[])), "no fields", &[])
            .message(&changed(0, string("left")), "an unknown kind", &[])
            .message(&changed(1, int(2)), "a later version", &[])
            .message(&changed(3, pid(READER, OWN, 2)), "for another process", &[])
            .message(&changed(4, int(-1)), "no number of a stream", &[])
            .message(&changed(6, int(1)), "neither true nor false", &[])
            .message(&changed(7, tuple(&[])), "no list", &[])
            .knows(&[])
            .message(&members(1, 0, true, &[("chat", &[5])], &[]), "nothing of it counts as read", &[])
            .knows(&[("chat", &[peer(5)])]),
        Story::known("strangers", "GRP-SRV-003", "whose server nobody can be asked for")
            .message(&changed(2, pid(READER, OWN, 5)), "of this node: ignored", &[])
            .message(&changed(2, pid(0xFFFF, PEER, 1)), "of an unknown node: ignored", &[])
            .knows(&[]),
        Story::known("odd-entries", "GRP-MSG-006 GRP-MEM-001", "entries that cannot be, beside one that can")
            .message(&changed(7, entries), "what can be is learned", &[])
            .knows(&[("chat", &[peer(5), peer(8)])]),
    ]
}

// What stories are made of

const MONITOR: Does = Does::Monitor;

#[derive(Clone)]
enum Does {
    Monitor,
    Send(Vec<u8>),
}

impl Does {
    fn json(&self) -> Value {
        match self {
            Self::Monitor => json!({"monitor": true}),
            Self::Send(term) => json!({"send": hex::encode(term)}),
        }
    }
}

fn own(local: u64) -> Value {
    json!({"of": "node", "creation": OWN, "local": local})
}

fn peer(local: u64) -> Value {
    json!({"of": "peer", "creation": PEER, "local": local})
}

/// A vector in the making.
struct Story {
    id: String,
    comment: &'static str,
    requirements: &'static str,
    steps: Vec<Value>,
    members: Map<String, Value>,
}

impl Story {
    fn of(id: &str, requirements: &'static str, comment: &'static str) -> Self {
        Self { id: format!("groups-{id}"), comment, requirements, steps: Vec::new(), members: Map::new() }
    }

    /// There is a session, and each server knows the other, which is process 1 of its node.
    fn known(id: &str, requirements: &'static str, comment: &'static str) -> Self {
        Self::of(id, requirements, comment).event("up", true, "MONITOR_NAME", &[MONITOR]).event(
            "named",
            1,
            "a stream to it",
            &[send(1, 0, &[], &[])],
        )
    }

    fn event(mut self, word: &str, value: impl Into<Value>, comment: &str, does: &[Does]) -> Self {
        let does: Vec<_> = does.iter().map(Does::json).collect();
        self.steps
            .push(json!({"comment": comment, word: value.into(), "does": does, "members": self.members}));
        self
    }

    fn message(self, term: &[u8], comment: &str, does: &[Does]) -> Self {
        self.event("message", hex::encode(term), comment, does)
    }

    fn join_does(mut self, group: &str, local: u64, comment: &str, does: &[Does]) -> Self {
        let members = self.members.entry(group).or_insert_with(|| json!([])).as_array_mut().unwrap();
        if !members.contains(&own(local)) {
            let place = members.iter().take_while(|pid| pid["of"] == "node").count();
            members.insert(place, own(local));
        }
        self.event("join", json!({"group": group, "local": local}), comment, does)
    }

    fn join(self, group: &str, local: u64, comment: &str) -> Self {
        self.join_does(group, local, comment, &[])
    }

    fn refused(mut self, group: &str, local: u64, comment: &str) -> Self {
        self = self.event("join", json!({"group": group, "local": local}), comment, &[]);
        self.steps.last_mut().unwrap()["refused"] = true.into();
        self
    }

    fn leave(mut self, group: &str, local: u64, comment: &str, does: &[Does]) -> Self {
        self.members[group].as_array_mut().unwrap().retain(|pid| *pid != own(local));
        self.event("leave", json!({"group": group, "local": local}), comment, does)
    }

    /// Who is a member from the last step on.
    fn knows(mut self, groups: &[(&str, &[Value])]) -> Self {
        self.members = groups.iter().map(|(group, pids)| ((*group).to_owned(), json!(pids))).collect();
        self.steps.last_mut().unwrap()["members"] = json!(self.members);
        self
    }

    fn finish(self) -> Value {
        json!({
            "id": self.id, "comment": self.comment, "requirements": self.requirements.split(' ').collect::<Vec<_>>(),
            "result": "valid",
            "given": {"creation": OWN, "server": 1, "peer": {"creation": PEER}},
            "steps": self.steps,
        })
    }
}

// Terms, as they stand in `message` of SEND_NAME_TERM

type Groups<'a> = &'a [(&'a str, &'a [u64])];

/// A message of the peer's server.
fn members(stream: i64, number: i64, complete: bool, joined: Groups<'_>, left: Groups<'_>) -> Vec<u8> {
    term(&tuple(&fields(stream, number, complete, joined, left)))
}

/// The same message of another process of the peer.
fn from(local: u64, mut message: Vec<u8>) -> Vec<u8> {
    let (server, other) = (pid(0, PEER, 1), pid(0, PEER, local));
    let at = message.windows(server.len()).position(|bytes| bytes == server).unwrap();
    message.splice(at..at + server.len(), other);
    message
}

fn fields(stream: i64, number: i64, complete: bool, joined: Groups<'_>, left: Groups<'_>) -> Vec<Vec<u8>> {
    let ends = [pid(0, PEER, 1), pid(READER, OWN, 1)];
    whole("members", ends, stream, number, complete, entries(PEER, joined), entries(PEER, left))
}

/// The peer's server asks.
fn ask(stream: i64) -> Vec<u8> {
    term(&tuple(&[string("ask"), int(1), pid(0, PEER, 1), pid(READER, OWN, 1), int(stream)]))
}

/// The server asks that of the peer.
fn ask_of(server: u64, stream: i64) -> Does {
    Does::Send(term(&tuple(&[string("ask"), int(1), pid(0, OWN, 1), pid(READER, PEER, server), int(stream)])))
}

fn send(stream: i64, number: i64, joined: Groups<'_>, left: Groups<'_>) -> Does {
    send_to(1, stream, number, joined, left)
}

fn send_to(server: u64, stream: i64, number: i64, joined: Groups<'_>, left: Groups<'_>) -> Does {
    let ends = [pid(0, OWN, 1), pid(READER, PEER, server)];
    let (joined, left) = (entries(OWN, joined), entries(OWN, left));
    Does::Send(term(&tuple(&whole("members", ends, stream, number, true, joined, left))))
}

fn whole(
    kind: &str,
    [from, to]: [Vec<u8>; 2],
    stream: i64,
    number: i64,
    complete: bool,
    joined: Vec<u8>,
    left: Vec<u8>,
) -> Vec<Vec<u8>> {
    let complete = vec![if complete { 3 } else { 4 }];
    vec![string(kind), int(1), from, to, int(stream), int(number), complete, joined, left]
}

fn entries(creation: u8, groups: Groups<'_>) -> Vec<u8> {
    let entry = |(group, locals): &(&str, &[u64])| {
        let pids: Vec<_> = locals.iter().map(|local| pid(0, creation, *local)).collect();
        tuple(&[string(group), list(&pids)])
    };
    list(&groups.iter().map(entry).collect::<Vec<_>>())
}

fn term(value: &[u8]) -> Vec<u8> {
    [&[1], value].concat()
}

fn int(number: i64) -> Vec<u8> {
    [&[1][..], &number.to_le_bytes()].concat()
}

fn string(text: &str) -> Vec<u8> {
    [&[5][..], &u32::try_from(text.len()).unwrap().to_le_bytes(), text.as_bytes()].concat()
}

fn pid(node: u16, creation: u8, local: u64) -> Vec<u8> {
    [&[30][..], &(u64::from(node) << 48 | u64::from(creation) << 40 | local).to_le_bytes()].concat()
}

fn list(values: &[Vec<u8>]) -> Vec<u8> {
    [&[10][..], &u32::try_from(values.len()).unwrap().to_le_bytes(), &values.concat()].concat()
}

fn tuple(values: &[Vec<u8>]) -> Vec<u8> {
    [&[13, u8::try_from(values.len()).unwrap()][..], &values.concat()].concat()
}
