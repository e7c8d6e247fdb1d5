//! `from`, `pai` and `diversion`: how calls are presented to a carrier, or to a site or service by SIP.

use crate::codes::Code;
use crate::config::phone;
use crate::config::reader::{Problems, Table, Value, flag, quoted, shown, text};
use crate::diagnostic::Diagnostic;
use router::presentation::{Diverts, Form, Presentation, Who};
use std::sync::Arc;

/// Reads the keys of a table; what is not written is as in `base`.
pub(super) fn read(
    keys: &mut Table<'_>,
    base: Option<&Arc<Presentation>>,
    problems: &mut Problems<'_>,
) -> Option<Arc<Presentation>> {
    let who = keys.take("from").and_then(|value| who(value, problems));
    let trusted = keys.take("pai").and_then(|value| flag("pai", value, problems));
    let diverts = keys.take("diversion").and_then(|value| diverts(value, problems));
    if who.is_none() && trusted.is_none() && diverts.is_none() {
        return base.cloned();
    }
    let base = base.map_or(Presentation::PLAIN, |base| (**base).clone());
    // Whoever sees one of our numbers should be told that the call was forwarded.
    let usual = if who.as_ref().is_some_and(|who| *who != Who::Caller) { USUAL } else { base.form.diverts };
    let form = Form { who: who.unwrap_or(base.form.who), diverts: diverts.unwrap_or(usual) };
    Some(Arc::new(Presentation { form, trusted: trusted.unwrap_or(base.trusted) }))
}

/// What most carriers understand.
const USUAL: Diverts = Diverts::Diversion;

/// Who stands in From.
pub(super) fn who(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<Who> {
    match text("from", FROM, value, problems)? {
        "caller" => Some(Who::Caller),
        "owned" => Some(Who::Called),
        number if phone::is_e164(number) => Some(Who::Number(number.into())),
        number if phone::is_meant(number) => {
            problems.add(phone::problem(number, value.span()));
            None
        }
        word => {
            problems.add(unknown("from", word, &["caller", "owned"], FROM, value));
            None
        }
    }
}

fn diverts(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<Diverts> {
    let word = text("diversion", DIVERSION, value, problems)?;
    let found = WORDS.iter().find(|(known, _)| *known == word).map(|(_, diverts)| *diverts);
    if found.is_none() {
        problems.add(unknown("diversion", word, &WORDS.map(|(known, _)| known), DIVERSION, value));
    }
    found
}

fn unknown(key: &str, word: &str, known: &[&'static str], wanted: &str, value: &Value<'_>) -> Diagnostic {
    let title = format!("`{key}` cannot be `{}`", shown(word));
    let problem = Diagnostic::new(Code::E027, title).at(value.span(), "not a word of it");
    match super::names::nearest(word, known.iter().copied()) {
        Some(near) => problem.fix(format!("did you mean `{near}`?"), value.span(), quoted(near)),
        None => problem.help(format!("it may be {wanted}")),
    }
}

const WORDS: [(&str, Diverts); 4] = [
    ("diversion", Diverts::Diversion),
    ("history-info", Diverts::HistoryInfo),
    ("both", Diverts::Both),
    ("none", Diverts::Nothing),
];

const FROM: &str = "\"caller\", \"owned\" or one of your numbers such as \"+15035550100\"";
const DIVERSION: &str = "\"diversion\", \"history-info\", \"both\" or \"none\"";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Loaded, Source, read};

    fn load(carriers: &str) -> Result<Loaded, Vec<(Code, String)>> {
        let text = format!(
            "business = \"B\"\n[carriers]\n{carriers}\n[people]\nana = \"+15035550111\"\n[numbers]\n\
             \"+15035550100\" = \"main\"\n[plans.main]\nsteps = [\"ana\"]\nfloor = false\n"
        );
        let found = read(Source::new("plan.toml", text), jiff::Timestamp::UNIX_EPOCH);
        let errors = |refused: crate::config::Refused| {
            let errors = refused.problems.into_iter().filter(|problem| problem.code.is_error());
            errors.map(|problem| (problem.code, problem.title)).collect()
        };
        found.map_err(errors)
    }

    /// The presentation of each peer: who, what says that it was forwarded, trusted.
    fn shown(carriers: &str) -> Vec<Option<(Who, Diverts, bool)>> {
        let peers = load(carriers).map(|loaded| loaded.plan.peers.clone()).unwrap_or_default();
        let shown = |shown: Arc<Presentation>| (shown.form.who.clone(), shown.form.diverts, shown.trusted);
        peers.into_iter().map(|peer| peer.presentation.map(shown)).collect()
    }

    #[test]
    fn a_carrier_says_how_calls_are_presented_to_it() {
        let acme = |keys: &str| shown(&format!("acme = {{ sip = \"192.0.2.1\"{keys} }}"));
        let number = Who::Number("+15035550199".into());
        assert_eq!(acme(""), [None]);
        assert_eq!(acme(", from = \"caller\""), [Some((Who::Caller, Diverts::Nothing, false))]);
        assert_eq!(acme(", from = \"owned\""), [Some((Who::Called, Diverts::Diversion, false))]);
        assert_eq!(acme(", diversion = \"diversion\""), [Some((Who::Caller, Diverts::Diversion, false))]);
        assert_eq!(
            acme(", from = \"+15035550199\", pai = true, diversion = \"history-info\""),
            [Some((number, Diverts::HistoryInfo, true))]
        );
        assert_eq!(
            acme(", from = \"owned\", diversion = \"none\""),
            [Some((Who::Called, Diverts::Nothing, false))]
        );
    }

    #[test]
    fn a_trunk_has_what_its_carrier_has_and_its_own() {
        let trunks = "acme = { from = \"owned\", pai = true, trunks = [\"192.0.2.1\", \
                      { sip = \"192.0.2.2\", from = \"caller\" }, { sip = \"192.0.2.3\", diversion = \"both\" }] }";
        assert_eq!(
            shown(trunks),
            [
                Some((Who::Called, Diverts::Diversion, true)),
                Some((Who::Caller, Diverts::Diversion, true)),
                Some((Who::Called, Diverts::Both, true)),
            ]
        );
    }

    #[test]
    fn what_is_no_way_to_present_a_call_is_a_problem() {
        let said =
            |keys: &str| load(&format!("acme = {{ sip = \"192.0.2.1\", {keys} }}")).err().unwrap_or_default();
        let one = |code, title: &str| vec![(code, title.to_owned())];
        assert_eq!(said("from = \"ownd\""), one(Code::E027, "`from` cannot be `ownd`"));
        assert_eq!(said("diversion = \"history\""), one(Code::E027, "`diversion` cannot be `history`"));
        assert_eq!(
            said("from = \"5035550100\""),
            one(Code::E015, "`5035550100` is not a phone number with its country code")
        );
        assert_eq!(said("pai = \"yes\"").first().map(|(code, _)| *code), Some(Code::E011));
    }
}
