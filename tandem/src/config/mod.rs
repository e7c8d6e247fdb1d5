//! The plan file: read into [`router::Plan`], which cannot be wrong, with *all* problems of the file in one run.

mod address;
mod agents;
mod allow;
mod calendar;
mod carriers;
mod courses;
mod csv;
mod customers;
mod deny;
mod dialects;
mod draft;
mod drills;
mod duration;
mod emergency;
mod expect;
mod floor;
mod groups;
mod holidays;
mod hours;
mod include;
mod json;
mod lamps;
mod later;
mod limits;
mod lint;
mod login;
mod mail;
mod mailboxes;
mod media;
mod names;
mod networks;
mod node;
mod numbers;
mod operators;
mod peers;
mod phone;
mod presentation;
mod reader;
mod register;
mod roles;
mod secret;
mod sections;
pub mod settings;
mod sound;
mod source;
mod steps;
mod syntax;
mod targets;
mod templates;
mod things;
mod tls;
mod tree;
mod when;

pub(crate) use drills::FRAMEWORKS;
pub use drills::{Break, Drill, Evidence, Period, Unit, Window};
pub use duration::long;
pub(crate) use duration::words;
pub use mail::{MailLines, MailLogin, MailSettings, MailTls};
pub use mailboxes::{Attach, Customer, Mailbox, Mailboxes, Webhook};
pub(crate) use names::nearest;
pub use node::{Advertise, Listen, Log, LogFormat, LogLevel, NodeSettings};
pub(crate) use reader::quoted;
pub use secret::Secret;
pub(crate) use source::Part;
pub use source::{SIZE_MAX, Source};
pub use tls::{Credentials, File, PeerTls, TlsSettings, Verify};

use crate::codes::Code;
use crate::diagnostic::{Colour, Diagnostic, Span, draw_all};
use agent::guide::Guide;
use allow::Allows;
use customers::{Base, Shared, Wishes};
use draft::Draft;
use include::Gathered;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use later::Place;
use names::{Kind, Names};
use numbers::Listing;
use peers::Defaults;
use reader::{Problems, Table, flag, section, text};
use router::{Plan, Transport};
use sections::Sections;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use syntax::Doubts;
use templates::Templates;
use toml::de::DeTable;

/// A plan file without errors.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What the router follows.
    pub plan: Arc<Plan>,
    /// What this node is.
    pub node: NodeSettings,
    /// Who it is in TLS, and how its peers prove who they are.
    pub tls: TlsSettings,
    /// Who keeps messages, and how they are delivered.
    pub mailboxes: Arc<Mailboxes>,
    /// What the agents of this process do.
    pub guide: Arc<Guide>,
    /// Where `listen` stands, if it does.
    pub listen: Option<Span>,
    /// What is to be tried on purpose.
    pub drills: Vec<Drill>,
    /// What somebody should look at; the file is good all the same.
    pub warnings: Vec<Diagnostic>,
    /// The text, for drawing the warnings.
    pub source: Source,
}

/// A plan file with errors.
#[derive(Clone, Debug)]
pub struct Refused {
    /// All problems: errors first, then warnings, each in the order of the file. At least one is an error.
    pub problems: Vec<Diagnostic>,
    /// The text, for drawing the problems.
    pub source: Source,
}

impl Refused {
    /// The problems, one a line, for logs.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.problems.iter().map(|problem| problem.line(&self.source))
    }
}

impl core::fmt::Display for Refused {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&draw_all(&self.problems, &self.source, Colour::Off))
    }
}

impl core::error::Error for Refused {}

/// Reads a plan file, or the `tandem.toml` or `tandem.json` of a folder. `now` decides which offsets of the time zone are kept
/// (2 years back, 10 ahead) and which `# tandem: allow(…) until …` still hold.
///
/// # Errors
/// The file is unreadable or has errors: nothing of it may come into force.
pub fn load(path: &Path, now: Timestamp) -> Result<Loaded, Refused> {
    match Source::read(path) {
        Ok(source) => read(source, now),
        Err(refused) => {
            let (source, problem) = *refused;
            Err(Refused { problems: vec![problem], source })
        }
    }
}

/// Reads a plan file that is in memory, and the files that it includes, which are not.
///
/// # Errors
/// As [`load`].
pub fn read(mut source: Source, now: Timestamp) -> Result<Loaded, Refused> {
    let gathered = include::gather(&mut source);
    finish(source, gathered, now)
}

/// Reads a plan all of whose files are in memory.
///
/// # Errors
/// As [`load`].
pub fn read_again(source: Source, now: Timestamp) -> Result<Loaded, Refused> {
    finish(source, Gathered { found: Vec::new(), lacks: false }, now)
}

fn finish(mut source: Source, gathered: Gathered, now: Timestamp) -> Result<Loaded, Refused> {
    let today = now.to_zoned(TimeZone::UTC).date();
    let mut remarks = Vec::new();
    let allows = Allows::read(&source, today, &mut remarks);
    let (mut draft, (node, mut tls, listen), mut found, secrets) = lower(&source, gathered, &allows, now);
    found.append(&mut remarks);
    source.blank(&secrets);
    found.sort_by_key(|problem| (!problem.is_error(), problem.start()));
    json::adapt(&mut found, &source);
    if found.iter().any(Diagnostic::is_error) {
        return Err(Refused { problems: found, source });
    }
    tls.peers = core::mem::take(&mut draft.tls);
    let mailboxes = Arc::new(core::mem::take(&mut draft.mailboxes));
    draft.guide.disk_floor = node.disk_floor;
    let guide = Arc::new(agents::guide(core::mem::take(&mut draft.guide), &mailboxes));
    let expects = core::mem::take(&mut draft.expects);
    let drills = core::mem::take(&mut draft.drills);
    let plan = Arc::new(draft.finish(&source));
    let broken = expect::judge(&plan, &expects, now);
    if !broken.is_empty() {
        found.splice(..0, broken);
        return Err(Refused { problems: found, source });
    }
    let is_told = |problem: &Diagnostic| !allows.silence(problem.code, source.row(problem.start()));
    found.extend(drills::judge(&plan, &drills, now).into_iter().filter(is_told));
    Ok(Loaded { plan, node, tls, mailboxes, guide, listen, drills, warnings: found, source })
}

/// The data folder that a plan names, errors or not; `None` if it cannot be read so far.
#[must_use]
pub(crate) fn data_of(source: &Source) -> Option<PathBuf> {
    let root = tree::plan_file(source);
    let is_there = !source.text().is_empty();
    let Some(node) = root.get("node") else {
        return is_there.then(|| NodeSettings::default().data);
    };
    match node.get_ref().as_table()?.get("data") {
        Some(data) => data.get_ref().as_str().map(PathBuf::from),
        None => Some(NodeSettings::default().data),
    }
}

/// What `[node]` says.
type NodeKeys = (NodeSettings, TlsSettings, Option<Span>);

fn lower(
    source: &Source,
    gathered: Gathered,
    allows: &Allows,
    now: Timestamp,
) -> (Draft, NodeKeys, Vec<Diagnostic>, Vec<Span>) {
    let mut problems = Problems { source, found: Vec::new(), secrets: Vec::new() };
    let mut doubts = Doubts::default();
    let root = tree::read(source, &mut doubts, &mut problems);
    let syntax_errors = core::mem::take(&mut problems.found);
    let of_rows = |problem: &Diagnostic| source.part(problem.start()).is_some_and(Part::is_csv);
    let around = Around { now, allows, lacks_rows: syntax_errors.iter().any(of_rows) };
    let (draft, node) = whole_file(&root, &around, &mut problems);
    let secrets = problems.secrets;
    let mut found = roles::once(problems.found, &draft.templates);
    if gathered.lacks || !doubts.is_none() {
        found.retain(|problem| {
            let start = problem.start();
            is_local(problem.code) && !doubts.hold(start, source.row(start))
        });
    }
    let silent = |problem: &Diagnostic| allows.silence(problem.code, source.row(problem.start()));
    found.extend(gathered.found);
    found.retain(|problem| problem.is_error() || !silent(problem));
    found.extend(syntax_errors);
    (draft, node, found, secrets)
}

/// Whether a problem is seen in one value alone, so that it holds even if the rest of the file cannot be read.
const fn is_local(code: Code) -> bool {
    matches!(
        code,
        Code::E010
            | Code::E011
            | Code::E013
            | Code::E014
            | Code::E015
            | Code::E016
            | Code::E017
            | Code::E018
            | Code::E019
            | Code::E025
    )
}

/// What is known beside the text.
struct Around<'r> {
    now: Timestamp,
    allows: &'r Allows,
    /// Have rows of customers been refused, whose numbers are not known then?
    lacks_rows: bool,
}

fn whole_file<'a>(
    root: &'a DeTable<'a>,
    around: &Around<'_>,
    problems: &mut Problems<'_>,
) -> (Draft, NodeKeys) {
    let now = around.now;
    let mut top = Table::new("the file", 0..0, root);
    let mut draft = Draft::default();
    let mut names = Names::default();
    draft.plan.business = business(&mut top, problems).into();
    draft.plan.strict_6xx =
        top.take("strict_6xx").and_then(|value| flag("strict_6xx", value, problems)).unwrap_or(false);
    let denied = deny::read(&mut top, problems);
    draft.emergency = emergency::read(&mut top, problems);
    let mut node = node::read(&mut top, problems);
    draft.plan.strangers = node.strangers();
    let defaults = Defaults::read(&mut top, problems);
    let zone = hours::zone(&mut top, now, problems);
    let clocks = section(&mut top, "hours", problems);
    let holidays = holidays::read(&mut top, now, problems).unwrap_or_default();
    let clocks = hours::read(clocks, &holidays, problems);
    if let (None, Some(span)) = (&zone, span_of(root, "hours")) {
        problems.add(hours::without_zone(span));
    }
    let known = zone.as_ref().and_then(|zone| TimeZone::get(&zone.name).ok());
    let base = Base { defaults: &defaults, clocks: &clocks, holidays, now, zone: known };
    draft.plan.zone = zone.unwrap_or_default();

    let (listing, wishes) = destinations(&mut top, &base, &mut names, &mut draft, problems);
    mailboxes::finish(root, &mut top, &mut draft, problems);
    operators::read(&mut names, &mut draft, problems);
    lamps::read(&mut names, &mut draft, problems);
    agents::give_words(&defaults, &mut draft, problems);
    emergency::refuse_listed(&listing.keys, &draft, problems);
    // Of a customer without numbers that was said.
    let customers = root.get("customers").and_then(|value| value.get_ref().as_table());
    if listing.keys.is_empty() && customers.is_none_or(DeTable::is_empty) && !around.lacks_rows {
        numbers::none(span_of(root, "numbers"), problems);
    }
    let _ = top.take("include"); // Its files have been read.
    draft.expects = expect::read(&mut top, &wishes.expects, &draft, problems);
    draft.drills = drills::read(&mut top, &wishes.drills, &draft, problems);
    later::refuse(&mut top, Place::Top, problems);
    later::refuse_destinations(&names, problems);
    top.finish(problems);
    courses::refuse_loops(&draft, problems);
    deny::refuse(&denied, &draft, problems);
    lint::run(&draft, around.allows, problems);
    let is_secure = |peer: &router::target::Peer| peer.transport.is_some_and(Transport::is_secure);
    node.listen_by_tls(draft.plan.peers.iter().any(is_secure), problems);
    (draft, node.finish())
}

/// `business`, or `operator` where there are customers.
fn business<'a>(top: &mut Table<'a>, problems: &mut Problems<'_>) -> &'a str {
    let business = top.take("business");
    let name = business.and_then(|value| text("business", "the name of the business", value, problems));
    let operator = top.take("operator");
    let operator = operator.and_then(|value| text("operator", "the name of the operator", value, problems));
    name.or(operator).unwrap_or("")
}

/// Everything that has a name, and the numbers.
fn destinations<'a>(
    top: &mut Table<'a>,
    base: &Base<'_>,
    names: &mut Names<'a>,
    draft: &mut Draft,
    problems: &mut Problems<'_>,
) -> (Listing<'a>, Wishes<'a>) {
    let (defaults, clocks) = (base.defaults, base.clocks);
    let carriers = section(top, "carriers", problems);
    let carriers = names.define(Kind::Carrier, carriers, problems);
    let mut sections = Sections::take(top, problems);
    sections.define(names, problems);
    later::define(top, names, problems);
    let customers = section(top, "customers", problems);
    let customers = names.define(Kind::Customer, customers, problems);
    carriers::read(carriers, defaults, draft, problems);
    sections.read((defaults, clocks), names, draft, problems);
    let mut listing = Listing::default();
    let numbers = section(top, "numbers", problems);
    numbers::read(numbers, names, draft, &mut listing, problems);
    let mut templates = Templates::read(top, problems);
    let mut wishes = Wishes::default();
    let mut shared = Shared { templates: &mut templates, listing: &mut listing, wishes: &mut wishes };
    customers::read(customers, base, names, draft, &mut shared, problems);
    templates.warn_of_unused(problems);
    draft.templates = templates.places();
    (listing, wishes)
}

fn span_of(root: &DeTable<'_>, key: &str) -> Option<Span> {
    root.get_key_value(key).map(|(key, _)| key.span())
}
