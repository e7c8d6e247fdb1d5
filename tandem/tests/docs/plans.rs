//! The plans and parts of plans that stand in README.

use crate::blocks::Block;
use crate::place::{Place, root};
use crate::{all_blocks, plan};
use std::fs;
use std::path::{Path, PathBuf};

/// What the parts of plans in README take for granted beside its first plan.
const BESIDE: &str = r#"
[services]
answering  = "+18005550199"
night-desk = "+18005550177"

[plans.on-call]
steps = [["ana", "ben"]]
"#;

/// All plan files in `examples/`.
pub(crate) fn examples() -> Vec<PathBuf> {
    fn below(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("it is a folder").flatten() {
            match entry.path() {
                path if path.is_dir() => below(&path, found),
                path if path.extension().is_some_and(|extension| extension == "toml") => found.push(path),
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    below(&root().join("examples"), &mut found);
    found.sort();
    found
}

#[test]
fn every_part_of_a_plan_in_readme_can_be_copied() {
    let (whole, blocks) = (plan(), all_blocks());
    let mut before: Option<&Block> = None;
    let mut read = 0;
    for block in blocks.iter().filter(|block| block.place.0 == "README.md") {
        let file = match &*block.tag {
            "toml" => completed(&whole, &block.text),
            // Rows are customers of the templates above them.
            "csv" => {
                let templates = before.map_or("", |block| &block.text);
                let templates = templates.split("[customers.").next().unwrap_or_default();
                completed(&whole, &format!("include = [\"customers.csv\"]\n{templates}"))
            }
            _ => continue,
        };
        read += 1;
        let place = Place::empty();
        place.write("tandem.toml", &file);
        place.write("customers.csv", &block.text);
        let out = place.run("tandem check tandem.toml");
        let said = String::from_utf8_lossy(&out.stdout);
        assert!(out.status.success(), "{:?}:\n{said}\n{file}", block.place);
        before = Some(block);
    }
    assert!(read >= 8, "only {read} parts of plans were found");
}

/// A part of a plan within the plan of README: each section that it has takes the place of the one there. A plan that is whole is
/// left as it is. A part with customers or for them has all numbers by itself.
fn completed(whole: &str, part: &str) -> String {
    if part == whole {
        return part.to_owned();
    }
    let mut own: Vec<String> = sections(part).into_iter().map(|(name, _)| name).collect();
    if own.iter().any(|name| name == "customers" || name == "templates") {
        own.push("numbers".to_owned());
    }
    let beside = sections(BESIDE);
    let stays = |name: &String| {
        !own.contains(name) && (name == "plans" || !beside.iter().any(|(other, _)| other == name))
    };
    let mut kept = sections(whole);
    kept.retain(|(name, _)| stays(name));
    kept.extend(beside.iter().filter(|(name, _)| !own.contains(name)).cloned());
    kept.extend(sections(part));
    // Keys without a section come first.
    kept.sort_by_key(|(_, text)| text.starts_with('['));
    kept.into_iter().map(|(_, text)| text).collect()
}

/// The sections of a plan file, each with the first word of its name; a key before the first one is a section of its own.
fn sections(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let in_section = found.last().is_some_and(|(_, section)| section.starts_with('['));
        if line.starts_with('[') || !in_section {
            let name = line.trim_start_matches('[').split(['.', ']', ' ']).next().unwrap_or_default();
            found.push((name.to_owned(), String::new()));
        }
        if let Some((_, section)) = found.last_mut() {
            section.push_str(line);
            section.push('\n');
        }
    }
    found
}
