/// The strictness of a decoder towards what later versions may send. Specification: `dist.md`, "Two readings".
///
/// The two readings differ only in what [`Reading::Compatible`] tolerates: surplus bytes after the last field,
/// unknown frame tags, empty frames, and reason tags above 6. Anything else that is not valid is an error in both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
//= spec/dist.md#dist-rdg-003
//# In everything that the table above does not list a reader MUST return the same result in both readings.
pub enum Reading {
    /// Tolerates what a later version may have added. Nodes use this reading.
    #[default]
    Compatible,
    /// Refuses what a later version may have added. Tests and tools use this reading.
    Strict,
}
