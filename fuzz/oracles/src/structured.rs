//! Messages made of bytes: every one is written and comes back the same.

use arbitrary::Unstructured;
use snow_dist_codec::arbitrary::{Bump, frame, handshake, reason, signal};
use snow_dist_codec::document::Document;
use snow_dist_codec::{Frame, Handshake, Reading, Reason, ReasonBuf, Signal, UnknownRoot};

/// decode(encode(x)) = x, in bytes and in JSON.
pub fn structured(bytes: &[u8]) {
    let arena = Bump::new();
    let mut source = Unstructured::new(bytes);
    if let Ok(made) = frame(&mut source, &arena) {
        let mut written = Vec::new();
        made.encode(&mut written).unwrap();
        assert_eq!(Frame::decode(&written, Reading::Compatible), Ok(made));
        let json = serde_json::to_string(&made).unwrap();
        let document: Document = serde_json::from_str(&json).unwrap();
        assert_eq!(document.frame().unwrap(), made, "{json}");
    }
    if let Ok(made) = handshake(&mut source, &arena) {
        let mut written = Vec::new();
        match made.encode(&mut written) {
            Ok(()) => assert_eq!(Handshake::decode(&written, Reading::Strict), Ok(made)),
            Err(error) => assert!(written.is_empty(), "{error}: a failed encode writes nothing"),
        }
    }
    if let Ok(made) = signal(&mut source, &arena) {
        let mut written = Vec::new();
        made.encode(&mut written).unwrap();
        assert_eq!(Signal::decode(&written, Reading::Compatible), Ok((made, &[][..])));
    }
    if let Ok(made) = reason(&mut source, &arena) {
        let kept = ReasonBuf::from(&made);
        assert_eq!(kept.as_reason(), made);
        assert!(UnknownRoot::new(&[made.root.tag()]).is_none() || Reason::from(made.root).encoded_len() > 0);
    }
}
