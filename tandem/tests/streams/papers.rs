//! Certificates in a folder of their own.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use std::path::PathBuf;
use std::sync::Arc;
use tandem::config::{Credentials, File, PeerTls, TlsSettings, Verify};
use tandem::tls::Tls;

/// An authority, and what it has signed.
pub(crate) struct Papers {
    folder: PathBuf,
    ca: CertifiedIssuer<'static, KeyPair>,
}

impl Papers {
    /// An authority of this name.
    pub(crate) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("tandem-streams-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for temporary files");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("chance");
        let ca = CertifiedIssuer::self_signed(params, key).expect("a certificate");
        std::fs::write(folder.join("ca.pem"), ca.pem()).expect("the folder is ours");
        Self { folder, ca }
    }

    /// The authority's own certificate.
    pub(crate) fn ca(&self) -> File {
        self.file("ca.pem")
    }

    /// A certificate for this host, and its key.
    pub(crate) fn sign(&self, host: &str) -> Credentials {
        self.write(host, CertificateParams::new([host.to_owned()]).expect("a host"))
    }

    /// The same, but its time is over.
    pub(crate) fn expired(&self, host: &str) -> Credentials {
        let mut params = CertificateParams::new([host.to_owned()]).expect("a host");
        params.not_after = date_time_ymd(2020, 1, 1);
        self.write(&format!("expired-{host}"), params)
    }

    fn write(&self, name: &str, params: CertificateParams) -> Credentials {
        let key = KeyPair::generate().expect("chance");
        let signed = params.signed_by(&key, &self.ca).expect("a certificate");
        let (certificate, private) = (self.file(&format!("{name}.pem")), self.file(&format!("{name}.key")));
        std::fs::write(&certificate.path, signed.pem()).expect("the folder is ours");
        std::fs::write(&private.path, key.serialize_pem()).expect("the folder is ours");
        Credentials { certificate, key: private }
    }

    fn file(&self, name: &str) -> File {
        File { path: self.folder.join(name), span: 0..0 }
    }
}

impl Drop for Papers {
    fn drop(&mut self) {
        // What is left in a folder for temporary files is in nobody's way.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Shows this, and believes the authority that the one peer, `peer`, is who it is.
pub(crate) fn tls(
    own: Option<Credentials>,
    ca: &Papers,
    verify: Verify,
    clients: Option<&Papers>,
) -> Arc<Tls> {
    let peer = PeerTls { verify, ..PeerTls::default() };
    let settings = TlsSettings {
        own,
        ca: Some(ca.ca()),
        client_ca: clients.map(Papers::ca),
        peers: [("peer".into(), peer)].into(),
    };
    Arc::new(Tls::read(&settings, None, 0).0)
}
