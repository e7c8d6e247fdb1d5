//! `;name=value` lists as views over bytes.

/// A list of parameters, from its first semicolon to its end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Params<'a> {
    /// The list as it was written.
    pub bytes: &'a [u8],
}

impl<'a> Params<'a> {
    /// The value of the parameter of that name (any case): `Some(None)` for one without a value, quotes kept.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Option<&'a [u8]>> {
        todo!("{name}")
    }

    /// The value of the parameter of that name; `None` if it is missing or has none.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&'a [u8]> {
        self.get(name).flatten()
    }

    /// All parameters in order: name, value.
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + use<'a> {
        core::iter::empty()
    }
}
