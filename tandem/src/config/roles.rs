//! How a customer fills the blanks of its template, and how problems of a template are told: with the place of the customer,
//! and once for all customers.

use crate::codes::Code;
use crate::config::names::{Kind, Names};
use crate::config::reader::{Key, Problems, Table, shown};
use crate::config::sections::Sections;
use crate::config::templates::{Role, Template};
use crate::diagnostic::{Diagnostic, Label, Span};
use std::collections::BTreeMap;

/// A template in use by one customer.
pub(super) struct InUse<'a> {
    pub(super) template: Template<'a>,
    /// Where the customer says so.
    pub(super) uses: Span,
    /// What fills its blanks, with the places of both.
    filled: Vec<(Span, Role<'a>)>,
}

impl<'a> InUse<'a> {
    /// Nothing is filled yet.
    pub(super) const fn new(template: Template<'a>, uses: Span) -> Self {
        Self { template, uses, filled: Vec::new() }
    }

    /// Takes the roles out of a customer's keys, and puts what they say into its sections.
    pub(super) fn fill(
        &mut self,
        customer: &Key<'a>,
        keys: &mut Table<'a>,
        sections: &mut Sections<'a>,
        names: &mut Names<'a>,
        problems: &mut Problems<'_>,
    ) {
        for role in &self.template.roles {
            let name = role.key.text;
            if let Some((key, value)) = keys.take_entry(name) {
                let shared = value.get_ref().as_str();
                if shared.is_some_and(|shared| names.alias(name, shared, role.kind.kind())) {
                    continue;
                }
                let value_span = value.span();
                self.filled.push((key.span.start..value_span.end.max(key.span.end), role.clone()));
                sections.of(role.kind).push((Key { text: name, span: key.span }, value));
                continue;
            }
            match sections.find(name) {
                Some((kind, _)) if kind == role.kind.kind() => {}
                // It has its name already.
                Some((kind, span)) => problems.add(self.of_another_kind(role, kind, span)),
                None => {
                    problems.add(self.unfilled(customer, role));
                    names.define(Kind::Unfilled, vec![(role.key.clone(), ())], problems);
                }
            }
        }
    }

    fn unfilled(&self, customer: &Key<'_>, role: &Role<'_>) -> Diagnostic {
        let (customer, name, template) =
            (shown(customer.text), shown(role.key.text), shown(self.template.key.text));
        let title = format!("customer `{customer}` does not fill role `{name}` of template `{template}`");
        let problem =
            Diagnostic::new(Code::E120, title).at(self.uses.clone(), format!("no `{name}` beside this"));
        let problem =
            problem.at(role.key.span.clone(), format!("{} is wanted here", role.kind.kind().word()));
        problem.help(format!("write `{name} = {}` into the customer", role.kind.example()))
    }

    fn of_another_kind(&self, role: &Role<'_>, kind: Kind, span: Span) -> Diagnostic {
        let name = shown(role.key.text);
        let (is, wanted) = (kind.word(), role.kind.kind().word());
        let title = format!("role `{name}` of template `{}` is {wanted}", shown(self.template.key.text));
        let problem = Diagnostic::new(Code::E120, title).at(span, format!("{is} here"));
        let problem = problem.at(role.key.span.clone(), format!("{wanted} is wanted here"));
        problem.help(format!("write `{name} = {}` into the customer instead", role.kind.example()))
    }

    /// Gives problems that were found in this customer the other place that they are about: that of the customer to those in
    /// the template, and that of the role to those in what fills it.
    pub(super) fn place(&self, found: &mut [Diagnostic]) {
        for problem in found {
            let Some(at) = problem.labels.first().map(|label| label.span.start) else { continue };
            let says = self.template.says.iter().any(|(key, value)| {
                (key.span.start..value.span().end.max(key.span.end)).contains(&at)
                    || value.span().contains(&at)
            });
            let role = self.filled.iter().find(|(span, _)| span.contains(&at)).map(|(_, role)| role);
            if says {
                problem.labels.push(Label { span: self.uses.clone(), text: "used here".into() });
            } else if let Some(role) = role.filter(|_| problem.labels.len() == 1) {
                let text = format!("{} is wanted here", role.kind.kind().word());
                problem.labels.push(Label { span: role.key.span.clone(), text });
            }
        }
    }
}

/// Leaves of each problem of a template the first: all other customers who use it have the same. `templates` are the places of
/// what templates say, in order.
pub(super) fn once(found: Vec<Diagnostic>, templates: &[Span]) -> Vec<Diagnostic> {
    let mut told: Vec<Diagnostic> = Vec::new();
    let mut firsts: BTreeMap<(Code, usize, usize, String), (usize, usize)> = BTreeMap::new();
    for problem in found {
        let place = problem.labels.first().map(|label| label.span.clone());
        let before = |at: usize| templates.partition_point(|span| span.start <= at).checked_sub(1);
        let is_in = |at: usize| before(at).and_then(|it| templates.get(it)).is_some_and(|span| at < span.end);
        if let Some(place) = place.filter(|place| is_in(place.start)) {
            let key = (problem.code, place.start, place.end, without_customers(&problem.title));
            if let Some((_, more)) = firsts.get_mut(&key) {
                *more += 1;
                continue;
            }
            firsts.insert(key, (told.len(), 0));
        }
        told.push(problem);
    }
    for (nth, more) in firsts.into_values().filter(|(_, more)| *more > 0) {
        if let Some(problem) = told.get_mut(nth) {
            let customers = if more == 1 { "customer has" } else { "customers have" };
            *problem = problem.clone().help(format!("{more} more {customers} the same"));
        }
    }
    told
}

/// A title in which plans and destinations are called as their customers call them.
fn without_customers(title: &str) -> String {
    let own = |(nth, part): (usize, &str)| match part.rsplit_once('/') {
        Some((_, name)) if nth % 2 == 1 => name.to_owned(),
        Some(_) | None => part.to_owned(),
    };
    title.split('`').enumerate().map(own).collect::<Vec<_>>().join("`")
}
