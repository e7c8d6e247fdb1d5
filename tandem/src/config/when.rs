//! `when` of a step: what has to be so when its turn comes, in words: `"site office down and not closed"`.

use crate::codes::Code;
use crate::config::names::{full, is_spelt, nearest, spelling};
use crate::config::reader::{Problems, Value, shown, text};
use crate::config::settings::FACTS_MAX;
use crate::config::steps::Walk;
use crate::diagnostic::Diagnostic;
use router::Plan;
use router::hours::Hours;
use router::target::{PeerId, Reach, TargetKind};
use router::when::When;
use std::sync::Arc;

/// Reads it; `hours` are those of the plan that the step is in.
pub(super) fn when(
    value: &Value<'_>,
    hours: Option<&Hours>,
    walk: &mut Walk<'_, '_>,
    problems: &mut Problems<'_>,
) -> Option<When> {
    let written = text("when", WANTED, value, problems)?;
    let spaced = written.replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader { words: &words, hours, walk, facts: 0 };
    let found = reader.any(DEPTH_MAX).and_then(|found| match reader.words {
        [] => Ok(found),
        [word, ..] => Err(Wrong::after(word)),
    });
    match found {
        Ok(found) => Some(found),
        Err(wrong) => {
            let problem = Diagnostic::new(wrong.code, wrong.title).at(value.span(), "when?");
            problems.add(problem.help(wrong.help));
            None
        }
    }
}

/// Why it cannot be understood.
struct Wrong {
    code: Code,
    title: String,
    help: String,
}

impl Wrong {
    fn new(title: String) -> Self {
        Self { code: Code::E028, title, help: format!("it is made of {WORDS}") }
    }

    fn after(word: &str) -> Self {
        Self::new(format!("`{}` cannot follow there in `when`", shown(word)))
    }
}

/// What of the words is still to be read.
struct Reader<'r, 'n, 'a> {
    words: &'r [&'r str],
    hours: Option<&'r Hours>,
    walk: &'r mut Walk<'n, 'a>,
    facts: usize,
}

impl<'r> Reader<'r, '_, '_> {
    fn take(&mut self) -> Option<&'r str> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }

    fn next_is(&mut self, word: &str) -> bool {
        let is = self.words.first() == Some(&word);
        if is {
            self.take();
        }
        is
    }

    /// `… or …`, which binds less than `and`.
    fn any(&mut self, deep: usize) -> Result<When, Wrong> {
        let mut parts = vec![self.all(deep)?];
        while self.next_is("or") {
            parts.push(self.all(deep)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { When::Any(parts) })
    }

    fn all(&mut self, deep: usize) -> Result<When, Wrong> {
        let mut parts = vec![self.one(deep)?];
        while self.next_is("and") {
            parts.push(self.one(deep)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { When::All(parts) })
    }

    fn one(&mut self, deep: usize) -> Result<When, Wrong> {
        let Some(deeper) = deep.checked_sub(1) else {
            return Err(Wrong::new(format!(
                "`when` has more than {DEPTH_MAX} of `not` and `(` in each other"
            )));
        };
        if self.next_is("not") {
            return Ok(When::Not(Box::new(self.one(deeper)?)));
        }
        if self.next_is("(") {
            let inner = self.any(deeper)?;
            return match self.take() {
                Some(")") => Ok(inner),
                Some(word) => Err(Wrong::after(word)),
                None => Err(Wrong::new("`when` has a `(` without its `)`".into())),
            };
        }
        self.fact()
    }

    fn fact(&mut self) -> Result<When, Wrong> {
        self.facts += 1;
        if self.facts > FACTS_MAX {
            return Err(Wrong::new(format!("`when` asks for more than {FACTS_MAX} facts")));
        }
        let word = self.take().ok_or_else(|| Wrong::new("`when` ends where a fact should stand".into()))?;
        match word {
            "closed" => self.closed(),
            "open" => Ok(When::Not(Box::new(self.closed()?))),
            "site" | "carrier" | "service" | "domain" => self.down(word),
            "override" => self.switched(),
            word => Err(Wrong::new(format!("`{}` is no fact", shown(word)))),
        }
    }

    fn closed(&self) -> Result<When, Wrong> {
        self.hours.cloned().map(When::Closed).ok_or_else(|| Wrong {
            code: Code::E101,
            title: "`when` asks if it is closed, but nothing says when the plan is open".into(),
            help: "write `open = \"mon-fri 08:00-17:00\"` under `[hours]`".into(),
        })
    }

    /// In a customer both the word of that name for all, and the one for him alone.
    fn switched(&mut self) -> Result<When, Wrong> {
        let is_name = |word: &&&str| !matches!(**word, "and" | "or" | "not" | "(" | ")");
        if self.words.first().filter(is_name).is_none() {
            return Err(Wrong::new("`when` does not say which override".into()));
        }
        let name = self.take().unwrap_or_default();
        if !is_spelt(name) {
            let title = format!("`{}` cannot be the name of an override", shown(name));
            return Err(Wrong { code: Code::E022, title, help: spelling() });
        }
        let all: Arc<str> = name.into();
        let own = self.walk.names.customer().map(|customer| full(Some(customer), name));
        Ok(When::Override(own.into_iter().chain([all]).collect()))
    }

    fn down(&mut self, kind: &str) -> Result<When, Wrong> {
        let name = self.take().ok_or_else(|| Wrong::new(format!("`when` does not say which {kind}")))?;
        if !self.next_is("down") {
            return Err(Wrong::new(format!("`{kind} {}` may be `down`", shown(name))));
        }
        let plan = self.walk.so_far;
        let found = match kind {
            "carrier" => {
                let carrier = plan.carriers.iter().find(|carrier| *carrier.name == *name);
                carrier.map(|carrier| When::Down(carrier.trunks.clone()))
            }
            "domain" => {
                let peers: Vec<PeerId> = (0..)
                    .map(PeerId)
                    .zip(&plan.peers)
                    .filter(|(_, peer)| peer.domains.iter().any(|domain| **domain == *name))
                    .map(|(id, _)| id)
                    .collect();
                (!peers.is_empty()).then_some(When::Failed(peers))
            }
            kind => self.target(kind, name)?,
        };
        found.ok_or_else(|| self.unknown(kind, name))
    }

    fn target(&mut self, kind: &str, name: &str) -> Result<Option<When>, Wrong> {
        let plan = self.walk.so_far;
        let Some(named) = self.walk.names.find(name) else { return Ok(None) };
        let wanted = if kind == "site" { TargetKind::Site } else { TargetKind::Service };
        let target = plan
            .targets
            .get(named.id as usize)
            .filter(|target| target.name == named.full && target.kind == wanted);
        match target.map(|target| &target.reach) {
            Some(Reach::Sip(peers)) => Ok(Some(When::Down(peers.clone()))),
            Some(Reach::Number(_)) => Err(Wrong {
                code: Code::E028,
                title: format!(
                    "nobody knows whether `{}` is down: it is reached by phone number",
                    shown(name)
                ),
                help: "ask for the carriers, by which it is reached: `carrier telnyx down`".into(),
            }),
            None => Ok(None),
        }
    }

    fn unknown(&self, kind: &str, name: &str) -> Wrong {
        let title = format!("there is no {kind} called `{}`", shown(name));
        let near = nearest(name, names_of(self.walk.so_far, kind).into_iter());
        let help = match near {
            Some(near) => format!("did you mean `{}`?", shown(near)),
            None => format!("`when` asks for a {kind} of this plan by the name that it has there"),
        };
        Wrong { code: Code::E101, title, help }
    }
}

/// What there is of a kind.
fn names_of<'p>(plan: &'p Plan, kind: &str) -> Vec<&'p str> {
    let of = |wanted: TargetKind| {
        let targets = plan.targets.iter().filter(move |target| target.kind == wanted);
        targets.map(|target| &*target.name).collect()
    };
    match kind {
        "carrier" => plan.carriers.iter().map(|carrier| &*carrier.name).collect(),
        "domain" => plan.peers.iter().flat_map(|peer| &peer.domains).map(|domain| &**domain).collect(),
        "site" => of(TargetKind::Site),
        _ => of(TargetKind::Service),
    }
}

/// `not` and parentheses in each other.
const DEPTH_MAX: usize = 16;

const WANTED: &str = "what has to be so, such as \"site office down\"";

const WORDS: &str = "`site office down`, `carrier telnyx down`, `service ava down`, `domain grid down`, `override storm`, `closed` \
                     and `open`, joined by `and`, `or`, `not` and parentheses";
