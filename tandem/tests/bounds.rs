//! Whatever is given as a plan file ends in a diagnostic with its place, or in a plan, never in a panic; and in no more memory than is said here.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "the helpers of a test fail as it does")]

#[expect(dead_code, reason = "the built program is asked here, and not the library")]
mod folder;

use folder::Folder;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::stat::Mode;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

const PLAN: &str = "timezone = \"UTC\"\n[carriers]\na = \"192.0.2.1\"\nb = \"192.0.2.2\"\n[sites]\noffice = \"192.0.2.3\"\n\
                    [announcements]\nsorry = \"busy\"\n[plans]\nmain = [\"office\", \"sorry\"]\n";

/// A file or a folder, how `tandem check` ends, and what it says first.
struct Case {
    what: &'static str,
    files: Vec<(&'static str, Vec<u8>)>,
    fine: bool,
    says: &'static str,
}

fn case(
    what: &'static str,
    file: &'static str,
    text: impl Into<Vec<u8>>,
    fine: bool,
    says: &'static str,
) -> Case {
    Case { what, files: vec![(file, text.into())], fine, says }
}

fn bad(what: &'static str, file: &'static str, text: impl Into<Vec<u8>>, says: &'static str) -> Case {
    case(what, file, text, false, says)
}

/// The plan with a number, and something before it.
fn plan(before: &str) -> String {
    format!("{before}{PLAN}[numbers]\n\"+15035550100\" = \"main\"\n")
}

fn in_one_file() -> Vec<Case> {
    let windows = format!("\u{feff}{}", plan("").replace('\n', "\r\n"));
    let many = "[sites]\n".to_owned() + &(0..10_000).map(|n| format!("c{n} = {n}\n")).collect::<String>();
    let slips = (0..10_000).map(|_| "= \n").collect::<String>();
    let ranges: String = (0..100).map(|n| format!("\"+1312{n:03}0000..9999\" = \"main\"\n")).collect();
    vec![
        bad("0 bytes", "tandem.toml", "", "error[E012]: the file is empty\n--> DIR/tandem.toml\n"),
        bad("0 bytes of JSON", "tandem.json", "", "error[E012]: the file is empty\n--> DIR/tandem.json\n"),
        bad(
            "100 MB",
            "tandem.toml",
            vec![b'#'; 100 << 20],
            "error[E002]: the plan file is larger than 16 MiB\n",
        ),
        bad(
            "no UTF-8",
            "tandem.toml",
            b"a = 1\nb = \"\xff\"\n",
            "error[E002]: line 2, column 6 is not UTF-8: bytes ff 22 0a\n",
        ),
        bad("zeros", "tandem.toml", vec![0; 1 << 20], "error[E001]: this is not TOML: "),
        case(
            "a BOM and CRLF",
            "tandem.toml",
            windows,
            true,
            "tandem check: DIR/tandem.toml is fine: 1 number",
        ),
        bad("10,000 errors", "tandem.toml", many, "error[E012]: the file has no numbers"),
        bad("10,000 lines of no TOML", "tandem.toml", slips, "error[E001]: this is not TOML: "),
        case(
            "1 M numbers in ranges",
            "tandem.toml",
            format!("{PLAN}[numbers]\n{ranges}"),
            true,
            "tandem check: DIR/tandem.toml is fine: 1000000 numbers",
        ),
        bad(
            "10,000 numbers more than that",
            "tandem.toml",
            format!("{PLAN}[numbers]\n{ranges}\"+13130000000..9999\" = \"main\"\n"),
            "error[E013]: the file has more than 1000000 numbers\n   --> DIR/tandem.toml:112:1\n",
        ),
    ]
}

fn deep() -> Vec<Case> {
    vec![
        bad(
            "lists in lists",
            "tandem.toml",
            format!("a = {}", "[".repeat(1 << 20)),
            "error[E001]: this is not TOML: ",
        ),
        bad(
            "tables in tables",
            "tandem.toml",
            "a = { b = ".repeat(1 << 18),
            "error[E001]: this is not TOML: ",
        ),
        bad(
            "dots",
            "tandem.toml",
            format!("{} = 1\n", vec!["a"; 1 << 18].join(".")),
            "error[E001]: this is not TOML: ",
        ),
        bad(
            "lists in lists of JSON",
            "tandem.json",
            format!("{{\"a\": {}", "[".repeat(1 << 20)),
            "error[E001]: this is not JSON: it is too deep\n --> DIR/tandem.json:1:39\n",
        ),
        bad(
            "objects in objects of JSON",
            "tandem.json",
            "{\"a\":".repeat(1 << 20),
            "error[E001]: this is not JSON: it is too deep\n --> DIR/tandem.json:1:166\n",
        ),
    ]
}

fn in_several_files() -> Vec<Case> {
    let template = "include = [\"more.csv\"]\ntemplates.t = { roles = { office = \"site\" }, steps = [\"office\", \"sorry\"] }\n";
    let row =
        |cell: &str| format!("name,use,numbers,office,business\r\nacme,t,+13125550100,192.0.2.9,{cell}\r\n");
    let lines = |half: u32| -> Vec<u8> {
        let lines = (half * 500_000..(half + 1) * 500_000).map(|n| format!("\"+1312{n:07}\" = \"main\"\n"));
        format!("[numbers]\n{}", lines.collect::<String>()).into()
    };
    vec![
        Case {
            what: "a circle of includes",
            files: vec![
                ("tandem.toml", plan("include = [\"more.toml\"]\n").into()),
                ("more.toml", b"include = [\"tandem.toml\"]\n".to_vec()),
            ],
            fine: false,
            says: "error[E003]: an included file includes nothing\n --> DIR/more.toml:1:1\n",
        },
        Case {
            what: "a plan that includes itself",
            files: vec![("tandem.toml", plan("include = [\"tandem.toml\"]\n").into())],
            fine: false,
            says: "error[E003]: `DIR/tandem.toml` includes itself\n --> DIR/tandem.toml:1:12\n",
        },
        Case {
            what: "a cell with quotes and line ends in it",
            files: vec![
                ("tandem.toml", plan(template).into()),
                ("more.csv", row("\"A \"\"b\"\",\r\nInc.\"").into()),
            ],
            fine: true,
            says: "tandem check: DIR/tandem.toml is fine: 2 numbers",
        },
        Case {
            what: "a cell that does not end",
            files: vec![("tandem.toml", plan(template).into()), ("more.csv", row("\"A \"\"b").into())],
            fine: false,
            says: "error[E005]: ",
        },
        Case {
            what: "1 M numbers in lines",
            files: vec![
                ("tandem.toml", format!("include = [\"n*.toml\"]\n{PLAN}").into()),
                ("n0.toml", lines(0)),
                ("n1.toml", lines(1)),
            ],
            fine: true,
            says: "tandem check: DIR/tandem.toml is fine: 1000000 numbers",
        },
    ]
}

#[test]
fn bad_files_end_in_a_diagnostic_and_large_ones_in_bounded_memory() {
    let mut faults = Vec::new();
    for Case { what, files, fine, says } in [in_one_file(), deep(), in_several_files()].into_iter().flatten()
    {
        let files: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (*name, text.as_slice())).collect();
        let folder = Folder::with(&files);
        faults.extend(fault(what, &folder.0, &folder.0, fine, says));
    }
    // The largest of all of them.
    let peak = getrusage(UsageWho::RUSAGE_CHILDREN).expect("Linux has it").max_rss() / 1024;
    println!("{peak} MiB at most");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(peak < MOST_MIB, "{peak} MiB were needed");
}

#[test]
fn what_is_no_file_is_said_and_not_waited_for() {
    let folder = Folder::with(&[("tandem.toml", plan("include = [\"pipe.toml\"]\n").as_bytes())]);
    let at = |name: &str| folder.0.join(name);
    nix::unistd::mkfifo(&at("pipe.toml"), Mode::S_IRWXU).expect("a pipe can be made");
    let _listener = UnixListener::bind(at("socket.toml")).expect("a socket can be made");
    symlink(at("loop.toml"), at("loop.toml")).expect("a link can be made");
    std::fs::create_dir(at("folder.toml")).expect("a folder can be made");
    for (file, says) in [
        ("pipe.toml", "error[E002]: the plan file cannot be read: it is no file\n"),
        ("socket.toml", "error[E002]: the plan file cannot be read: it is no file\n"),
        (
            "loop.toml",
            "error[E002]: the plan file cannot be read: Too many levels of symbolic links (os error 40)\n",
        ),
        ("folder.toml", "error[E002]: this folder has no `tandem.toml`\n"),
        (
            "tandem.toml",
            "error[E002]: `DIR/pipe.toml` cannot be read: it is no file\n --> DIR/tandem.toml:1:12\n",
        ),
    ] {
        assert_eq!(fault(file, &at(file), &folder.0, false, says), None);
    }
    let says = "error[E002]: the plan file cannot be read: it is no file\n";
    assert_eq!(fault("a device", Path::new("/dev/zero"), &folder.0, false, says), None);
}

/// What is wrong with how the built program takes a plan.
fn fault(what: &str, plan: &Path, folder: &Path, fine: bool, says: &str) -> Option<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tandem"));
    let out = command.args(["check", "--outages", "none"]).arg(plan).output().expect("it starts");
    let said = String::from_utf8(out.stdout).expect("it prints UTF-8");
    let text = said.replace(folder.to_str().expect("a plain name"), "DIR");
    let errors = String::from_utf8_lossy(&out.stderr);
    let is_right = out.status.code() == Some(i32::from(!fine)) && errors.is_empty();
    let head: String = text.chars().take(400).collect();
    let is_right = is_right && text.starts_with(says) && text.len() < SAID_MAX;
    (!is_right).then(|| format!("{what}: {}, {} bytes:\n{head}{errors}", out.status, text.len()))
}

/// Of a debug build: a million numbers in lines of their own need 395.
const MOST_MIB: i64 = 500;
/// Fifty problems with the lines that they are about.
const SAID_MAX: usize = 64 << 10;
