//! Customers as rows of a file that a spreadsheet wrote.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without, it may fail by")]

mod folder;

use folder::Folder;

const MAIN: &str = r#"include = ["customers.csv"]
[carriers]
a = "a.example"
b = "b.example"
[services]
desk = "+18005550177"
[mail]
smtp = "127.0.0.1:25"
tls = "none"
from = "vm@nwit.example"
[templates.clinic]
roles = { office = "site", staff = "people", voicemail = "mailbox" }
hours = "mon-fri 08:00-18:00"
timezone = "UTC"
steps = ["office", "staff", "desk", "voicemail"]
closed = ["desk", "voicemail"]
"#;

const HEADER: &str = "name,use,numbers,timezone,office,staff,voicemail";
const NGUYEN: &str = "nguyen,clinic,+15035550100;+15035550101,America/Los_Angeles,pbx.nguyen.example;transport=tls pbx2.nguyen.example,+15035550111;+15035550112,office@nguyen.example";

fn folder(rows: &str) -> Folder {
    Folder::with(&[("tandem.toml", MAIN.as_bytes()), ("customers.csv", rows.as_bytes())])
}

#[test]
fn a_row_is_a_customer() {
    let rows = "Lopez, Lopez \"&\" Sons";
    let quoted = rows.replace('"', "\"\"");
    let text = format!(
        "\u{feff}{HEADER},business,hours,calls_per_day,confirm\r\n{NGUYEN},,,,\r\n\r\n\
         \"lopez\",clinic,\"+15035550200..0209 +15035550300\",,192.0.2.7,\" +15035550211\",vm@lopez.example,\"{quoted}\",mon-thu 09:00-16:00; fri 09:00-12:00,7,false"
    );
    let folder = folder(&text);
    let loaded = folder.load().unwrap_or_else(|refused| panic!("{refused}"));
    let plan = &loaded.plan;
    let targets: Vec<&str> = plan.targets.iter().map(|target| &*target.name).collect();
    assert_eq!(
        targets,
        [
            "desk",
            "nguyen/office",
            "nguyen/staff/1",
            "nguyen/staff/2",
            "nguyen/voicemail",
            "lopez/office",
            "lopez/staff",
            "lopez/voicemail",
        ]
    );
    let transports: Vec<bool> = plan.peers.iter().map(|peer| peer.transport.is_some()).collect();
    assert_eq!(transports[2..4], [true, false], "a parameter belongs to its address");
    assert_eq!(plan.numbers.len(), 2 + 11);
    let named = |name: &str| plan.courses.iter().position(|course| &*course.name == name).unwrap();
    assert_eq!(plan.courses[named("lopez/main")].hours.as_ref().unwrap().windows.len(), 2);
    assert_eq!(&*loaded.mailboxes.by_name["lopez/voicemail"].of.as_ref().unwrap().business, rows);
}

#[test]
fn a_plan_all_of_whose_rows_are_refused_is_not_said_to_have_no_numbers() {
    let main = MAIN.split("[numbers]").next().unwrap();
    let lines = |rows: &str| {
        let files = [("tandem.toml", main.as_bytes()), ("customers.csv", rows.as_bytes())];
        Folder::with(&files).lines()
    };
    let refused = lines(&format!("{HEADER}\nnguyen,clinic\nlopez\n"));
    assert!(refused.iter().all(|line| !line.contains("has no numbers")), "{refused:?}");
    assert_eq!(refused.iter().filter(|line| line.contains("error[E005]")).count(), 2, "{refused:?}");
    assert!(lines(&format!("{HEADER}\n")).iter().any(|line| line.contains("has no numbers")));
}

#[test]
fn what_is_wrong_with_the_first_row_has_the_place_of_its_cell() {
    said(&[
        (String::new(), "tandem.toml: error[E012]: the file has no numbers"),
        (
            "name;use;numbers\n".into(),
            "customers.csv:1:1: error[E005]: the cells of this file are not separated by commas",
        ),
        (
            "use,numbers\nclinic,+15035550100\n".into(),
            "customers.csv:1:1: error[E005]: the file has no column `name`",
        ),
        (
            format!("{HEADER},office\n{NGUYEN},\n"),
            "customers.csv:1:50: error[E005]: the file has two columns `office`",
        ),
        (
            format!("{HEADER},ofice\n{NGUYEN},x\n"),
            "customers.csv:1:50: error[E010]: customers have no key `ofice`; help: did you mean `office`? office",
        ),
    ]);
    let wide = format!("{}\n", vec!["name"; 65].join(","));
    assert!(folder(&wide).lines().iter().any(|line| line.contains("the first row has more than 64 cells")));
}

#[test]
fn what_is_wrong_with_a_row_has_the_place_of_its_cell() {
    said(&[
        (
            format!("{HEADER}\n{NGUYEN},x,y\n"),
            "customers.csv:2:162: error[E005]: this row has 9 cells, and the first one 7",
        ),
        (
            format!("{HEADER}\nlopez,clinic\n{NGUYEN}\n"),
            "customers.csv:2:13: error[E005]: this row has 2 cells, and the first one 7",
        ),
        (
            format!("{HEADER}\n{NGUYEN}\n{NGUYEN}\n"),
            "customers.csv:3:1: error[E102]: customer `nguyen` has two rows",
        ),
        (
            format!("{HEADER}\n{}\n", NGUYEN.replace("nguyen,", ",")),
            "customers.csv:2:1: error[E012]: a customer has no name",
        ),
        (
            format!("{HEADER}\n{}\n", NGUYEN.replace("clinic", "klinik")),
            "customers.csv:2:8: error[E101]: there is no template called `klinik`",
        ),
        (
            format!("{HEADER}\n{}\n", NGUYEN.replace("+15035550112", "5035550112")),
            "customers.csv:2:127: error[E015]: `5035550112` is not a phone number",
        ),
        (
            format!(
                "{HEADER}\n\"a\nb\"{}\n",
                NGUYEN.replace("nguyen,", ",").replace("+15035550101", "+1503555010")
            ),
            "customers.csv:2:2: error[E022]: `a\u{fffd}b` cannot be a name",
        ),
        (
            format!(
                "{HEADER}\n{}\n",
                NGUYEN.replace("pbx.nguyen.example;transport=tls pbx2.nguyen.example", "")
            ),
            "customers.csv:2:8: error[E120]: customer `nguyen` does not fill role `office` of template `clinic`",
        ),
        (
            format!("{HEADER}\n{}\n", NGUYEN.replace("office@", "\"office@")),
            "customers.csv:2:140: error[E005]: a quote is not closed",
        ),
        (
            format!("{HEADER}\n{}\n", NGUYEN.replace("clinic", "cli\"nic")),
            "customers.csv:2:8: error[E005]: a quote stands in the middle of a cell",
        ),
    ]);
}

/// Each file, with a problem that is among those that are said of it.
fn said(cases: &[(String, &str)]) {
    for (rows, expected) in cases {
        let found = folder(rows).lines();
        let is_it = |line: &String| line.starts_with(&format!("DIR/{expected}"));
        assert!(found.iter().any(is_it), "{expected}\n{found:#?}");
    }
}

#[test]
fn a_problem_of_a_row_is_drawn_in_it() {
    let text =
        folder(&format!("{HEADER}\n{}\n", NGUYEN.replace("+15035550100;", "+15035550100;+15035550100;")))
            .check();
    let expected = "\
error[E103]: number +15035550100 has two plans
 --> DIR/customers.csv:2:28
  |
2 | nguyen,clinic,+15035550100;+15035550100;+15035550101,America/Los_Angeles,pbx.nguyen.example;transport=tls pbx2.nguyen.example,+150355...
  |               ------------ ^^^^^^^^^^^^ here again
  |               |
  |               listed here first
  |
";
    assert!(text.starts_with(expected), "{text}");
}

#[test]
fn rows_of_rubbish_never_panic() {
    let mut seed: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut draw = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed >> 33).unwrap() % below
    };
    let pieces = [
        "\"",
        "\"\"",
        ",",
        ";",
        "\r\n",
        "\n",
        "\r",
        " ",
        "=",
        "ü",
        "\u{0}",
        "𝄞",
        "..",
        "9999999999",
        ",,,,",
        "name",
    ];
    let base = format!("{HEADER},confirm\r\n{NGUYEN},true\r\n");
    let folder = folder(&base);
    for _ in 0..400 {
        let mut text: Vec<char> = base.chars().collect();
        for _ in 0..=draw(4) {
            let from = draw(text.len());
            let to = (from + draw(12)).min(text.len());
            text.splice(from..to, pieces[draw(pieces.len())].chars());
        }
        folder.write("customers.csv", text.into_iter().collect::<String>().as_bytes());
        assert!(folder.check().len() > 10);
    }
}
