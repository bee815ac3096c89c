//! Settings of a node.

use std::ffi::c_char;

use snow_dist_runtime::tls::Certificates;

use crate::boundary::{Out, bytes, guard, text};
use crate::builder::{BUILDERS, Builder};
use crate::types::{snow_builder, snow_node, snow_status};

/// Begins a node of this name: `name@host:port`, where other nodes find it. The port is 9000 if it says none, and 0 lets the
/// system choose one. `snow_start` or `snow_builder_free` frees the builder.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_builder_new(name: *const c_char, builder: *mut snow_builder) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let (name, out) = unsafe { (text(name, "name"), Out::new(builder, "builder")) };
        let out = out?;
        out.put(snow_builder { id: Builder::of_name(name?)?.id });
        Ok(())
    })
}

/// Adds a cookie: the secret that all nodes of a system share, bytes that nobody can guess. The first one signs, and further
/// ones are accepted as well. The library copies it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_builder_cookie(
    builder: snow_builder,
    cookie: *const u8,
    length: usize,
) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let cookie = unsafe { bytes(cookie, length, "cookie") }?;
        builder.get()?.change(|node| node.cookie(cookie));
        Ok(())
    })
}

/// Adds the cookie in a file, which is read when the node starts. A line's end at the file's end is not part of it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_builder_cookie_file(builder: snow_builder, path: *const c_char) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let path = unsafe { text(path, "path") }?;
        builder.get()?.change(|node| node.cookie_file(path));
        Ok(())
    })
}

/// Adds certificates to the cookie: the node proves by its own that it is the node of its name, and requires the same of its
/// peers if `required`. The paths name PEM files: `chain` begins with the node's own certificate, which has the URI
/// `snow-dist:NAME`, `key` is the private key of it, and `anchors` are the authorities that the node trusts. They are read when
/// the node starts, and again by `snow_reload`. Pass `required` as false only while a system gets its certificates.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_builder_certificates(
    builder: snow_builder,
    chain: *const c_char,
    key: *const c_char,
    anchors: *const c_char,
    required: bool,
) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let (chain, key, anchors) =
            unsafe { (text(chain, "chain"), text(key, "key"), text(anchors, "anchors")) };
        let certificates = Certificates::files(chain?, key?, anchors?);
        let certificates = if required { certificates } else { certificates.not_required() };
        builder.get()?.change(|node| node.certificates(certificates));
        Ok(())
    })
}

/// Lets a node send exit signals to processes that are not linked with the sender, by its name. From the first name on, only
/// nodes that were named may do that. Setting `SNOW_SETTING_REMOTE_EXIT` forgets the names: the last call counts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_builder_remote_exit(builder: snow_builder, peer: *const c_char) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let peer = unsafe { text(peer, "peer") }?;
        builder.get()?.remote_exit(peer)
    })
}

/// Listens at this address, `host:port`, instead of the one that the node's name says. Called again, it adds another one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_builder_listen(builder: snow_builder, address: *const c_char) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let address = unsafe { text(address, "address") }?;
        builder.get()?.change(|node| node.listen(address));
        Ok(())
    })
}

/// Sets a number: see `snow_setting`. What is out of range is refused here, or by `snow_start`.
#[unsafe(no_mangle)]
pub extern "C" fn snow_builder_set(builder: snow_builder, setting: u32, value: u64) -> snow_status {
    guard(|| builder.get()?.set(setting, value))
}

/// Lets a node of version 1 in, by its name. `node_id` is the number by which it will know this node in the first session
/// of the two, or 0 if that is not known. Nodes of version 1 prove little: read `security.md` of the specification first.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_builder_version_1(
    builder: snow_builder,
    peer: *const c_char,
    node_id: u16,
) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let peer = unsafe { text(peer, "peer") }?;
        builder.get()?.version_1(peer, node_id)
    })
}

/// Frees a builder of which no node was started.
#[unsafe(no_mangle)]
pub extern "C" fn snow_builder_free(builder: snow_builder) -> snow_status {
    guard(|| BUILDERS.remove(builder.id).map(drop))
}

/// Starts the node, and frees the builder, whether it starts or not. When this returns the node listens; threads of its own
/// run it, whose number is `SNOW_SETTING_THREADS`. `snow_node_free` frees the node.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_start(builder: snow_builder, node: *mut snow_node) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let out = unsafe { Out::new(node, "node") }?;
        out.put(snow_node { id: Builder::start(builder.id)?.id });
        Ok(())
    })
}
