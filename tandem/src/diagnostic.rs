//! What is wrong with a plan file, where, and what to do: drawn for people, or one line each for logs.

use crate::codes::Code;
use crate::config::{Part, Source};
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Patch, Renderer, Snippet};
use core::ops::Range;

/// Bytes of the source, from the first in to the last out; all of them in one file.
pub type Span = Range<usize>;

/// One problem: a code, a title, places with labels, and proposals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which problem it is; an E-code refuses the file, an L-code warns.
    pub code: Code,
    /// One sentence: what is wrong.
    pub title: String,
    /// Where; the first one is the place of the problem, the others help to see it. Empty if the file itself is
    /// the problem.
    pub labels: Vec<Label>,
    /// What to do, the best one first.
    pub helps: Vec<Help>,
}

/// A place with a remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// The remark; may be empty.
    pub text: String,
}

/// What to do about a problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Help {
    /// In words.
    pub text: String,
    /// As a change to the file: this span is replaced by this text.
    pub fix: Option<(Span, String)>,
}

/// Whether colour is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// For a terminal.
    On,
    /// For pipes, files and `NO_COLOR`.
    Off,
}

impl Diagnostic {
    /// A problem without a place yet.
    #[must_use]
    pub fn new(code: Code, title: impl Into<String>) -> Self {
        Self { code, title: title.into(), labels: Vec::new(), helps: Vec::new() }
    }

    /// Adds a place; the first one added is the place of the problem.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Adds advice in words.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.helps.push(Help { text: text.into(), fix: None });
        self
    }

    /// Adds advice as a change to the file.
    #[must_use]
    pub fn fix(mut self, text: impl Into<String>, span: Span, replacement: impl Into<String>) -> Self {
        self.helps.push(Help { text: text.into(), fix: Some((span, replacement.into())) });
        self
    }

    /// Whether it refuses the file.
    #[must_use]
    pub const fn is_error(&self) -> bool {
        self.code.is_error()
    }

    /// The byte it is about; 0 if it is about the whole file.
    #[must_use]
    pub fn start(&self) -> usize {
        self.labels.first().map_or(0, |label| label.span.start)
    }

    /// The problem on one line, for logs: `demo.toml:13:8: error[E101]: …; help: …`. Nothing of the file is quoted
    /// but what the title says.
    #[must_use]
    pub fn line(&self, source: &Source) -> String {
        let place = match self.labels.first() {
            Some(label) => {
                let (line, column) = source.place(label.span.start);
                format!("{}:{line}:{column}", source.path_of(label.span.start))
            }
            None => source.path().to_owned(),
        };
        let mut text = format!("{place}: {}[{}]: {}", self.word(), self.code, self.title);
        if let Some(help) = self.helps.first() {
            text.push_str("; help: ");
            text.push_str(&help.text);
            if let Some((_, replacement)) = &help.fix {
                text.push(' ');
                text.push_str(replacement.trim());
            }
        }
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
    }

    /// The problem with the lines it is about, underlined.
    #[must_use]
    pub fn draw(&self, source: &Source, colour: Colour) -> String {
        let level = if self.is_error() { Level::ERROR } else { Level::WARNING };
        let title = level.primary_title(self.title.as_str()).id(self.code.as_str());
        let mut first = Group::with_title(title);
        if self.labels.is_empty() {
            first = first.element(annotate_snippets::Origin::path(source.path()));
        }
        for path in self.files(source) {
            first = first.element(self.snippet(path, source));
        }
        for help in self.helps.iter().filter(|help| help.fix.is_none()) {
            first = first.element(Level::HELP.message(help.text.as_str()));
        }
        let mut groups = vec![first];
        groups.extend(self.helps.iter().filter_map(|help| patch(help, source)));
        let renderer = match colour {
            Colour::On => Renderer::styled(),
            Colour::Off => Renderer::plain(),
        };
        renderer.render(&groups)
    }

    /// The files with a place in them, that of the problem first.
    fn files<'a>(&self, source: &'a Source) -> Vec<&'a Part> {
        let mut files: Vec<&Part> = Vec::new();
        for part in self.labels.iter().filter_map(|label| source.part(label.span.start)) {
            if !files.contains(&part) {
                files.push(part);
            }
        }
        files
    }

    /// The lines of one file with all places in them.
    fn snippet<'a>(&'a self, file: &'a Part, source: &'a Source) -> Snippet<'a, Annotation<'a>> {
        let is_here = |label: &Label| source.part(label.span.start) == Some(file);
        let labels = || self.labels.iter().enumerate().filter(|(_, label)| is_here(label));
        let from = labels().map(|(_, label)| label.span.start).min().unwrap_or(0);
        let to = labels().map(|(_, label)| label.span.end).max().unwrap_or(0);
        let window = source.lines(from..to);
        let annotations = labels().map(|(n, label)| {
            let kind = if n == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            let annotation = kind.span(window.within(&label.span));
            if label.text.is_empty() { annotation } else { annotation.label(label.text.as_str()) }
        });
        Snippet::source(window.text)
            .line_start(window.line)
            .path(file.path.as_str())
            .annotations(annotations.collect::<Vec<_>>())
    }

    const fn word(&self) -> &'static str {
        if self.is_error() { "error" } else { "warning" }
    }
}

fn patch<'a>(help: &'a Help, source: &'a Source) -> Option<Group<'a>> {
    let (span, replacement) = help.fix.as_ref()?;
    let window = source.lines(span.clone());
    let patch = Patch::new(window.within(span), replacement.as_str());
    let path = source.path_of(span.start);
    let snippet = Snippet::source(window.text).line_start(window.line).path(path).patch(patch);
    Some(Level::HELP.secondary_title(help.text.as_str()).element(snippet))
}

/// Draws all problems, an empty line after each; more than [`DRAWN_MAX`] are counted, not drawn.
#[must_use]
pub fn draw_all(diagnostics: &[Diagnostic], source: &Source, colour: Colour) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics.iter().take(DRAWN_MAX) {
        text.push_str(&diagnostic.draw(source, colour));
        text.push_str("\n\n");
    }
    if let Some(more) = diagnostics.len().checked_sub(DRAWN_MAX).filter(|more| *more > 0) {
        text.push_str(&format!("… and {more} more problems. Mend these first.\n\n"));
    }
    text
}

/// More problems than this are one mistake repeated; nobody reads on.
pub const DRAWN_MAX: usize = 50;
