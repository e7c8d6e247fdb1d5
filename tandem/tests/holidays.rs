//! `holidays`: on which days a business is closed, and what of a calendar is told.

#![expect(clippy::expect_used, reason = "the helpers of a test fail as it does")]

use jiff::Timestamp;
use router::plan::CourseId;
use router::position::List;
use std::path::PathBuf;
use tandem::config::{Loaded, Refused, Source, load, read};

const NOW: i64 = 1_767_632_400;

fn plan(holidays: &str, customer: &str) -> String {
    format!(
        "timezone = \"America/New_York\"
{holidays}
[mailboxes]
inbox = \"a@b.example\"
[mail]
smtp = \"127.0.0.1:25\"
tls = \"none\"
from = \"a@b.example\"
[announcements]
sorry = \"closed\"
[hours]
open = \"mon-fri 08:00-17:00\"
[numbers]
\"+15035550100\" = \"main\"
[plans.main]
steps = [\"inbox\"]
closed = [\"sorry\"]
[customers.acme]
{customer}
numbers = [\"+15035550101\"]
steps = [\"sorry\"]
closed = [\"sorry\"]
"
    )
}

fn loaded(text: &str) -> Result<Loaded, Refused> {
    read(Source::new("plan.toml", text), Timestamp::from_second(NOW).expect("a moment"))
}

/// Is it open at noon of these days?
fn open(loaded: &Loaded, course: u32, days: &[&str]) -> Vec<bool> {
    let at = |day: &&str| {
        let noon: Timestamp = format!("{day}T12:00:00-05:00").parse().expect("a moment");
        loaded.plan.entrance(CourseId(course), noon.as_second()).list == List::Steps
    };
    days.iter().map(at).collect()
}

fn problems(text: &str) -> Vec<String> {
    let lines: Vec<String> = match loaded(text) {
        Ok(loaded) => loaded.warnings.iter().map(|problem| problem.line(&loaded.source)).collect(),
        Err(refused) => refused.lines().collect(),
    };
    let told = lines.into_iter().filter(|line| line.contains("[E029]") || line.contains("[L015]"));
    told.map(|line| line.split_once(": ").map_or(line.clone(), |(_, rest)| rest.to_owned())).collect()
}

/// Thanksgiving, the day after it, Christmas Eve, Christmas, the next Monday; of 2026.
const DAYS: [&str; 5] = ["2026-11-26", "2026-11-27", "2026-12-24", "2026-12-25", "2026-12-28"];

#[test]
fn a_holiday_is_closed_whatever_the_hours_say() {
    for (holidays, is_open) in [
        ("", [true, true, true, true, true]),
        ("holidays = \"us-federal\"", [false, true, true, false, true]),
        ("holidays = [\"us-federal\", \"2026-11-27\"]", [false, false, true, false, true]),
        ("holidays = [\"12-24\", 2026-12-28]", [true, true, false, true, false]),
    ] {
        let loaded = loaded(&plan(holidays, "")).map_err(|refused| refused.to_string()).expect("a good plan");
        assert_eq!(open(&loaded, 0, &DAYS), is_open, "{holidays}");
        assert_eq!(open(&loaded, 1, &DAYS), is_open, "a customer keeps those of the operator: {holidays}");
    }
}

#[test]
fn holidays_of_a_customer_take_the_place_of_the_operators() {
    let text = plan("holidays = \"us-federal\"", "holidays = \"12-24\"");
    let loaded = loaded(&text).map_err(|refused| refused.to_string()).expect("a good plan");
    assert_eq!(open(&loaded, 0, &DAYS), [false, true, true, false, true]);
    assert_eq!(open(&loaded, 1, &DAYS), [true, true, false, true, true]);
}

#[test]
fn a_calendar_lies_beside_the_plan() {
    let folder: PathBuf = std::env::temp_dir().join(format!("tandem-holidays-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the folder for temporary files can be written");
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("it can be written");
    write("tandem.toml", &plan("holidays = [\"closed.ics\"]", ""));
    write(
        "closed.ics",
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261224\r\nDTEND;VALUE=DATE:20261226\r\nEND:VEVENT\r\n\
         BEGIN:VEVENT\r\nDTSTART:20261228T090000\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
    );
    let read = load(&folder, Timestamp::from_second(NOW).expect("a moment"));
    std::fs::remove_dir_all(&folder).expect("it is there");
    let loaded = read.map_err(|refused| refused.to_string()).expect("a good plan");
    assert_eq!(open(&loaded, 0, &DAYS), [true, true, false, false, true]);
    let told: Vec<&str> = loaded.warnings.iter().map(|problem| problem.title.as_str()).collect();
    assert_eq!(
        told,
        ["line 6 of the calendar `closed.ics` begins an event of some hours, which is left out"]
    );
}

#[test]
fn what_is_no_holiday_is_named() {
    assert_eq!(
        problems(&plan("holidays = [\"us-fedral\", \"tomorrow\", \"2026-13-01\", \"none.ics\"]", "")),
        [
            "error[E029]: `us-fedral` is no set of holidays, no calendar and no date; help: did you mean `us-federal`? \"us-federal\"",
            "error[E029]: `tomorrow` is no set of holidays, no calendar and no date; help: write one of `us-federal`, `ca-federal`, \
             `uk-england`, `de`, `fr`, a file such as `closed.ics`, or dates: `2026-12-24`, `12-24` for each year",
            "error[E029]: `2026-13-01` is no set of holidays, no calendar and no date; help: write one of `us-federal`, `ca-federal`, \
             `uk-england`, `de`, `fr`, a file such as `closed.ics`, or dates: `2026-12-24`, `12-24` for each year",
            "error[E029]: the calendar `none.ics` cannot be read: No such file or directory (os error 2); help: it was looked for at none.ics",
        ]
    );
}
