//! Files that are no plan: unreadable, endless, broken in any place. Never a panic, always a reason.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without, it may fail by")]

use jiff::Timestamp;
use router::plan::{Member, Plan};
use router::target::{PeerId, Reach};
use std::path::Path;
use tandem::cli::check::{answer, say};
use tandem::config::{Loaded, Refused, Source, read};
use tandem::diagnostic::Colour;

#[test]
fn a_file_that_cannot_be_read_is_one_problem_with_its_reason() {
    let folder = std::env::temp_dir().join(format!("tandem-plans-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let last = |path: &Path| {
        let text = answer(path, now(), Colour::Off).text.replace(folder.to_str().unwrap(), "DIR");
        text.lines().next().unwrap().to_owned()
    };
    assert_eq!(last(&folder), "error[E002]: this folder has no `tandem.toml`");
    assert_eq!(
        last(&folder.join("none.toml")),
        "error[E002]: the plan file cannot be read: No such file or directory (os error 2)"
    );
    let file = folder.join("tandem.toml");
    std::fs::write(&file, b"business = \"a\"\nx = \"M\xfcller\"\n").unwrap();
    assert_eq!(last(&folder), "error[E002]: line 2, column 7 is not UTF-8: bytes fc 6c 6c 65");
    std::fs::write(&file, vec![b'#'; 17 << 20]).unwrap();
    assert_eq!(last(&file), "error[E002]: the plan file is larger than 16 MiB");
    std::fs::write(&file, "").unwrap();
    assert_eq!(last(&file), "error[E012]: the file is empty");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_node_holds_as_many_calls_as_its_file_says() {
    let file = |rest: &str| {
        format!(
            "[sites]\nhq = \"192.0.2.10\"\n[numbers]\n\"+15035550100\" = \"main\"\n[plans.main]\nsteps = [\"hq\"]\nfloor = false\n[node]\n{rest}"
        )
    };
    let held = |rest: &str| load(&file(rest)).map(|loaded| loaded.node.calls_max).unwrap();
    assert_eq!((held(""), held("calls_max = 500")), (200_000, 500));
    let said = check(&file("calls_max = 0"));
    assert!(said.contains("error[E013]: `calls_max` is 0: it may be 1 to 1000000"), "{said}");
    assert!(said.contains("the default is 200000: a call takes up to 16 KiB"), "{said}");
    let pace = |rest: &str| load(&file(rest)).map(|loaded| loaded.node.cps).unwrap();
    assert_eq!((pace(""), pace("cps = 50")), (None, Some(50)));
    let said = check(&file("cps = 0"));
    assert!(said.contains("error[E013]: `cps` is 0: it may be 1 to 100000"), "{said}");
}

#[test]
fn a_node_has_the_ports_of_sound_and_leaves_the_disk_that_its_file_says() {
    let file = |rest: &str| {
        format!(
            "[sites]\nhq = \"192.0.2.10\"\n[numbers]\n\"+15035550100\" = \"main\"\n[plans.main]\nsteps = [\"hq\"]\nfloor = false\n[node]\n{rest}"
        )
    };
    let taken = |rest: &str| {
        let loaded = load(&file(rest)).unwrap();
        assert_eq!(loaded.guide.disk_floor, loaded.node.disk_floor);
        (loaded.node.rtp_ports, loaded.node.disk_floor)
    };
    assert_eq!(taken(""), (16_384..=32_767, 256 << 20));
    assert_eq!(taken("rtp_ports = \"10000..10003\"\ndisk_floor = \"2 GiB\""), (10_000..=10_003, 2 << 30));
    assert_eq!(taken("disk_floor = \"500MB\"").1, 500_000_000);
    for (rest, title, help) in [
        (
            "rtp_ports = \"10000-20000\"",
            "error[E019]: `10000-20000` is no range of ports",
            "9 + rtp_ports = \"10000..20000\"",
        ),
        ("rtp_ports = \"all\"", "error[E019]: `all` is no range of ports", "write `16384..32767`"),
        ("rtp_ports = \"1..70000\"", "error[E019]: `1..70000` is no range of ports", "write `16384..32767`"),
        (
            "rtp_ports = \"1000..2000\"",
            "error[E013]: `rtp_ports` is 1000 to 2000: it may begin at 1024, and has 4 ports at least",
            "the default is 16384..32767",
        ),
        (
            "rtp_ports = \"2001..2004\"",
            "error[E013]: `rtp_ports` is 2001 to 2004: it may begin at 1024, and has 4 ports at least",
            "the default is 16384..32767",
        ),
        ("rtp_ports = 16384", "error[E011]", "16384..32767"),
        ("disk_floor = \"256\"", "error[E019]: `256` is no size", "write `256 MiB` or `2 GiB`"),
        ("disk_floor = \"much\"", "error[E019]: `much` is no size", "write `256 MiB` or `2 GiB`"),
        (
            "disk_floor = \"1MB\"",
            "error[E013]: `disk_floor` is 1MB: it may be 16 MiB to 1048576 MiB",
            "the default is 256 MiB: the system",
        ),
        (
            "disk_floor = \"99999999999999999999 GB\"",
            "error[E019]: `99999999999999999999 GB` is no size",
            "write `256 MiB`",
        ),
        ("disk_floor = \"18446744073709551615 GB\"", "error[E013]", "the default is 256 MiB"),
    ] {
        let said = check(&file(rest));
        assert!(said.contains(title) && said.contains(help) && said.contains(":9:"), "{said}");
    }
}

#[test]
fn deep_and_endless_files_end_in_a_problem() {
    let deep = format!("a = {}", "[".repeat(100_000));
    let dotted = format!("{} = 1\n", vec!["a"; 100_000].join("."));
    let tables = format!("{}1", "a = { b = ".repeat(100_000));
    let chain: String = (0..20_000).map(|n| format!("p{n} = [\"p{}\"]\n", (n + 1) % 20_000)).collect();
    for text in [deep, dotted, tables, "= \n".repeat(100_000), format!("[plans]\n{chain}")] {
        let refused = load(&text).unwrap_err();
        assert!(said(&Err(refused)).len() < 1 << 20);
    }
}

#[test]
fn no_change_to_a_file_panics_and_what_is_accepted_is_sound() {
    let files = files();
    let pieces = [
        "\"",
        "'",
        "[",
        "]",
        "{",
        "}",
        ",",
        "=",
        "\n",
        "\r",
        "#",
        ".",
        "..",
        "\"\"\"",
        "\u{0}",
        "ü",
        "\u{1b}[31m",
        "main",
        "office",
        "\"main\"",
        "[plans.main]\n",
        "# tandem: allow(",
        "+",
        "9999999999999999999999",
        "-1",
        "inf",
        "1979-05-27",
        "\\u00e9",
        "steps",
        "true",
        "\t",
        "𝄞",
    ];
    let mut seed: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut draw = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed >> 33).unwrap() % below
    };
    let mut accepted = 0;
    for round in 0..1_500 {
        let mut text: Vec<char> = files[round % files.len()].chars().collect();
        for _ in 0..=draw(4) {
            let from = draw(text.len());
            let to = (from + draw(12)).min(text.len());
            text.splice(from..to, pieces[draw(pieces.len())].chars());
        }
        let text: String = text.iter().collect();
        let found = load(&text);
        let drawn = say(&found, if round % 2 == 0 { Colour::On } else { Colour::Off }).text;
        assert!(round % 2 == 0 || !drawn.contains('\u{1b}'), "{drawn}");
        if let Ok(loaded) = found {
            accepted += 1;
            assert_sound(&loaded.plan);
        }
    }
    assert!(accepted > 50, "{accepted}");
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_change_nothing() {
    let text = include_str!("../../examples/nguyen-dental.toml");
    let plain = load(text).unwrap();
    let windows = load(&format!("\u{feff}{}", text.replace('\n', "\r\n"))).unwrap();
    assert_eq!((plain.plan, plain.node), (windows.plan, windows.node));
    let wrong =
        "[sites]\noffice = \"pbx.example\"\n[numbers]\n\"*\" = \"main\"\n[plans]\nmain = [\"ofice\"]\n";
    let drawn = check(&format!("\u{feff}{}", wrong.replace('\n', "\r\n")));
    assert_eq!(drawn, check(wrong));
    assert!(drawn.contains("plan.toml:6:9"), "{drawn}");
}

#[test]
fn a_secret_in_the_file_is_never_printed() {
    let text = "[carriers]\nacme = { sip = \"a.example\", user = \"n\", password = \"hünter2\" }\nb = \"sip:x:hünter2@b.example\"\n\
                [sites]\nc = { sip = \"c.example\", pasword = 1, password = [\"hünter2\"] }\nc = 1\n[node]\ntoken = \"hünter2\"\n";
    let refused = load(text).unwrap_err();
    assert!(refused.problems.iter().any(|problem| problem.code.as_str() == "L030"));
    for text in [said(&Err(refused.clone())), refused.lines().collect::<String>(), refused.to_string()] {
        assert!(!text.contains("nter2"), "{text}");
        assert!(text.contains("L030"), "{text}");
    }
}

const CLINIC: &str = r#"
[customers.nguyen-dental]
use = "clinic"
numbers = ["+15035550100", "+15035550101"]
office = "pbx.nguyen.example"
staff = ["+15035550111", "+15035550112"]
voicemail = "office@nguyen.example"

[customers.lopez]
use = "law"
numbers = { "+15035550200..0209" = "main", "+15035550205" = "fax" }
office = "pbx.lopez.example"
staff = "+15035550211"
voicemail = "office@lopez.example"
plans.fax = ["office", "voicemail"]
"#;

/// Plans that are fine, in one file each: what they include has tests of its own.
fn files() -> [String; 6] {
    let operator = [
        include_str!("../../examples/cascadia/tandem.toml"),
        include_str!("../../examples/cascadia/customers/acme-bank.toml"),
    ];
    let msp = [include_str!("../../examples/northwest-it/tandem.toml"), CLINIC];
    [
        include_str!("../../examples/nguyen-dental.toml").to_owned(),
        include_str!("../../examples/nguyen-dental-full.toml").to_owned(),
        include_str!("../../examples/two-trunks.toml").to_owned(),
        include_str!("../../examples/registered.toml").to_owned(),
        operator.concat().replace("include ", "# "),
        msp.concat().replace("include ", "# "),
    ]
}

fn assert_sound(plan: &Plan) {
    let peer = |id: &PeerId| assert!(plan.peer(*id).is_some());
    plan.carriers.iter().for_each(|carrier| {
        assert!(!carrier.trunks.is_empty());
        carrier.trunks.iter().for_each(peer);
    });
    for target in &plan.targets {
        match &target.reach {
            Reach::Sip(peers) => {
                assert!(!peers.is_empty());
                peers.iter().for_each(peer);
            }
            Reach::Number(number) => assert!(number.starts_with('+') && !plan.carriers.is_empty()),
        }
    }
    for course in &plan.courses {
        assert!(course.closed.is_none() || course.hours.is_some());
        for steps in [Some(&course.steps), course.closed.as_ref(), course.busy.as_ref(), course.full.as_ref()]
            .into_iter()
            .flatten()
        {
            assert!(!steps.is_empty());
            for step in steps {
                assert!(!step.members.is_empty());
                for member in &step.members {
                    match member {
                        Member::Target(id) => assert!(plan.target(*id).is_some()),
                        Member::Course(id) => assert!(plan.course(*id).is_some() && step.members.len() == 1),
                    }
                }
            }
        }
    }
    assert!(plan.numbers.values().chain(&plan.unlisted).all(|id| plan.course(*id).is_some()));
}

fn load(text: &str) -> Result<Loaded, Refused> {
    read(Source::new("plan.toml", text), now())
}

fn said(found: &Result<Loaded, Refused>) -> String {
    say(found, Colour::Off).text
}

fn check(text: &str) -> String {
    said(&load(text))
}

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}
