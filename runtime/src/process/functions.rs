//! Functions that other nodes may start, and the numbers of processes that each of these nodes has here.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use snow_dist_codec::stf;

use super::cell::Cell;
use super::remote::Later;
use super::task::Task;
use super::{Context, Message, RegisterFunctionError};
use crate::core::limits::FUNCTION_NAME_BYTES_MAX;
use crate::core::{Allowed, Reason};
use crate::foreign::dispose;
use crate::sync::Mutex;

/// A registered function, which creates the task of a process from its arguments.
pub(crate) trait Function: Send + Sync {
    fn task(self: Arc<Self>, cell: Arc<Cell>, arguments: Message) -> Later<'static, ()>;
}

/// A function of the program that decodes its arguments itself.
struct Reading<F>(F);

/// Wraps a function of a value.
pub(crate) fn of_value<F, T, Fut>(run: F) -> Arc<dyn Function>
where
    F: Fn(Context, T) -> Fut + Send + Sync + 'static,
    T: DeserializeOwned,
    Fut: Future<Output: Into<Reason>> + Send + 'static,
{
    Arc::new(Reading(move |context, arguments: &Message| Ok(run(context, arguments.term()?))))
}

/// Wraps a function of a message.
pub(crate) fn of_message<F, Fut>(run: F) -> Arc<dyn Function>
where
    F: Fn(Context, Message) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: Into<Reason>> + Send + 'static,
{
    Arc::new(Reading(move |context, arguments: &Message| Ok(run(context, arguments.clone()))))
}

impl<F, Fut> Function for Reading<F>
where
    F: Fn(Context, &Message) -> Result<Fut, stf::Error> + Send + Sync + 'static,
    Fut: Future<Output: Into<Reason>> + Send + 'static,
{
    fn task(self: Arc<Self>, cell: Arc<Cell>, arguments: Message) -> Later<'static, ()> {
        // Reading the arguments is code of the program, and so is the function: both run where a process does.
        Box::pin(Task::new(cell, move |context: Context| {
            let process = (self.0)(context, &arguments);
            async move {
                match process {
                    Ok(process) => process.await.into(),
                    Err(error) => Reason::error(format!("arguments: {error}")),
                }
            }
        }))
    }
}

/// The functions of a node.
pub(crate) struct Functions {
    registered: Mutex<HashMap<Box<str>, Registered>>,
    /// The number of running processes that each node has had started here.
    running: Mutex<Running>,
    /// The maximum for one node.
    each_max: usize,
    /// The maximum for all nodes.
    all_max: usize,
}

#[derive(Default)]
struct Running {
    by_node: HashMap<Arc<str>, usize>,
    all: usize,
}

struct Registered {
    function: Arc<dyn Function>,
    allowed: Allowed,
}

impl Functions {
    /// Creates an empty set, with the maximum number of processes for each other node and for all together.
    pub(crate) fn new(each_max: usize, all_max: usize) -> Self {
        Self { registered: Mutex::default(), running: Mutex::default(), each_max, all_max }
    }

    pub(crate) fn register(
        &self,
        name: &str,
        allowed: Allowed,
        function: Arc<dyn Function>,
    ) -> Result<(), RegisterFunctionError> {
        let (length, length_max) = (name.len(), FUNCTION_NAME_BYTES_MAX);
        if length > length_max {
            return Err(RegisterFunctionError::NameTooLong { length, length_max });
        }
        // What is not kept is the program's, and is dropped after the lock.
        let mut registered = self.registered.lock();
        if registered.contains_key(name) {
            return Err(RegisterFunctionError::Taken { name: name.into() });
        }
        registered.insert(name.into(), Registered { function, allowed });
        Ok(())
    }

    /// Removes a function. Returns `false` if it does not exist.
    pub(crate) fn unregister(&self, name: &str) -> bool {
        let registered = self.registered.lock().remove(name);
        let was_there = registered.is_some();
        // After the lock: it is the program's.
        dispose(registered);
        was_there
    }

    /// Removes all functions, which may keep the node itself alive.
    pub(crate) fn unregister_all(&self) {
        let registered = std::mem::take(&mut *self.registered.lock());
        registered.into_values().for_each(dispose);
    }

    /// Returns `true` if another node may have the function started.
    pub(crate) fn offers(&self, peer: &str, name: &str) -> bool {
        self.registered.lock().get(name).is_some_and(|registered| registered.allowed.allows(peer))
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<dyn Function>> {
        self.registered.lock().get(name).map(|registered| registered.function.clone())
    }

    /// Reserves a place for a process of a node, if it has one left.
    pub(crate) fn place(self: &Arc<Self>, peer: &Arc<str>) -> Option<Place> {
        let mut running = self.running.lock();
        let count = running.by_node.get(peer).copied().unwrap_or_default();
        if count >= self.each_max || running.all >= self.all_max {
            return None;
        }
        running.by_node.insert(peer.clone(), count + 1);
        running.all += 1;
        Some(Place { functions: self.clone(), peer: peer.clone() })
    }
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Functions").field("each_max", &self.each_max).finish_non_exhaustive()
    }
}

/// A place that is held while a process runs that another node has had started.
#[derive(Debug)]
pub(crate) struct Place {
    functions: Arc<Functions>,
    peer: Arc<str>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut running = self.functions.running.lock();
        running.all -= 1;
        let left = running.by_node.get(&self.peer).map_or(0, |count| count - 1);
        if left == 0 {
            running.by_node.remove(&self.peer);
        } else if let Some(count) = running.by_node.get_mut(&self.peer) {
            *count = left;
        }
    }
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use super::*;
    use crate::foreign::call;

    #[test]
    fn a_node_has_so_many_places_and_all_together_so_many() {
        let functions = Arc::new(Functions::new(2, 3));
        let (a, b): (Arc<str>, Arc<str>) = ("a@h:1".into(), "b@h:1".into());
        let places: Vec<_> = [&a, &a, &b].map(|peer| functions.place(peer)).into_iter().flatten().collect();
        assert_eq!(places.len(), 3);
        assert!(functions.place(&a).is_none(), "one node");
        assert!(functions.place(&b).is_none(), "all together");
        drop(places);
        assert!(functions.running.lock().by_node.is_empty());
        assert!(functions.place(&b).is_some());
    }

    struct PanicsWhenDropped(Arc<Functions>);

    impl Drop for PanicsWhenDropped {
        fn drop(&mut self) {
            // No lock is held.
            assert!(self.0.get("one").is_none());
            panic!("dropped");
        }
    }

    #[test]
    fn what_a_function_keeps_is_dropped_with_no_lock_held_and_its_panic_ends_there() {
        let functions = Arc::new(Functions::new(1, 1));
        for name in ["one", "other"] {
            let kept = PanicsWhenDropped(functions.clone());
            let function = of_message(move |_, _| {
                let _ = &kept;
                async {}
            });
            functions.register(name, Allowed::Nobody, function).unwrap();
        }
        assert_eq!(call(|| functions.unregister("one")), Some(true));
        assert_eq!(call(|| functions.unregister_all()), Some(()));
        assert_eq!(Arc::strong_count(&functions), 1);
    }
}
