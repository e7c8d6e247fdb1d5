//! Plans of several files: each problem is shown in the file that it is in.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without, it may fail by")]

mod folder;

use folder::Folder;

const MAIN: &str = "include = [\"more/*.toml\"]\n[sites]\nhq = \"192.0.2.10\"\n[carriers]\na = \"a.example\"\nb = \"b.example\"\n[announcements]\nsorry = \"busy\"\n\
                    [numbers]\n\"+15035550100\" = \"main\"\n[plans]\nmain = [\"hq\", \"branch\", \"sorry\"]\n";
const MORE: &str = "[sites]\nbranch = \"192.0.2.20\"\n[numbers]\n\"+15035550101\" = \"main\"\n";

#[test]
fn what_several_files_define_is_one_plan() {
    let folder = Folder::with(&[
        ("tandem.toml", MAIN.as_bytes()),
        ("more/b.toml", MORE.replace('\n', "\r\n").as_bytes()),
        ("more/a.toml", "\u{feff}[people]\nana = \"192.0.2.30\"".as_bytes()),
        ("more/empty.toml", b""),
        ("more/.hidden.toml", b"what is this"),
        ("more/c.toml~", b"nor this"),
    ]);
    let loaded = folder.load().unwrap();
    let names: Vec<&str> = loaded.plan.targets.iter().map(|target| &*target.name).collect();
    assert_eq!(names, ["hq", "branch", "ana", "sorry"]);
    assert_eq!(loaded.plan.numbers.len(), 2);
}

#[test]
fn a_problem_is_shown_in_its_file_with_places_in_others() {
    let wrong = "# a remark\n[sites]\nhq = \"192.0.2.11\"\nbranch = \"192.0.2.20\"\n[numbers]\n\"+15035550100\" = \"main\"\n\
                 \"+15035550101\" = \"mian\"\n[plans.night]\nsteps = [\"brunch\"]\nring = 3\n";
    let folder = Folder::with(&[("tandem.toml", MAIN.as_bytes()), ("more/b.toml", wrong.as_bytes())]);
    let text = folder.check();
    let expected = "\
error[E102]: `hq` is defined twice
 --> DIR/more/b.toml:3:1
  |
3 | hq = \"192.0.2.11\"
  | ^^ the second time
  |
 ::: DIR/tandem.toml:3:1
  |
3 | hq = \"192.0.2.10\"
  | -- the first time
  |
  = help: take one of the two out, or give it another name

error[E103]: number +15035550100 has two plans
  --> DIR/more/b.toml:6:1
   |
 6 | \"+15035550100\" = \"main\"
   | ^^^^^^^^^^^^^^ the second time
   |
  ::: DIR/tandem.toml:10:1
   |
10 | \"+15035550100\" = \"main\"
   | -------------- the first time
   |
   = help: take one of the two out, or give it another name

error[E101]: number +15035550101 has no plan: calls to it would get 404
  --> DIR/more/b.toml:7:18
   |
 7 | \"+15035550101\" = \"mian\"
   |                  ^^^^^^ no plan is called `mian`
   |
  ::: DIR/tandem.toml:12:1
   |
12 | main = [\"hq\", \"branch\", \"sorry\"]
   | ---- `main` is defined here
   |
help: did you mean `main`?
   |
 7 - \"+15035550101\" = \"mian\"
 7 + \"+15035550101\" = \"main\"
   |
";
    assert!(text.starts_with(expected), "{text}");
    assert!(text.contains("--> DIR/more/b.toml:9:10"), "{text}");
    assert!(text.ends_with(" in DIR/tandem.toml. `tandem help E102` explains a code.\n"), "{text}");
}

#[test]
fn a_file_with_a_slip_in_its_grammar_does_not_spoil_the_others() {
    let folder = Folder::with(&[
        ("tandem.toml", MAIN.as_bytes()),
        ("more/a.toml", b"[plans.night]\nsteps = [\"hq\",\n"),
        (
            "more/b.toml",
            format!("{MORE}[plans.day]\nlive_within = \"40\"\nsteps = [\"nobody\"]\n").as_bytes(),
        ),
    ]);
    let expected = [
        "DIR/more/a.toml:2:15: error[E001]: this is not TOML: a list before this is not closed; help: what stands after this \
         place is not checked before the bracket is closed",
        "DIR/more/b.toml:6:15: error[E014]: a duration needs a unit; help: write \"40s\"",
    ];
    assert_eq!(folder.lines(), expected);
}

#[test]
fn a_warning_is_allowed_in_the_file_that_it_is_in() {
    let site = "[sites]\nbranch = { sip = \"192.0.2.20\", domains = [\"x\"] }\nshed = { sip = \"192.0.2.21\", domains = [\"x\"] }\n[plans.night]\n";
    let allowed = format!(
        "{site}# tandem: allow(L007), they have a generator\nsteps = [\"branch\", \"shed\", \"sorry\"]\n"
    );
    let folder = Folder::with(&[("tandem.toml", MAIN.as_bytes()), ("more/b.toml", allowed.as_bytes())]);
    let codes = |folder: &Folder| -> Vec<String> {
        folder.lines().iter().filter(|line| line.contains("L007")).cloned().collect()
    };
    assert!(codes(&folder).is_empty(), "{:?}", codes(&folder));
    let first = "plans.night = [\"branch\", \"shed\", \"sorry\"]\n";
    folder.write("more/b.toml", format!("{first}{}", site.replace("[plans.night]\n", "")).as_bytes());
    assert_eq!(codes(&folder).len(), 1);
    folder.write("more/a.toml", b"\n\n\n\n# tandem: allow(L007), of another file");
    assert_eq!(codes(&folder).len(), 1);
}

#[test]
fn what_cannot_be_included_is_a_problem_with_its_place() {
    let main = |include: &str| MAIN.replace("[\"more/*.toml\"]", include);
    let said = |include: &str| {
        let folder = Folder::with(&[
            ("tandem.toml", main(include).as_bytes()),
            ("more/b.toml", MORE.as_bytes()),
            ("more/notes.txt", b"x"),
            ("more/bad.toml", b"a = \"M\xfcller\"\n"),
            ("more/big.toml", &vec![b'#'; 17 << 20]),
            ("more/in.toml", b"include = \"b.toml\"\n"),
            ("more/node.toml", b"timezone = \"UTC\"\n[node]\ndata = \"x\"\n[mail]\n"),
        ]);
        std::fs::create_dir(folder.0.join("more/folder.toml")).unwrap();
        std::os::unix::fs::symlink("loop.toml", folder.0.join("more/loop.toml")).unwrap();
        std::os::unix::fs::symlink("b.toml", folder.0.join("more/same.toml")).unwrap();
        assert!(
            std::process::Command::new("mkfifo")
                .arg(folder.0.join("more/pipe.toml"))
                .status()
                .unwrap()
                .success()
        );
        folder.lines()
    };
    let unread = |line: &str| vec![format!("DIR/tandem.toml:1:12: {line}")];
    for (include, expected) in [
        ("[\"more/b.toml\", \"more/*me.toml\", \"./more/b.toml\"]", vec![]),
        (
            "[\"more/none.toml\"]",
            unread(
                "error[E002]: `DIR/more/none.toml` cannot be read: No such file or directory (os error 2); help: put it there for this user to read, or \
                 take it out of `include`",
            ),
        ),
        (
            "[\"more/bad.toml\"]",
            unread(
                "error[E002]: `DIR/more/bad.toml` cannot be read: line 1, column 7 is not UTF-8: bytes fc 6c 6c 65; help: save the \
                 file as UTF-8 in your editor; an `ü` typed under another encoding does this",
            ),
        ),
        (
            "[\"more/big.toml\"]",
            unread(
                "error[E002]: `DIR/more/big.toml` cannot be read: it is larger than 16 MiB; help: is this the right file? A block of \
                 numbers takes one line: `\"+13125550100..9999\" = \"main\"`",
            ),
        ),
        (
            "[\"more/loop.toml\"]",
            unread(
                "error[E002]: `DIR/more/loop.toml` cannot be read: Too many levels of symbolic links (os error 40); help: put it there for this user to read, or take it \
                 out of `include`",
            ),
        ),
        (
            "[\"more/folder.toml\"]",
            unread(
                "error[E002]: `DIR/more/folder.toml` cannot be read: it is no file; help: a folder is included by a pattern: \
                 `customers/*.toml`",
            ),
        ),
        (
            "[\"more/pipe.toml\"]",
            unread(
                "error[E002]: `DIR/more/pipe.toml` cannot be read: it is no file; help: a folder is included by a pattern: \
                 `customers/*.toml`",
            ),
        ),
        (
            "[\"more/notes.txt\"]",
            unread(
                "error[E003]: `DIR/more/notes.txt` is no file of a plan; help: files of a plan end in `.toml` or `.json`, lists of customers in `.csv`",
            ),
        ),
        ("[\"tandem.toml\"]", unread("error[E003]: `DIR/tandem.toml` includes itself")),
        (
            "[\"mo*/b.toml\"]",
            unread(
                "error[E003]: `mo*/b.toml` has a wildcard in a folder; help: `*` and `?` stand in the name of the file; write a pattern \
                 for each folder",
            ),
        ),
        ("[\"more/\"]", unread("error[E003]: `more/` names no file; help: write `customers/*.toml`")),
    ] {
        assert_eq!(said(include), expected, "{include}");
    }
    let in_more = |file: &str, line: &str| format!("DIR/more/{file}: {line}");
    let branch = "error[E101]: plan `main` rings `branch`, which is not defined; help: define it under `[sites]`, `[people]`, \
                  `[services]` or `[plans]`, or take it out";
    assert_eq!(
        said("[\"more/in.toml\", \"more/x*.toml\"]"),
        [
            format!("DIR/tandem.toml:12:15: {branch}"),
            in_more(
                "in.toml:1:1",
                "error[E003]: an included file includes nothing; help: write it into `include` of the plan file: all files of a plan \
                 stand there"
            ),
            "DIR/tandem.toml:1:28: warning[L002]: no file is called `more/x*.toml`; help: it is looked for in `DIR/more`".into(),
        ]
    );
    let of_the_node = said("[\"more/b.toml\", \"more/node.toml\"]");
    let keys = [("1:1", "timezone"), ("2:2", "node"), ("4:2", "mail")];
    let expected: Vec<String> = keys
        .iter()
        .map(|(place, key)| {
            let title = format!("`{key}` stands in the plan file, not in one that it includes");
            let help = "it is about the whole node: write it into DIR/tandem.toml";
            in_more(&format!("node.toml:{place}"), &format!("error[E004]: {title}; help: {help}"))
        })
        .collect();
    assert_eq!(of_the_node, expected);
    let kinds: Vec<String> =
        said("7").iter().filter(|line| line.contains("E011")).map(|line| line[..40].to_owned()).collect();
    assert_eq!(kinds, ["DIR/tandem.toml:1:11: error[E011]: `incl"]);
}

#[test]
fn all_files_together_have_a_bound() {
    let large = [b"#".repeat((16 << 20) - 1), b"\n".to_vec()].concat();
    let folder = Folder::with(&[("tandem.toml", MAIN.as_bytes()), ("more/b.toml", MORE.as_bytes())]);
    for n in 0..4 {
        folder.write(&format!("more/large-{n}.toml"), &large);
    }
    let line = "DIR/tandem.toml:1:12: error[E003]: the files of the plan have more than 32 MiB together; help: is this the right file? \
                A block of numbers takes one line: `\"+13125550100..9999\" = \"main\"`";
    assert_eq!(folder.lines(), [line]);
}

#[test]
fn secrets_of_all_files_are_blanked() {
    let more = format!(
        "{MORE}[carriers]\nc = {{ sip = \"a.example\", user = \"n\", password = \"hunter2\" }}\nd = 7\n"
    );
    let folder = Folder::with(&[("tandem.toml", MAIN.as_bytes()), ("more/b.toml", more.as_bytes())]);
    let text = folder.check();
    assert!(text.contains("L030") && text.contains("E011") && !text.contains("hunter2"), "{text}");
}
