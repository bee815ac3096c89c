//! The reply handle within the message of a call.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, DeserializeOwned, Deserializer};
use serde::ser::{self, Serialize, Serializer};
use snow_dist_codec::stf;

use crate::process::{Call, Replier, ReplyError, term};

thread_local! {
    /// The replier of the call that is being decoded.
    static READ: RefCell<Option<Replier>> = const { RefCell::new(None) };
}

/// The part of a call's message that carries the reply of type `T` back to the caller. See the [module](super).
///
/// On the caller's side, [`Address::call`](super::Address::call) creates the `Reply`, and the caller puts it into the
/// message, where it is encoded as a unit. On the callee's side, the `Reply` is part of the message that was
/// [read](crate::Received::read). The callee sends the reply with [`send`](Self::send).
///
/// The callee can keep the `Reply`, or move it to another task or process of the same node. A `Reply` cannot be part
/// of a further message: encoding a received `Reply` is an error. If a `Reply` is dropped without being sent, the
/// caller immediately receives [`CallError::Unanswered`](crate::CallError::Unanswered).
pub struct Reply<T> {
    /// The replier; `None` on the side of the caller.
    replier: Option<Replier>,
    of: PhantomData<fn(T)>,
}

impl<T> Reply<T> {
    /// Creates the handle that a caller encodes.
    pub(super) const fn asked_for() -> Self {
        Self { replier: None, of: PhantomData }
    }

    /// Returns the [`Replier`] of the call, which can reply with a value of any type. Returns `None` for a `Reply` on
    /// the caller's side, which belongs to no received call.
    #[must_use]
    pub fn into_replier(self) -> Option<Replier> {
        self.replier
    }
}

impl<T: Serialize> Reply<T> {
    /// Sends the reply, which ends the call. See [`Replier::reply`].
    ///
    /// # Errors
    /// Returns an error as [`Replier::reply`] does, and [`ReplyError::Over`] for a `Reply` on the caller's side.
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

/// Decodes a call. The decoded value does not keep the bytes of the request, unless decoding fails.
pub(super) fn read<M: DeserializeOwned>(call: Call) -> Result<M, (Call, stf::Error)> {
    let message = call.message().clone();
    let replier = call.into_replier();
    let read = term::with(&READ, replier.clone(), || message.term()).0;
    read.map_err(|error| (replier.into_call(message), error))
}
