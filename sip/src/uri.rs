//! URIs as views over bytes.

use crate::param::Params;
use core::net::IpAddr;

/// The host of a URI or of a Via's sent-by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host<'a> {
    /// An address; IPv6 without its brackets.
    Ip(IpAddr),
    /// A name, as it was written.
    Name(&'a [u8]),
}

/// A `sip:` or `sips:` URI, taken apart but not decoded.
#[derive(Clone, Copy, Debug)]
pub struct Uri<'a> {
    /// `sips`?
    pub secure: bool,
    /// The user part as it was written, with its parameters (`+1503;npdi`), without the password.
    pub user: Option<&'a [u8]>,
    /// Host.
    pub host: Host<'a>,
    /// Port, if one is written.
    pub port: Option<u16>,
    /// Parameters, as in `;transport=tcp;lr`.
    pub params: Params<'a>,
    /// What follows `?`, without it.
    pub headers: Option<&'a [u8]>,
}

impl<'a> Uri<'a> {
    /// Reads a whole `sip:` or `sips:` URI; `None` for other schemes and malformed ones.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        todo!("{bytes:?}")
    }

    /// Compares by the rules of RFC 3261 §19.1.4.
    #[must_use]
    pub fn same_as(&self, other: &Uri<'_>) -> bool {
        todo!("{other:?}")
    }
}

/// The scheme before the colon, as it was written; `None` if there is none.
#[must_use]
pub fn scheme(uri: &[u8]) -> Option<&[u8]> {
    todo!("{uri:?}")
}

/// A user part with its `%xx` escapes undone (RFC 3261 §19.1.2).
#[must_use]
pub fn unescape(user: &[u8]) -> Vec<u8> {
    todo!("{user:?}")
}
