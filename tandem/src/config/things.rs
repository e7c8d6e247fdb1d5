//! What can fail, as expectations and drills name it: `site office`, `carrier telnyx`, or the name alone.

use crate::codes::Code;
use crate::config::names::nearest;
use crate::config::reader::{Problems, shown};
use crate::diagnostic::{Diagnostic, Span};
use crate::foretold::{Unfound, find};
use crate::orders::of_customer;
use router::outage::Thing;

/// What is meant where this customer's part of the plan is read, whose names come before those of all; `None` has been reported.
pub(super) fn thing<'t>(
    written: &str,
    span: Span,
    customer: Option<&str>,
    things: &'t [Thing],
    problems: &mut Problems<'_>,
) -> Option<&'t Thing> {
    let own = customer.and_then(|customer| find(things, &of_customer(customer, written)).ok());
    match own.map_or_else(|| find(things, written), Ok) {
        Ok(thing) => Some(thing),
        Err(unfound) => {
            problems.add(unknown(&unfound, written, span, customer));
            None
        }
    }
}

fn unknown(unfound: &Unfound<'_>, written: &str, span: Span, customer: Option<&str>) -> Diagnostic {
    let shown = shown(written);
    match unfound {
        Unfound::Several(things) => {
            let all: Vec<String> = things.iter().map(|thing| format!("`{thing}`")).collect();
            let title = format!("`{shown}` may be {}", all.join(" or "));
            Diagnostic::new(Code::E101, title).at(span, "which?").help("write what it is before its name")
        }
        Unfound::Nothing(things) => {
            let title = format!("nothing that can fail is called `{shown}`");
            let problem = Diagnostic::new(Code::E101, title).at(span, "not defined");
            match near(written, things, customer) {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem.help("`carrier …`, `site …`, `service …` (by SIP) or `domain …`"),
            }
        }
    }
}

/// The nearest as it is written here: with what it is, if that was written, and without the customer whose part this is.
fn near(written: &str, things: &[&Thing], customer: Option<&str>) -> Option<String> {
    let here = |name: &str| {
        let own = customer.and_then(|customer| name.strip_prefix(customer)?.strip_prefix('/'));
        own.unwrap_or(name).to_owned()
    };
    let whole: Vec<String> =
        things.iter().map(|thing| format!("{} {}", thing.kind.as_str(), here(&thing.name))).collect();
    let names: Vec<String> = things.iter().map(|thing| here(&thing.name)).collect();
    let slip = nearest(written, whole.iter().map(String::as_str))
        .or_else(|| nearest(written, names.iter().map(String::as_str)));
    // Or one of a customer is called by the name that he has for it.
    let tail = format!("/{}", written.rsplit(' ').next().unwrap_or_default());
    slip.or_else(|| whole.iter().find(|name| name.ends_with(&tail)).map(String::as_str)).map(str::to_owned)
}
