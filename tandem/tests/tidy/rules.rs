//! The rules: tables first, then what holds a file against them.

use crate::text::{Text, named_behind, tokens};
use std::collections::{BTreeMap, BTreeSet};

/// One file of the workspace.
pub(crate) struct Source {
    /// From the root of the workspace, with slashes.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
}

/// The folders that may be crates.
const CRATES: &[&str] = &["sip", "router", "agent", "sim", "tandem", "fuzz", "examples", "bench"];

/// The crates that perform no I/O, and all they may depend on.
const PURE: &[(&str, &[&str])] = &[
    ("sip", &["md-5", "memchr", "sha2"]),
    ("router", &["sip", "siphasher"]),
    (
        "agent",
        &[
            "aes",
            "base64",
            "earshot",
            "hmac",
            "router",
            "rtcp-types",
            "rtp-types",
            "sdp-types",
            "sha1",
            "sip",
        ],
    ),
    ("sim", &["sip", "router", "agent"]),
];

/// Parts of the standard library that a pure crate has no use for. `io` is not among them: its `Write` fills a `Vec`.
const IMPURE: &[&str] = &["env", "fs", "net", "os", "process", "thread"];

/// The file that may read the clock.
const CLOCK: &str = "tandem/src/clock.rs";

/// Lines of code a file may have before its tests.
const LINES_MAX: usize = 600;

/// Files where layers meet: they only route, so they stay shorter.
const SHORTER: &[(&str, usize)] = &[("router/src/node.rs", 500), ("tandem/src/run.rs", 500)];

/// What a module may use of the other modules of its crate.
enum May {
    Only(&'static [&'static str]),
    NotUse(&'static [&'static str]),
}

/// Who may use whom, as crate, modules and rule; a folder is one module. Below its tests a file may use what it likes.
const IMPORTS: &[(&str, &[&str], May)] = &[
    // The machines know messages and time, and nothing of what a header means.
    ("sip", &["txn"], May::Only(&["build", "message", "time", "txn"])),
    // Reading knows nothing of writing.
    (
        "sip",
        &["frame", "header", "message", "method", "param", "parse", "scan"],
        May::NotUse(&["build", "edit", "txn"]),
    ),
    ("sip", &["name_addr", "time", "uri", "via"], May::NotUse(&["build", "edit", "txn"])),
    // What is believed and what is planned know nothing of the calls that go by it.
    ("router", &["health", "hours", "plan", "target", "verdict"], May::NotUse(&["node", "relay", "walk"])),
    // A walk decides; who carries it out is not its business.
    ("router", &["walk"], May::NotUse(&["node", "relay"])),
];

/// Words that name nothing: of a file, a folder, or as a whole word of a type's or a module's name.
const EMPTY_WORDS: &[&str] = &[
    "manager",
    "handler",
    "dispatcher",
    "service",
    "session",
    "context",
    "engine",
    "actor",
    "helper",
    "util",
    "common",
    "core",
    "data",
    "info",
];

/// What stands in no file, tests included.
const NEVER: &[&str] = &["todo!", "unimplemented!", "dbg!", "#[ignore"];

/// All breaches of the rules, in order of file.
pub(crate) fn problems(sources: &[Source]) -> Vec<String> {
    let texts: Vec<(&Source, Text)> =
        sources.iter().map(|source| (source, Text::new(&source.text))).collect();
    let tests: BTreeSet<String> =
        texts.iter().flat_map(|(source, text)| test_files(&source.path, text)).collect();
    let exports: BTreeMap<&str, Vec<(String, String)>> = texts
        .iter()
        .filter_map(|(source, text)| Some((source.path.strip_suffix("/src/lib.rs")?, exports(text))))
        .collect();
    let mut found = Vec::new();
    for (source, text) in &texts {
        if source.path.ends_with(".toml") {
            check_crate(source, &mut found);
            check_white_space(source, &mut found);
            continue;
        }
        let is_test = tests.contains(&source.path) || !source.path.contains("/src/");
        let exports = exports.get(crate_of(&source.path)).map_or(&[][..], Vec::as_slice);
        check_names(&source.path, text, &mut found);
        check_white_space(source, &mut found);
        check_words(&source.path, text, &mut found);
        if !is_test {
            let lines = text.lines_before_tests();
            let code = text.code.get(..lines).unwrap_or_default();
            check_length(&source.path, lines, &mut found);
            check_clock(&source.path, code, &mut found);
            check_purity(&source.path, &tokens(code), &mut found);
            check_imports(&source.path, &tokens(code), exports, &mut found);
        }
    }
    found
}

fn check_crate(source: &Source, found: &mut Vec<String>) {
    let path = &source.path;
    let Some(folder) = path.strip_suffix("/Cargo.toml") else { return };
    if !CRATES.contains(&folder) {
        found.push(format!("{path}: no crate of its own; the crates are {}", CRATES.join(", ")));
    }
    let Some((_, allowed)) = PURE.iter().find(|(name, _)| *name == folder) else { return };
    let mut section = "";
    for (number, line) in source.text.lines().enumerate() {
        if line.starts_with('[') {
            section = line.trim();
        }
        let bound = section.ends_with("dependencies]") && !section.ends_with("dev-dependencies]");
        let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
        if bound && !line.starts_with(['[', '#']) && !name.is_empty() && !allowed.contains(&name) {
            let (number, allowed) = (number + 1, allowed.join(", "));
            found.push(format!("{path}:{number}: {folder} may not depend on {name}, only on {allowed}"));
        }
    }
}

fn check_names(path: &str, text: &Text, found: &mut Vec<String>) {
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    for word in stem.split(['/', '_', '-']).filter(|word| EMPTY_WORDS.contains(word)) {
        found.push(format!("{path}: \"{word}\" says nothing as a name"));
    }
    for (number, line) in text.code.iter().enumerate() {
        let tokens = tokens(core::slice::from_ref(line));
        for pair in tokens.windows(2) {
            let [kind, name] = pair else { continue };
            if !["struct", "enum", "union", "trait", "type", "mod"].contains(kind) {
                continue;
            }
            for word in words(name).iter().filter(|word| EMPTY_WORDS.contains(&word.as_str())) {
                found.push(format!("{path}:{}: {name}: \"{word}\" says nothing as a name", number + 1));
            }
        }
    }
}

fn check_white_space(source: &Source, found: &mut Vec<String>) {
    for (number, line) in source.text.lines().enumerate() {
        if line.contains('\t') {
            found.push(format!("{}:{}: a TAB", source.path, number + 1));
        }
        if line.ends_with(char::is_whitespace) {
            found.push(format!("{}:{}: white space at the end", source.path, number + 1));
        }
    }
}

fn check_words(path: &str, text: &Text, found: &mut Vec<String>) {
    let sleepless = PURE.iter().any(|(name, _)| *name == crate_of(path));
    let never = NEVER.iter().copied().chain(sleepless.then_some("thread::sleep"));
    for word in never {
        for (number, _) in text.code.iter().enumerate().filter(|(_, line)| has_word(line, word)) {
            found.push(format!("{path}:{}: {word}", number + 1));
        }
    }
    for (number, line) in text.comments.iter().enumerate() {
        for mark in ["TODO", "FIXME"] {
            let Some((_, reason)) = line.split_once(mark).filter(|_| has_word(line, mark)) else { continue };
            if reason.split_whitespace().count() < REASON_MIN {
                found.push(format!("{path}:{}: {mark} without a reason", number + 1));
            }
        }
    }
}

/// Words that a reason has, with the mark's colon.
const REASON_MIN: usize = 4;

fn check_length(path: &str, lines: usize, found: &mut Vec<String>) {
    let limit = SHORTER.iter().find(|(file, _)| *file == path).map_or(LINES_MAX, |(_, limit)| *limit);
    if lines > limit {
        found.push(format!("{path}: {lines} lines of code, at most {limit}"));
    }
}

fn check_clock(path: &str, code: &[String], found: &mut Vec<String>) {
    for (number, line) in code.iter().enumerate().filter(|_| path != CLOCK) {
        for word in ["Instant::now", "SystemTime::now"].into_iter().filter(|word| has_word(line, word)) {
            found.push(format!("{path}:{}: {word} is for {CLOCK}", number + 1));
        }
    }
}

fn check_purity(path: &str, tokens: &[&str], found: &mut Vec<String>) {
    let name = crate_of(path);
    let Some((_, allowed)) = PURE.iter().find(|(pure, _)| *pure == name) else { return };
    let used: BTreeSet<&str> = named_behind(tokens, &["std"]).into_iter().collect();
    for part in IMPURE.iter().filter(|part| used.contains(**part)) {
        found.push(format!("{path}: a pure crate may not use std::{part}"));
    }
    for other in CRATES.iter().filter(|other| **other != name && !allowed.contains(*other)) {
        if !named_behind(tokens, &[other]).is_empty() {
            found.push(format!("{path}: {name} may not know {other}"));
        }
    }
}

fn check_imports(path: &str, tokens: &[&str], exports: &[(String, String)], found: &mut Vec<String>) {
    let modules = modules_of(path);
    let Some(module) = modules.first() else { return };
    let rules = IMPORTS.iter().filter(|(name, ruled, _)| *name == crate_of(path) && ruled.contains(module));
    let mut used: BTreeSet<&str> = named_behind(tokens, &["crate"]).into_iter().collect();
    let up: Vec<&str> = core::iter::repeat_n(["super", "::"], modules.len()).flatten().collect();
    let up = up.get(..up.len().saturating_sub(1)).unwrap_or_default();
    used.extend(named_behind(tokens, up));
    let used: BTreeSet<&str> = used
        .into_iter()
        .map(|name| exports.iter().find(|(item, _)| item == name).map_or(name, |(_, module)| module))
        .collect();
    for (_, _, may) in rules {
        for name in &used {
            match may {
                May::Only(only) if !only.contains(name) => {
                    found.push(format!("{path}: may not use crate::{name}, only {}", only.join(", ")));
                }
                May::NotUse(never) if never.contains(name) => {
                    found.push(format!("{path}: may not use crate::{name}"));
                }
                May::Only(_) | May::NotUse(_) => (),
            }
        }
    }
}

/// What a crate's root re-exports, and of which module.
fn exports(text: &Text) -> Vec<(String, String)> {
    let mut exports = Vec::new();
    let tokens = tokens(&text.code);
    for statement in tokens.split(|token| *token == ";") {
        let Some(at) = statement.windows(2).position(|pair| pair == ["pub", "use"]) else { continue };
        if let [module, "::", items @ ..] = statement.get(at + 2..).unwrap_or_default() {
            let items = items.iter().filter(|item| item.starts_with(|c: char| c.is_alphabetic()));
            exports.extend(items.map(|item| ((*item).to_owned(), (*module).to_owned())));
        }
    }
    exports
}

/// The files that only tests see, by what this file declares.
fn test_files(path: &str, text: &Text) -> Vec<String> {
    let folder = match path.rsplit_once('/') {
        Some((folder, "mod.rs" | "lib.rs" | "main.rs")) => folder,
        _ => path.strip_suffix(".rs").unwrap_or(path),
    };
    text.test_modules().iter().map(|name| format!("{folder}/{name}.rs")).collect()
}

/// The modules that a file is, outermost first; none for the root of a crate.
fn modules_of(path: &str) -> Vec<&str> {
    let inside = path.split_once("/src/").map_or("", |(_, inside)| inside);
    let stem = inside.strip_suffix(".rs").unwrap_or(inside);
    let mut modules: Vec<&str> = stem.split('/').collect();
    if matches!(modules.last(), Some(&("mod" | "lib" | "main"))) {
        modules.pop();
    }
    modules
}

fn crate_of(path: &str) -> &str {
    path.split('/').next().unwrap_or_default()
}

/// `CallInfo` and `call_info` as `call`, `info`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for c in name.chars() {
        if c.is_uppercase() || c == '_' {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c != '_') {
            word.extend(c.to_lowercase());
        }
    }
    words
}

/// Whether a line has this word, not merely as the end of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|head| head.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}
