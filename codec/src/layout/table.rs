/// Defines the enum of all messages of one family and dispatches by tag. The layouts are in each message's own file.
///
/// If every message has a tag, the enum gets methods for tag, name and fields. The variants after `also` have no tag
/// in the table; the enum then gets `known_tag` and `write_known`, which return `None` for them.
macro_rules! table {
    (
        $(#[$doc:meta])*
        pub enum $Table:ident<'a>: $Tag:ty {
            $($tag:literal $NAME:literal => $module:ident::$Message:ident $(<$life:lifetime>)?;)*
        }
        $(also { $($(#[$other_doc:meta])* $Other:ident $(($OtherType:ty))?;)* })?
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $Table<'a> {
            $(#[doc = concat!("`", $NAME, "`: see [`", stringify!($Message), "`].")]
            $Message($Message $(<$life>)?),)*
            $($($(#[$other_doc])* $Other $(($OtherType))?,)*)?
        }

        impl<'a> $Table<'a> {
            /// All known tags, each with the name of its message in the specification.
            pub const TAGS: &'static [($Tag, &'static str)] = &[$(($tag, $NAME)),*];

            /// Reads the message with this tag by requesting its fields from `source`. Returns `None` if the tag is
            /// unknown.
            ///
            /// # Errors
            /// Returns the error of the first field that the source cannot provide.
            #[inline(always)]
            pub fn read_fields<S: $crate::layout::Source<'a>>(
                tag: $Tag,
                source: &mut S,
            ) -> Option<Result<Self, S::Error>> {
                use $crate::layout::Layout;
                match tag {
                    //= spec/dist.md#dist-fld-002
                    //# A reader MUST take the fields of the tag's table in the table's order, each from the
                    //# byte after the one before.
                    $($tag => Some($Message::read(source).map(Self::$Message)),)*
                    _ => None,
                }
            }
        }

        $crate::layout::table!(@dispatch $Table: $Tag, $($tag $NAME $Message)*, $($($Other)*)?);

        $(impl<'a> From<$Message $(<$life>)?> for $Table<'a> {
            #[inline(always)]
            fn from(message: $Message $(<$life>)?) -> Self {
                Self::$Message(message)
            }
        })*
    };

    (@dispatch $Table:ident: $Tag:ty, $($tag:literal $NAME:literal $Message:ident)*,) => {
        impl $Table<'_> {
            /// Returns the tag, one of `TAGS`.
            #[must_use]
            pub const fn tag(&self) -> $Tag {
                match self {
                    $(Self::$Message(_) => $tag,)*
                }
            }

            /// Returns the name of the message in the specification.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$Message(_) => $NAME,)*
                }
            }

            /// Passes the fields of the message, without the tag, to `sink`.
            ///
            /// # Errors
            /// Returns the error of the first field that the sink does not accept.
            pub fn write_fields<S: $crate::layout::Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
                use $crate::layout::Layout;
                match self {
                    $(Self::$Message(message) => message.write(sink),)*
                }
            }
        }
    };

    (@dispatch $Table:ident: $Tag:ty, $($tag:literal $NAME:literal $Message:ident)*, $($Other:ident)+) => {
        impl $Table<'_> {
            /// Passes the fields of the message, without the tag, to `sink`. Returns `None` if it has no tag in the
            /// table.
            ///
            /// # Errors
            /// Returns the error of the first field that the sink does not accept.
            #[inline(always)]
            fn write_known<S: $crate::layout::Sink>(&self, sink: &mut S) -> Option<Result<(), S::Error>> {
                use $crate::layout::Layout;
                match self {
                    $(Self::$Message(message) => Some(message.write(sink)),)*
                    _ => None,
                }
            }

            /// Writes the message with its length before it, in a function of its own for each kind of message. If
            /// the kind is known at compile time, this is a plain call.
            ///
            /// # Errors
            /// Returns the errors of `encode_framed`.
            #[inline(always)]
            fn encode_each<B: ::bytes::BufMut>(
                &self,
                bytes_max: u32,
                dst: &mut B,
            ) -> Result<(), $crate::EncodeError> {
                use $crate::layout::{WithTag, encode_framed_apart};
                match self {
                    $(Self::$Message(message) => {
                        encode_framed_apart(WithTag::<$tag, _>(message), bytes_max, dst)
                    })*
                    _ => encode_framed_apart(self, bytes_max, dst),
                }
            }

            #[inline(always)]
            const fn known_tag(&self) -> Option<($Tag, &'static str)> {
                match self {
                    $(Self::$Message(_) => Some(($tag, $NAME)),)*
                    _ => None,
                }
            }
        }
    };
}

pub(crate) use table;
