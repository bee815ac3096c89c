//! A node and its connections with a peer: which of them is the session.
//!
//! What the node does stands in the stories, as the tables of `connection.md` say it. Nothing here asks the core: a test
//! holds the core against them.

mod places;
mod story;
mod version_1;

use serde_json::Value;

pub(super) fn file() -> Value {
    let about = "A node and its connections with a peer, event by event: which of them is the session.";
    let stories = places::all().into_iter().chain(version_1::all());
    super::file("elections", about, stories.map(story::Story::finish).collect())
}
