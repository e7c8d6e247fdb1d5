//! The listed number that is most like one that nobody listed.

use router::Plan;

/// The nearest number, if it is so near that a slip may be the reason.
pub(super) fn nearest<'a>(plan: &'a Plan, asked: &str) -> Option<&'a str> {
    let asked: Vec<char> = asked.chars().filter(|letter| !letter.is_whitespace()).take(LENGTH_MAX).collect();
    let distances = plan.numbers.keys().map(|number| (edits(&asked, number), &**number));
    distances.min().filter(|(edits, _)| *edits <= EDITS_MAX).map(|(_, number)| number)
}

/// How many letters are to be put in, taken out or changed.
fn edits(one: &[char], other: &str) -> usize {
    let mut row: Vec<usize> = (0..=one.len()).collect();
    for (nth, letter) in other.chars().take(LENGTH_MAX).enumerate() {
        let mut diagonal = nth;
        let mut left = nth + 1;
        for (cell, known) in row.iter_mut().skip(1).zip(one) {
            let change = diagonal + usize::from(*known != letter);
            diagonal = *cell;
            left = change.min(left + 1).min(*cell + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = nth + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

const EDITS_MAX: usize = 4; // Two digits turned round, or the country code left out.
const LENGTH_MAX: usize = 64; // As long as a user part may be.

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted_as_people_make_them() {
        let count = |one: &str, other| edits(&one.chars().collect::<Vec<_>>(), other);
        assert_eq!(
            [
                count("", ""),
                count("", "ab"),
                count("ab", ""),
                count("100", "100"),
                count("kitten", "sitting")
            ],
            [0, 2, 2, 0, 3]
        );
        assert_eq!(count("+15035550010", "+15035550100"), 2);
    }
}
