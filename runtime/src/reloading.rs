//! Replacing cookies and certificates while a node runs.

use crate::core::Cookies;
use crate::error::ReloadError;
use crate::node::Node;
use crate::tls::Certificates;

/// Methods to replace cookies and certificates.
impl Node {
    /// Reads the files of all cookies and certificates again, and uses their content in each handshake that begins
    /// from now on. Existing sessions are not affected. If one of the files cannot be used, nothing changes. Success
    /// and failure are both logged.
    ///
    /// The files are those that were given to the node's builder, or to the last
    /// [`set_certificates`](Self::set_certificates). Cookies and certificates that the program gave as bytes stay as
    /// they are. The call blocks its thread until the files are read; they are small. A program typically calls this
    /// when its operator sends SIGHUP:
    ///
    /// ```no_run
    /// # #[cfg(unix)]
    /// # async fn example(node: snow_dist_runtime::Node) -> std::io::Result<()> {
    /// use tokio::signal::unix::{SignalKind, signal};
    ///
    /// let mut hangups = signal(SignalKind::hangup())?;
    /// while hangups.recv().await.is_some() {
    ///     // The node has logged the error already, and continues with the previous cookies and certificates.
    ///     let _ = node.reload();
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Replacing the cookie of a running system
    /// Start each node with two files, `cookie_file("cookie")` and `cookie_file("cookie.accepted")`, which
    /// normally contain the same cookie. Then take three steps, and reload all nodes after each:
    /// 1. Write the new cookie to `cookie.accepted` everywhere.
    /// 2. Write the new cookie to `cookie`, and the old one to `cookie.accepted`.
    /// 3. Write the new cookie to `cookie.accepted`.
    ///
    /// Any two nodes can establish a session at all times, even while one of them is one step behind the other. After
    /// the third step the old cookie is no longer accepted. Sessions that began with it continue:
    /// [`disconnect`](Self::disconnect) nodes that must be kept out.
    ///
    /// A path must not name a pipe, because the calling thread would wait until somebody writes to the pipe.
    ///
    /// # Errors
    /// Returns [`ReloadError::Unusable`] if a file cannot be used: correct the file that the error names, and call
    /// this again. Returns [`ReloadError::Alone`] if the node was not started by its builder.
    pub fn reload(&self) -> Result<(), ReloadError> {
        self.table().connections().ok_or(ReloadError::Alone)?.reload()
    }

    /// Replaces the cookies for each handshake that begins from now on, for a program that has them in memory.
    /// Existing sessions are not affected. A later [`reload`](Self::reload) leaves these cookies as they are. The
    /// node signs with the first cookie, and accepts all of them.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use snow_dist_runtime::Node;
    /// use snow_dist_runtime::core::{Cookie, Cookies};
    ///
    /// let [old, new] = ["only for this example: the old one", "only for this example: the new one"];
    /// let node = Node::builder("a@127.0.0.1:0").cookie(old).start().await?;
    /// // Every node takes each of the three steps before any node takes the next one. Step 1: accept the new cookie.
    /// node.set_cookies(Cookies::from(Cookie::new(old)?).accepting(Cookie::new(new)?))?;
    /// // Step 2: sign with the new cookie, and accept the old one.
    /// node.set_cookies(Cookies::from(Cookie::new(new)?).accepting(Cookie::new(old)?))?;
    /// // Step 3: remove the old cookie.
    /// node.set_cookies(Cookie::new(new)?)?;
    /// # node.shutdown().await;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Returns [`ReloadError::Alone`] if the node was not started by its builder.
    pub fn set_cookies(&self, cookies: impl Into<Cookies>) -> Result<(), ReloadError> {
        let cookies = cookies.into();
        self.table().connections().ok_or(ReloadError::Alone)?.set_cookies(cookies);
        Ok(())
    }

    /// Replaces the certificates, or introduces them, for each handshake that begins from now on. Existing sessions
    /// are not affected, not even sessions with nodes that have no certificate. If the certificates cannot be used,
    /// nothing changes.
    ///
    /// # Errors
    /// Returns [`ReloadError::Unusable`] if the certificates cannot be read or used, or if every peer would refuse
    /// them, and [`ReloadError::Alone`] if the node was not started by its builder.
    pub fn set_certificates(&self, certificates: Certificates) -> Result<(), ReloadError> {
        self.table().connections().ok_or(ReloadError::Alone)?.set_certificates(certificates)
    }
}
