//! The calls that give a node its settings and start it.

use std::ffi::CString;

use snow_dist_capi::api::*;
use snow_dist_capi::types::snow_status::*;
use snow_dist_capi::types::*;

use super::{Account, BUILDERS, COOKIE, NODES, NODES_MAX, NodeSeen, Script, judge, name, taken};

impl Account {
    pub(super) fn new_builder(&mut self) {
        let mut builder = snow_builder::default();
        // SAFETY: the pointers are those of what is there.
        let status = unsafe { snow_builder_new(name("a@127.0.0.1:0").as_ptr(), &raw mut builder) };
        assert_eq!(status, SNOW_OK);
        // SAFETY: the cookie is there.
        assert_eq!(unsafe { snow_builder_cookie(builder, COOKIE.as_ptr(), COOKIE.len()) }, SNOW_OK);
        self.builders.push(builder.id);
        self.given[BUILDERS].push(builder.id);
    }

    pub(super) fn set(&mut self, script: &mut Script<'_>) {
        let id = script.choose(&self.given[BUILDERS]);
        let (setting, value) = (script.byte().unwrap_or(0), script.byte().unwrap_or(0));
        // Nodes that keep silent peers for a shorter time, or take more memory, are others: no time plays a part here.
        if matches!(setting, 2..=12) {
            return;
        }
        let status = snow_builder_set(snow_builder { id }, setting.into(), value.into());
        judge(status, self.builders.contains(&id));
    }

    /// Gives a node certificates, which are not there, or two paths of the three.
    pub(super) fn certificates(&mut self, script: &mut Script<'_>) {
        let id = script.choose(&self.given[BUILDERS]);
        let how = script.byte().unwrap_or(0);
        let (missing, required) = (how % 4, how < 128);
        let file = name("/there/is/no/such/file");
        let path = |at| if at == missing { std::ptr::null() } else { file.as_ptr() };
        // SAFETY: the paths are texts, or null.
        let status =
            unsafe { snow_builder_certificates(snow_builder { id }, path(0), path(1), path(2), required) };
        // A missing path is told before the handle is looked at.
        let expected = match self.builders.contains(&id) {
            _ if missing < 3 => SNOW_ERROR_ARGUMENT,
            true => SNOW_OK,
            false => SNOW_ERROR_HANDLE,
        };
        assert_eq!(status, expected);
        if status == SNOW_OK {
            self.unusable.push(id);
        }
    }

    pub(super) fn remote_exit(&mut self, script: &mut Script<'_>) {
        let id = script.choose(&self.given[BUILDERS]);
        let (peer, answer) = match script.byte().unwrap_or(0) % 3 {
            0 => ("no name", SNOW_ERROR_ARGUMENT),
            1 => ("a@127.0.0.1:1", SNOW_OK),
            _ => ("b@127.0.0.1:1", SNOW_OK),
        };
        // SAFETY: the name is a text.
        let status = unsafe { snow_builder_remote_exit(snow_builder { id }, name(peer).as_ptr()) };
        assert_eq!(status, if self.builders.contains(&id) { answer } else { SNOW_ERROR_HANDLE });
    }

    pub(super) fn start(&mut self, script: &mut Script<'_>) {
        if self.given[NODES].len() >= NODES_MAX {
            return;
        }
        let id = script.choose(&self.given[BUILDERS]);
        let mut node = snow_node::default();
        // SAFETY: the pointer is that of what is there.
        let status = unsafe { snow_start(snow_builder { id }, &raw mut node) };
        judge(status, self.builders.contains(&id));
        if self.builders.contains(&id) && self.unusable.contains(&id) {
            assert_eq!(status, SNOW_ERROR_START, "a node has certificates that are not there");
        }
        self.builders.retain(|builder| *builder != id);
        if status == SNOW_OK {
            self.nodes.insert(node.id, NodeSeen::default());
            self.given[NODES].push(node.id);
            let mut text = snow_bytes::default();
            // SAFETY: the pointers are those of what is there.
            assert_eq!(unsafe { snow_node_name(node, &raw mut text) }, SNOW_OK);
            self.names.push(CString::new(taken(text)).unwrap());
        }
    }
}
