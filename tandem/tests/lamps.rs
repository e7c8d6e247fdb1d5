//! `lamp` of a mailbox: which phones are told what waits in it without having asked.

use jiff::Timestamp;
use tandem::config::{Loaded, Source, read};

fn load(lamp: &str) -> Result<Loaded, Vec<String>> {
    let text = format!(
        "timezone = \"UTC\"\n[carriers]\none = \"192.0.2.1\"\ntwo = \"192.0.2.2\"\n[sites]\n\
         office = {{ sip = [\"192.0.2.7\", \"192.0.2.8\"], domains = [\"power\"] }}\ndesk = \"sip:200@192.0.2.9:5070\"\n\
         [mailboxes.inbox]\nemail = \"a@b.example\"\nlamp = {lamp}\n[mail]\nsmtp = \"192.0.2.77\"\nfrom = \"a@b.example\"\n\
         [numbers]\n\"*\" = \"main\"\n[plans]\nmain = [\"office\", \"inbox\"]\n"
    );
    read(Source::new("plan.toml", text), Timestamp::UNIX_EPOCH)
        .map_err(|refused| refused.lines().map(|line| line.to_owned()).collect())
}

#[test]
fn a_lamp_is_a_site_or_a_user_there_and_has_all_its_ways() {
    let loaded = load("[\"desk\", \"100@office\", \"300@desk\"]").unwrap();
    let names = |uri: &str| {
        let peers = loaded.plan.lamps[uri].iter();
        peers.map(|peer| loaded.plan.peer(*peer).unwrap().name.to_string()).collect::<Vec<_>>()
    };
    let lamps: Vec<&str> = loaded.guide.mailboxes["inbox"].lamps.iter().map(|uri| &**uri).collect();
    assert_eq!(lamps, ["sip:200@192.0.2.9:5070", "sip:100@192.0.2.7", "sip:300@192.0.2.9:5070"]);
    assert_eq!(
        (names(lamps[0]), names(lamps[1])),
        (vec!["desk".into()], vec!["office/1".into(), "office/2".into()])
    );
    assert_eq!(load("\"desk\"").unwrap().guide.mailboxes["inbox"].lamps.len(), 1);
}

#[test]
fn a_lamp_that_is_no_phone_of_a_site_is_refused() {
    let refused = |lamp: &str| load(lamp).unwrap_err().join("\n");
    let says = |lamp: &str, rest: &str| {
        assert_eq!(refused(&format!("\"{lamp}\"")), format!("plan.toml:10:8: error[{rest}"));
    };
    let wanted = "name a site of `[sites]`, or a user there, such as \"100@office\"";
    says(
        "100@one",
        &format!(
            "E119]: the lamp `100@one` of mailbox `inbox` is at a carrier, which is no site; help: {wanted}"
        ),
    );
    says(
        "inbox",
        &format!(
            "E119]: the lamp `inbox` of mailbox `inbox` is at a mailbox, which is no site; help: {wanted}"
        ),
    );
    says(
        "offise",
        "E101]: the lamp `offise` of mailbox `inbox` is at `offise`, which is not defined; help: did you mean `office`? \"office\"",
    );
    says(
        "100@nowhere.example",
        &format!(
            "E101]: the lamp `100@nowhere.example` of mailbox `inbox` is at `nowhere.example`, which is not defined; help: {wanted}"
        ),
    );
    says(
        "a b@office",
        "E119]: the lamp `a b@office` of mailbox `inbox` is none; help: write a site, such as \"office\", or a user there, such as \"100@office\"",
    );
    assert!(refused("7").starts_with("plan.toml:10:8: error[E011]"), "{}", refused("7"));
}
