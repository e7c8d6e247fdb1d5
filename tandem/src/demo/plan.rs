//! The plan file of the demo: a small business, with ports that are free on this computer.

use core::net::SocketAddr;
use std::path::Path;

/// The number of the business.
pub(super) const BUSINESS: &str = "+15035550100";
/// Ana's mobile.
pub(super) const ANA: &str = "+15035550111";
/// Ben's mobile.
pub(super) const BEN: &str = "+15035550112";
/// The answering service.
pub(super) const ANSWERING: &str = "+18005550199";

/// Who listens where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addresses {
    /// Tandem itself.
    pub(super) tandem: SocketAddr,
    /// The trunk of the first carrier.
    pub(super) north: SocketAddr,
    /// The trunk of the second carrier.
    pub(super) south: SocketAddr,
    /// The office's PBX.
    pub(super) office: SocketAddr,
}

/// The text of the file. `data`: where the node keeps its key; `None` if the name is not Unicode, as the file must be.
pub(super) fn text(at: Addresses, data: &Path) -> Option<String> {
    // A JSON string is a TOML string too.
    let data = serde_json::Value::from(data.to_str()?);
    let Addresses { tandem, north, south, office } = at;
    Some(format!(
        r#"# The plan of `tandem demo`. Its carriers and phones live only as long as the demo does.
#   what it amounts to     tandem check tandem.toml
#   what a call would do   tandem explain {BUSINESS} --plan tandem.toml
business = "Nguyen Dental"

[node]
listen = ["udp:{tandem}"]
data   = {data}

[defaults]
timers  = {{ first = "2s" }}   # how long a phone may say nothing; not written, it follows the measured round trip
confirm = false               # these phones have no keys; people press 1 else, so that no mobile's voicemail takes a call

[carriers]                  # mobiles and the answering service are reached through these, in this order
north = "{north}"
south = "{south}"

[sites.office]
sip   = "{office}"
probe = {{ every = "1s", timeout = "500ms", hold = "2s" }}   # hurried, for a demo of seconds

[people]
ana = "{ANA}"
ben = "{BEN}"

[services]
answering = "{ANSWERING}"

[numbers]
"{BUSINESS}" = "main"

[plans.main]
steps = [
  "office",
  {{ ring = ["ana", "ben"], for = "5s" }},   # hurried too: 18 s is the default
  "answering",
  "inbox",                                   # if all of them fail, the caller leaves a message
]

[mailboxes]
inbox = "office@nguyen.example"

[mail]
smtp = "127.0.0.1:9"
tls  = "none"
from = "voicemail@nguyen.example"
"#
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Source, read};
    use jiff::Timestamp;

    #[test]
    fn the_file_is_fine_whatever_its_folder_is_called() {
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let addresses = Addresses { tandem: at(4000), north: at(4001), south: at(4002), office: at(4003) };
        let text = text(addresses, Path::new("/tmp/a \"b\"\\c/ü")).unwrap();
        let loaded = read(Source::new("tandem.toml", text), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(loaded.node.data, Path::new("/tmp/a \"b\"\\c/ü"));
        assert_eq!(loaded.plan.numbers.len(), 1);
    }
}
