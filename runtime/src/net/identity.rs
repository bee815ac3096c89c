//! The cookies and certificates of a node, and their replacement while the node runs.

use super::Net;
use super::tls::Tls;
use crate::core::Cookies;
use crate::error::{ReloadError, StartError};
use crate::foreign::event;
use crate::secret::{Doubt, Secret, Secrets};
use crate::sync::Mutex;
use crate::tls::{Certificates, Tls as Configs};

/// The identity of a node. The endpoint holds the cookies, and passes them to each handshake; everything else is
/// here.
pub(crate) struct Identity {
    /// Locked during a replacement, before all other locks.
    secrets: Mutex<Secrets>,
    tls: Mutex<Tls>,
    key_log: bool,
}

impl Identity {
    /// Creates the identity of the node of this name. For `key_log` see [`Configs::with_key_log`].
    pub(crate) fn new(secrets: Secrets, name: &str, key_log: bool) -> Result<Self, StartError> {
        let mut doubts = Vec::new();
        let given = secrets.tls(name, &mut doubts);
        doubts.iter().for_each(Doubt::tell);
        let configs = match given? {
            Some(given) => given,
            None => Configs::new()?,
        };
        let tls = Tls::new(logging(configs, key_log));
        Ok(Self { secrets: Mutex::new(secrets), tls: Mutex::new(tls), key_log })
    }

    /// Returns the TLS configuration for a connection that begins now. Later replacements do not affect it.
    pub(super) fn tls(&self) -> Tls {
        self.tls.lock().clone()
    }

    //= spec/handshake.md#hs-cky-007
    //# A node whose operator replaces its cookies or certificates while it runs MUST use the new ones in each handshake that
    //# begins afterwards.
    fn set_tls(&self, configs: Configs) {
        *self.tls.lock() = Tls::new(logging(configs, self.key_log));
    }
}

fn logging(configs: Configs, key_log: bool) -> Configs {
    if key_log { configs.with_key_log() } else { configs }
}

impl Net {
    /// Reads all files again, and replaces their contents if all are good.
    pub(super) fn reload(&self) -> Result<(), ReloadError> {
        let mut doubts = Vec::new();
        let replaced = self.replace_by_files(&mut doubts);
        tell(&doubts, replaced)
    }

    fn replace_by_files(&self, doubts: &mut Vec<Doubt>) -> Result<(), StartError> {
        let secrets = self.identity.secrets.lock();
        let cookies = secrets.cookies(doubts)?;
        let configs = secrets.tls(&self.registry.name, doubts)?;
        // Nothing fails from here on.
        self.registry.with_endpoint(|endpoint| endpoint.set_cookies(cookies));
        if let Some(configs) = configs {
            self.identity.set_tls(configs);
        }
        drop(secrets);
        Ok(())
    }

    /// Replaces the cookies that were given before.
    pub(super) fn set_cookies(&self, cookies: Cookies) {
        let is_short = cookies.iter().any(|cookie| cookie.is_short());
        let mut secrets = self.identity.secrets.lock();
        secrets.cookies = cookies.iter().cloned().map(|cookie| Secret::Made(Box::new(cookie))).collect();
        self.registry.with_endpoint(|endpoint| endpoint.set_cookies(cookies));
        drop(secrets);
        let doubts: Vec<_> = is_short.then_some(Doubt::Short).into_iter().collect();
        // It says that they have been replaced, and cannot fail.
        let _ = tell(&doubts, Ok(()));
    }

    /// Replaces the certificates that were given before, if the new ones are good.
    pub(super) fn set_certificates(&self, certificates: Certificates) -> Result<(), ReloadError> {
        let mut doubts = Vec::new();
        let replaced = self.replace_certificates(certificates, &mut doubts);
        tell(&doubts, replaced)
    }

    fn replace_certificates(
        &self,
        certificates: Certificates,
        doubts: &mut Vec<Doubt>,
    ) -> Result<(), StartError> {
        let mut secrets = self.identity.secrets.lock();
        let replaced = Secrets { cookies: Vec::new(), certificates: Some(certificates) };
        if let Some(configs) = replaced.tls(&self.registry.name, doubts)? {
            self.identity.set_tls(configs);
        }
        secrets.certificates = replaced.certificates;
        drop(secrets);
        Ok(())
    }
}

/// Logs the outcome of a replacement.
fn tell(doubts: &[Doubt], replaced: Result<(), StartError>) -> Result<(), ReloadError> {
    doubts.iter().for_each(Doubt::tell);
    match &replaced {
        Ok(()) => event!(
            configuration,
            INFO,
            "cookies or certificates were replaced: handshakes use the new ones from now on, and sessions go on"
        ),
        Err(error) => event!(
            configuration,
            WARN,
            %error,
            "cookies and certificates were to be replaced, and stay as they were"
        ),
    };
    replaced.map_err(ReloadError::Unusable)
}
