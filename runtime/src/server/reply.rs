//! The place of a reply in what a process is asked.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, DeserializeOwned, Deserializer};
use serde::ser::{self, Serialize, Serializer};
use snow_dist_codec::stf;

use crate::process::{Call, Replier, ReplyError, term};

thread_local! {
    /// Who replies to the call that is being read.
    static READ: RefCell<Option<Replier>> = const { RefCell::new(None) };
}

/// The place of a reply of type `T` in a call, mostly in a variant of an enum: see the [module](super).
///
/// The caller is given it by [`Address::call`](super::Address::call) and puts it into the value, where it is written as a unit. The callee finds it in the value that it has [read](crate::Received::read), and [sends](Self::send). It can
/// be kept, and moved to another task or process of the same node, but not sent on: a value with it in is then not written. Dropped, it tells the caller at once that there is no reply
/// ([`CallError::Unanswered`](crate::CallError::Unanswered)).
pub struct Reply<T> {
    /// None on the side of the caller.
    replier: Option<Replier>,
    of: PhantomData<fn(T)>,
}

impl<T> Reply<T> {
    /// A place, as a caller writes it.
    pub(super) const fn asked_for() -> Self {
        Self { replier: None, of: PhantomData }
    }

    /// Returns what replies with a value of any type, from any task.
    #[must_use]
    pub fn into_replier(self) -> Option<Replier> {
        self.replier
    }
}

impl<T: Serialize> Reply<T> {
    /// Replies, and so ends the call; as [`Replier::reply`].
    ///
    /// # Errors
    /// As [`Replier::reply`]; [`ReplyError::Over`] also on the caller's side.
    pub async fn send(self, value: &T) -> Result<(), ReplyError>
    where
        T: Sync,
    {
        self.replier.ok_or(ReplyError::Over)?.reply(value).await
    }
}

impl<T> Serialize for Reply<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.replier.is_some() {
            // Written, it would reach nobody, and the caller would wait in vain.
            return Err(ser::Error::custom("a reply that was received is not sent on: answer it here"));
        }
        serializer.serialize_unit()
    }
}

impl<'de, T> Deserialize<'de> for Reply<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <()>::deserialize(deserializer)?;
        // A clone: a value that is read in several attempts has one in each.
        let replier = READ.with_borrow(Clone::clone);
        let replier = replier.ok_or_else(|| de::Error::custom("a reply is only read from a call"))?;
        Ok(Self { replier: Some(replier), of: PhantomData })
    }
}

impl<T> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("to", &self.replier.as_ref().map(Replier::caller))
            .finish_non_exhaustive()
    }
}

/// Reads a call. What is read keeps nothing of the request's bytes, unless it fails.
pub(super) fn read<M: DeserializeOwned>(call: Call) -> Result<M, (Call, stf::Error)> {
    let message = call.message().clone();
    let replier = call.into_replier();
    let read = term::with(&READ, replier.clone(), || message.term()).0;
    read.map_err(|error| (replier.into_call(message), error))
}
