//! Both ends of a handshake, and somebody between them who has no cookie.

use std::num::NonZeroU64;
use std::sync::Arc;

use snow_dist_codec::{Handshake, NodeName, Reading};
use snow_dist_runtime::core::Allowed;
use snow_dist_runtime::core::handshake::{
    Channel, Cookie, Cookies, Established, Failure, Local, Refusal, acceptor, initiator,
};

const INITIATOR: &str = "a@127.0.0.1:9001";
const ACCEPTOR: &str = "b@127.0.0.1:9002";

/// Bytes as a configuration of both ends, and what becomes of each message on its way.
pub fn handshake_roles(bytes: &[u8]) {
    let Some((&bits, script)) = bytes.split_first() else { return };
    let mut way = Way { script, sent: Vec::new(), changed: false };
    let [one, other] = channels(bits);
    let (first, second) =
        (node(INITIATOR, bits & 1 != 0, false), node(ACCEPTOR, bits & 2 != 0, bits & 4 != 0));

    let dialled = NodeName::parse(ACCEPTOR).unwrap();
    let started = told(initiator::start(first, one, dialled));
    let (name, expect_challenge) = started.unzip();
    let answered = answer(acceptor::start(second, other).handle(&way.carry(name), [0xAC; 24]));
    let (challenge, expect_reply) = match answered {
        Ok((challenge, expect_reply)) => (Some(challenge), Some(expect_reply)),
        Err(reject) => (reject, None),
    };
    let challenge = way.carry(challenge);
    let replied = expect_challenge.and_then(|state| told(state.handle(&challenge, [0x1A; 24])));
    let (reply, expect_ack) = replied.unzip();
    let has_replied = reply.is_some();
    let reply = way.carry(reply);
    let verified = expect_reply.map(|state| answer(state.handle(&reply)));
    let honest_so_far = !way.changed && one == other;
    let (ack, accepted) = match verified {
        Some(Ok(verified)) => {
            let (ack, accepted) = verified.accept();
            (Some(ack), Some(accepted))
        }
        Some(Err(reject)) => (reject, None),
        None => (None, None),
    };
    let ack = way.carry(ack);
    let established = expect_ack.and_then(|state| told(state.handle(&ack)));

    if let Some(accepted) = &accepted {
        assert!(has_replied, "somebody without a cookie was let in");
        check(accepted, INITIATOR, honest_so_far);
    }
    if let Some(established) = &established {
        assert!(accepted.is_some(), "somebody without a cookie was taken for the acceptor");
        check(established, ACCEPTOR, !way.changed && one == other);
    }
    if !way.changed && one == other && matches!(one, Channel::Tls13 { .. }) {
        assert!(established.is_some() && accepted.is_some(), "nobody interfered");
    }
}

/// Version 2 is established only if both ends have seen the same, over the same channel, and names are under it.
fn check(established: &Established, name: &str, honest: bool) {
    if established.peer.version >= 2 {
        assert!(honest, "what was changed on the way was taken");
        assert_eq!(&*established.peer.name, name);
    }
}

/// A node; one whose cookie is being replaced signs with another one and counts the common one too.
fn node(name: &str, version_1: bool, replacing: bool) -> Arc<Local> {
    let cookie = |bytes: &[u8]| Cookie::new(bytes).unwrap();
    let common = cookie(b"correct-horse-battery-staple");
    let cookies: Cookies =
        if replacing { Cookies::from(cookie(b"its-successor")).accepting(common) } else { common.into() };
    let incarnation = NonZeroU64::new(u64::from(name.as_bytes()[0])).unwrap();
    let mut local = Local::new(NodeName::parse(name).unwrap(), incarnation, cookies);
    if version_1 {
        local.version_1 = Allowed::Everyone;
    }
    Arc::new(local)
}

/// The two ends of one connection, or of two with somebody between.
fn channels(bits: u8) -> [Channel; 2] {
    let tls = |old: bool, exporter| if old { Channel::Tls12 } else { Channel::Tls13 { exporter } };
    let exporter = if bits & 32 == 0 { [1; 32] } else { [2; 32] };
    [tls(bits & 8 != 0, [1; 32]), tls(bits & 16 != 0, exporter)]
}

fn told<T>(handled: Result<T, Failure>) -> Option<T> {
    handled.map_err(|failure| assert!(!failure.to_string().is_empty())).ok()
}

/// What the acceptor made of a message, or the REJECT that it answers with.
fn answer<T>(handled: Result<T, Refusal>) -> Result<T, Option<Vec<u8>>> {
    handled.map_err(|refusal| {
        assert!(!refusal.failure.to_string().is_empty());
        if let Some(reject) = &refusal.reject {
            let reject = Handshake::decode(reject, Reading::Strict);
            assert!(matches!(reject, Ok(Handshake::Reject(_))), "{reject:?}");
        }
        refusal.reject
    })
}

/// What lies between the ends.
struct Way<'a> {
    script: &'a [u8],
    /// Every message so far, as it was sent.
    sent: Vec<Vec<u8>>,
    /// Whether one has arrived otherwise than it was sent.
    changed: bool,
}

impl Way<'_> {
    /// What arrives of a message; of none, too, something may.
    fn carry(&mut self, sent: Option<Vec<u8>>) -> Vec<u8> {
        let arrives = self.change(sent.clone().unwrap_or_default());
        self.changed |= sent.as_ref() != Some(&arrives);
        self.sent.extend(sent);
        arrives
    }

    fn change(&mut self, mut message: Vec<u8>) -> Vec<u8> {
        let at = |byte: u8, length: usize| usize::from(byte).min(length);
        match self.byte() % 6 {
            1 => message.truncate(at(self.byte(), message.len())),
            2 => {
                let (place, bits) = (usize::from(self.byte()), self.byte());
                message.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= bits);
            }
            3 => message = self.some().to_vec(),
            4 => {
                let number = usize::from(self.byte());
                message = self.sent.get(number).cloned().unwrap_or_default();
            }
            5 => {
                let place = at(self.byte(), message.len());
                message.splice(place..place, self.some().to_vec());
            }
            _ => {}
        }
        message
    }

    /// The next byte of the script, which goes on in zeros.
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.script.split_first() else { return 0 };
        self.script = rest;
        *first
    }

    fn some(&mut self) -> &[u8] {
        let length = usize::from(self.byte()).min(self.script.len());
        let (some, rest) = self.script.split_at(length);
        self.script = rest;
        some
    }
}
