//! The house rules that no compiler knows, as a test. To change one, change its table here and say why in the commit.

mod rules;
mod text;

use rules::Source;
use std::fs;
use std::path::Path;

#[test]
fn the_house_rules_hold() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut sources = Vec::new();
    read(&root, "", &mut sources);
    assert!(sources.iter().any(|source| source.path == "tandem/src/main.rs"), "the workspace was not found");
    let problems = rules::problems(&sources);
    assert!(problems.is_empty(), "{} broken house rules:\n{}\n", problems.len(), problems.join("\n"));
}

/// Reads every file that has rules, in order of path.
fn read(root: &Path, folder: &str, sources: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(root.join(folder)) else { return };
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        if entry.path().is_dir() {
            if !name.starts_with('.') && !UNREAD.contains(&name.as_str()) {
                read(root, &path, sources);
            }
        } else if path.ends_with(".rs") || path.ends_with(".toml") {
            match fs::read_to_string(entry.path()) {
                Ok(text) => sources.push(Source { path, text }),
                // Not UTF-8, or gone since: the rules say so.
                Err(error) => sources.push(Source { path, text: format!("\t// {error}") }),
            }
        }
    }
}

/// Folders that hold nothing that people write.
const UNREAD: &[&str] = &["target", "node_modules"];

#[test]
fn each_rule_finds_what_it_forbids() {
    let source = |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned() };
    let long = "const A: u8 = 1;\n".repeat(501);
    let sources = [
        source(
            "sip/Cargo.toml",
            "[package]\nname = \"sip\"\n\n[dependencies]\nmemchr.workspace = true\nlog = \"1\"\n\n[dev-dependencies]\nproptest = \"1\"\n",
        ),
        source("widgets/Cargo.toml", "[package]\n"),
        source("sip/src/lib.rs", "pub mod txn;\npub mod uri;\npub mod via;\npub use uri::{Host, Uri};\n"),
        source(
            "sip/src/txn/client.rs",
            "use crate::Uri;\nuse crate::{message::Bytes, via};\nuse super::super::time::Time;\nuse super::Timers;\n",
        ),
        source(
            "sip/src/uri.rs",
            "use router::Node;\nuse std::{fmt, fs};\n// router::plan is only spoken of here, and so is todo!()\nconst TEXT: &str = \"todo!() router::x \\\" todo!()\";\n",
        ),
        source("router/src/node.rs", &long),
        source("router/src/walk.rs", &format!("{long}#[cfg(test)]\nmod tests {{\n{long}}}\n")),
        source("router/src/health/mod.rs", "#[cfg(test)]\nmod stories;\nfn a() {\n    todo!()\n}\n"),
        source(
            "router/src/health/stories.rs",
            "fn a() {\n    crate::node::a();\n    std::thread::sleep(b);\n    std::time::Instant::now();\n}\n#[ignore]\nfn c() {}\n",
        ),
        source(
            "router/src/plan.rs",
            "use crate::{path::Path, walk::{Walk, self}};\nlet a: &'a str = r#\"a \" dbg!(\"#; let b = '\"'; dbg!(b);\n",
        ),
        source(
            "tandem/src/call_manager.rs",
            "pub struct CallInfo;\nenum Information { Service }\ntrait Core {}\nmod helper;\n",
        ),
        source("tandem/src/clock.rs", "fn a() {\n    Instant::now()\n}\n"),
        source(
            "tandem/src/run.rs",
            "fn a() {\n\tSystemTime::now() \n}\n// TODO\n// FIXME: later\n// TODO: drop once RFC 9999 is out\n",
        ),
    ];
    let found = rules::problems(&sources);
    assert_eq!(
        found,
        [
            "sip/Cargo.toml:6: sip may not depend on log, only on md-5, memchr, sha2",
            "widgets/Cargo.toml: no crate of its own; the crates are sip, router, agent, sim, tandem, fuzz, examples, bench",
            "sip/src/txn/client.rs: may not use crate::uri, only build, message, time, txn",
            "sip/src/txn/client.rs: may not use crate::via, only build, message, time, txn",
            "sip/src/uri.rs: a pure crate may not use std::fs",
            "sip/src/uri.rs: sip may not know router",
            "router/src/node.rs: 501 lines of code, at most 500",
            "router/src/health/mod.rs:4: todo!",
            "router/src/health/stories.rs:6: #[ignore",
            "router/src/health/stories.rs:3: thread::sleep",
            "router/src/plan.rs:2: dbg!",
            "router/src/plan.rs: may not use crate::walk",
            "tandem/src/call_manager.rs: \"manager\" says nothing as a name",
            "tandem/src/call_manager.rs:1: CallInfo: \"info\" says nothing as a name",
            "tandem/src/call_manager.rs:3: Core: \"core\" says nothing as a name",
            "tandem/src/call_manager.rs:4: helper: \"helper\" says nothing as a name",
            "tandem/src/run.rs:2: a TAB",
            "tandem/src/run.rs:2: white space at the end",
            "tandem/src/run.rs:4: TODO without a reason",
            "tandem/src/run.rs:5: FIXME without a reason",
            "tandem/src/run.rs:2: SystemTime::now is for tandem/src/clock.rs",
        ]
    );
}
