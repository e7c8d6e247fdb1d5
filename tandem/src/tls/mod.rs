//! TLS as the plan file and the files it names have it: whom we show, whom we believe. Made as a whole, never changed;
//! when a file changes, another is made.

pub mod held;
#[cfg(test)]
pub(crate) mod made;
pub mod names;
pub mod store;
pub mod verify;

use crate::config::{TlsSettings, Verify};
use crate::diagnostic::Diagnostic;
use crate::tls::names::Names;
use router::target::PeerHost;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use store::{Found, Store};
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{ClientConfig, Error, RootCertStore, ServerConfig};
use verify::{Claim, Verifier};

/// Everything that a handshake needs.
#[derive(Clone, Debug)]
pub struct Tls {
    provider: Arc<CryptoProvider>,
    /// What we show on our listeners, and whom we ask for a certificate.
    server: Option<Arc<ServerConfig>>,
    /// The same for WebSockets: a browser has no certificate.
    web: Option<Arc<ServerConfig>>,
    peers: BTreeMap<Arc<str>, Peer>,
    certificates: Vec<Dated>,
    /// Whom our own certificate names.
    names: Option<Names>,
    store: Store,
}

/// A peer as it is spoken to.
#[derive(Clone, Debug)]
struct Peer {
    verify: Verify,
    roots: Arc<RootCertStore>,
    own: Option<Arc<CertifiedKey>>,
}

/// One of our certificates, and when its time is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dated {
    /// The file it stands in.
    pub file: PathBuf,
    /// The last second of its time, since 1970.
    pub until: i64,
}

/// A peer that may be at an address: by its name in the plan and the host that the plan has of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The peer.
    pub peer: Arc<str>,
    /// Its host.
    pub host: PeerHost,
}

/// How a connection is opened: with what, and by which name.
pub type Dialling = (Arc<ClientConfig>, ServerName<'static>);

impl Tls {
    /// Nothing is shown and nobody is believed.
    #[must_use]
    pub fn none() -> Self {
        Self {
            provider: Arc::new(ring::default_provider()),
            server: None,
            web: None,
            peers: BTreeMap::new(),
            certificates: Vec::new(),
            names: None,
            store: Store::default(),
        }
    }

    /// Reads the files. Of one that cannot be used, what `before` had of it stays; the problems say so. `unix` is the
    /// time in seconds since 1970.
    #[must_use]
    pub fn read(settings: &TlsSettings, before: Option<&Self>, unix: i64) -> (Self, Vec<Diagnostic>) {
        let provider = Arc::new(ring::default_provider());
        let mut found = Found::new(before.map(|before| &before.store), &provider, unix);
        let own = settings.own.as_ref().and_then(|own| found.credentials(own));
        let roots = |file, found: &mut Found<'_>| match file {
            Some(file) => found.roots(file),
            None if settings.peers.is_empty() => Arc::new(RootCertStore::empty()),
            None => found.roots_of_the_machine(),
        };
        let default = roots(settings.ca.as_ref(), &mut found);
        let mut peers = BTreeMap::new();
        for (name, written) in &settings.peers {
            let roots = written.ca.as_ref().map_or_else(|| Arc::clone(&default), |file| found.roots(file));
            let own = match &written.own {
                Some(file) => found.credentials(file),
                None => own.clone(),
            };
            peers.insert(Arc::clone(name), Peer { verify: written.verify, roots, own });
        }
        let clients = settings.client_ca.as_ref().map(|file| found.roots(file));
        let server = own.as_ref().and_then(|own| server(own, clients.as_ref(), &provider).ok());
        let web = own.as_ref().and_then(|own| self::server(own, None, &provider).ok());
        let (store, certificates, problems) = found.finish();
        let names = own.as_ref().and_then(|own| own.cert.first()).and_then(Names::read);
        (Self { provider, server, web, peers, certificates, names, store }, problems)
    }

    /// What to accept connections with; `None` without a certificate of ours.
    #[must_use]
    pub fn server(&self) -> Option<&Arc<ServerConfig>> {
        self.server.as_ref()
    }

    /// What to accept WebSockets with; `None` without a certificate of ours.
    #[must_use]
    pub fn web(&self) -> Option<&Arc<ServerConfig>> {
        self.web.as_ref()
    }

    /// How to open a connection to an address where all of these are.
    ///
    /// # Errors
    /// Nobody of the plan is there, or the name is none.
    pub fn dialling(&self, there: &[Expected]) -> Result<Dialling, Error> {
        let peers: Vec<(&Peer, Claim)> = there.iter().filter_map(|one| self.claim(one)).collect();
        let Some((first, claim)) = peers.first() else {
            return Err(Error::General("nobody of the plan is known there".into()));
        };
        let (own, name) = (first.own.clone(), claim.server_name()?);
        let claims = peers.into_iter().map(|(_, claim)| claim).collect();
        let verifier = Arc::new(Verifier::new(claims, Arc::clone(&self.provider)));
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match own {
            Some(own) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(own))),
            None => builder.with_no_client_auth(),
        };
        // A resumed handshake would show nobody's certificate, neither theirs nor our new one.
        config.resumption = Resumption::disabled();
        Ok((Arc::new(config), name))
    }

    /// Does the certificate that came with a connection prove all of these?
    #[must_use]
    pub fn prove(&self, certificate: &CertificateDer<'_>, there: &[Expected]) -> bool {
        let mut claims = there.iter().map(|one| self.claim(one)).peekable();
        claims.peek().is_some()
            && claims.all(|claim| claim.is_some_and(|(_, claim)| claim.names(certificate).is_ok()))
    }

    /// Our certificates with their ends.
    #[must_use]
    pub fn certificates(&self) -> &[Dated] {
        &self.certificates
    }

    /// Whom the certificate names that we show on our listeners, and until when; `None` without one.
    #[must_use]
    pub fn names(&self) -> Option<&Names> {
        self.names.as_ref()
    }

    /// Has any of the files that were read changed on the disk since?
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.store.is_stale()
    }

    /// Is everything that was read the same as in another?
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.store.digest() == other.store.digest()
            && self.peers.len() == other.peers.len()
            && self
                .peers
                .iter()
                .zip(&other.peers)
                .all(|((one, a), (two, b))| one == two && a.verify == b.verify)
    }

    fn claim(&self, expected: &Expected) -> Option<(&Peer, Claim)> {
        let peer = self.peers.get(&expected.peer)?;
        let (host, roots) = (expected.host.clone(), Arc::clone(&peer.roots));
        Some((peer, Claim { verify: peer.verify, host, roots }))
    }
}

fn server(
    own: &Arc<CertifiedKey>,
    clients: Option<&Arc<RootCertStore>>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<ServerConfig>, Error> {
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(provider)).with_safe_default_protocol_versions()?;
    let builder = match clients {
        Some(roots) => {
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::clone(roots), Arc::clone(provider)).build();
            builder.with_client_cert_verifier(verifier.map_err(|error| Error::General(error.to_string()))?)
        }
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(own))));
    // Connections live long: what is kept to make the next one cheaper would be kept for nothing.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}
