//! What a certificate says of itself: whom it names, and until when.

use tokio_rustls::rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// What of a certificate matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The hosts of its `sip:` URIs, in lower case.
    pub sip: Vec<String>,
    /// Its DNS names, in lower case, wildcards too.
    pub dns: Vec<String>,
    /// Its time, in seconds since 1970: the first and the last.
    pub valid: (i64, i64),
}

impl Names {
    /// Reads a certificate; `None` if it is none.
    #[must_use]
    pub fn read(certificate: &CertificateDer<'_>) -> Option<Self> {
        let parsed = Certificate::from_der(certificate).ok()?;
        let parsed = parsed.tbs_certificate();
        let seconds = |time: x509_cert::time::Time| i64::try_from(time.to_unix_duration().as_secs());
        let valid = parsed.validity();
        let mut names = Self {
            valid: (seconds(valid.not_before).ok()?, seconds(valid.not_after).ok()?),
            ..Self::default()
        };
        let Ok(Some((_, SubjectAltName(all)))) = parsed.get_extension::<SubjectAltName>() else {
            return Some(names);
        };
        for name in all {
            match name {
                GeneralName::UniformResourceIdentifier(uri) => names.sip.extend(sip_host(uri.as_str())),
                GeneralName::DnsName(name) => names.dns.push(name.as_str().to_ascii_lowercase()),
                GeneralName::OtherName(_)
                | GeneralName::Rfc822Name(_)
                | GeneralName::DirectoryName(_)
                | GeneralName::EdiPartyName(_)
                | GeneralName::IpAddress(_)
                | GeneralName::RegisteredId(_) => {}
            }
        }
        Some(names)
    }

    /// The SIP domains that it proves (RFC 5922 §7.1): its URIs, or its DNS names if it has no such URI.
    #[must_use]
    pub fn identities(&self) -> &[String] {
        if self.sip.is_empty() { &self.dns } else { &self.sip }
    }

    /// Does it prove this domain? Whole names only; a wildcard proves nothing (RFC 5922 §7.2).
    #[must_use]
    pub fn prove(&self, domain: &str) -> bool {
        self.identities().iter().any(|one| one.eq_ignore_ascii_case(domain) && !one.contains('*'))
    }
}

/// The host of a `sip:` URI without a user (RFC 5922 §7.1); `None` for any other.
fn sip_host(uri: &str) -> Option<String> {
    let uri = sip::Uri::parse(uri.as_bytes()).filter(|uri| !uri.secure && uri.user.is_none())?;
    match uri.host {
        sip::Host::Name(name) => String::from_utf8(name.to_ascii_lowercase()).ok(),
        sip::Host::Ip(ip) => Some(ip.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::made::Made;

    #[test]
    fn sip_uris_are_what_it_proves_and_dns_names_only_without_them() {
        let both = Made::new()
            .uri("sip:one.example")
            .uri("sips:no.example")
            .uri("sip:user@no.example")
            .dns("two.example");
        let names = Names::read(&both.sign_itself().0).unwrap();
        assert_eq!(names.identities(), ["one.example"]);
        assert!(names.prove("ONE.example") && !names.prove("two.example") && !names.prove("no.example"));
        let dns = Names::read(&Made::new().dns("Two.example").dns("*.wild.example").sign_itself().0).unwrap();
        assert!(dns.prove("two.example") && !dns.prove("*.wild.example") && !dns.prove("a.wild.example"));
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        assert_eq!(Names::read(&CertificateDer::from(vec![0x30, 3, 1, 2, 3])), None);
    }
}
