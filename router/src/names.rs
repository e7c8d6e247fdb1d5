//! All host names: those of the plan, asked for again whenever their records are no longer good, and those that were
//! met in the messages of calls, asked for when they are used. Nothing waits for any of it but what has to.

use crate::locate::{Answer, Place, Query, Spot};
use crate::name::{Name, NameState};
use crate::path::{Listener, Transport};
use core::time::Duration;
use sip::Time;
use std::collections::{BTreeMap, BTreeSet};

/// The names.
#[derive(Clone, Debug, Default)]
pub struct Names {
    spoken: Vec<Transport>,
    planned: BTreeMap<Place, Name>,
    met: BTreeMap<Place, Met>,
    /// The names that were met, by when they were last used.
    by_use: BTreeSet<(u64, Place)>,
    uses: u64,
    /// Names with questions, by when the first of them is due.
    due: BTreeSet<(Time, Place)>,
    /// Names that were met and have questions to be asked at once.
    due_met: BTreeSet<Place>,
    asked: BTreeMap<Query, Asked>,
    moved: Option<Time>,
}

#[derive(Clone, Debug)]
struct Met {
    name: Name,
    used: u64,
}

/// A question that was asked: who wants to know, and until when it is waited for.
#[derive(Clone, Debug)]
struct Asked {
    until: Time,
    by: Vec<Place>,
}

/// What the names ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Ask the DNS, and report with [`Names::on_answer`].
    Ask(Query),
    /// A name of the plan is known better or worse than before.
    Changed {
        /// The name.
        place: Place,
        /// How well it was known.
        from: NameState,
        /// How well it is known.
        to: NameState,
        /// Its addresses that are in use now.
        kept: usize,
    },
    /// Names of the plan have other addresses than before.
    Moved,
    /// All that was asked for this name is answered for now.
    Settled(Place),
}

/// What is known of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It has addresses.
    Spots,
    /// It has none yet, but is being asked for.
    Soon,
    /// It has none.
    Nothing,
}

/// Questions that are waited for at once.
const ASKED_MAX: usize = 64;

/// As long as fewer are waited for, names that were only met are asked for too: the plan's never wait for them.
const ASKED_MET_MAX: usize = 16;

/// An answer is waited for so long: every resolver has given up by then.
const PATIENCE: Duration = Duration::from_secs(10);

/// Names that were met in calls; the one that was used longest ago gives way. One for each of a thousand callers'
/// domains; they cost some kilobytes each.
pub const MET_MAX: usize = 1_000;

/// Changes are gathered for so long while more answers are on their way, so that a plan of thousands of names is not worked through once for each.
const GATHER: Duration = Duration::from_millis(10);

impl Names {
    /// No names.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// These names are the plan's from now on, and no others. What is known of those it had before stays.
    pub fn want(&mut self, places: &BTreeSet<Place>, listeners: &[Listener], now: Time) {
        self.spoken = spoken(listeners);
        self.planned.retain(|place, _| places.contains(place));
        self.due.retain(|(_, place)| places.contains(place));
        for place in places {
            if self.planned.contains_key(place) {
                continue;
            }
            let met = self.met.remove(place);
            if let Some(met) = &met {
                self.by_use.remove(&(met.used, place.clone()));
                self.due_met.remove(place);
            }
            let name = met.map_or_else(|| Name::new(place.clone(), &self.spoken, now), |met| met.name);
            self.due.extend(name.deadline().map(|at| (at, place.clone())));
            self.planned.insert(place.clone(), name);
        }
    }

    /// Uses a name that was met in a call; it is asked for if that has to be done.
    pub fn meet(&mut self, place: &Place, now: Time, out: &mut Vec<Output>) -> Found {
        if let Some(name) = self.planned.get(place) {
            return found(name, now);
        }
        self.uses += 1;
        let used = self.uses;
        if let Some(met) = self.met.get_mut(place) {
            self.by_use.remove(&(met.used, place.clone()));
            met.used = used;
        } else {
            if self.met.len() >= MET_MAX
                && let Some((_, oldest)) = self.by_use.pop_first()
            {
                self.met.remove(&oldest);
                self.due_met.remove(&oldest);
            }
            let name = Name::new(place.clone(), &self.spoken, now);
            self.met.insert(place.clone(), Met { name, used });
        }
        self.by_use.insert((used, place.clone()));
        let Some(Met { name, .. }) = self.met.get(place) else { return Found::Nothing };
        let found = found(name, now);
        if name.due(now).next().is_some() {
            self.due_met.insert(place.clone());
        }
        self.ask(now, out);
        found
    }

    /// The addresses of a place that are used now, by priority; none while nothing is known of it.
    #[must_use]
    pub fn spots(&self, place: &Place) -> &[Spot] {
        self.name(place).map_or(&[], Name::spots)
    }

    /// Takes an answer of the DNS. One that nobody waits for changes nothing.
    pub fn on_answer(&mut self, query: &Query, answer: &Answer, now: Time, out: &mut Vec<Output>) {
        let Some(asked) = self.asked.remove(query) else { return };
        for place in asked.by {
            self.learn(&place, query, answer, now, out);
        }
        self.ask(now, out);
        // Nothing more is coming that could be gathered with it.
        if self.asked.is_empty() && self.moved.take().is_some() {
            out.push(Output::Moved);
        }
    }

    /// Acts if a deadline has come.
    pub fn on_deadline(&mut self, now: Time, out: &mut Vec<Output>) {
        let over: Vec<Query> = self
            .asked
            .iter()
            .filter(|(_, asked)| asked.until <= now)
            .map(|(query, _)| query.clone())
            .collect();
        for query in over {
            self.on_answer(&query, &Answer::Silence, now, out);
        }
        if self.moved.is_some_and(|at| at <= now) {
            self.moved = None;
            out.push(Output::Moved);
        }
        self.ask(now, out);
    }

    /// When [`on_deadline`](Self::on_deadline) wants to be called; `None` for not at all.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let given_up = self.asked.values().map(|asked| asked.until).min();
        // Whoever finds no place is asked for when an answer has come.
        let due = self.due.first().map(|(at, _)| *at).filter(|_| self.asked.len() < ASKED_MAX);
        [given_up, due, self.moved].into_iter().flatten().min()
    }

    /// The names of the plan, how well each is known, and how many addresses it has.
    pub fn states(&self) -> impl Iterator<Item = (&Place, NameState, usize)> {
        self.planned.iter().map(|(place, name)| (place, name.state(), name.spots().len()))
    }

    fn name(&self, place: &Place) -> Option<&Name> {
        self.planned.get(place).or_else(|| self.met.get(place).map(|met| &met.name))
    }

    fn learn(&mut self, place: &Place, query: &Query, answer: &Answer, now: Time, out: &mut Vec<Output>) {
        if let Some(name) = self.planned.get_mut(place) {
            let filed = name.deadline();
            let news = name.on_answer(query, answer, &self.spoken, now);
            if let Some(from) = news.was {
                let (to, kept) = (name.state(), name.spots().len());
                out.push(Output::Changed { place: place.clone(), from, to, kept });
            }
            if news.moved {
                self.moved.get_or_insert(now + GATHER);
            }
            if !name.is_waiting(now) {
                out.push(Output::Settled(place.clone()));
            }
            let due = name.deadline();
            filed.map(|at| self.due.remove(&(at, place.clone())));
            self.due.extend(due.map(|at| (at, place.clone())));
        } else if let Some(Met { name, .. }) = self.met.get_mut(place) {
            name.on_answer(query, answer, &self.spoken, now);
            if name.due(now).next().is_some() {
                self.due_met.insert(place.clone());
            } else if !name.is_waiting(now) {
                out.push(Output::Settled(place.clone()));
            }
        }
    }

    /// Asks what is due, the plan's names first, as far as there is room.
    fn ask(&mut self, now: Time, out: &mut Vec<Output>) {
        while self.asked.len() < ASKED_MAX
            && self.due.first().is_some_and(|(at, _)| *at <= now)
            && let Some((at, place)) = self.due.pop_first()
        {
            let Some(name) = self.planned.get_mut(&place) else { continue };
            ask_of(name, &place, &mut self.asked, now, out);
            let due = name.deadline();
            debug_assert!(due != Some(at), "all that was due is asked");
            self.due.extend(due.map(|at| (at, place)));
        }
        while self.asked.len() < ASKED_MET_MAX
            && let Some(place) = self.due_met.pop_first()
        {
            if let Some(Met { name, .. }) = self.met.get_mut(&place) {
                ask_of(name, &place, &mut self.asked, now, out);
            }
        }
    }
}

/// Asks all that is due of one name; what somebody else has asked already is not asked twice.
fn ask_of(
    name: &mut Name,
    place: &Place,
    asked: &mut BTreeMap<Query, Asked>,
    now: Time,
    out: &mut Vec<Output>,
) {
    let due: Vec<Query> = name.due(now).cloned().collect();
    for query in due {
        name.on_asked(&query);
        if let Some(asked) = asked.get_mut(&query) {
            asked.by.push(place.clone());
            continue;
        }
        asked.insert(query.clone(), Asked { until: now + PATIENCE, by: vec![place.clone()] });
        out.push(Output::Ask(query));
    }
}

fn found(name: &Name, now: Time) -> Found {
    match (name.spots().is_empty(), name.is_waiting(now)) {
        (false, _) => Found::Spots,
        (true, true) => Found::Soon,
        (true, false) => Found::Nothing,
    }
}

/// What our listeners speak, in their order.
fn spoken(listeners: &[Listener]) -> Vec<Transport> {
    let mut spoken = Vec::new();
    for listener in listeners.iter().filter(|listener| listener.transport.can_be_opened()) {
        if !spoken.contains(&listener.transport) {
            spoken.push(listener.transport);
        }
    }
    spoken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locate::{Kind, Record};

    const GOOD: Duration = Duration::from_secs(120);

    fn place(host: &str) -> Place {
        Place { host: host.into(), port: Some(5060), transport: None }
    }

    fn addresses(last: &[u8]) -> Answer {
        let address = |last: &u8| Record::Address([192, 0, 2, *last].into());
        Answer::Records(last.iter().map(address).collect(), GOOD)
    }

    const NONE: Answer = Answer::NoRecords(GOOD);

    /// Names on a time line: each step says what was asked for and what became known.
    struct Try {
        names: Names,
        now: Time,
    }

    impl Try {
        fn new(hosts: &[&str]) -> Self {
            let mut names = Names::new();
            let listener = Listener {
                transport: Transport::Udp,
                address: ([192, 0, 2, 100], 5060).into(),
                advertise: ("192.0.2.100".to_owned(), 5060),
            };
            names.want(&hosts.iter().map(|host| place(host)).collect(), &[listener], Time::ZERO);
            Self { names, now: Time::ZERO }
        }

        fn at(&mut self, seconds: f64) -> Vec<String> {
            self.now = Time::ZERO + Duration::from_secs_f64(seconds);
            let mut out = Vec::new();
            self.names.on_deadline(self.now, &mut out);
            told(&out)
        }

        fn answer(&mut self, host: &str, kind: Kind, answer: &Answer) -> Vec<String> {
            let mut out = Vec::new();
            let query = Query { name: host.into(), kind };
            self.names.on_answer(&query, answer, self.now, &mut out);
            told(&out)
        }

        /// Both questions of a name with a port.
        fn both(&mut self, host: &str, answer: &Answer) -> Vec<String> {
            let first = self.answer(host, Kind::A, answer);
            let none = if *answer == Answer::Silence { Answer::Silence } else { NONE };
            [first, self.answer(host, Kind::Aaaa, &none)].concat()
        }

        fn meet(&mut self, host: &str) -> (Found, Vec<String>) {
            let mut out = Vec::new();
            let found = self.names.meet(&place(host), self.now, &mut out);
            (found, told(&out))
        }

        fn spots(&self, host: &str) -> Vec<String> {
            self.names.spots(&place(host)).iter().map(|spot| spot.address.ip().to_string()).collect()
        }

        fn next(&self) -> Option<f64> {
            self.names.deadline().map(|at| at.since(Time::ZERO).as_secs_f64())
        }
    }

    fn told(out: &[Output]) -> Vec<String> {
        let tell = |output: &Output| match output {
            Output::Ask(query) => format!("ask {:?} {}", query.kind, query.name),
            Output::Changed { place, from, to, kept } => {
                format!("{}: {from:?} -> {to:?}, {kept} kept", place.host)
            }
            Output::Moved => "moved".to_owned(),
            Output::Settled(place) => format!("{} settled", place.host),
        };
        out.iter().map(tell).collect()
    }

    const NOTHING: [String; 0] = [];

    #[test]
    fn a_name_is_asked_again_when_its_records_are_no_longer_good() {
        let mut dns = Try::new(&["a"]);
        assert_eq!(dns.next(), Some(0.0));
        assert_eq!(dns.at(0.0), ["ask A a", "ask Aaaa a"]);
        assert_eq!(dns.answer("a", Kind::A, &addresses(&[1, 2])), NOTHING);
        assert_eq!(
            dns.answer("a", Kind::Aaaa, &NONE),
            ["a: Asking -> Resolved, 2 kept", "a settled", "moved"]
        );
        assert_eq!(dns.spots("a"), ["192.0.2.1", "192.0.2.2"]);
        assert_eq!(dns.next(), Some(120.0));
        assert_eq!(dns.at(120.0), ["ask A a", "ask Aaaa a"]);
        // The same addresses the other way round are no news.
        assert_eq!(dns.both("a", &addresses(&[2, 1])), ["a settled"]);
        assert_eq!(dns.next(), Some(240.0));
    }

    #[test]
    fn a_ttl_has_a_floor_and_a_ceiling_and_nothing_is_believed_for_five_minutes_at_most() {
        let day = Duration::from_hours(24);
        let one = Record::Address([192, 0, 2, 1].into());
        let answers = [
            (Answer::Records(vec![one.clone()], Duration::ZERO), 30.0),
            (Answer::Records(vec![one], day), 300.0), // AAAA says that there is nothing
            (Answer::NoName(Duration::from_secs(1)), 30.0),
            (Answer::NoName(day), 300.0),
        ];
        for (answer, next) in answers {
            let mut dns = Try::new(&["a"]);
            dns.at(0.0);
            dns.answer("a", Kind::A, &answer);
            dns.answer("a", Kind::Aaaa, &Answer::NoRecords(day));
            dns.at(0.01);
            assert_eq!(dns.next(), Some(next), "{answer:?}");
        }
    }

    #[test]
    fn when_the_dns_dies_the_last_good_set_stays_and_it_is_asked_ever_more_rarely() {
        let mut dns = Try::new(&["a"]);
        dns.at(0.0);
        dns.both("a", &addresses(&[1]));
        dns.at(0.01);
        dns.at(120.0);
        assert_eq!(
            dns.both("a", &Answer::Silence),
            ["a: Resolved -> Silent, 1 kept", "a settled", "a settled"][..2]
        );
        let mut asked = Vec::new();
        while dns.now < Time::ZERO + Duration::from_secs(400) {
            let at = dns.next().unwrap();
            if !dns.at(at).is_empty() {
                asked.push(at);
                assert_eq!(dns.both("a", &Answer::Silence), ["a settled"]);
            }
        }
        assert_eq!(asked, [122.0, 126.0, 134.0, 150.0, 182.0, 242.0, 302.0, 362.0, 422.0]);
        assert_eq!(dns.spots("a"), ["192.0.2.1"]);
        dns.at(482.0);
        assert_eq!(dns.both("a", &addresses(&[7])), ["a: Silent -> Resolved, 1 kept", "a settled", "moved"]);
        assert_eq!(dns.spots("a"), ["192.0.2.7"]);
    }

    #[test]
    fn a_resolver_that_never_answers_is_given_up_after_ten_seconds() {
        let mut dns = Try::new(&["a"]);
        dns.at(0.0);
        assert_eq!(dns.next(), Some(10.0));
        assert_eq!(dns.at(10.0), ["a: Asking -> Silent, 0 kept", "a settled"]);
        assert_eq!(dns.next(), Some(12.0));
        assert_eq!(dns.answer("a", Kind::A, &addresses(&[1])), NOTHING, "nobody waits for it any more");
    }

    #[test]
    fn a_name_that_is_gone_keeps_its_addresses_and_is_told_apart_from_silence() {
        let mut dns = Try::new(&["a"]);
        dns.at(0.0);
        dns.both("a", &addresses(&[1]));
        dns.at(0.01);
        dns.at(120.0);
        let gone = dns.both("a", &Answer::NoName(GOOD));
        assert_eq!(gone, ["a: Resolved -> Missing, 1 kept", "a settled"]);
        assert_eq!(dns.spots("a"), ["192.0.2.1"]);
        let states: Vec<_> = dns.names.states().map(|(_, state, kept)| (state, kept)).collect();
        assert_eq!(states, [(NameState::Missing, 1)]);
    }

    #[test]
    fn an_address_that_vanishes_among_others_is_no_longer_used() {
        let mut dns = Try::new(&["a"]);
        dns.at(0.0);
        dns.both("a", &addresses(&[1, 2]));
        dns.at(0.01);
        dns.at(120.0);
        assert_eq!(dns.both("a", &addresses(&[2])), ["a settled", "moved"]);
        assert_eq!(dns.spots("a"), ["192.0.2.2"]);
    }

    #[test]
    fn changes_are_gathered_while_more_answers_are_on_their_way() {
        let mut dns = Try::new(&["a", "b"]);
        dns.at(0.0);
        assert_eq!(dns.both("a", &addresses(&[1])), ["a: Asking -> Resolved, 1 kept", "a settled"]);
        assert_eq!((dns.next(), dns.at(0.01)), (Some(0.01), vec!["moved".to_owned()]));
        assert_eq!(dns.both("b", &addresses(&[2])), ["b: Asking -> Resolved, 1 kept", "b settled", "moved"]);
    }

    #[test]
    fn sixty_four_questions_are_out_at_once_and_names_that_were_met_leave_room_for_the_plans() {
        let hosts: Vec<String> = (0..40).map(|n| format!("host{n:02}")).collect();
        let mut dns = Try::new(&hosts.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(dns.at(0.0).len(), 64);
        assert_eq!(dns.next(), Some(10.0), "not for ever at once");
        assert_eq!(dns.meet("met"), (Found::Soon, Vec::new()));
        let asked = dns.both("host00", &addresses(&[1]));
        assert!(asked.contains(&"ask A host32".to_owned()), "{asked:?}");
        let mut dns = Try::new(&[]);
        let asked: usize = (0..20).map(|n| dns.meet(&format!("met{n}")).1.len()).sum();
        dns.names.want(&[place("a")].into_iter().collect(), &[], Time::ZERO);
        assert_eq!((asked, dns.at(0.0).len()), (16, 2));
    }

    #[test]
    fn a_name_that_was_met_is_asked_when_it_is_used_and_only_then() {
        let mut dns = Try::new(&[]);
        let asked = vec!["ask A m".to_owned(), "ask Aaaa m".to_owned()];
        assert_eq!(dns.meet("m"), (Found::Soon, asked.clone()));
        assert_eq!(dns.meet("m"), (Found::Soon, Vec::new()));
        assert_eq!(dns.both("m", &addresses(&[1])), ["m settled"]);
        assert_eq!(dns.next(), None);
        dns.at(500.0);
        assert_eq!(dns.meet("m"), (Found::Spots, asked), "used as it is, and asked for again");
        dns.both("m", &Answer::NoName(GOOD));
        assert_eq!(dns.meet("m").0, Found::Spots);
        assert_eq!(dns.meet("n").0, Found::Soon);
        dns.both("n", &Answer::NoName(GOOD));
        assert_eq!(dns.meet("n"), (Found::Nothing, Vec::new()));
    }

    #[test]
    fn of_a_thousand_names_that_were_met_the_one_used_longest_ago_gives_way() {
        let mut dns = Try::new(&[]);
        for n in 0..MET_MAX {
            dns.meet(&format!("m{n}"));
            dns.both(&format!("m{n}"), &addresses(&[1]));
        }
        dns.meet("m0");
        dns.meet("further");
        assert_eq!(dns.names.met.len(), MET_MAX);
        assert_eq!((dns.spots("m0").len(), dns.spots("m1").len()), (1, 0));
    }

    #[test]
    fn a_question_of_two_names_is_asked_once() {
        let mut dns = Try::new(&["a"]);
        let other = Place { port: Some(5070), ..place("a") };
        dns.names.want(&[place("a"), other.clone()].into_iter().collect(), &[], Time::ZERO);
        assert_eq!(dns.at(0.0), ["ask A a", "ask Aaaa a"]);
        dns.both("a", &addresses(&[1]));
        assert_eq!(dns.names.spots(&other).first().map(|spot| spot.address.port()), Some(5070));
    }
}
