//! The steps of a course in the order they stand, courses inside it counted out.

use router::Plan;
use router::next::DEPTH_MAX;
use router::plan::{Member, Step};
use router::position::{Frame, List};

/// One line of the explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item<'a> {
    /// A course that is entered.
    Course {
        /// `2` or `2.1`.
        number: String,
        name: &'a str,
        closed: bool,
        line: u32,
    },
    /// A step that rings somebody.
    Step {
        /// `2` or `2.1`.
        number: String,
        /// The courses it is in, as the walk has them.
        frames: Vec<Frame>,
        step: &'a Step,
    },
}

/// All steps from this entrance on.
pub(super) fn items(plan: &Plan, root: Frame, unix: i64) -> Vec<Item<'_>> {
    let mut items = Vec::new();
    list(plan, &[], root, "", unix, &mut items);
    items
}

fn list<'a>(
    plan: &'a Plan,
    outer: &[Frame],
    entrance: Frame,
    prefix: &str,
    unix: i64,
    items: &mut Vec<Item<'a>>,
) {
    for (nth, step) in plan.list(entrance).iter().enumerate() {
        let number = format!("{prefix}{}", nth + 1);
        let mut frames = outer.to_vec();
        frames.push(Frame { step: nth, ..entrance });
        match step.members.first() {
            Some(Member::Course(inner)) => {
                let Some(course) = plan.course(*inner) else { continue };
                let inside = plan.entrance(*inner, unix);
                let closed = inside.list == List::Closed;
                let below = format!("{number}.");
                items.push(Item::Course { number, name: &course.name, closed, line: step.line });
                // A plan file has no circles; neither must an explanation.
                if frames.len() < DEPTH_MAX && items.len() < ITEMS_MAX {
                    list(plan, &frames, inside, &below, unix, items);
                }
            }
            Some(Member::Target(_)) | None => items.push(Item::Step { number, frames, step }),
        }
    }
}

const ITEMS_MAX: usize = 1_000; // More than anybody reads.
