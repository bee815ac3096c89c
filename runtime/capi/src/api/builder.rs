//! The functions for the settings and the start of a node.

use std::ffi::c_char;

use snow_dist_runtime::tls::Certificates;

use crate::boundary::{Out, bytes, guard, text};
use crate::builder::{BUILDERS, Builder};
use crate::types::{snow_builder, snow_node, snow_status};

/// Creates a builder for a node with this name, `name@host:port`, at which other nodes reach the node. The default
/// port is 9000. With port 0 the operating system chooses a port. `snow_start` checks the name. The builder is freed
/// by `snow_start` or `snow_builder_free`.
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

/// Adds a cookie, the secret that all nodes of the system share. A cookie must not be guessable. The node signs with
/// the first cookie, and accepts all of them.
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

/// Adds the content of a file as a cookie. The node reads the file when it starts, and again when `snow_reload` is
/// called. A line ending at the end of the file is not part of the cookie.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_builder_cookie_file(builder: snow_builder, path: *const c_char) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let path = unsafe { text(path, "path") }?;
        builder.get()?.change(|node| node.cookie_file(path));
        Ok(())
    })
}

/// Gives the node its own certificate and, if `required` is true, makes the node require a certificate from every
/// peer. A cookie is still needed.
///
/// The paths name PEM files. `chain` contains the node's own certificate first, which must contain the URI
/// `snow-dist:NAME` with the name of the node. `key` contains the private key of this certificate. `anchors` contains
/// the certificates of the trusted authorities. The node reads the files when it starts, and again when `snow_reload`
/// is called. Pass `required` as false only while certificates are being introduced into a running system.
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

/// Adds the name of a node that may send exit signals to processes of this node (`snow_send_exit`). Once a name was
/// added, only nodes whose names were added may do so. Without a port in the name, port 9000 is assumed. Setting
/// `SNOW_SETTING_REMOTE_EXIT` removes the names, so the last call counts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_builder_remote_exit(builder: snow_builder, peer: *const c_char) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let peer = unsafe { text(peer, "peer") }?;
        builder.get()?.remote_exit(peer)
    })
}

/// Adds an address, `host:port`, at which the node listens instead of the address in its name. This function can be
/// called several times.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_builder_listen(builder: snow_builder, address: *const c_char) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let address = unsafe { text(address, "address") }?;
        builder.get()?.change(|node| node.listen(address));
        Ok(())
    })
}

/// Sets a number: see `snow_setting`. A value that is out of range is refused by this function with
/// `SNOW_ERROR_ARGUMENT`, or by `snow_start` with `SNOW_ERROR_START`.
#[unsafe(no_mangle)]
pub extern "C" fn snow_builder_set(builder: snow_builder, setting: u32, value: u64) -> snow_status {
    guard(|| builder.get()?.set(setting, value))
}

/// Adds the name of a version 1 node with which this node may have sessions. `node_id` is the node id by which the
/// version 1 node will know this node in their first session, or 0 if that is not known. The handshake of version 1
/// proves little: read `security.md` of the specification first.
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

/// Frees a builder that was not passed to `snow_start`.
#[unsafe(no_mangle)]
pub extern "C" fn snow_builder_free(builder: snow_builder) -> snow_status {
    guard(|| BUILDERS.remove(builder.id).map(drop))
}

/// Starts the node, and frees the builder even if the start fails. When this function returns, the node listens. The
/// node runs in its own threads (`SNOW_SETTING_THREADS`). Free the node with `snow_node_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_start(builder: snow_builder, node: *mut snow_node) -> snow_status {
    guard(|| {
        let builder = BUILDERS.remove(builder.id)?;
        // SAFETY: as the module says.
        let out = unsafe { Out::new(node, "node") }?;
        out.put(snow_node { id: builder.start()?.id });
        Ok(())
    })
}
