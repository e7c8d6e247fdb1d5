//! `tandem init`: conversations as they are typed, and files that pass `tandem check`.

#![expect(clippy::expect_used, reason = "the helpers of a test fail as it does")]

use jiff::Timestamp;
use std::cell::RefCell;
use std::fs;
use std::io::{self, BufRead, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;
use tandem::cli::check::answer;
use tandem::cli::diff::differences;
use tandem::cli::init::{Here, Options, Stop, init};
use tandem::config::{Loaded, NodeSettings, Source, load, read};
use tandem::diagnostic::Colour;

#[test]
fn a_conversation_writes_the_plan_of_a_small_business() {
    let folder = Folder::new("init-conversation");
    let file = folder.0.join("tandem.toml");
    let (screen, done) = talk(
        &nothing(&file),
        "Nguyen Dental\n\
         pbx.nguyen.example\n\
         sip.telnyx.example, nguyen.bandwidth.example\n\
         +15035550100\n\
         mon-fri 08:00-17:00\n\
         \n\
         ana=+15035550111, ben=+15035550112\n\
         +18005550199\n\
         office@nguyen.example\n\
         smtp.nguyen.example:587\n\
         Nguyen Dental <voicemail@nguyen.example>\n",
    );
    done.expect("all was answered");
    assert_eq!(
        screen.replace(&*folder.0.to_string_lossy(), "DIR"),
        "\
? What is the business called? (Nguyen Dental) › Nguyen Dental
? What answers your calls today? (the address of your PBX: pbx.nguyen.example, 192.0.2.10:5060) (Enter: only mobiles) › pbx.nguyen.example
? Which carriers bring them? (telnyx=sip.telnyx.example, bandwidth=nguyen.bandwidth.example) › sip.telnyx.example, nguyen.bandwidth.example
? Which numbers are called? (+15035550100, +15035550110..0119) › +15035550100
? When is somebody there? (mon-fri 08:00-17:00; sat 09:00-12:00) (Enter: always) › mon-fri 08:00-17:00
? By which clock? (America/Los_Angeles) [America/Los_Angeles] › ⏎
? If nobody answers there, whose mobiles ring? (ana=+15035550111, ben=+15035550112) (Enter: nobody's) › ana=+15035550111, ben=+15035550112
? Which answering service comes after them? (+18005550199) (Enter: none) › +18005550199
? And at the very end, who gets voicemail by mail? (office@nguyen.example) (Enter: callers hear that all lines are busy) › office@nguyen.example
? By which server does mail leave? (smtp.nguyen.example:587) › smtp.nguyen.example:587
? In whose name? [voicemail@nguyen.example] › Nguyen Dental <voicemail@nguyen.example>
Wrote DIR/tandem.toml (44 lines, commented). Nothing is running yet.

tandem check: DIR/tandem.toml is fine: 1 number, 1 plan, 5 destinations, 2 carriers.

  see it     tandem explain +15035550100 --plan DIR/tandem.toml
  break it   tandem check DIR/tandem.toml
  start it   tandem run DIR/tandem.toml
"
        .replace('⏎', "")
    );
    assert_eq!(fs::read_to_string(&file).expect("it was written"), SMALL_BUSINESS);
}

const SMALL_BUSINESS: &str = "\
# Who gets a call. `tandem check` says what is wrong in here, and who would be reached in every outage.
business = \"Nguyen Dental\"
timezone = \"America/Los_Angeles\"

# They bring calls, and take those to phone numbers out: the first one that is not in trouble. If one tells from which networks it
# calls, write them down: acme = { sip = \"sip.acme.example\", networks = [\"192.0.2.0/24\"] }
[carriers]
telnyx    = \"sip.telnyx.example\"
bandwidth = \"nguyen.bandwidth.example\"

# What answers today, by SIP. It is probed every 5 s, and passed by at once while it is down.
[sites]
office = \"pbx.nguyen.example\"

# Who answers a mobile presses 1 to take the call, so that the mobile's own voicemail never eats it.
[people]
ana = \"+15035550111\"
ben = \"+15035550112\"

# Whose job it is to answer: a plain phone number is enough, or a SIP address.
[services]
answering = \"+18005550199\"

# Always answers, on this machine; what callers say goes by mail to this address, and is kept for 30 days.
[mailboxes]
inbox = \"office@nguyen.example\"

# When somebody is there, by the clock of `timezone`. Several spans are a list: [\"mon-fri 08:00-17:00\", \"sat 09:00-12:00\"].
[hours]
open = \"mon-fri 08:00-17:00\"

# The numbers that are called, each with its plan; \"+15035550100..0149\" is a block.
[numbers]
\"+15035550100\" = \"main\"

# One after the other, until somebody answers; [\"ana\", \"ben\"] ring together. `closed` holds outside of [hours].
[plans.main]
steps  = [\"office\", [\"ana\", \"ben\"], \"answering\", \"inbox\"]
closed = [\"answering\", \"inbox\"]

# How mail leaves. If the server asks who you are: user = \"voicemail\", password = \"env:SMTP\" (read from the environment).
[mail]
smtp = \"smtp.nguyen.example:587\"
from = \"Nguyen Dental <voicemail@nguyen.example>\"
";

#[test]
fn the_same_by_flags_routes_calls_as_the_example_does() {
    let folder = Folder::new("init-flags");
    let file = folder.0.join("tandem.toml");
    let (screen, done) = told(&small_business(&file));
    done.expect("nothing is missing");
    assert!(screen.starts_with("Wrote "), "{screen}");
    let old = plan(include_str!("../../examples/nguyen-dental.toml"));
    let new = load(&file, now()).expect("it is fine");
    assert_eq!(differences(&old, &new, None, now().as_second()), "");
    assert_eq!((new.plan.business.as_ref(), new.warnings.len()), ("Nguyen Dental", 0));
    let mail = |loaded: &Loaded| {
        let mail = loaded.mailboxes.mail.clone().expect("there is a mailbox");
        (mail.host, mail.port, mail.from, loaded.mailboxes.by_name["inbox"].emails.clone())
    };
    assert_eq!(mail(&new), mail(&old));
}

#[test]
fn with_the_least_that_is_needed_all_ends_in_an_announcement() {
    let folder = Folder::new("init-least");
    let options = Options {
        site: said(&["192.0.2.10:5060", "branch=10.0.0.5;transport=tcp", "branch=10.0.0.6"]),
        carrier: said(&["198.51.100.1", "sip.telnyx.example"]),
        number: said(&["+15035550100..0119", "reception"]),
        output: folder.0.clone(),
        ..nothing(&folder.0)
    };
    let (_, done) = told(&options);
    done.expect("nothing is missing");
    let text = fs::read_to_string(folder.0.join("tandem.toml")).expect("it was written");
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert_eq!(
        lines,
        [
            "timezone = \"America/Los_Angeles\"",
            "[carriers]",
            "carrier = \"198.51.100.1\"",
            "telnyx  = \"sip.telnyx.example\"",
            "[sites]",
            "office = \"192.0.2.10:5060\"",
            "branch = [\"10.0.0.5;transport=tcp\", \"10.0.0.6\"]",
            "[announcements]",
            "sorry = \"busy\"",
            "[numbers]",
            "\"+15035550100..0119\" = \"main\"",
            "reception            = \"main\"",
            "[plans.main]",
            "steps = [\"office\", \"branch\", \"sorry\"]",
        ]
    );
}

#[test]
fn a_business_without_a_pbx_has_people_alone() {
    let folder = Folder::new("init-people");
    let file = folder.0.join("tandem.toml");
    let options = Options {
        carrier: said(&["sip.first.example", "sbc.second.example"]),
        number: said(&["+15035550100"]),
        person: said(&["ana=+15035550111", "ben=+15035550112"]),
        service: said(&["+18005550199"]),
        ..nothing(&file)
    };
    let (screen, done) = told(&options);
    done.expect("people are enough");
    assert!(screen.contains("is fine: 1 number, 1 plan, 4 destinations, 2 carriers.\n"), "{screen}");
    let text = fs::read_to_string(&file).expect("it was written");
    assert!(
        text.contains("\nsteps = [[\"ana\", \"ben\"], \"answering\", \"sorry\"]\n")
            && !text.contains("[sites]")
    );
    // Somebody has to be there.
    let typed = "Casa Verde\n\nsip.first.example\n+15035550100\n\n\n\nana=+15035550111\n\n\n";
    let other = folder.0.join("other.toml");
    let (screen, done) = talk(&nothing(&other), typed);
    done.expect("she is");
    assert_eq!(screen.matches("  ✗ there is no plan without it\n").count(), 1, "{screen}");
    assert!(fs::read_to_string(&other).expect("it was written").contains("\nsteps = [\"ana\", \"sorry\"]\n"));
}

#[test]
fn who_has_no_name_gets_one_that_nobody_else_has() {
    let folder = Folder::new("init-names");
    let file = folder.0.join("tandem.toml");
    let options = Options {
        site: said(&["192.0.2.10", "main=192.0.2.11"]),
        carrier: said(&["sip.telnyx.example", "sbc.telnyx.example"]),
        number: said(&["+15035550100"]),
        person: said(&["+15035550111", "office=+15035550112", "inbox = +15035550113"]),
        mailbox: said(&["a@nguyen.example", "b@nguyen.example"]),
        smtp: Some("smtp.nguyen.example".into()),
        ..nothing(&file)
    };
    told(&options).1.expect("nothing is missing");
    let text = fs::read_to_string(&file).expect("it was written");
    for line in [
        "telnyx   = \"sip.telnyx.example\"",
        "telnyx-2 = \"sbc.telnyx.example\"",
        "office-2 = \"192.0.2.10\"",
        "mobile = \"+15035550111\"",
        "inbox-2 = { email = [\"a@nguyen.example\", \"b@nguyen.example\"] }",
        "\"+15035550100\" = \"main-2\"",
        "[plans.main-2]",
        "steps = [\"office-2\", \"main\", [\"mobile\", \"office\", \"inbox\"], \"inbox-2\"]",
        "from = \"voicemail@nguyen.example\"",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
}

#[test]
fn the_business_may_be_called_anything() {
    let folder = Folder::new("init-called");
    for (n, name) in [
        "Joe's \"Best\" \\ Dental",
        "two\nlines",
        "ring\u{7}\t\u{0}\u{7f}\u{85}",
        "\"\n[node]\n",
        "\"\"\"",
        "",
    ]
    .into_iter()
    .enumerate()
    {
        let file = folder.0.join(format!("{n}.toml"));
        let done = told(&Options { business: Some(name.into()), ..small_business(&file) }).1;
        done.unwrap_or_else(|stop| unreachable!("{name:?}: {stop}"));
        assert_eq!(&*load(&file, now()).expect("it is fine").plan.business, name);
    }
}

#[test]
fn an_answer_that_cannot_be_is_asked_for_again_three_times_at_most() {
    let folder = Folder::new("init-wrong");
    let file = folder.0.join("tandem.toml");
    let options = Options {
        business: Some("Nguyen Dental".into()),
        carrier: said(&["sip.telnyx.example"]),
        ..nothing(&file)
    };
    let (screen, done) = talk(&options, "pbx nguyen\npbx.nguyen.example\n503-555-0100\n112\n+1503\n");
    assert!(matches!(done, Err(Stop::Refused("--number NUMBER"))), "{done:?}");
    let site = "? What answers your calls today? (the address of your PBX: pbx.nguyen.example, 192.0.2.10:5060) (Enter: only mobiles) › ";
    let number = "? Which numbers are called? (+15035550100, +15035550110..0119) › ";
    assert_eq!(
        screen.lines().collect::<Vec<_>>(),
        [
            &format!("{site}pbx nguyen"),
            "  ✗ `pbx nguyen` is no SIP address; an address is `host`, `host:port`, `[IPv6]:port` or `sip:user@host`, each with \
             `;transport=tcp` or `;transport=tls` if wanted",
            &format!("{site}pbx.nguyen.example"),
            &format!("{number}503-555-0100"),
            "  ✗ `503-555-0100` is not a phone number with its country code; write a plus, the country code and the number, \
             without spaces: `+15035550111`, `+442079460123`",
            &format!("{number}112"),
            "  ✗ 112 is an emergency number: no plan may have it; take it out; if it is none where you are, write those that are \
             at the top of the file: `emergency = [\"112\"]`",
            &format!("{number}+1503"),
            "  ✗ `+1503` is not a phone number with its country code; write a plus, the country code and the number, without \
             spaces: `+15035550111`, `+442079460123`",
        ]
    );
    assert!(folder.is_empty());
}

#[test]
fn what_is_wrong_with_an_answer_is_said_with_the_fix() {
    let folder = Folder::new("init-fix");
    let options = Options { timezone: None, ..small_business(&folder.0.join("tandem.toml")) };
    let (screen, done) = talk(&options, "America/Los_Angelos\nAmerica/Los_Angeles\n");
    done.expect("it was mended");
    let problem = "  ✗ there is no time zone `America/Los_Angelos`; did you mean `America/Los_Angeles`?\n";
    assert!(screen.contains(problem), "{screen}");
    let options =
        Options { person: said(&["ana=1 503 555 0111"]), ..small_business(&folder.0.join("new.toml")) };
    let Err(Stop::Wrong(flag, why)) = told(&options).1 else { unreachable!("a plus is missing") };
    let fix = "`1 503 555 0111` is not a phone number with its country code; write \"+15035550111\"";
    assert_eq!((flag, why.as_str()), ("--person NAME=NUMBER", fix));
}

#[test]
fn answers_that_end_in_the_middle_leave_nothing() {
    let folder = Folder::new("init-end");
    let file = folder.0.join("tandem.toml");
    for typed in [
        "",
        "Nguyen Dental\n",
        "Nguyen Dental\npbx.nguyen.exam",
        "N\npbx.example\nsip.example\n+15035550100\n\n\n\n\n",
    ] {
        let (_, done) = talk(&nothing(&file), typed);
        assert!(matches!(done, Err(Stop::Ended)), "{typed:?}: {done:?}");
        assert!(folder.is_empty(), "{typed:?}");
    }
    // Half of the last answer might be a good one.
    let (_, done) = talk(&Options { timezone: None, ..small_business(&file) }, "America/Los_Angeles");
    assert!(matches!(done, Err(Stop::Ended)) && folder.is_empty(), "{done:?}");
}

#[test]
fn a_line_that_never_ends_is_no_answer() {
    let folder = Folder::new("init-long");
    let long = "x".repeat(1_000_000);
    let (screen, done) = talk(&nothing(&folder.0.join("tandem.toml")), &format!("{long}\nNguyen Dental\n"));
    assert!(matches!(done, Err(Stop::Ended)), "{done:?}");
    assert!(screen.contains("  ✗ an answer has at most 4096 bytes\n"));
    assert!(screen.contains("(Nguyen Dental) › Nguyen Dental\n? What answers"));
}

#[test]
fn without_a_terminal_the_flags_that_are_missing_are_named() {
    let folder = Folder::new("init-missing");
    let file = folder.0.join("tandem.toml");
    let (screen, done) = told(&Options { mailbox: said(&["office@nguyen.example"]), ..nothing(&file) });
    let said = done.expect_err("most is missing").to_string();
    assert_eq!(
        said,
        "nobody is here to be asked, and these are missing: \
         --site NAME=ADDRESS, --carrier NAME=ADDRESS, --number NUMBER, --smtp HOST:PORT"
    );
    assert!(screen.is_empty() && folder.is_empty());
    // A machine without a zone cannot say by which clock somebody is there.
    let options = Options { timezone: None, ..small_business(&file) };
    let (_, done) = init_with(&options, None, None);
    assert!(matches!(done, Err(Stop::Missing(flags)) if flags == ["--timezone ZONE"]));
    let options = Options { mailbox: Vec::new(), mail_from: None, ..small_business(&file) };
    assert!(matches!(told(&options).1, Err(Stop::Idle("--smtp HOST:PORT"))));
}

#[test]
fn a_file_that_is_there_is_overwritten_by_force_alone() {
    let folder = Folder::new("init-there");
    let file = folder.0.join("tandem.toml");
    fs::write(&file, "mine").expect("a file");
    let (screen, done) = talk(&nothing(&file), "Nguyen Dental\n");
    let said = done.expect_err("it is there").to_string();
    assert_eq!(said, format!("{} is there already; --force overwrites it", file.display()));
    // It is said before anything is asked.
    assert_eq!((screen.as_str(), fs::read_to_string(&file).expect("it is there").as_str()), ("", "mine"));
    told(&Options { force: true, ..small_business(&file) }).1.expect("it is overwritten");
    assert!(load(&file, now()).is_ok());
    assert_eq!(folder.files(), ["tandem.toml"]);
    std::os::unix::fs::symlink(folder.0.join("nowhere"), folder.0.join("link")).expect("a link");
    assert!(matches!(told(&small_business(&folder.0.join("link"))).1, Err(Stop::Exists(_))));
    let lost = folder.0.join("no/such/tandem.toml");
    assert!(matches!(told(&small_business(&lost)).1, Err(Stop::Unwritable(..))));
}

#[test]
fn whatever_is_answered_nothing_is_written_or_a_file_that_passes() {
    let folder = Folder::new("init-odd");
    let mut ends = [0, 0];
    for seed in 1..=300 {
        let file = folder.0.join(format!("{seed}.toml"));
        let mut chance = Chance(seed * 0x9e37_79b9);
        let options = odd(&mut chance, &file);
        let (_, done) = if chance.below(2) == 0 {
            told(&options)
        } else {
            let odd: Vec<String> = (0..40).map(|_| chance.pick(&ODD).replace('\n', " ")).collect();
            talk(&options, &(odd.join("\n") + "\n"))
        };
        let wrote = done.is_ok();
        assert_eq!(file.exists(), wrote, "seed {seed}: {options:?}");
        ends[usize::from(wrote)] += 1;
        if wrote {
            let found = answer(&file, now(), Colour::Off);
            let text = fs::read_to_string(&file).expect("it was written");
            assert!(found.fine, "seed {seed}: {options:?}\n{text}\n{}", found.text);
            // What was answered is said in its place, and nowhere else.
            let loaded = load(&file, now()).expect("it passes");
            assert_eq!(loaded.node, NodeSettings::default(), "seed {seed}");
            let business = options.business.unwrap_or_default();
            assert!(business.is_empty() || *loaded.plan.business == business, "seed {seed}");
        }
    }
    assert!(ends.iter().all(|ends| *ends >= 50), "{ends:?}");
}

#[test]
fn the_program_itself_says_what_is_missing_and_ends_with_2() {
    let folder = Folder::new("init-program");
    let run = |flags: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tandem"));
        command.arg("init").args(flags).current_dir(&folder.0).stdin(Stdio::null());
        let output = command.output().expect("the program is there");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let flags = ["--site", "office=pbx.nguyen.example", "--carrier", "telnyx=sip.telnyx.example"];
    let (status, out, err) = run(&flags);
    assert_eq!((status, out.as_str()), (Some(2), ""));
    assert_eq!(err, "tandem init: nobody is here to be asked, and these are missing: --number NUMBER\n");
    let (status, out, err) = run(&[&flags[..], &["--number", "+15035550100"]].concat());
    assert_eq!((status, err.as_str()), (Some(0), ""), "{out}");
    assert!(out.contains("warning[L001]") && out.ends_with("  start it   tandem run tandem.toml\n"), "{out}");
    assert!(out.contains("  see it     tandem explain +15035550100\n"), "{out}");
    assert_eq!(run(&[&flags[..], &["--number", "+15035550100"]].concat()).0, Some(2));
}

/// What is typed, and seen on the screen as it is read.
struct Typed {
    rest: Vec<u8>,
    screen: Screen,
}

#[derive(Clone, Default)]
struct Screen(Rc<RefCell<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Typed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.rest.as_slice().read(into)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Typed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(&self.rest)
    }

    fn consume(&mut self, read: usize) {
        let read: Vec<u8> = self.rest.drain(..read).collect();
        self.screen.write_all(&read).expect("a screen takes all");
    }
}

/// With somebody who types, and all that is seen then.
fn talk(options: &Options, typed: &str) -> (String, Result<(), Stop>) {
    init_with(options, Some(typed), Some("America/Los_Angeles"))
}

/// With nobody there.
fn told(options: &Options) -> (String, Result<(), Stop>) {
    init_with(options, None, Some("America/Los_Angeles"))
}

fn init_with(options: &Options, typed: Option<&str>, zone: Option<&str>) -> (String, Result<(), Stop>) {
    let mut screen = Screen::default();
    let here = Here { zone: zone.map(str::to_owned), now: now(), colour: Colour::Off };
    let mut typed = typed.map(|typed| Typed { rest: typed.into(), screen: screen.clone() });
    let input: Option<&mut dyn BufRead> = typed.as_mut().map(|typed| typed as &mut dyn BufRead);
    let done = init(options, &here, input, &mut screen);
    let seen = String::from_utf8_lossy(&screen.0.borrow()).into_owned();
    (seen, done)
}

/// A directory of its own for each test, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("tandem-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a new directory");
        Self(folder)
    }

    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("it is there").flatten();
        let mut names: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    fn is_empty(&self) -> bool {
        self.files().is_empty()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_767_632_400).expect("a moment")
}

fn plan(text: &str) -> Loaded {
    read(Source::new("plan.toml", text), now()).expect("it is fine")
}

fn said(all: &[&str]) -> Vec<String> {
    all.iter().map(|one| (*one).to_owned()).collect()
}

fn nothing(output: &Path) -> Options {
    Options {
        business: None,
        site: Vec::new(),
        carrier: Vec::new(),
        number: Vec::new(),
        hours: Vec::new(),
        timezone: None,
        person: Vec::new(),
        service: Vec::new(),
        mailbox: Vec::new(),
        smtp: None,
        mail_from: None,
        output: output.to_owned(),
        force: false,
    }
}

fn small_business(output: &Path) -> Options {
    Options {
        business: Some("Nguyen Dental".into()),
        site: said(&["office=pbx.nguyen.example"]),
        carrier: said(&["telnyx=sip.telnyx.example", "bandwidth=nguyen.bandwidth.example"]),
        number: said(&["+15035550100"]),
        hours: said(&["mon-fri 08:00-17:00"]),
        timezone: Some("America/Los_Angeles".into()),
        person: said(&["ana=+15035550111", "ben=+15035550112"]),
        service: said(&["answering=+18005550199"]),
        mailbox: said(&["office@nguyen.example"]),
        smtp: Some("smtp.nguyen.example:587".into()),
        mail_from: Some("Nguyen Dental <voicemail@nguyen.example>".into()),
        ..nothing(output)
    }
}

struct Chance(u64);

impl Chance {
    fn below(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % below.max(1)
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from.get(self.below(from.len())).copied().unwrap_or_default()
    }
}

/// A plan that is good but for one odd answer or two, perhaps.
fn odd(chance: &mut Chance, output: &Path) -> Options {
    let mut options = small_business(output);
    for _ in 0..chance.below(3) {
        let odd = chance.pick(&ODD).to_owned();
        match chance.below(12) {
            0 => options.site.push(odd),
            1 => options.carrier = vec![odd],
            2 => options.number.push(odd),
            3 => options.hours = vec![odd],
            4 => options.timezone = Some(odd),
            5 => options.person.push(odd),
            6 => options.service = vec![odd],
            7 => options.mailbox.push(odd),
            8 => options.smtp = Some(odd),
            9 => options.mail_from = Some(odd),
            10 => options.site.clear(),
            _ => options.business = Some(odd),
        }
    }
    options
}

const ODD: [&str; 34] = [
    "",
    " ",
    "\"",
    "\\",
    "'''",
    "\"\"\"",
    "Joe's \"Best\" \\ Dental",
    "x\"\n[node]\nlisten = [\"udp:192.0.2.1:1\"]\n",
    "x\"] # \n[node]",
    "a=b",
    "a.b=192.0.2.7",
    "=192.0.2.7",
    "main=192.0.2.7",
    "sorry=+15035550117",
    "büro=192.0.2.8",
    "office=192.0.2.9",
    "\"a\"=192.0.2.7",
    "two\nlines=192.0.2.7",
    "ring\u{7}\u{0}\u{7f}\u{85}",
    "# tandem: allow(L001) until 2099-01-01, why not",
    "# tandem: allow(E101)",
    "sip:a=b@c.example;transport=tcp",
    "[2001:db8::1]:5060",
    "2001:db8::1",
    "+15035550123",
    "+15035550100..0199",
    "+19005550100",
    "*",
    "911",
    "mon-sun",
    "sat 09:00-12:00",
    "UTC",
    "env:SECRET",
    "office+\"x\"@nguyen.example",
];
