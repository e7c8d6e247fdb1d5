//! `channels` and `cps`: how much a carrier, a trunk or a destination takes.

use crate::codes::Code;
use crate::config::reader::{Problems, Table, Value, shown};
use crate::config::settings::{CHANNELS, CPS, Most};
use crate::diagnostic::Diagnostic;
use router::Plan;
use router::load::{Counted, Limit};
use router::plan::Limited;
use toml::de::DeValue;

/// What was written of limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Limits {
    channels: Option<u32>,
    cps: Option<u32>,
}

impl Limits {
    /// Reads `channels` and `cps` of a table.
    pub(super) fn read(keys: &mut Table<'_>, problems: &mut Problems<'_>) -> Self {
        let channels = keys.take("channels").and_then(|value| most(&CHANNELS, value, problems));
        let cps = keys.take("cps").and_then(|value| most(&CPS, value, problems));
        Self { channels, cps }
    }

    /// Puts them into the plan, if there are any.
    pub(super) fn put(self, limited: Limited, of: Counted, plan: &mut Plan) {
        if self != Self::default() {
            plan.limits.insert(limited, Limit { of, channels: self.channels, cps: self.cps });
        }
    }
}

pub(super) fn most(setting: &Most, value: &Value<'_>, problems: &mut Problems<'_>) -> Option<u32> {
    let max = setting.max;
    let key = setting.name.rsplit('.').next().unwrap_or_default();
    let DeValue::Integer(number) = value.get_ref() else {
        problems.kind(key, &format!("a number from 1 to {max}"), value);
        return None;
    };
    let found = i128::from_str_radix(number.as_str(), number.radix()).ok();
    let fits = found.and_then(|found| u32::try_from(found).ok()).filter(|n| (1..=max).contains(n));
    if fits.is_none() {
        let title = format!("`{key}` is {}: it may be 1 to {max}", shown(number.as_str()));
        let problem = Diagnostic::new(Code::E013, title).at(value.span(), "");
        problems.add(problem.help(format!("not written, it is no limit: {}", setting.why)));
    }
    fits
}
