//! Bytes as calls of the interface, in any order and with any handle, beside an account of what each must answer.
//!
//! The fuzz target `capi` and the test that replays its corpus share this file.

// By its path: the fuzz target includes this file from elsewhere.
#[path = "builders.rs"]
mod builders;

use std::collections::HashMap;
use std::ffi::CString;

use snow_dist_capi::api::*;
use snow_dist_capi::types::snow_status::*;
use snow_dist_capi::types::*;

/// More nodes than these cost time, and show nothing.
const NODES_MAX: usize = 2;
const CALLS_MAX: usize = 200;
const COOKIE: &[u8] = b"a cookie of thirty-two letters..";
/// A term of one pid.
const TERM: [u8; 10] = [1, 30, 0, 0, 0, 0, 0, 0, 0, 0];

/// Runs a script; panics if a call answers what it must not.
pub(crate) fn run(bytes: &[u8]) {
    let mut script = Script { bytes, at: 0 };
    let mut account = Account::default();
    for _ in 0..CALLS_MAX {
        let Some(call) = script.byte() else { break };
        account.call(call, &mut script);
    }
    account.end();
}

struct Script<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Script<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.at).copied();
        self.at += 1;
        byte
    }

    /// One of these handles, or one that never was any.
    fn choose(&mut self, from: &[u64]) -> u64 {
        let at = usize::from(self.byte().unwrap_or(0)) % (from.len() + 1);
        from.get(at).copied().unwrap_or_else(|| match self.byte().unwrap_or(0) {
            0 => 0,
            // Of each kind, and of none.
            made_up => u64::from(made_up) << 56 | u64::from(self.byte().unwrap_or(0)) << 40,
        })
    }

    fn pid(&mut self, known: &[snow_pid]) -> snow_pid {
        let at = usize::from(self.byte().unwrap_or(0)) % (known.len() + 1);
        let wild = || snow_pid { node: u64::from(at as u8), process: u64::MAX >> 8 };
        known.get(at).copied().unwrap_or_else(wild)
    }
}

#[derive(Default)]
struct NodeSeen {
    is_stopped: bool,
}

struct ProcessSeen {
    node: u64,
    queue: u64,
    has_ended: bool,
}

/// What there is, by the calls so far.
#[derive(Default)]
struct Account {
    /// Every handle that was given, whether it was freed or not.
    given: [Vec<u64>; 4],
    nodes: HashMap<u64, NodeSeen>,
    queues: Vec<u64>,
    processes: HashMap<u64, ProcessSeen>,
    builders: Vec<u64>,
    /// Builders whose nodes cannot start: they were given certificates that are not there.
    unusable: Vec<u64>,
    pids: Vec<snow_pid>,
    references: Vec<u64>,
    names: Vec<CString>,
    held: Vec<snow_event>,
    freed: Vec<snow_event>,
}

const BUILDERS: usize = 0;
const NODES: usize = 1;
const QUEUES: usize = 2;
const PROCESSES: usize = 3;

fn name(text: &str) -> CString {
    CString::new(text).unwrap()
}

/// What a call gave, held against whether its handles are any.
fn judge(status: snow_status, is_live: bool) {
    assert_ne!(status, SNOW_ERROR_PANIC);
    assert_eq!(status == SNOW_ERROR_HANDLE, !is_live, "{status:?}");
}

/// What the library has given, which is freed.
fn taken(mut given: snow_bytes) -> Vec<u8> {
    let bytes = if given.length == 0 {
        Vec::new()
    } else {
        // SAFETY: so many bytes are there until they are freed.
        unsafe { std::slice::from_raw_parts(given.data, given.length) }.to_vec()
    };
    // SAFETY: the pointer is that of what is there.
    assert_eq!(unsafe { snow_bytes_free(&raw mut given) }, SNOW_OK);
    bytes
}

/// Bytes as a term, or as the JSON of one: what is one comes back as it was.
fn json(script: &mut Script<'_>) {
    let length = script.byte().unwrap_or(0) % 32;
    let given: Vec<u8> = (0..length).map_while(|_| script.byte()).collect();
    let to_json = |term: &[u8]| {
        let mut json = snow_bytes::default();
        // SAFETY: so many bytes are there, and the pointer is that of what is there.
        let status = unsafe { snow_term_to_json(term.as_ptr(), term.len(), &raw mut json) };
        assert!(matches!(status, SNOW_OK | SNOW_ERROR_TERM), "{status:?}");
        (status == SNOW_OK).then(|| taken(json))
    };
    let from_json = |json: &[u8]| {
        let mut term = snow_bytes::default();
        // SAFETY: so many bytes are there, and the pointer is that of what is there.
        let status = unsafe { snow_term_from_json(json.as_ptr(), json.len(), &raw mut term) };
        assert!(matches!(status, SNOW_OK | SNOW_ERROR_TERM), "{status:?}");
        (status == SNOW_OK).then(|| taken(term))
    };
    from_json(&given);
    for term in [&given[..], &TERM] {
        if let Some(json) = to_json(term) {
            assert_eq!(from_json(&json).as_deref(), Some(term));
        }
    }
    assert!(to_json(&TERM).is_some());
}

impl Account {
    fn call(&mut self, call: u8, script: &mut Script<'_>) {
        match call % 36 {
            0 => self.new_builder(),
            1 => self.set(script),
            2 => self.start(script),
            3 => self.new_queue(script),
            4..=6 => self.spawn(script, |node, queue, out| {
                // SAFETY: the pointer is that of what is there.
                unsafe { snow_spawn(node, queue, out) }
            }),
            7..=9 => self.send(script),
            10..=12 => self.next(script),
            13 => self.free_event(script),
            14 => self.connect(script),
            15 => self.names_of(script),
            16 => self.of_process(script, |process, to| snow_link(process, to, 0)),
            17 => self.of_process(script, |process, to| snow_unlink(process, to)),
            18 => self.monitor(script),
            19 => self.of_process(script, |process, to| snow_trap_exit(process, to.process % 2 == 0)),
            20 => self.of_process(script, |process, to| {
                let reason = snow_reason { kind: (to.process % 8) as u32, ..snow_reason::default() };
                // SAFETY: a reason without text and pids is there.
                unsafe { snow_send_exit(process, to, &raw const reason, 0) }
            }),
            21 => self.exit(script),
            22 => self.free_process(script),
            23 => self.free_queue(script),
            24 => self.shut_down(script),
            25 => self.free_node(script),
            26 => self.kill(script),
            27 => self.descriptor(script),
            28 => self.spawn_bounded(script),
            29 => self.monitor_node(script),
            30 => self.nodes(script),
            31 => self.send_named_term(script),
            32 => json(script),
            33 => self.certificates(script),
            34 => self.remote_exit(script),
            _ => self.reload(script),
        }
    }

    fn new_queue(&mut self, script: &mut Script<'_>) {
        let mut queue = snow_queue::default();
        let events_max = u64::from(script.byte().unwrap_or(0) % 4);
        // SAFETY: the pointer is that of what is there.
        assert_eq!(unsafe { snow_queue_new(events_max, &raw mut queue) }, SNOW_OK);
        self.queues.push(queue.id);
        self.given[QUEUES].push(queue.id);
    }

    fn spawn_bounded(&mut self, script: &mut Script<'_>) {
        let (messages_max, when_full) = (script.byte().unwrap_or(1) % 4, script.byte().unwrap_or(0) % 3);
        self.spawn(script, |node, queue, out| {
            // SAFETY: the pointer is that of what is there.
            unsafe { snow_spawn_bounded(node, queue, messages_max.into(), when_full.into(), out) }
        });
    }

    fn spawn(
        &mut self,
        script: &mut Script<'_>,
        call: impl FnOnce(snow_node, snow_queue, *mut snow_process) -> snow_status,
    ) {
        let (node, queue) = (script.choose(&self.given[NODES]), script.choose(&self.given[QUEUES]));
        let mut process = snow_process::default();
        let status = call(snow_node { id: node }, snow_queue { id: queue }, &raw mut process);
        // An unfit mailbox is told before the handles are looked at.
        if status == SNOW_ERROR_ARGUMENT {
            return;
        }
        judge(status, self.nodes.contains_key(&node) && self.queues.contains(&queue));
        if status != SNOW_OK {
            return;
        }
        assert!(!self.nodes[&node].is_stopped);
        self.processes.insert(process.id, ProcessSeen { node, queue, has_ended: false });
        self.given[PROCESSES].push(process.id);
        let mut pid = snow_pid::default();
        // SAFETY: the pointer is that of what is there.
        assert_eq!(unsafe { snow_self(process, &raw mut pid) }, SNOW_OK);
        self.pids.push(pid);
    }

    fn of_process(
        &mut self,
        script: &mut Script<'_>,
        call: impl FnOnce(snow_process, snow_pid) -> snow_status,
    ) {
        let id = script.choose(&self.given[PROCESSES]);
        let to = script.pid(&self.pids);
        let status = call(snow_process { id }, to);
        let seen = self.processes.get(&id);
        // An unfit reason is told before the handle is looked at.
        if status != SNOW_ERROR_ARGUMENT {
            judge(status, seen.is_some());
        }
        if status == SNOW_OK {
            let is_stopped = seen.is_some_and(|seen| self.nodes[&seen.node].is_stopped);
            assert!(!is_stopped, "a process acts whose node has been shut down");
        }
    }

    fn send(&mut self, script: &mut Script<'_>) {
        let how = script.byte().unwrap_or(0);
        let names = self.names.clone();
        self.of_process(script, |process, to| {
            let (data, length) = (TERM.as_ptr(), usize::from(how) % (TERM.len() + 1));
            // SAFETY: so many bytes and pids are there, and the texts are texts.
            unsafe {
                match (how % 3, names.first()) {
                    (0, _) => snow_send(process, to, data, length, 0),
                    (1, Some(node)) => {
                        snow_send_named(process, name("name").as_ptr(), node.as_ptr(), data, length, 0)
                    }
                    _ => snow_send_term(process, to, TERM.as_ptr(), TERM.len(), &raw const to, 1, 0),
                }
            }
        });
    }

    fn next(&mut self, script: &mut Script<'_>) {
        let id = script.choose(&self.given[QUEUES]);
        let mut event = snow_event::default();
        let timeout = i64::from(script.byte().unwrap_or(0) % 3);
        // SAFETY: the pointer is that of what is there.
        let status = unsafe { snow_queue_next(snow_queue { id }, timeout, &raw mut event) };
        judge(status, self.queues.contains(&id));
        if status != SNOW_OK {
            return;
        }
        let process =
            self.processes.get_mut(&event.process.id).expect("an event of a process that was freed");
        assert_eq!(process.queue, id, "an event is in another queue than its process's");
        assert!(!process.has_ended, "an event behind the end");
        process.has_ended = event.kind == snow_event_kind::SNOW_EVENT_ENDED as u32;
        // All that it points to can be read.
        if event.length > 0 {
            // SAFETY: so many bytes are there until they are freed.
            let data = unsafe { std::slice::from_raw_parts(event.data, event.length) };
            assert!(data.len() <= TERM.len() || event.kind != snow_event_kind::SNOW_EVENT_MESSAGE as u32);
        }
        self.held.push(event);
    }

    fn free_event(&mut self, script: &mut Script<'_>) {
        let is_live = !script.byte().unwrap_or(0).is_multiple_of(4);
        let from = if is_live { &mut self.held } else { &mut self.freed };
        let Some(mut event) = from.pop() else { return };
        let copy = event;
        // SAFETY: the pointer is that of what is there.
        let status = unsafe { snow_event_free(&raw mut event) };
        judge(status, is_live);
        self.freed.push(copy);
    }

    fn connect(&mut self, script: &mut Script<'_>) {
        let id = script.choose(&self.given[NODES]);
        let Some(peer) = self.names.last().cloned() else { return };
        let node = snow_node { id };
        // SAFETY: the name is a text.
        let status = unsafe {
            match script.byte().unwrap_or(0) % 4 {
                0 => snow_disconnect(node, peer.as_ptr()),
                1 => snow_connect(node, peer.as_ptr(), 0),
                _ => snow_connect(node, peer.as_ptr(), 20),
            }
        };
        judge(status, self.nodes.contains_key(&id));
        let number = u64::from(script.byte().unwrap_or(0) % 8);
        let mut pid = snow_pid::default();
        // SAFETY: the name is a text, and the pointer that of what is there.
        if unsafe { snow_pid_on(node, peer.as_ptr(), number, &raw mut pid) } == SNOW_OK {
            self.pids.push(pid);
        }
    }

    fn names_of(&mut self, script: &mut Script<'_>) {
        let node = snow_node { id: script.choose(&self.given[NODES]) };
        let pid = script.pid(&self.pids);
        let mut found = snow_pid::default();
        let text = name("name");
        // SAFETY: the name is a text, and the pointer that of what is there.
        let status = unsafe {
            match script.byte().unwrap_or(0) % 3 {
                0 => snow_register(node, text.as_ptr(), pid),
                1 => snow_unregister(node, text.as_ptr()),
                _ => snow_whereis(node, text.as_ptr(), &raw mut found),
            }
        };
        judge(status, self.nodes.contains_key(&node.id));
    }

    fn monitor(&mut self, script: &mut Script<'_>) {
        let demonitor = script.byte().unwrap_or(0).is_multiple_of(2);
        let mut reference = self.references.last().copied().unwrap_or(7);
        self.of_process(script, |process, of| {
            if demonitor {
                return snow_demonitor(process, reference);
            }
            // SAFETY: the pointer is that of what is there.
            unsafe { snow_monitor(process, of, 0, &raw mut reference) }
        });
        self.references.push(reference);
    }

    fn monitor_node(&mut self, script: &mut Script<'_>) {
        let demonitor = script.byte().unwrap_or(0).is_multiple_of(2);
        let Some(peer) = self.names.last().cloned() else { return };
        self.of_process(script, |process, _| {
            // SAFETY: the name is a text.
            unsafe {
                if demonitor {
                    snow_demonitor_node(process, peer.as_ptr())
                } else {
                    snow_monitor_node(process, peer.as_ptr())
                }
            }
        });
    }

    /// The names of nodes that a node knows are those of nodes there are.
    fn nodes(&mut self, script: &mut Script<'_>) {
        let node = snow_node { id: script.choose(&self.given[NODES]) };
        let pid = script.pid(&self.pids);
        for of_pid in [false, true] {
            let mut names = snow_bytes::default();
            // SAFETY: the pointer is that of what is there.
            let status = unsafe {
                if of_pid {
                    snow_node_of(node, pid, &raw mut names)
                } else {
                    snow_nodes(node, &raw mut names)
                }
            };
            judge(status, self.nodes.contains_key(&node.id));
            if status == SNOW_OK {
                let names = String::from_utf8(taken(names)).unwrap();
                assert!(names.lines().all(|line| self.names.contains(&name(line))), "{names}");
            }
        }
    }

    fn send_named_term(&mut self, script: &mut Script<'_>) {
        let Some(node) = self.names.last().cloned() else { return };
        self.of_process(script, |process, to| {
            let (data, length, pids) = (TERM.as_ptr(), TERM.len(), &raw const to);
            // SAFETY: so many bytes and pids are there, and the texts are texts.
            unsafe {
                snow_send_named_term(process, name("name").as_ptr(), node.as_ptr(), data, length, pids, 1, 0)
            }
        });
    }

    fn exit(&mut self, script: &mut Script<'_>) {
        // SAFETY: no reason is given.
        self.of_process(script, |process, _| unsafe { snow_exit(process, std::ptr::null()) });
    }

    fn free_process(&mut self, script: &mut Script<'_>) {
        let id = script.choose(&self.given[PROCESSES]);
        let status = snow_process_free(snow_process { id });
        judge(status, self.processes.remove(&id).is_some());
    }

    fn free_queue(&mut self, script: &mut Script<'_>) {
        let id = script.choose(&self.given[QUEUES]);
        let is_used = self.processes.values().any(|process| process.queue == id);
        let status = snow_queue_free(snow_queue { id });
        let expected = match (self.queues.contains(&id), is_used) {
            (false, _) => SNOW_ERROR_HANDLE,
            (true, true) => SNOW_ERROR_IN_USE,
            (true, false) => SNOW_OK,
        };
        assert_eq!(status, expected);
        if status == SNOW_OK {
            self.queues.retain(|queue| *queue != id);
        }
    }

    fn shut_down(&mut self, script: &mut Script<'_>) {
        let id = script.choose(&self.given[NODES]);
        let status = snow_shutdown(snow_node { id });
        let expected = match self.nodes.get_mut(&id) {
            None => SNOW_ERROR_HANDLE,
            Some(node) if node.is_stopped => SNOW_ERROR_STOPPED,
            Some(node) => {
                node.is_stopped = true;
                SNOW_OK
            }
        };
        assert_eq!(status, expected);
    }

    /// No node has files that could be missing.
    fn reload(&mut self, script: &mut Script<'_>) {
        let id = script.choose(&self.given[NODES]);
        let expected = match self.nodes.get(&id) {
            None => SNOW_ERROR_HANDLE,
            Some(node) if node.is_stopped => SNOW_ERROR_STOPPED,
            Some(_) => SNOW_OK,
        };
        assert_eq!(snow_reload(snow_node { id }), expected);
    }

    fn free_node(&mut self, script: &mut Script<'_>) {
        let id = script.choose(&self.given[NODES]);
        let status = snow_node_free(snow_node { id });
        judge(status, self.nodes.remove(&id).is_some());
        self.processes.retain(|_, process| process.node != id);
    }

    fn kill(&mut self, script: &mut Script<'_>) {
        let node = snow_node { id: script.choose(&self.given[NODES]) };
        let pid = script.pid(&self.pids);
        let status = if script.byte().unwrap_or(0).is_multiple_of(2) {
            snow_kill(node, pid)
        } else {
            snow_is_alive(node, pid)
        };
        judge(status, self.nodes.contains_key(&node.id));
    }

    fn descriptor(&mut self, script: &mut Script<'_>) {
        let id = script.choose(&self.given[QUEUES]);
        let mut descriptor = -1;
        // SAFETY: the pointer is that of what is there.
        let status = unsafe { snow_queue_descriptor(snow_queue { id }, &raw mut descriptor) };
        judge(status, self.queues.contains(&id));
    }

    /// Every process that was not freed has one end, and all can be freed.
    fn end(mut self) {
        for (id, node) in &self.nodes {
            let expected = if node.is_stopped { SNOW_ERROR_STOPPED } else { SNOW_OK };
            assert_eq!(snow_shutdown(snow_node { id: *id }), expected);
        }
        for id in self.queues.clone() {
            let mut event = snow_event::default();
            // SAFETY: the pointer is that of what is there.
            while unsafe { snow_queue_next(snow_queue { id }, 0, &raw mut event) } == SNOW_OK {
                let process =
                    self.processes.get_mut(&event.process.id).expect("an event of a process that was freed");
                assert!(!process.has_ended, "an event behind the end");
                process.has_ended = event.kind == snow_event_kind::SNOW_EVENT_ENDED as u32;
                self.held.push(event);
            }
        }
        assert!(self.processes.values().all(|process| process.has_ended), "an end was not told");
        for mut event in self.held {
            // SAFETY: the pointer is that of what is there.
            assert_eq!(unsafe { snow_event_free(&raw mut event) }, SNOW_OK);
        }
        for id in self.nodes.into_keys() {
            assert_eq!(snow_node_free(snow_node { id }), SNOW_OK);
        }
        for id in self.queues {
            assert_eq!(snow_queue_free(snow_queue { id }), SNOW_OK);
        }
        for id in self.builders {
            assert_eq!(snow_builder_free(snow_builder { id }), SNOW_OK);
        }
    }
}
