//! What `tandem check` says to programs: JSON, SARIF, and the annotations of GitHub.

#![expect(clippy::expect_used, reason = "the helpers of a test fail as it does")]

use jiff::Timestamp;
use serde_json::{Value, json};
use tandem::cli::check::{Options, for_programs};
use tandem::cli::forms::Form;
use tandem::config::{Source, read};

const PLAN: &str = "[services]
office = \"192.0.2.1\"
[announcements]
sorry = \"closed\"
[numbers]
\"+15035550100\" = \"main\"
[plans.main]
steps = [\"office\", \"sorry\"]
";

fn said(text: &str, form: Form) -> (String, bool) {
    let now = Timestamp::from_second(1_767_632_400).expect("a moment");
    let options = Options { plan: "plan.toml".into(), outages: None, all: false, form };
    let answer = for_programs(&read(Source::new("a plan, 1.toml", text), now), now, &options);
    (answer.text, answer.fine)
}

fn value(text: &str, form: Form) -> Value {
    serde_json::from_str(&said(text, form).0).expect("it is JSON")
}

#[test]
fn a_good_plan_is_its_table() {
    let said = value(PLAN, Form::Json);
    assert_eq!((said["fine"].clone(), said["problems"].clone()), (json!(true), json!([])));
    let line = &said["calls"][0];
    assert_eq!((line["numbers"].clone(), line["plan"].clone()), (json!(["+15035550100"]), json!("main")));
    let worst = json!([
        { "failed": 0, "down": [], "rings": "office", "after_ms": 0 },
        { "failed": 1, "down": ["service office"], "rings": "sorry", "after_ms": 2_000 },
        { "failed": 2, "down": ["service office"], "rings": "sorry", "after_ms": 2_000 },
    ]);
    assert_eq!(line["at_worst"], worst);
}

#[test]
fn a_problem_has_its_place_and_its_fix() {
    let wrong = PLAN.replace("steps = [\"office\"", "steps = [\"ofice\"");
    let said = value(&wrong, Form::Json);
    assert_eq!((said["fine"].clone(), said["calls"].clone()), (json!(false), Value::Null));
    let problem = &said["problems"][0];
    assert_eq!((problem["code"].clone(), problem["level"].clone()), (json!("E101"), json!("error")));
    let place = json!({
        "file": "a plan, 1.toml", "line": 8, "column": 10, "end_line": 8, "end_column": 17, "text": "nobody is called so",
    });
    assert_eq!(problem["places"][0], place);
    assert_eq!(problem["helps"][0]["fix"]["replacement"], "\"office\"");
    assert_eq!(problem["helps"][0]["fix"]["column"], 10);
}

#[test]
fn sarif_has_the_page_of_each_code_and_the_region() {
    let said = value(&PLAN.replace("\"sorry\"]", "\"sory\"]"), Form::Sarif);
    let run = &said["runs"][0];
    assert_eq!(said["version"], "2.1.0");
    assert_eq!(run["tool"]["driver"]["rules"][0]["id"], "E101");
    let region = json!({ "startLine": 8, "startColumn": 20, "endLine": 8, "endColumn": 26 });
    assert_eq!(run["results"][0]["locations"][0]["physicalLocation"]["region"], region);
    assert_eq!(run["results"][0]["level"], "error");
}

#[test]
fn an_annotation_is_a_line_whatever_stands_in_it() {
    let (text, fine) = said(&PLAN.replace("\"sorry\"]", "\"100%\"]"), Form::Github);
    assert!(!fine);
    assert_eq!(
        text,
        "::error file=a plan%2C 1.toml,line=8,endLine=8,col=20,endColumn=26,title=E101::plan `main` rings `100%25`, which is not \
         defined%0Ahelp: in a step `ring` says who, and `for` says how long\n"
    );
    assert_eq!(said(PLAN, Form::Github), (String::new(), true));
}
