//! A discovery with names from the program.

use std::sync::Arc;
use std::time::Duration;

use super::{Discovery, LookError};
use crate::core::limits::DISCOVERY_NEAR_INTERVAL;
use crate::sync::Mutex;

/// A discovery with names from a list that the program can change. Clones share one list.
///
/// ```no_run
/// # async fn example(builder: snow_dist_runtime::NodeBuilder) -> Result<(), Box<dyn std::error::Error>> {
/// use snow_dist_runtime::discovery::List;
///
/// let nodes = List::new(["a@10.0.0.1:4000", "b@10.0.0.2:4000"]);
/// let node = builder.discover(nodes.clone()).start().await?;
/// nodes.set(["b@10.0.0.2:4000", "c@10.0.0.3:4000"]); // seen within a second
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
pub struct List(Arc<Mutex<Vec<String>>>);

impl List {
    /// Creates a list with these names.
    pub fn new(names: impl IntoIterator<Item: Into<String>>) -> Self {
        let list = Self::default();
        list.set(names);
        list
    }

    /// Replaces all names in the list. A node sees the new names at its next look, within about a second.
    pub fn set(&self, names: impl IntoIterator<Item: Into<String>>) {
        let names = names.into_iter().map(Into::into).collect();
        let before = std::mem::replace(&mut *self.0.lock(), names);
        drop(before);
    }
}

impl Discovery for List {
    async fn look(&mut self) -> Result<Vec<String>, LookError> {
        Ok(self.0.lock().clone())
    }

    fn interval(&self) -> Duration {
        DISCOVERY_NEAR_INTERVAL
    }

    fn source(&self) -> String {
        "list".to_owned()
    }
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_set_is_found() {
        let list = List::new(["b@h:1", "a@h:1"]);
        let mut looks = list.clone();
        assert_eq!(looks.look().await.unwrap(), ["b@h:1", "a@h:1"]);
        list.set([String::from("c@h:1")]);
        assert_eq!(looks.look().await.unwrap(), ["c@h:1"]);
        list.set(Vec::<String>::new());
        assert!(looks.look().await.unwrap().is_empty());
    }
}
