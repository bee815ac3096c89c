/// Makes the enum of all messages of one kind, and dispatches by tag. It lays nothing out: that is each
/// message's own file.
///
/// Where every message has a tag, the enum can tell its tag, name and fields. With `also` some have none: then
/// `known_tag` and `write_known` say so.
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
            /// Every tag that has a meaning here, and its name.
            pub const TAGS: &'static [($Tag, &'static str)] = &[$(($tag, $NAME)),*];

            /// Asks `source` for the fields of the message of this tag; `None` if the tag has no meaning here.
            ///
            /// # Errors
            /// The first field that the source cannot give.
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
            /// The tag, one of `TAGS`.
            #[must_use]
            pub const fn tag(&self) -> $Tag {
                match self {
                    $(Self::$Message(_) => $tag,)*
                }
            }

            /// The name in the specification.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$Message(_) => $NAME,)*
                }
            }

            /// Hands the fields, without the tag, to `sink`.
            ///
            /// # Errors
            /// The first field that the sink does not take.
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
            /// Hands the message's fields, without the tag, to `sink`; `None` if it has no tag of its own here.
            ///
            /// # Errors
            /// The first field that the sink does not take.
            #[inline(always)]
            fn write_known<S: $crate::layout::Sink>(&self, sink: &mut S) -> Option<Result<(), S::Error>> {
                use $crate::layout::Layout;
                match self {
                    $(Self::$Message(message) => Some(message.write(sink)),)*
                    _ => None,
                }
            }

            /// Writes the whole message with its length, by a function of each message's own: where the message
            /// is known when this is compiled, that is a plain call.
            ///
            /// # Errors
            /// As `encode_framed`.
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
