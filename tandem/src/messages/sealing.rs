//! Sealing sound for those who are to hear it: the node writes what it cannot read (age, X25519).

use age::Encryptor;
use age::x25519::Recipient;
use std::io::{self, ErrorKind, Write as _};
use std::sync::Arc;

/// For whom something is sealed.
#[derive(Clone)]
pub struct Seal {
    recipients: Vec<Recipient>,
}

impl Seal {
    /// For these public keys; nothing is sealed for nobody.
    ///
    /// # Errors
    /// One of them is none.
    pub fn of(keys: &[Arc<str>]) -> io::Result<Option<Self>> {
        let key = |key: &Arc<str>| {
            key.parse().map_err(|error: &str| io::Error::new(ErrorKind::InvalidInput, error))
        };
        let recipients = keys.iter().map(key).collect::<io::Result<Vec<_>>>()?;
        Ok(Some(recipients).filter(|all| !all.is_empty()).map(|recipients| Self { recipients }))
    }

    /// These bytes as a file of their own: whoever has it whole can open it, and nobody can open a part of it.
    ///
    /// # Errors
    /// The operating system has no chance to give.
    pub fn close(&self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let all = self.recipients.iter().map(|one| one as &dyn age::Recipient);
        let encryptor = Encryptor::with_recipients(all).map_err(io::Error::other)?;
        let mut sealed = Vec::with_capacity(bytes.len() + OVERHEAD);
        let mut writer = encryptor.wrap_output(&mut sealed)?;
        writer.write_all(bytes)?;
        writer.finish()?;
        Ok(sealed)
    }
}

impl core::fmt::Debug for Seal {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(out, "Seal for {}", self.recipients.len())
    }
}

const OVERHEAD: usize = 1_024; // A head for each recipient, and 16 bytes for each 64 KiB.

#[cfg(test)]
mod tests {
    use super::*;
    use age::secrecy::ExposeSecret as _;
    use age::x25519::Identity;

    #[test]
    fn who_has_the_key_opens_it_and_nobody_else() {
        let (ana, ben, eve) = (Identity::generate(), Identity::generate(), Identity::generate());
        let keys: Vec<Arc<str>> = [&ana, &ben].map(|one| one.to_public().to_string().into()).into();
        let seal = Seal::of(&keys).unwrap().unwrap();
        let sealed = seal.close(&[7; 40_000]).unwrap();
        assert!(sealed.starts_with(b"age-encryption.org/v1\n"));
        assert_eq!(age::decrypt(&ana, &sealed).unwrap(), [7; 40_000]);
        assert_eq!(age::decrypt(&ben, &sealed).unwrap(), [7; 40_000]);
        assert!(age::decrypt(&eve, &sealed).is_err());
        assert!(age::decrypt(&ana, &sealed[..sealed.len() - 1]).is_err());
        assert_ne!(seal.close(&[7; 10]).unwrap(), seal.close(&[7; 10]).unwrap());
        assert!(ana.to_string().expose_secret().starts_with("AGE-SECRET-KEY-"));
    }

    #[test]
    fn nobody_and_no_key_are_told_apart() {
        assert!(Seal::of(&[]).unwrap().is_none());
        assert!(Seal::of(&["age1nobody".into()]).is_err());
    }
}
