//! What is measured: frames of a busy session, by this codec and by others.
//!
//! Every module writes and reads the same messages in its own format: [`own`], [`by_rkyv`], [`by_bincode`];
//! [`by_nom`] reads the bytes of [`own`]. A pass handles all messages of a [`Shape`], makes each value and shows
//! it to [`black_box`](std::hint::black_box). It is never inlined, so that a count of its instructions is a
//! count of one loop, and it calls its format across the crate boundary, as any program does.

pub mod by_bincode;
pub mod by_nom;
pub mod by_rkyv;
pub mod extension;
pub mod own;
mod shape;

pub use shape::{ERROR_TEXT, Message, PAYLOAD, Shape};
