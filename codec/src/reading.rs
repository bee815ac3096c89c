/// How a decoder judges what newer or older peers may have added. Specification: `dist.md`, "Two readings".
///
/// The two differ only in what [`Reading::Compatible`] tolerates: surplus bytes after the last field, unknown
/// frame tags, empty frames, and reason tags above 6. All else is an error in both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
//= spec/dist.md#dist-rdg-003
//# In everything that the table above does not list a reader MUST give the same result in both readings.
pub enum Reading {
    /// What a node uses: tolerates what a later version may have added.
    #[default]
    Compatible,
    /// What a test uses: accepts only what an encoder of this crate writes.
    Strict,
}
