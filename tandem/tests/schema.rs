//! `tandem schema` says what the reader accepts: it has the keys that the reader asks for, and no others.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without, it may fail by")]

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use tandem::cli::schema::schema;
use tandem::config::{Source, read};
use toml::de::{DeTable, DeValue};

/// Where a table is in the schema (`*` for a name that people choose), and a plan that has one with the key `qqqqqqqq`.
const TABLES: [(&[&str], &str); 24] = [
    (&[], "qqqqqqqq = 1"),
    (&["node"], "[node]\nqqqqqqqq = 1"),
    (&["node", "log"], "node.log = { qqqqqqqq = 1 }"),
    (&["defaults"], "[defaults]\nqqqqqqqq = 1"),
    (&["defaults", "probe"], "defaults.probe = { qqqqqqqq = 1 }"),
    (&["defaults", "timers"], "defaults.timers = { qqqqqqqq = 1 }"),
    (&["carriers", "*"], "[carriers.a]\nsip = \"a.example\"\nqqqqqqqq = 1"),
    (&["carriers", "*", "trunks"], "[carriers.a]\ntrunks = [{ sip = \"a.example\", qqqqqqqq = 1 }]"),
    (&["carriers", "*", "tls"], "[carriers.a]\nsip = \"a.example\"\ntls = { qqqqqqqq = 1 }"),
    (&["carriers", "*", "dialect"], "[carriers.a]\nsip = \"a.example\"\ndialect = { qqqqqqqq = 1 }"),
    (&["sites", "*"], "[sites.a]\nsip = \"a.example\"\nqqqqqqqq = 1"),
    (&["people", "*"], "[people.a]\nsip = \"a.example\"\nqqqqqqqq = 1"),
    (&["services", "*"], "[services.a]\nsip = \"a.example\"\nqqqqqqqq = 1"),
    (&["mailboxes", "*"], "[mailboxes.a]\nqqqqqqqq = 1"),
    (&["announcements", "*"], "[announcements.a]\nfile = \"busy\"\nqqqqqqqq = 1"),
    (&["plans", "*"], "[plans.a]\nsteps = [\"b\"]\nqqqqqqqq = 1"),
    (&["plans", "*", "steps"], "[plans.a]\nsteps = [{ ring = \"b\", qqqqqqqq = 1 }]"),
    (&["templates", "*"], "[templates.a]\nqqqqqqqq = 1"),
    (&["customers", "*"], "[customers.a]\nsteps = [\"b\"]\nqqqqqqqq = 1"),
    (&["expect"], "[[expect]]\nqqqqqqqq = 1"),
    (&["customers", "*", "expect"], "[customers.a]\nsteps = [\"b\"]\nexpect = [{ qqqqqqqq = 1 }]"),
    (&["drills", "*"], "[drills.a]\nqqqqqqqq = 1"),
    (&["drills", "*", "evidence"], "[drills.a]\nevidence = { qqqqqqqq = 1 }"),
    (&["mail"], "[mail]\nqqqqqqqq = 1"),
];

#[test]
fn each_table_has_the_keys_that_the_reader_asks_for() {
    let schema = schema();
    for (path, text) in TABLES {
        let found = find(path, &schema);
        let has: BTreeSet<&str> =
            found["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        let asked = asked(text);
        let asked: BTreeSet<&str> = asked.split(", ").collect();
        assert_eq!(has, asked, "{path:?}");
    }
}

/// The keys that the reader knows where it does not know one.
fn asked(text: &str) -> String {
    let refused = read(Source::new("plan.toml", text), Timestamp::UNIX_EPOCH).unwrap_err();
    let unknown = refused.problems.iter().find(|problem| problem.code.as_str() == "E010");
    unknown.unwrap().helps[0].text.strip_prefix("it may have: ").unwrap().to_owned()
}

/// The table at a path; below a key that may be a list it is that of the entries.
fn find<'a>(path: &[&str], schema: &'a Value) -> &'a Value {
    let mut at = schema;
    for key in path {
        at = inner(if *key == "*" { &at["additionalProperties"] } else { &at["properties"][*key] }, schema);
    }
    at
}

fn inner<'a>(at: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(target) = at["$ref"].as_str() {
        return inner(schema.pointer(&target[1..]).unwrap(), schema);
    }
    if at["items"].is_object() {
        return inner(&at["items"], schema);
    }
    // The last of several forms is the one with keys.
    at["anyOf"].as_array().and_then(|of| of.last()).map_or(at, |last| inner(last, schema))
}

#[test]
fn the_examples_hold_against_it_and_slips_do_not() {
    let files = [
        include_str!("../../examples/nguyen-dental.toml"),
        include_str!("../../examples/nguyen-dental-full.toml"),
        include_str!("../../examples/two-trunks.toml"),
        include_str!("../../examples/registered.toml"),
        include_str!("../../examples/cascadia/tandem.toml"),
        include_str!("../../examples/cascadia/customers/acme-bank.toml"),
        include_str!("../../examples/northwest-it/tandem.toml"),
        include_str!("../../examples/northwest-it/customers/harbor-inn.toml"),
    ];
    let schema = schema();
    for text in files {
        assert!(holds(&parsed(text), &schema, &schema), "{text}");
    }
    for text in [
        "bussiness = \"a\"",
        "business = 1",
        "numbers = { \"+15035550100\" = 1 }",
        "[node]\ncalls_max = 0",
        "[plans]\nmain = []",
        "[plans]\nmain = [{ rings = \"a\" }]",
        "[plans.main]\nsteps = [[[\"a\"]]]",
        "[carriers.a]\ncodes = { 480 = \"later\" }",
        "[sites.a]\ntrunks = [\"a\"]",
        "[templates.a.roles]\noffice = \"sites\"",
    ] {
        assert!(!holds(&parsed(text), &schema, &schema), "{text}");
    }
}

/// Whether a value holds against the words of a schema that ours has.
fn holds(value: &Value, schema: &Value, root: &Value) -> bool {
    let of = |key: &str| schema.get(key);
    let within = |key: &str, fits: &dyn Fn(u64) -> bool| of(key).and_then(Value::as_u64).is_none_or(fits);
    let is = |kind: &str| match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64(),
        _ => false,
    };
    let target = of("$ref").and_then(Value::as_str).map(|target| root.pointer(&target[1..]).unwrap());
    let entries = value.as_object().into_iter().flatten().all(|(key, value)| {
        match (schema["properties"].get(key), of("additionalProperties")) {
            (Some(known), _) => holds(value, known, root),
            (None, Some(Value::Bool(allowed))) => *allowed,
            (None, Some(other)) => holds(value, other, root),
            (None, None) => true,
        }
    });
    let list = value.as_array().map_or(&[][..], Vec::as_slice);
    let size = value.as_array().map(|list| list.len() as u64);
    target.is_none_or(|target| holds(value, target, root))
        && of("anyOf").and_then(Value::as_array).is_none_or(|of| of.iter().any(|one| holds(value, one, root)))
        && of("enum").and_then(Value::as_array).is_none_or(|of| of.contains(value))
        && of("type").and_then(Value::as_str).is_none_or(is)
        && of("items").is_none_or(|items| list.iter().all(|value| holds(value, items, root)))
        && within("minItems", &|least| size.is_none_or(|size| size >= least))
        && within("maxItems", &|most| size.is_none_or(|size| size <= most))
        && within("minimum", &|least| value.as_u64().is_none_or(|value| value >= least))
        && within("maximum", &|most| value.as_u64().is_none_or(|value| value <= most))
        && entries
}

fn parsed(text: &str) -> Value {
    table(&DeTable::parse(text).unwrap().into_inner())
}

fn table(found: &DeTable<'_>) -> Value {
    let one = |(key, value): (&toml::Spanned<toml::de::DeString<'_>>, &toml::Spanned<DeValue<'_>>)| {
        (key.get_ref().to_string(), json_of(value.get_ref()))
    };
    Value::Object(found.iter().map(one).collect::<Map<_, _>>())
}

fn json_of(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::Table(found) => table(found),
        DeValue::Array(list) => list.iter().map(|value| json_of(value.get_ref())).collect(),
        DeValue::String(text) => json!(text),
        DeValue::Integer(number) => json!(number.as_str().parse::<i64>().unwrap()),
        DeValue::Boolean(flag) => json!(flag),
        other @ (DeValue::Float(_) | DeValue::Datetime(_)) => unreachable!("{other:?}"),
    }
}
