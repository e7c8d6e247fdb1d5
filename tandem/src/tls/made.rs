//! Certificates made for tests.

use core::net::IpAddr;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType, SerialNumber, date_time_ymd,
};
use tokio_rustls::rustls::pki_types::CertificateDer;

/// 2026-06-01.
pub(crate) const NOW: u64 = 1_780_272_000;

/// One that is being written.
pub(crate) struct Made(CertificateParams);

/// An authority.
pub(crate) struct Ca(CertifiedIssuer<'static, KeyPair>);

impl Made {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.not_before = date_time_ymd(2026, 1, 1);
        params.not_after = date_time_ymd(2027, 1, 1);
        params.serial_number = Some(SerialNumber::from(7));
        Self(params)
    }

    pub(crate) fn ca() -> Ca {
        let mut made = Self::new();
        made.0.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Ca(CertifiedIssuer::self_signed(made.0, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn dns(mut self, name: &str) -> Self {
        self.0.subject_alt_names.push(SanType::DnsName(name.try_into().unwrap()));
        self
    }

    pub(crate) fn uri(mut self, uri: &str) -> Self {
        self.0.subject_alt_names.push(SanType::URI(uri.try_into().unwrap()));
        self
    }

    pub(crate) fn ip(mut self, ip: impl Into<IpAddr>) -> Self {
        self.0.subject_alt_names.push(SanType::IpAddress(ip.into()));
        self
    }

    pub(crate) fn expired(mut self) -> Self {
        self.0.not_after = date_time_ymd(2026, 5, 1);
        self
    }

    /// The certificate, and both as PEM: certificate, key.
    pub(crate) fn sign_itself(self) -> (CertificateDer<'static>, String, String) {
        let key = KeyPair::generate().unwrap();
        let signed = self.0.self_signed(&key).unwrap();
        (signed.der().clone(), signed.pem(), key.serialize_pem())
    }

    /// The same, signed by an authority.
    pub(crate) fn sign_by(self, ca: &Ca) -> (CertificateDer<'static>, String, String) {
        let key = KeyPair::generate().unwrap();
        let signed = self.0.signed_by(&key, &ca.0).unwrap();
        (signed.der().clone(), signed.pem(), key.serialize_pem())
    }
}

impl Ca {
    pub(crate) fn certificate(&self) -> CertificateDer<'static> {
        self.0.as_ref().der().clone()
    }
}
