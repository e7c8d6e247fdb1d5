//! How long it takes to think of all outages; run by `bench/proof`: NUMBERS DOMAINS singles|pairs. Each number is a clinic's with a plan of its own: an
//! office in one of the domains, two mobiles, an answering service, a mailbox; three carriers for all.
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "says how long it took")]

use core::net::SocketAddr;
use core::time::Duration;
use jiff::Timestamp;
use router::Transport;
use router::foretell::Fault;
use router::inside;
use router::names::Names;
use router::path::Listener;
use router::plan::CourseId;
use router::proof::{Depth, Outages};
use router::roads::Roads;
use std::time::Instant;
use tandem::config::{Source, read};
use tandem::orders::{Order, Verb, effect, with_orders};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut count = |default| arguments.next().and_then(|count| count.parse().ok()).unwrap_or(default);
    let (numbers, domains): (usize, usize) = (count(1_000), count(200));
    let pairs = std::env::args().any(|argument| argument == "pairs");
    let began = Instant::now();
    let text = plan(numbers, domains);
    let loaded =
        match read(Source::new("plan.toml", text), Timestamp::from_second(1_767_693_600).unwrap_or_default())
        {
            Ok(loaded) => loaded,
            Err(refused) => return println!("{refused}"),
        };
    println!("{numbers} numbers read in {:.3} s", began.elapsed().as_secs_f64());
    let plan = &*loaded.plan;
    let address = SocketAddr::from(([0; 4], 5060));
    let udp = Listener { transport: Transport::Udp, address, advertise: (String::new(), 5060) };
    let began = Instant::now();
    let roads = Roads::new(plan, &[udp, inside::listener()], &Names::new());
    let things = plan.things();
    let outages = Outages::new(plan, &roads, &things);
    let courses: Vec<CourseId> = plan.numbers.values().copied().collect();
    println!("{} things may fail; made ready in {:.3} s", things.len(), began.elapsed().as_secs_f64());
    let depth = if pairs { Depth::Pairs } else { Depth::Singles };
    for (what, depth) in [("without outages", Depth::Nothing), ("with outages", depth)] {
        let began = Instant::now();
        let half = courses.len().div_ceil(2);
        let walk = |courses: &[CourseId]| {
            let (mut walks, mut answered, mut latest) = (0_u64, 0_u64, Duration::ZERO);
            for course in courses {
                for unix in [TUESDAY, SUNDAY] {
                    outages.of_course(*course, unix, depth, |_, _, way| {
                        walks += 1;
                        answered += u64::from(way.answered.is_some());
                        latest = latest.max(way.end);
                    });
                }
            }
            (walks, answered, latest)
        };
        let found: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                courses.chunks(half.max(1)).map(|courses| scope.spawn(move || walk(courses))).collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
        });
        let walks: u64 = found.iter().map(|(walks, ..)| walks).sum();
        let answered: u64 = found.iter().map(|(_, answered, _)| answered).sum();
        let latest = found.iter().map(|(.., latest)| *latest).max().unwrap_or_default();
        println!(
            "{what}: {walks} walks, {answered} answered, the latest after {latest:?}, in {:.3} s",
            began.elapsed().as_secs_f64()
        );
    }
    for thing in ["site s0", "service answering", "carrier a"] {
        let began = Instant::now();
        let order = Order { verb: Verb::Drain, what: thing.into(), to: None };
        let (drained, _) = with_orders(&loaded.plan, [&order]);
        let found = effect(&loaded.plan, &drained, &roads, &Fault::default(), TUESDAY..TUESDAY + 7 * 86_400);
        let (changed, same) = found.numbers;
        println!(
            "{order}: {changed} numbers change, {same} do not, {} lose their last human, in {:.3} s",
            found.losses().count(),
            began.elapsed().as_secs_f64()
        );
    }
}

/// Tuesday, 6 January 2026, 10:00 in Los Angeles; and the Sunday before.
const TUESDAY: i64 = 1_767_722_400;
const SUNDAY: i64 = TUESDAY - 2 * 86_400;

fn plan(numbers: usize, domains: usize) -> String {
    let mut text = String::from(
        "timezone = \"America/Los_Angeles\"\n[carriers]\na = \"192.0.2.1\"\nb = \"192.0.2.2\"\nc = \"192.0.2.3\"\n\
         [mailboxes]\ninbox = { email = \"a@b.example\" }\n[mail]\nsmtp = \"127.0.0.1:25\"\ntls = \"none\"\nfrom = \"a@b.example\"\n\
         [hours]\nopen = \"mon-fri 08:00-17:00\"\n[services]\nanswering = \"+18005550199\"\n[sites]\n",
    );
    for n in 0..numbers {
        let (net, host) = (n / 250, 1 + n % 250);
        text += &format!(
            "s{n} = {{ sip = \"10.{}.{}.{host}\", domains = [\"d{}\"] }}\n",
            net / 250,
            net % 250,
            n % domains.max(1)
        );
    }
    text += "[people]\n";
    for n in 0..numbers {
        text += &format!("p{n} = \"+1503{:07}\"\nq{n} = \"+1971{:07}\"\n", 2_000_000 + n, 2_000_000 + n);
    }
    text += "[numbers]\n";
    for n in 0..numbers {
        text += &format!("\"+1206{:07}\" = \"c{n}\"\n", 2_000_000 + n);
    }
    for n in 0..numbers {
        text += &format!(
            "[plans.c{n}]\nsteps = [\"s{n}\", [\"p{n}\", \"q{n}\"], \"answering\", \"inbox\"]\nclosed = [\"answering\", \"inbox\"]\n"
        );
    }
    text
}
