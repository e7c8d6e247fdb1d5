//! What a plan promises, as a table: for each number, open and closed, who of those whose job is to answer rings, and after how long at worst,
//! while nothing, one thing, or two things have failed.

use crate::config::words;
use crate::foretold::{by_course, named};
use crate::imagined;
use core::num::NonZero;
use core::time::Duration;
use router::Plan;
use router::moments::Moment;
use router::outage::Thing;
use router::plan::CourseId;
use router::proof::{Case, Depth, Outages, Worst};
use router::target::TargetId;
use serde_json::{Value, json};
use std::sync::Arc;
use std::thread;

/// A plan with all outages thought of.
#[derive(Debug)]
pub(crate) struct Proven<'a> {
    plan: &'a Plan,
    things: Vec<Thing>,
    rows: Vec<Row<'a>>,
    depth: Depth,
}

/// One plan of the file at one moment.
#[derive(Debug)]
struct Row<'a> {
    numbers: Vec<&'a str>,
    course: CourseId,
    moment: Moment,
    /// The override that is in force.
    word: Option<Arc<str>>,
    worst: Worst,
    /// Is it as without that override?
    is_same: bool,
}

/// Walks all calls to all numbers. `depth` is how many things fail together; if nobody says, as many as take a few seconds.
#[must_use]
pub(crate) fn prove<'a>(plan: &'a Arc<Plan>, unix: i64, depth: Option<Depth>) -> Proven<'a> {
    let things = plan.things();
    let roads = imagined::roads(plan);
    let plans = under_each(plan);
    let outages: Vec<_> =
        plans.iter().map(|(word, plan)| (word, Outages::new(plan, &roads, &things))).collect();
    let of = |course: CourseId| {
        let asked = plan.words_of(course);
        outages.iter().filter(move |(word, _)| word.as_ref().is_none_or(|word| asked.contains(word)))
    };
    let asked: Vec<(CourseId, Vec<&'a str>)> = by_course(plan);
    let depth = depth.unwrap_or_else(|| {
        let walks = |course, depth| of(course).map(|(_, outages)| outages.walks(course, depth)).sum::<u64>();
        Depth::affordable(|depth| asked.iter().map(|(course, _)| walks(*course, depth)).sum())
    });
    let rows_of = |(course, numbers): &(CourseId, Vec<&'a str>)| -> Vec<Row<'a>> {
        let mut rows: Vec<Row<'a>> = Vec::new();
        for moment in plan.moments(*course, unix) {
            let first = rows.len();
            for (word, outages) in of(*course) {
                let worst = outages.worst(*course, moment.unix, depth);
                let is_same = rows.get(first).is_some_and(|plain| plain.worst.cases == worst.cases);
                let (numbers, moment, word) = (numbers.clone(), moment.clone(), (*word).clone());
                rows.push(Row { numbers, course: *course, moment, word, worst, is_same });
            }
        }
        rows
    };
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    let share = asked.len().div_ceil(workers).max(1);
    let rows = thread::scope(|scope| {
        let rows_of = &rows_of;
        let walk = move |part: &[(CourseId, Vec<&'a str>)]| part.iter().flat_map(rows_of).collect::<Vec<_>>();
        let parts: Vec<_> = asked.chunks(share).map(|part| scope.spawn(move || walk(part))).collect();
        parts.into_iter().flat_map(|part| part.join().unwrap_or_default()).collect()
    });
    Proven { plan, things, rows, depth }
}

/// The plan as it is, and with each override in force that it asks for: a condition that holds a few days a year is thought of before.
pub(crate) fn under_each(plan: &Arc<Plan>) -> Vec<(Option<Arc<str>>, Arc<Plan>)> {
    let with = plan.words().into_iter().map(|word| (Some(Arc::clone(word)), plan.under(word)));
    core::iter::once((None, Arc::clone(plan))).chain(with).collect()
}

impl Proven<'_> {
    /// The table, and how many calls it stands on.
    #[must_use]
    pub(crate) fn table(&self, rows_max: usize) -> String {
        let mut order: Vec<&Row<'_>> = self.shown().collect();
        let left = order.len().saturating_sub(rows_max);
        if left > 0 {
            order.sort_by_key(|row| core::cmp::Reverse(row.latest()));
            order.truncate(rows_max);
        }
        let mut lines = vec![self.head()];
        let mut before = None;
        for row in order {
            let again = before == Some(row.course);
            before = Some(row.course);
            lines.push(self.line(row, again));
        }
        let widths: Vec<usize> = (0..HEAD.len())
            .map(|column| {
                lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max()
            })
            .map(Option::unwrap_or_default)
            .collect();
        let mut text = String::new();
        for line in lines {
            let cells = line.iter().zip(&widths).map(|(cell, width)| format!("  {cell:width$}"));
            text += cells.collect::<String>().trim_end();
            text += "\n";
        }
        if left > 0 {
            text += &format!("  … and {left} more lines, none of them worse\n");
        }
        text + &self.sum()
    }

    /// Its lines for programs.
    #[must_use]
    pub(crate) fn values(&self) -> Vec<Value> {
        let case = |(failed, case): (usize, &Case)| {
            let name = |place: &usize| self.things.get(*place).map(ToString::to_string);
            let live = case.live.and_then(|(id, after)| Some((self.plan.target(id)?, after)));
            json!({
                "failed": failed,
                "down": case.things.iter().filter_map(name).collect::<Vec<_>>(),
                "rings": live.map(|(target, _)| &*target.name),
                "after_ms": live.and_then(|(_, after)| u64::try_from(after.as_millis()).ok()),
            })
        };
        let line = |row: &Row<'_>| {
            json!({
                "numbers": row.numbers,
                "plan": self.plan.course(row.course).map(|course| &*course.name),
                "when": self.when(row),
                "override": row.word.as_deref(),
                "unix": row.moment.unix,
                "walked": row.worst.walks,
                "at_worst": row.worst.cases.iter().enumerate().map(case).collect::<Vec<_>>(),
            })
        };
        self.rows.iter().map(line).collect()
    }

    /// All but what is as without an override.
    fn shown(&self) -> impl Iterator<Item = &Row<'_>> {
        self.rows.iter().filter(|row| row.word.is_none() || !row.is_same)
    }

    fn head(&self) -> Vec<String> {
        let columns = 3 + self.rows.iter().map(|row| row.worst.cases.len()).max().unwrap_or(0);
        HEAD.iter().take(columns).map(|word| (*word).to_owned()).collect()
    }

    fn line(&self, row: &Row<'_>, again: bool) -> Vec<String> {
        let name = self.plan.course(row.course).map_or("", |course| &*course.name);
        let mut line = if again {
            vec![String::new(), String::new()]
        } else {
            vec![named(&row.numbers), name.to_owned()]
        };
        line.push(self.when(row));
        let mut before: Option<&Case> = None;
        for case in &row.worst.cases {
            let same = before.is_some_and(|before| before.live == case.live);
            line.push(if same { "no worse".to_owned() } else { self.case(case, row.course) });
            before = Some(case);
        }
        line
    }

    /// What is open then.
    fn when(&self, row: &Row<'_>) -> String {
        let keeps_hours = |id: CourseId| {
            self.plan.course(id).is_some_and(|course| course.closed.is_some() && course.hours.is_some())
        };
        let own = match (keeps_hours(row.course), row.moment.closed.contains(&row.course)) {
            (false, _) => "always",
            (true, false) => "open",
            (true, true) => "closed",
        };
        let others = row.moment.closed.iter().filter(|id| **id != row.course);
        let others: Vec<&str> =
            others.filter_map(|id| self.plan.course(*id)).map(|course| &*course.name).collect();
        let mut when = own.to_owned();
        if !others.is_empty() {
            when += &format!(", {} closed", crate::explain::and(&others));
        }
        row.word.iter().for_each(|word| when += &format!(", {word}"));
        when
    }

    fn case(&self, case: &Case, course: CourseId) -> String {
        let who = self.live(case.live);
        let things: Vec<String> =
            case.things.iter().filter_map(|place| self.things.get(*place)).map(ToString::to_string).collect();
        let within = self.plan.course(course).map(|course| course.live_within);
        let over = case.live.zip(within).and_then(|((_, after), within)| after.checked_sub(within));
        let over = over.filter(|over| !over.is_zero());
        let over = over.map_or(String::new(), |over| format!(" ({} over `live_within`)", words(over)));
        if things.is_empty() {
            format!("{who}{over}")
        } else {
            format!("{who}{over}: {}", things.join(" + "))
        }
    }

    fn live(&self, live: Option<(TargetId, Duration)>) -> String {
        match live.and_then(|(id, after)| Some((self.plan.target(id)?, after))) {
            Some((target, after)) if after.is_zero() => format!("{} at once", target.name),
            Some((target, after)) => format!("{} after {}", target.name, words(after)),
            None => "NOBODY".to_owned(),
        }
    }

    fn sum(&self) -> String {
        let walks: u64 = self.rows.iter().map(|row| row.worst.walks).sum();
        let outages = match (self.things.len(), self.depth) {
            (0, _) => "nothing in this plan can fail by itself".to_owned(),
            (things, Depth::Nothing) => format!("nothing failed, of {things} things that may"),
            (things, Depth::Singles) => format!("each of {things} things failed, noticed or not"),
            (things, Depth::Pairs) => {
                format!("each of {things} things and every two of them failed, noticed or not")
            }
        };
        let calls =
            if walks == 1 { "1 call was walked".to_owned() } else { format!("{walks} calls were walked") };
        let with = if self.rows.iter().any(|row| row.word.is_some()) {
            ", with and without each override"
        } else {
            ""
        };
        let nobody = self.shown().filter(|row| row.latest() == Duration::MAX).count();
        let end = match (nobody, self.shown().count()) {
            (0, _) => "somebody answers each".to_owned(),
            (1, 1) => "it can end with NOBODY".to_owned(),
            (nobody, all) => format!("{nobody} of {all} lines can end with NOBODY"),
        };
        format!("  {calls}: {outages}{with}; {end}.\n")
    }
}

impl Row<'_> {
    /// When somebody rings at the very worst.
    fn latest(&self) -> Duration {
        let worst = self.worst.cases.last().map(|case| case.live);
        worst.map_or(Duration::ZERO, |live| live.map_or(Duration::MAX, |(_, after)| after))
    }
}

const HEAD: [&str; 6] =
    ["CALLS TO", "PLAN", "WHEN", "SOMEBODY WHO ANSWERS RINGS", "WITH ONE OUTAGE, AT WORST", "WITH TWO"];
