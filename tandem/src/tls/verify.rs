//! Whether a peer is who the plan says: RFC 5922, DNS names, or one pinned certificate.

use crate::config::Verify;
use crate::tls::names::Names;
use router::target::PeerHost;
use std::sync::Arc;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// What one peer has to prove.
#[derive(Clone, Debug)]
pub struct Claim {
    /// How.
    pub verify: Verify,
    /// The host that stands in the plan, not what it resolves to.
    pub host: PeerHost,
    /// Whose certificates count.
    pub roots: Arc<RootCertStore>,
}

/// Believes a certificate that proves all of these claims: of peers at one address each has to be there.
#[derive(Debug)]
pub struct Verifier {
    claims: Vec<Claim>,
    provider: Arc<CryptoProvider>,
}

impl Claim {
    /// The name that is asked for when a connection is opened (SNI).
    ///
    /// # Errors
    /// It is no name that TLS can carry, such as one with an underscore at its end.
    pub fn server_name(&self) -> Result<ServerName<'static>, Error> {
        match &self.host {
            PeerHost::Ip(ip) => Ok(ServerName::IpAddress((*ip).into())),
            PeerHost::Name(name) => ServerName::try_from(name.to_string())
                .map_err(|_| Error::General(format!("`{name}` is no name that a certificate can have"))),
        }
    }

    /// Does this certificate name the peer? Who signed it is not asked here.
    ///
    /// # Errors
    /// Why not.
    pub fn names(&self, certificate: &CertificateDer<'_>) -> Result<(), Error> {
        let expected = self.server_name()?;
        match (self.verify, &self.host) {
            (Verify::Pinned(wanted), _) if sha256(certificate) == wanted => Ok(()),
            (Verify::Pinned(_), _) => Err(Error::General(format!(
                "its certificate is not the pinned one; it has sha256:{}",
                hex(&sha256(certificate))
            ))),
            (Verify::Dns, _) | (Verify::Sip, PeerHost::Ip(_)) => {
                verify_server_name(&ParsedCertificate::try_from(certificate)?, &expected)
            }
            (Verify::Sip, PeerHost::Name(name)) => {
                let names = Names::read(certificate).ok_or(CertificateError::BadEncoding)?;
                if names.prove(name) {
                    return Ok(());
                }
                let presented = names.identities().to_vec();
                Err(CertificateError::NotValidForNameContext { expected, presented }.into())
            }
        }
    }

    fn judge(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
        provider: &CryptoProvider,
    ) -> Result<(), Error> {
        if !matches!(self.verify, Verify::Pinned(_)) {
            let algorithms = provider.signature_verification_algorithms.all;
            let parsed = ParsedCertificate::try_from(certificate)?;
            verify_server_cert_signed_by_trust_anchor(&parsed, &self.roots, intermediates, now, algorithms)?;
        }
        self.names(certificate)
    }
}

impl Verifier {
    /// Believes who proves all of these.
    #[must_use]
    pub fn new(claims: Vec<Claim>, provider: Arc<CryptoProvider>) -> Self {
        Self { claims, provider }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        for claim in &self.claims {
            claim.judge(end_entity, intermediates, now, &self.provider)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// SHA-256, by the provider that TLS uses.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let suite = ring::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13();
    let hash = suite.map(|suite| suite.common.hash_provider.hash(bytes));
    hash.and_then(|hash| hash.as_ref().try_into().ok()).unwrap_or([0; 32])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::made::{Made, NOW};
    use core::time::Duration;

    /// `fine`, or why a certificate is refused.
    fn judged(made: Made, verify: Verify, host: &str) -> String {
        let ca = Made::ca();
        let certificate = made.sign_by(&ca).0;
        let mut roots = RootCertStore::empty();
        roots.add(ca.certificate()).unwrap();
        let verify = match verify {
            Verify::Pinned([0, ..]) => Verify::Pinned(sha256(&certificate)),
            Verify::Sip | Verify::Dns | Verify::Pinned(_) => verify,
        };
        let host = host.parse().map_or_else(|_| PeerHost::Name(host.into()), PeerHost::Ip);
        let claim = Claim { verify, host, roots: Arc::new(roots) };
        let now = UnixTime::since_unix_epoch(Duration::from_secs(NOW));
        match claim.judge(&certificate, &[], now, &ring::default_provider()) {
            Ok(()) => "fine".into(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn each_way_to_verify_believes_what_its_rfc_says() {
        let dns = || Made::new().dns("sip.carrier.example");
        let wild = || Made::new().dns("*.carrier.example");
        let uri = || Made::new().uri("sip:carrier.example").dns("sip.carrier.example");
        let cases = [
            (dns(), Verify::Sip, "sip.carrier.example", true),
            (dns(), Verify::Dns, "sip.carrier.example", true),
            (dns(), Verify::Sip, "other.example", false),
            (dns(), Verify::Dns, "other.example", false),
            (wild(), Verify::Sip, "sip.carrier.example", false),
            (wild(), Verify::Dns, "sip.carrier.example", true),
            (uri(), Verify::Sip, "carrier.example", true),
            (uri(), Verify::Sip, "sip.carrier.example", false),
            (uri(), Verify::Dns, "sip.carrier.example", true),
            (Made::new().ip([192, 0, 2, 1]), Verify::Sip, "192.0.2.1", true),
            (Made::new().ip([192, 0, 2, 1]), Verify::Dns, "192.0.2.2", false),
            (dns().expired(), Verify::Sip, "sip.carrier.example", false),
            (dns().expired(), Verify::Pinned([0; 32]), "anything.example", true),
            (dns(), Verify::Pinned([7; 32]), "sip.carrier.example", false),
        ];
        for (made, verify, host, expected) in cases {
            let said = judged(made, verify, host);
            assert_eq!(said == "fine", expected, "{verify:?} {host}: {said}");
        }
    }

    #[test]
    fn a_refusal_says_what_is_named_instead() {
        let said = judged(Made::new().dns("*.carrier.example"), Verify::Sip, "sip.carrier.example");
        assert!(said.contains("sip.carrier.example") && said.contains("*.carrier.example"), "{said}");
        let said = judged(Made::new().dns("a.example"), Verify::Pinned([7; 32]), "a.example");
        assert!(said.contains("sha256:"), "{said}");
    }
}
