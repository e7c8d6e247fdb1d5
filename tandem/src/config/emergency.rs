//! `emergency = ["911"]`: the numbers that a site calls for help. They come before every plan.

use crate::codes::Code;
use crate::config::draft::Draft;
use crate::config::numbers::Listed;
use crate::config::reader::{Problems, Table, kind, shown, too_many};
use crate::config::settings::EMERGENCY_MAX;
use crate::diagnostic::Diagnostic;
use router::emergency::DIGITS_MAX;
use std::collections::BTreeSet;
use std::sync::Arc;
use toml::de::DeValue;

/// Reads `emergency`; an empty list has none.
pub(super) fn read(top: &mut Table<'_>, problems: &mut Problems<'_>) -> BTreeSet<Arc<str>> {
    let defaults = || DEFAULT.iter().map(|number| Arc::from(*number)).collect();
    let Some(value) = top.take("emergency") else { return defaults() };
    let DeValue::Array(list) = value.get_ref() else {
        problems.kind("emergency", WANTED, value);
        return defaults();
    };
    if let Some(over) = list.get(EMERGENCY_MAX) {
        problems.add(too_many("emergency", EMERGENCY_MAX, over.span()));
    }
    let mut numbers = BTreeSet::new();
    for value in list.iter().take(EMERGENCY_MAX) {
        match value.get_ref() {
            DeValue::String(text) if is_short(text) => _ = numbers.insert(Arc::from(text.as_ref())),
            DeValue::String(text) => {
                let title = format!("`{}` is no emergency number", shown(text));
                let problem = Diagnostic::new(Code::E015, title).at(value.span(), "not 2 to 6 digits");
                problems.add(problem.help("write it as it is dialled: `911`"));
            }
            other @ (DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_)) => {
                let title = format!("`emergency` must be {WANTED}, not {}", kind(other));
                problems.add(Diagnostic::new(Code::E011, title).at(value.span(), ""));
            }
        }
    }
    // What is wrong in each was said; that there is none left was not meant.
    if numbers.is_empty() && !list.is_empty() { defaults() } else { numbers }
}

/// E115: a plan for an emergency number would never be walked.
pub(super) fn refuse_listed(numbers: &[Listed<'_>], draft: &Draft, problems: &mut Problems<'_>) {
    for Listed { text, span, .. } in numbers.iter().filter(|it| draft.emergency.contains(it.text)) {
        let title = format!("{text} is an emergency number: no plan may have it");
        let problem = Diagnostic::new(Code::E115, title).at(span.clone(), "goes out by the carriers at once");
        problems.add(problem.help(
            "take it out; if it is none where you are, write those that are at the top of the file: `emergency = [\"112\"]`",
        ));
    }
}

fn is_short(text: &str) -> bool {
    (2..=DIGITS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

const WANTED: &str = "a list of emergency numbers such as `[\"911\"]`";

/// Those that most of the world calls, and every mobile knows.
const DEFAULT: [&str; 3] = ["112", "911", "999"];
