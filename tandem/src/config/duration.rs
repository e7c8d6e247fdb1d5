//! Lengths of time and counts, with their bounds: `"20s"`, `"1.5s"`, `"500ms"`, `"2m"`.

use crate::codes::Code;
use crate::config::reader::{Problems, Value, quoted, shown, text};
use crate::config::settings::{Count, Wait};
use crate::diagnostic::Diagnostic;
use core::fmt::Display;
use core::time::Duration;
use toml::de::DeValue;

/// A length of time within the bounds of its setting.
pub(super) fn duration(
    key: &str,
    wait: &Wait,
    value: &Value<'_>,
    problems: &mut Problems<'_>,
) -> Option<Duration> {
    if let DeValue::Integer(number) = value.get_ref() {
        problems.add(without_unit(number.as_str(), value));
        return None;
    }
    let written = text(key, "a duration such as \"20s\"", value, problems)?;
    let found = match parse(written) {
        Ok(found) => found,
        Err(Bad::NoUnit(number)) => {
            problems.add(without_unit(number, value));
            return None;
        }
        Err(Bad::Unit(number, unit)) => {
            problems.add(unknown_unit(number, unit, value));
            return None;
        }
        Err(Bad::Nothing) => {
            let title = format!("`{}` is no duration", shown(written));
            let problem = Diagnostic::new(Code::E014, title).at(value.span(), "");
            problems.add(problem.help("a duration is a number and a unit: \"500ms\", \"20s\", \"2m\""));
            return None;
        }
    };
    if (wait.min..=wait.max).contains(&found) {
        return Some(found);
    }
    let (least, most) = (words(wait.min), words(wait.max));
    let title = format!("`{key}` is {}: it may be {least} to {most}", words(found));
    let nearest = words(found.clamp(wait.min, wait.max)).replace(' ', "");
    let problem =
        Diagnostic::new(Code::E013, title).at(value.span(), format!("not within {least} to {most}"));
    let problem = problem.help(format!("the default is {}: {}", words(wait.default), wait.why));
    problems.add(problem.fix("the nearest is", value.span(), quoted(&nearest)));
    None
}

/// A count within the bounds of its setting.
pub(super) fn count<N: Copy + PartialOrd + Display + TryFrom<i128>>(
    key: &str,
    count: &Count<N>,
    value: &Value<'_>,
    problems: &mut Problems<'_>,
) -> Option<N> {
    let DeValue::Integer(number) = value.get_ref() else {
        problems.kind(key, &format!("a number from {} to {}", count.min, count.max), value);
        return None;
    };
    let found = i128::from_str_radix(number.as_str(), number.radix()).ok();
    let fits =
        found.and_then(|found| N::try_from(found).ok()).filter(|n| (count.min..=count.max).contains(n));
    if fits.is_none() {
        let title =
            format!("`{key}` is {}: it may be {} to {}", shown(number.as_str()), count.min, count.max);
        let problem = Diagnostic::new(Code::E013, title).at(value.span(), "");
        problems.add(problem.help(format!("the default is {}: {}", count.default, count.why)));
    }
    fits
}

/// A length of time in words: `1.5 s`.
pub(crate) fn words(time: Duration) -> String {
    if time.as_millis() < 1000 && !time.is_zero() {
        format!("{} ms", time.as_millis())
    } else if time.as_secs() >= 86_400 && time.as_secs().is_multiple_of(86_400) {
        format!("{} d", time.as_secs() / 86_400)
    } else {
        format!("{} s", time.as_secs_f64())
    }
}

/// Why a text is no length of time.
enum Bad<'a> {
    NoUnit(&'a str),
    Unit(&'a str, &'a str),
    Nothing,
}

/// A length of time as the command line has it.
///
/// # Errors
/// It is none.
pub fn long(written: &str) -> Result<Duration, &'static str> {
    parse(written).map_err(|_| "a number and a unit: `90s`, `5m`, `2h`")
}

fn parse(written: &str) -> Result<Duration, Bad<'_>> {
    let end = written.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(written.len());
    let (number, rest) = written.split_at(end);
    let Some(value) = number.parse::<f64>().ok().filter(|value| *value < LONGEST) else {
        return Err(Bad::Nothing);
    };
    let factor = match rest.trim() {
        "" => return Err(Bad::NoUnit(number)),
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        unit => return Err(Bad::Unit(number, unit)),
    };
    Ok(Duration::from_secs_f64((value * factor * 1000.0).round() / 1000.0))
}

fn without_unit(number: &str, value: &Value<'_>) -> Diagnostic {
    Diagnostic::new(Code::E014, "a duration needs a unit").at(value.span(), "seconds? minutes?").fix(
        "write",
        value.span(),
        format!("\"{}s\"", shown(number.trim_start_matches('+'))),
    )
}

fn unknown_unit(number: &str, unit: &str, value: &Value<'_>) -> Diagnostic {
    let problem = Diagnostic::new(Code::E014, format!("`{}` is no unit of time", shown(unit)));
    let problem = problem.at(value.span(), "");
    let ours = match unit.to_ascii_lowercase().as_str() {
        "sec" | "secs" | "second" | "seconds" => "s",
        "min" | "mins" | "minute" | "minutes" => "m",
        "msec" | "milliseconds" => "ms",
        "hour" | "hours" | "hr" => "h",
        "day" | "days" => "d",
        _ => return problem.help("the units are `ms`, `s`, `m`, `h` and `d`"),
    };
    problem.fix("write", value.span(), format!("\"{number}{ours}\""))
}

/// Larger numbers are no durations; keeps the arithmetic within its type.
const LONGEST: f64 = 1e9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_and_a_unit_and_nothing_else() {
        let millis = |text| parse(text).ok().map(|time| time.as_millis());
        assert_eq!(millis("20s"), Some(20_000));
        assert_eq!(millis("1.5s"), Some(1_500));
        assert_eq!(millis("500ms"), Some(500));
        assert_eq!(millis("2m"), Some(120_000));
        assert_eq!(millis("20 s"), Some(20_000));
        assert_eq!(millis("30d"), Some(2_592_000_000));
        assert_eq!(
            [words(Duration::from_secs(86_400)), words(Duration::from_secs(90_000))],
            ["1 d", "90000 s"]
        );
        for bad in
            ["", "s", "20", "-1s", "1..5s", "20x", "99999999999999999999s", "inf", "NaNs", "1e3s", "२०s"]
        {
            assert_eq!(millis(bad), None, "{bad}");
        }
    }
}
