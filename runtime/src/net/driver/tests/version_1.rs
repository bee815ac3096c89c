//! What the driver does otherwise in a session of version 1.

use super::*;

/// A transport that makes records as TLS does: it takes what it has room for, and each piece that it takes begins a
/// record. The connection takes a little with each flush.
#[derive(Clone, Default)]
struct Records(Arc<Mutex<Recorded>>);

#[derive(Default)]
struct Recorded {
    stream: Vec<u8>,
    /// Where records end in the stream.
    ends: Vec<usize>,
    held_back: usize,
    taken: u64,
}

impl Transport for Records {
    fn bytes_taken(&self) -> u64 {
        self.0.lock().taken
    }
}

impl AsyncRead for Records {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Records {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        const ROOM: usize = 64 << 10;
        let mut records = self.0.lock();
        let count = bytes.len().min(ROOM - records.held_back);
        if count == 0 {
            drop(records);
            return self.poll_flush(cx).map_ok(|()| 0);
        }
        for record in bytes[..count].chunks(16_384) {
            records.stream.extend_from_slice(record);
            let end = records.stream.len();
            records.ends.push(end);
        }
        records.held_back += count;
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut records = self.0.lock();
        let gone = records.held_back.min(10_000);
        records.held_back -= gone;
        records.taken += gone as u64;
        if records.held_back == 0 {
            return Poll::Ready(Ok(()));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// How many frames of at most 16 384 bytes a session of this version cuts, and how many of all there are.
async fn frames_cut(version: Version) -> (usize, usize) {
    let (end, records) = (End::speaking(version), Records::default());
    for n in 0..300 {
        let length = [1, 500, 9_000, 16_371, 16_372, 40_000][n % 6];
        end.session.send(&by(n as u64 % 7), 1, &vec![0; length]).wake().unwrap();
    }
    end.stop(Close::SHUTDOWN, Duration::from_secs(5));
    assert_eq!(end.run(records.clone()).await, Ending::Stopped);
    let Recorded { stream, ends, .. } = &*records.0.lock();
    let (mut begin, mut cut, mut count) = (0, 0, 0);
    for payload in Frames::new(stream, FRAME_BYTES_MAX) {
        let length = payload.unwrap().len() + 4;
        let whole = !ends.iter().any(|end| (begin + 1..begin + length).contains(end));
        cut += usize::from(length <= 16_384 && !whole);
        begin += length;
        count += 1;
    }
    assert_eq!(begin, stream.len());
    (cut, count)
}

//= spec/version1.md#v1-rec-001
//= type=test
//# A node MUST write each frame of at most 16 384 bytes, its length included, within one TLS record.
//= spec/version1.md#v1-rec-002
//= type=test
//# A node SHOULD write larger frames without a pause.
#[tokio::test(start_paused = true)]
async fn a_frame_that_fits_into_a_record_is_in_one_in_version_1() {
    let version = Version::One { node_id: None, seed: [0; 32] };
    assert_eq!(frames_cut(version).await, (0, 300));
    let (cut, count) = frames_cut(Version::Two).await;
    assert!(cut > 10 && count == 301, "the test sees what is cut: {cut} of {count}");
}
