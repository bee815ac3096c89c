//! Lines of a script: of arguments, of a file, or of standard input.

use std::io;
use std::path::Path;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, BufReader};

/// Bytes of a line.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// Where the lines of a script come from.
pub(super) enum Lines {
    Given(std::vec::IntoIter<String>),
    Read(Box<dyn AsyncBufRead + Unpin>),
}

impl Lines {
    pub(super) fn given(commands: &[String]) -> Self {
        let lines = commands.iter().flat_map(|command| command.lines().map(String::from));
        Self::Given(lines.collect::<Vec<_>>().into_iter())
    }

    pub(super) async fn file(path: &Path) -> io::Result<Self> {
        let said = |error: io::Error| {
            io::Error::new(error.kind(), format!("cannot read {}: {error}", path.display()))
        };
        let file = tokio::fs::File::open(path).await.map_err(said)?;
        if file.metadata().await.map_err(said)?.is_dir() {
            return Err(said(io::ErrorKind::IsADirectory.into()));
        }
        Ok(Self::Read(Box::new(BufReader::new(file))))
    }

    pub(super) fn input() -> Self {
        Self::Read(Box::new(BufReader::new(tokio::io::stdin())))
    }

    /// The next line. Nothing behind the last.
    pub(super) async fn next(&mut self) -> io::Result<Option<String>> {
        let reader = match self {
            Self::Given(lines) => return Ok(lines.next()),
            Self::Read(reader) => reader,
        };
        let mut line = Vec::new();
        let length = reader.take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut line).await?;
        if length as u64 > LINE_BYTES_MAX {
            return Err(io::Error::other(format!("the line has more than {LINE_BYTES_MAX} bytes")));
        }
        if length == 0 {
            return Ok(None);
        }
        // Its end may be that of another system.
        line.truncate(line.trim_ascii_end().len());
        String::from_utf8(line).map(Some).map_err(|_| io::Error::other("the line is not UTF-8"))
    }
}
