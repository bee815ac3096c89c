//! Two servers by hand, what is nonsense, and whole clusters at random.

mod bounds;
mod cluster;
mod nonsense;
mod two;
mod world;
