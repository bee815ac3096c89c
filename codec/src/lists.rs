//! Lists inside frames, held in their wire form: validated once, decoded lazily.
//!
//! A list that was read ([`Names`], [`Entries`]) borrows the receive buffer. A list to be sent is built, element by
//! element, in a buffer of its own ([`NamesBuf`], [`EntriesBuf`]).

use alloc::vec::Vec;
use core::fmt;

use crate::layout::{self, Reader, Sink, Source};
use crate::limits::{NAMES_MAX, STR16_BYTES_MAX};
use crate::{DecodeError, EncodeError, EncodeErrorKind, Field, Pid, Reading, Text};

/// The node names of a PEER_LIST. On the wire: a `u16` count, then each name after its `u16` length.
///
/// A name can be any text. To find out if it is a valid node name, parse it with
/// [`NodeName`](crate::NodeName).
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Names<'a> {
    count: u16,
    bytes: &'a [u8],
}

impl<'a> Names<'a> {
    /// Returns the number of names.
    #[must_use]
    pub const fn count(&self) -> u16 {
        self.count
    }

    /// Returns the names in their wire form, without the count.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Returns an iterator over the names, in wire order.
    #[must_use]
    pub const fn iter(&self) -> NamesIter<'a> {
        NamesIter { bytes: self.bytes }
    }

    pub(crate) fn read(reader: &mut Reader<'a>, field: &'static str) -> Result<Self, DecodeError> {
        let count = reader.u16(field)?;
        let bytes = read_elements(reader, field, count.into(), 2, 2, |element| element.str16("").map(drop))?;
        Ok(Self { count, bytes })
    }
}

/// An iterator over the names of a [`Names`].
#[derive(Clone, Debug)]
pub struct NamesIter<'a> {
    bytes: &'a [u8],
}

impl<'a> Iterator for NamesIter<'a> {
    type Item = Text<'a>;

    fn next(&mut self) -> Option<Text<'a>> {
        let mut reader = Reader::new(self.bytes, Reading::Compatible);
        // The bytes are validated, so this fails only at their end.
        let name = reader.str16("").ok()?;
        self.bytes = reader.remaining();
        Some(name)
    }
}

impl<'a> IntoIterator for &Names<'a> {
    type Item = Text<'a>;
    type IntoIter = NamesIter<'a>;

    fn into_iter(self) -> NamesIter<'a> {
        self.iter()
    }
}

impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

/// A list of names to be sent in a PEER_LIST.
///
/// ```
/// use snow_dist_codec::NamesBuf;
///
/// let mut names = NamesBuf::default();
/// names.push("a@10.0.0.1:9000".into()).unwrap();
/// assert_eq!(names.as_names().count(), 1);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamesBuf {
    count: u16,
    bytes: Vec<u8>,
}

impl NamesBuf {
    /// Appends a name.
    ///
    /// # Errors
    /// Returns [`EncodeError`] if the list already has [`NAMES_MAX`] names or the name is longer than
    /// [`STR16_BYTES_MAX`] bytes. The list is unchanged then.
    pub fn push(&mut self, name: Text<'_>) -> Result<(), EncodeError> {
        let index = usize::from(self.count);
        let Some(count) = self.count.checked_add(1) else {
            return Err(EncodeError::too_long("names", NAMES_MAX as u64, index + 1));
        };
        fits(name, "names", index, "")?;
        layout::append(&mut self.bytes, |writer| writer.str16("", name));
        self.count = count;
        Ok(())
    }

    /// Returns a view of the list, for the field of a PEER_LIST.
    #[must_use]
    pub fn as_names(&self) -> Names<'_> {
        Names { count: self.count, bytes: &self.bytes }
    }
}

/// A global name with its process and the node that owns the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Entry<'a> {
    /// The global name.
    pub name: Text<'a>,
    /// The process with this name, by the sender's numbering of nodes.
    pub pid: Pid,
    /// The name of the node that owns the global name.
    pub node: Text<'a>,
}

impl<'a> Entry<'a> {
    /// The minimum size of an entry in bytes: both texts are empty.
    const BYTES_MIN: u64 = 2 + Pid::LEN as u64 + 2;

    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self { name: reader.str16("name")?, pid: reader.pid("pid")?, node: reader.str16("node")? })
    }
}

/// The global names of a GLOBAL_SYNC. On the wire: a `u32` count, then the name, the pid and the node of each entry.
/// The name and the node each have a `u16` length before them.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Entries<'a> {
    count: u32,
    bytes: &'a [u8],
}

impl<'a> Entries<'a> {
    /// Returns the number of entries.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Returns the entries in their wire form, without the count.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Returns an iterator over the entries, in wire order.
    #[must_use]
    pub const fn iter(&self) -> EntriesIter<'a> {
        EntriesIter { bytes: self.bytes }
    }

    pub(crate) fn read(reader: &mut Reader<'a>, field: &'static str) -> Result<Self, DecodeError> {
        let count = reader.u32(field)?;
        let bytes = read_elements(reader, field, count.into(), 4, Entry::BYTES_MIN, |element| {
            Entry::read(element).map(drop)
        })?;
        Ok(Self { count, bytes })
    }
}

/// An iterator over the entries of an [`Entries`].
#[derive(Clone, Debug)]
pub struct EntriesIter<'a> {
    bytes: &'a [u8],
}

impl<'a> Iterator for EntriesIter<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let mut reader = Reader::new(self.bytes, Reading::Compatible);
        // The bytes are validated, so this fails only at their end.
        let entry = Entry::read(&mut reader).ok()?;
        self.bytes = reader.remaining();
        Some(entry)
    }
}

impl<'a> IntoIterator for &Entries<'a> {
    type Item = Entry<'a>;
    type IntoIter = EntriesIter<'a>;

    fn into_iter(self) -> EntriesIter<'a> {
        self.iter()
    }
}

impl fmt::Debug for Entries<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

/// A list of entries to be sent in a GLOBAL_SYNC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntriesBuf {
    count: u32,
    bytes: Vec<u8>,
}

impl EntriesBuf {
    /// Appends an entry.
    ///
    /// # Errors
    /// Returns [`EncodeError`] if the list already has [`u32::MAX`] entries, or if the name or the node is longer than
    /// [`STR16_BYTES_MAX`] bytes. The list is unchanged then.
    pub fn push(&mut self, entry: &Entry<'_>) -> Result<(), EncodeError> {
        let index = self.count as usize;
        let Some(count) = self.count.checked_add(1) else {
            return Err(EncodeError::too_long("entries", u32::MAX.into(), index));
        };
        fits(entry.name, "entries", index, "name")?;
        fits(entry.node, "entries", index, "node")?;
        layout::append(&mut self.bytes, |writer| {
            writer.str16("name", entry.name)?;
            writer.pid("pid", entry.pid)?;
            writer.str16("node", entry.node)
        });
        self.count = count;
        Ok(())
    }

    /// Returns a view of the list, for the field of a GLOBAL_SYNC.
    #[must_use]
    pub fn as_entries(&self) -> Entries<'_> {
        Entries { count: self.count, bytes: &self.bytes }
    }
}

/// Validates `count` elements and returns their bytes.
///
/// The count, of `prefix` bytes, has just been read. It is compared with the bytes that are there before anything
/// else is done with it.
fn read_elements<'a>(
    reader: &mut Reader<'a>,
    field: &'static str,
    count: u64,
    prefix: usize,
    element_bytes_min: u64,
    element: impl Fn(&mut Reader<'a>) -> Result<(), DecodeError>,
) -> Result<&'a [u8], DecodeError> {
    let list = reader.remaining();
    let promised = count.saturating_mul(element_bytes_min);
    //= spec/dist.md#dist-fld-004
    //# A reader MUST refuse a length or a count that needs more bytes than the payload still has.
    if promised > list.len() as u64 {
        return Err(crate::layout::overrun(field, reader.at() - prefix, promised, list.len()));
    }
    let start = reader.at();
    for index in 0..count {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        //= spec/dist.md#dist-nam-005
        //# A reader MUST NOT refuse a frame because a node name in it does not match `node-name`.
        element(reader).map_err(|error| error.inside(field, index))?;
    }
    let (elements, _) = list.split_at_checked(reader.at() - start).unwrap_or_default();
    Ok(elements)
}

fn fits(text: Text<'_>, list: &'static str, index: usize, part: &'static str) -> Result<(), EncodeError> {
    //= spec/dist.md#dist-fld-009
    //# A writer MUST NOT shorten a text or a list because its length or count does not fit the prefix.
    if text.len() <= STR16_BYTES_MAX {
        return Ok(());
    }
    let kind = EncodeErrorKind::TooLong { max: STR16_BYTES_MAX as u64, actual: text.len() as u64 };
    Err(EncodeError { kind, field: Field::part(list, index, part) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use alloc::string::{String, ToString};
    use alloc::vec;

    #[test]
    fn names_come_back_in_order() {
        let mut names = NamesBuf::default();
        names.push("a@h".into()).unwrap();
        names.push("".into()).unwrap();
        let names = names.as_names();
        assert_eq!(names.iter().collect::<Vec<_>>(), [Text::from("a@h"), Text::from("")]);
        assert_eq!(names.count(), 2);
        assert_eq!(alloc::format!("{names:?}"), "[\"a@h\", \"\"]");
    }

    #[test]
    fn entries_come_back_in_order() {
        let mut made = EntriesBuf::default();
        let entries = [("n", 7, "a@h"), ("", 8, "")].map(|(name, pid, node)| Entry {
            name: name.into(),
            pid: Pid::from_bits(pid),
            node: node.into(),
        });
        for entry in &entries {
            made.push(entry).unwrap();
        }
        let made = made.as_entries();
        assert_eq!((made.iter().collect::<Vec<_>>(), made.count()), (entries.to_vec(), 2));
        assert_eq!(alloc::format!("{made:?}"), alloc::format!("{entries:?}"));
    }

    #[test]
    fn the_shortest_elements_fill_a_list_exactly() {
        let mut reader = Reader::new(&[2, 0, 0, 0, 0, 0, 0xEE], Reading::Compatible);
        assert_eq!(Names::read(&mut reader, "names").unwrap().count(), 2);
        assert_eq!(reader.remaining(), [0xEE]);
        let bytes = [&[2, 0, 0, 0][..], &[0; 24]].concat();
        let mut reader = Reader::new(&bytes, Reading::Strict);
        let entries = Entries::read(&mut reader, "entries").unwrap();
        assert_eq!((entries.as_bytes(), reader.finish()), (&[0; 24][..], Ok(&[][..])));
    }

    #[test]
    fn a_list_that_is_full_stays_as_it_was() {
        let mut names = NamesBuf { count: u16::MAX, bytes: vec![] };
        let error = names.push("a@h".into()).unwrap_err();
        assert_eq!(error.kind, EncodeErrorKind::TooLong { max: 65_535, actual: 65_536 });
        assert_eq!(names, NamesBuf { count: u16::MAX, bytes: vec![] });

        let mut entries = EntriesBuf { count: u32::MAX, bytes: vec![] };
        let entry = Entry { name: "".into(), pid: Pid::default(), node: "".into() };
        assert!(entries.push(&entry).is_err());
    }

    #[test]
    fn a_long_text_is_refused_by_its_place() {
        let long: String = "x".repeat(65_536);
        let mut names = NamesBuf::default();
        names.push("a@h".into()).unwrap();
        assert_eq!(
            names.push(Text::from(&*long)).unwrap_err().to_string(),
            "`names[1]` cannot be written: 65536 is over the limit of 65535"
        );
        let mut entries = EntriesBuf::default();
        let entry = Entry { name: "n".into(), pid: Pid::default(), node: Text::from(&*long) };
        assert_eq!(
            entries.push(&entry).unwrap_err().to_string(),
            "`entries[0].node` cannot be written: 65536 is over the limit of 65535"
        );
        assert_eq!(entries, EntriesBuf::default());
    }

    #[test]
    fn a_count_is_held_against_the_bytes_first() {
        let mut reader = Reader::new(&[0xFF, 0xFF, 0xFF, 0xFF, 0, 0], Reading::Compatible);
        let error = Entries::read(&mut reader, "entries").unwrap_err();
        assert_eq!(error.kind, ErrorKind::Overrun { promised: 12 * 0xFFFF_FFFF, found: 2 });
        assert_eq!(error.at, 0);
    }

    #[test]
    fn an_element_is_named_with_its_part() {
        let bytes = [2, 0, 1, 0, b'a', 1, 0, 0xFF];
        let error = Names::read(&mut Reader::new(&bytes, Reading::Compatible), "names").unwrap_err();
        assert_eq!((error.kind, error.field, error.at), (ErrorKind::Utf8, Field::element("names", 1), 7));
    }
}
