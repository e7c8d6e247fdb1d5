//! Numbers that a plan file must not ring.

use jiff::Timestamp;
use tandem::config::{Source, read};

fn said(top: &str, number: &str) -> Vec<String> {
    let text = format!(
        "business = \"a\"\n{top}[numbers]\n\"+15035550100\" = \"main\"\n[plans]\nmain = [\"desk\", \"last\"]\n\
         [carriers]\none = \"192.0.2.1\"\ntwo = \"192.0.2.2\"\n[services]\ndesk = \"{number}\"\n[announcements]\nlast = \"busy\"\n"
    );
    match read(Source::new("plan.toml", text), Timestamp::UNIX_EPOCH) {
        Ok(loaded) => loaded.warnings.iter().map(|problem| problem.line(&loaded.source)).collect(),
        Err(refused) => refused.lines().collect(),
    }
}

#[test]
fn premium_and_satellite_numbers_are_refused_unless_the_file_says_otherwise() {
    for number in ["+19005550123", "+881612345678", "+97912345678", "+449011234567", "+49900123456"] {
        let found = said("", number);
        assert!(
            found.len() == 1 && found[0].contains("error[E114]: `desk` has a number"),
            "{number}: {found:?}"
        );
        for top in ["deny = []\n", "deny = [\"+1976\", \"+353\"]\n"] {
            assert_eq!(said(top, number), [""; 0], "{number}");
        }
    }
    for number in ["+15035550111", "+442079460123", "+447700900123", "+4915123456789", "+31612345678"] {
        assert_eq!(said("", number), [""; 0], "{number}");
    }
}

#[test]
fn a_list_of_ones_own_takes_the_place_of_the_built_in_one() {
    assert_eq!(
        said("deny = [\"+44\", \"+1503\"]\n", "+15035550111"),
        ["plan.toml:11:1: error[E114]: `desk` has a number that is not rung: it begins with +1503"]
    );
    assert_eq!(
        said("deny = [\"1900\", \"+\", \"+0\", 900]\n", "+15035550111"),
        [
            "plan.toml:2:9: error[E015]: `1900` is no beginning of phone numbers; help: write a plus, the country code and \
             what follows: `+1900`",
            "plan.toml:2:17: error[E015]: `+` is no beginning of phone numbers; help: write a plus, the country code and \
             what follows: `+1900`",
            "plan.toml:2:22: error[E015]: `+0` is no beginning of phone numbers; help: write a plus, the country code and \
             what follows: `+1900`",
            "plan.toml:2:28: error[E011]: `deny` must be a list of beginnings of phone numbers such as `[\"+1900\", \
             \"+881\"]`, not a bare number",
        ]
    );
    assert_eq!(
        said("deny = \"+1900\"\n", "+15035550111"),
        [
            "plan.toml:2:8: error[E011]: `deny` must be a list of beginnings of phone numbers such as `[\"+1900\", \
          \"+881\"]`, not a string"
        ]
    );
}
