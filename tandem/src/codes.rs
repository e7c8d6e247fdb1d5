//! The codes of problems, and the page that explains each: `tandem help E101`.

use core::fmt;

/// Declares the codes: `E` refuses the file, `L` warns.
macro_rules! codes {
    ($($code:ident)*) => {
        /// Which problem a plan file has. Its page is [`page`](Code::page).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code { $(#[doc = concat!("See `tandem help ", stringify!($code), "`.")] $code,)* }

        impl Code {
            /// All codes, in order.
            pub const ALL: &[Self] = &[$(Self::$code,)*];

            /// The code as people write it: `E101`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$code => stringify!($code),)* }
            }
        }
    };
}

codes! {
    E001 E002 E003 E004 E005
    E010 E011 E012 E013 E014 E015 E016 E017 E018 E019 E020 E021 E022 E023 E024 E025 E026 E027 E028 E029 E030 E031 E032 E033 E034 E035 E036 E037
    E101 E102 E103 E104 E105 E106 E107 E110 E111 E112 E113 E114 E115 E116 E117 E118 E119 E120 E121 E122
    E203 E206 E207 E209 E210 E215 E216
    L001 L002 L003 L004 L005 L007 L009 L014 L015 L016 L017 L018 L021 L022 L030 L032 L040 L041 L042 L043 L044 L045 L090 L091
}

impl Code {
    /// Whether it refuses the file; the others warn.
    #[must_use]
    pub const fn is_error(self) -> bool {
        matches!(self.as_str().as_bytes(), [b'E', ..])
    }

    /// The code that is written so, in capitals or not.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str().eq_ignore_ascii_case(text))
    }

    /// What the code is about, in a few words.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.section().split_once('\n').map_or("", |(first, _)| first)
    }

    /// What the code means, an example, and what to do.
    #[must_use]
    pub fn page(self) -> &'static str {
        self.section().split_once('\n').map_or("", |(_, rest)| rest.trim())
    }

    /// The part of the pages after `## E101 `.
    fn section(self) -> &'static str {
        let mut sections = PAGES.split("\n## ");
        sections.find_map(|text| text.strip_prefix(self.as_str())).map_or("", str::trim_start)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

const PAGES: &str = include_str!("codes.md");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_page_with_a_title_and_every_page_a_code() {
        for code in Code::ALL {
            assert!(!code.title().is_empty(), "{code} has no title");
            assert!(code.page().len() > 60, "{code} has no page");
        }
        let pages = PAGES.split("\n## ").skip(1).map(|text| text.split(' ').next().unwrap());
        let codes = Code::ALL.iter().map(|code| code.as_str());
        assert_eq!(pages.collect::<Vec<_>>(), codes.collect::<Vec<_>>());
    }
}
