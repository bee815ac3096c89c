//! What is measured: frames of a busy session, by this codec and by others.
//!
//! [`own`], [`by_rkyv`] and [`by_bincode`] write and read the same messages, each in its own format; [`by_nom`]
//! reads the bytes of [`own`], and [`by_hand`] writes them. A pass handles all messages of a [`Shape`], makes
//! each value and shows it to [`black_box`](std::hint::black_box). It is never inlined, so that a count of its
//! instructions is a count of one loop, and it calls its format across the crate boundary, as any program does.
//!
//! [`term`] is a term in STF and in serde's other formats, [`blob`] one of a million bytes beside a copy of them. [`node_name`] and [`extension`] are one piece of the
//! protocol each, with nom and with a cursor: where which of them is the better tool was measured here.

pub mod blob;
pub mod by_bincode;
pub mod by_hand;
pub mod by_nom;
pub mod by_rkyv;
pub mod extension;
mod message;
pub mod node_name;
pub mod own;
mod shape;
pub mod term;

pub use message::{Message, Reason};
pub use shape::Shape;
