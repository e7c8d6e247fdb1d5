//! What users of other systems complain of, told in virtual time. The peers below answer after 20 ms.

use super::*;
use crate::path::Transport;
use core::net::{Ipv4Addr, SocketAddr};
use std::collections::BTreeMap;

/// What a path does with a request at that moment.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Manner {
    Answers,
    Silent,
    Refuses,
    Fails,
    Says503(Option<u32>),
}

use Manner::{Answers, Fails, Refuses, Says503, Silent};

/// Health, and a world that answers its probes.
struct World<F: Fn(Path, u64) -> Manner> {
    health: Health,
    now: Time,
    signs: BTreeMap<(Time, u32), (Path, Source, Sign)>,
    begun: u32,
    probes: Vec<(Path, Time)>,
    lines: Vec<String>,
    transitions: Vec<(Time, Standing)>,
    manner: F,
}

/// A world where `manner(path, milliseconds)` tells what a path does.
fn world<F: Fn(Path, u64) -> Manner>(paths: &[(Path, Option<Probe>)], manner: F) -> World<F> {
    let mut health = Health::new(1);
    health.watch(paths, Time::ZERO);
    World {
        health,
        now: Time::ZERO,
        signs: BTreeMap::new(),
        begun: 0,
        probes: Vec::new(),
        lines: Vec::new(),
        transitions: Vec::new(),
        manner,
    }
}

impl<F: Fn(Path, u64) -> Manner> World<F> {
    /// Lets time pass; returns what was believed anew, as `seconds path from > to: samples`.
    fn until(&mut self, end: f64) -> Vec<String> {
        let end = at(end);
        loop {
            let sign = self.signs.first_key_value().map(|((at, _), _)| *at);
            let next = [self.health.deadline(), sign].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            assert!(next >= self.now, "a deadline that had come was not acted on");
            self.now = next;
            let mut out = Vec::new();
            if sign == Some(next) {
                let (_, (path, source, sign)) = self.signs.pop_first().unwrap();
                self.health.on_sign(path, source, sign, next, &mut out);
                if source == Source::Call {
                    self.health.on_call_over(path);
                }
            } else {
                self.health.on_deadline(next, &mut out);
            }
            self.take(out);
        }
        self.now = end;
        core::mem::take(&mut self.lines)
    }

    /// A call tries the path now.
    fn call(&mut self, path: Path) {
        self.health.on_call_begun(path);
        self.ask(path, Source::Call);
    }

    fn ask(&mut self, path: Path, source: Source) {
        let (after, sign) = match (self.manner)(path, self.now.as_micros() / 1000) {
            Answers => (20, alive(20)),
            Silent => (2000, Sign::Miss),
            Refuses => (1, Sign::Unreachable),
            Fails => (20, Sign::Soft),
            Says503(retry_after) => (20, Sign::Unavailable(retry_after)),
        };
        self.begun += 1;
        self.signs.insert((self.now + Duration::from_millis(after), self.begun), (path, source, sign));
    }

    fn take(&mut self, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Probe(path) => {
                    self.probes.push((path, self.now));
                    self.ask(path, Source::Probe);
                }
                Output::Changed { path, from, to, evidence } => {
                    let why: Vec<_> = evidence.iter().map(word).collect();
                    let (second, path) = (self.now.as_micros() / 1_000_000, name(path));
                    self.lines.push(format!("{second}s {path} {from:?} > {to:?}: {}", why.join(" ")));
                    self.transitions.push((self.now, to));
                }
                Output::Side { path, from, to } => {
                    let second = self.now.as_micros() / 1_000_000;
                    self.lines.push(format!("{second}s {} beside: {from:?} > {to:?}", name(path)));
                }
                Output::Filled(filled) => panic!("nothing has a limit here: {filled:?}"),
            }
        }
    }

    fn standing(&self, path: Path) -> Standing {
        self.health.standing(path)
    }
}

fn at(seconds: f64) -> Time {
    Time::ZERO + Duration::from_secs_f64(seconds)
}

fn alive(ms: u64) -> Sign {
    Sign::Alive { round_trip: Some(Duration::from_millis(ms)), resent: 0 }
}

fn word(seen: &Evidence) -> String {
    let what = match seen.sign {
        Sign::Alive { .. } => "ok",
        Sign::Miss => "miss",
        Sign::Soft => "soft",
        Sign::Unreachable => "refused",
        Sign::Unavailable(_) => "503",
    };
    match seen.source {
        Source::Probe => what.to_owned(),
        Source::Call => format!("call:{what}"),
    }
}

const fn path(nth: u16) -> Path {
    Path {
        transport: Transport::Udp,
        local: 0,
        remote: SocketAddr::new(core::net::IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), nth),
    }
}

fn name(path: Path) -> String {
    match (path.local, path.remote.port()) {
        (0, 1) => "a".to_owned(),
        (0, 2) => "b".to_owned(),
        (local, port) => format!("{local}/{port}"),
    }
}

const A: Path = path(1);
const B: Path = path(2);
const SITE: Option<Probe> = Some(Probe::every(Duration::from_secs(5)));
const CARRIER: Option<Probe> = Some(Probe::every(Duration::from_secs(10)));

/// C1: one missed ping disables a carrier, and nobody knows how it comes back.
#[test]
fn c1_one_missed_probe_disables_nothing_and_the_way_back_is_automatic() {
    let mut world = world(&[(A, CARRIER)], |_, ms| match ms {
        20_000..=29_000 | 100_000..=119_000 => Silent,
        _ => Answers,
    });
    assert_eq!(
        world.until(300.0),
        [
            "0s a Unknown > Up: ok",
            "28s a Up > Suspect: ok ok ok miss",
            "29s a Suspect > Up: ok ok ok miss ok",
            "103s a Up > Suspect: ok ok ok ok miss",
            "109s a Suspect > Down: ok ok miss miss miss",
            "149s a Down > Probation: miss ok ok ok ok",
            "179s a Probation > Up: ok ok ok ok ok",
        ]
    );
}

/// C2: detection inherits a 30 s transaction timer. Ours is within 13 s for a site, at any moment of its death and any seed.
#[test]
fn c2_a_site_that_falls_silent_is_down_within_13_seconds() {
    for death in 60_000..60_200_u64 {
        let death = death + death % 100 * 100;
        let mut world = world(&[(A, SITE)], |_, ms| if ms < death { Answers } else { Silent });
        world.health.chance = Chance::new(death);
        world.until(100.0);
        let down = world.transitions.last().copied().unwrap();
        let took = down.0.as_micros() / 1000 - death;
        assert!(down.1 == Standing::Down && (6_000..=13_000).contains(&took), "{death}: {took} ms {down:?}");
    }
}

/// C2, with calls: an answered call puts the next probe off, but never further than one interval after the call.
#[test]
fn c2_a_site_that_dies_after_an_answered_call_is_down_within_13_seconds() {
    for last_call in 60_000..60_200_u64 {
        let last_call = last_call + last_call % 100 * 100;
        let mut world = world(&[(A, SITE)], |_, ms| if ms <= last_call { Answers } else { Silent });
        world.health.chance = Chance::new(last_call);
        for second in 0..60 {
            world.until(f64::from(second));
            world.call(A);
        }
        world.until(Duration::from_millis(last_call).as_secs_f64());
        world.call(A);
        world.until(100.0);
        let down = world.transitions.last().copied().unwrap();
        let took = down.0.as_micros() / 1000 - last_call;
        assert!(
            down.1 == Standing::Down && (6_000..=13_020).contains(&took),
            "{last_call}: {took} ms {down:?}"
        );
    }
}

/// C3: a dead TCP destination is never marked, since connect errors are not counted.
#[test]
fn c3_a_refused_connection_is_suspect_at_once_and_down_two_probes_later() {
    let mut world = world(&[(A, SITE)], |_, ms| if ms < 10_000 { Answers } else { Refuses });
    world.until(10.0);
    world.call(A);
    assert_eq!(
        world.until(20.0),
        [
            "10s a Up > Suspect: ok ok ok call:refused",
            "12s a Suspect > Down: ok ok call:refused refused refused",
        ]
    );
}

/// C5: unreachable immediately after a response. Twenty calls that fail in one moment are one sample, too.
#[test]
fn c5_no_single_moment_takes_a_path_from_up_to_down() {
    for bad in [Sign::Miss, Sign::Unreachable, Sign::Soft, Sign::Unavailable(None)] {
        let mut health = Health::new(1);
        let strict = Probe { down_after: 1, ..Probe::every(Duration::from_secs(5)) };
        health.watch(&[(A, Some(strict))], Time::ZERO);
        let mut out = Vec::new();
        health.on_sign(A, Source::Probe, alive(20), at(1.0), &mut out);
        for call in 0..20 {
            health.on_sign(A, Source::Call, bad, at(2.0 + 0.001 * f64::from(call)), &mut out);
        }
        let soft = bad == Sign::Soft;
        assert_eq!(health.standing(A), if soft { Standing::Up } else { Standing::Suspect }, "{bad:?}");
        let evidence =
            if let Some(Output::Changed { evidence, .. }) = out.last() { evidence.len() } else { 0 };
        assert_eq!((out.len(), evidence), if soft { (1, 1) } else { (2, 2) }, "{bad:?}");
    }
}

/// C6: a trunk that never answers OPTIONS but completes calls stays usable.
#[test]
fn c6_a_trunk_that_is_deaf_to_options_stays_up_on_its_calls() {
    let mut world = world(&[(A, CARRIER)], |_, _| Silent);
    assert_eq!(
        world.until(20.0),
        ["2s a Unknown > Suspect: miss", "8s a Suspect > Down: miss miss miss"],
        "before any call has proven it"
    );
    let mut lines = Vec::new();
    for call in [30.0, 70.0, 80.0, 90.0] {
        lines.extend(world.until(call));
        let now = world.now;
        world.health.on_call_begun(A);
        let mut out = Vec::new();
        world.health.on_sign(A, Source::Call, alive(20), now, &mut out);
        world.health.on_call_over(A);
        world.take(out);
    }
    lines.extend(world.until(20_000.0));
    assert_eq!(
        lines,
        [
            "60s a Down > Probation: miss miss miss miss call:ok",
            "90s a Probation > Up: miss call:ok call:ok call:ok call:ok",
        ],
        "probes miss for hours"
    );
    assert!(world.health.is_deaf_to_probes(A, world.now));
    world.call(A);
    world.until(20_003.0);
    world.call(A);
    world.until(20_005.5);
    world.call(A);
    world.until(20_010.0);
    assert_eq!(world.standing(A), Standing::Down, "calls that miss still count");
}

/// C6: a call that is answered clears what probes have missed, and for five minutes what they go on missing.
#[test]
fn c6_an_answered_call_clears_suspect_at_once_and_outranks_probes_for_five_minutes() {
    let mut world = world(&[(A, SITE)], |_, ms| if ms < 9_000 || ms == 16_000 { Answers } else { Silent });
    assert_eq!(world.until(16.0), ["0s a Unknown > Up: ok", "15s a Up > Suspect: ok ok ok miss"]);
    world.call(A);
    assert_eq!(
        world.until(400.0),
        [
            "16s a Suspect > Up: ok ok ok miss call:ok",
            "317s a Up > Suspect: ok ok miss call:ok miss",
            "323s a Suspect > Down: miss call:ok miss miss miss",
        ]
    );
}

/// C6 with C2: one lost probe and a call do not make a path deaf, once a probe is answered again.
#[test]
fn c6_an_answered_probe_gives_the_probes_their_word_back() {
    let mut world = world(&[(A, SITE)], |_, ms| match ms {
        9_000..16_000 | 40_000.. => Silent,
        _ => Answers,
    });
    world.until(16.0);
    world.call(A);
    assert_eq!(world.until(39.0), ["16s a Suspect > Up: ok ok ok miss call:ok"]);
    world.until(53.0);
    assert_eq!(world.standing(A), Standing::Down);
}

/// C7: OPTIONS says 200 while calls fail: what a call has said, probes do not take back before the back-off is over.
#[test]
fn c7_good_probes_do_not_clear_a_503_of_a_call_before_its_back_off() {
    let mut world = world(&[(A, SITE)], |_, _| Answers);
    world.until(99.0);
    let mut waits = Vec::new();
    for call in 1..=6 {
        world.until(f64::from(call) * 100.0);
        let mut out = Vec::new();
        world.health.on_sign(A, Source::Call, Sign::Unavailable(None), world.now, &mut out);
        world.take(out);
        world.until(f64::from(call) * 100.0 + 99.0);
        let back = world.transitions.last().copied().unwrap();
        assert_eq!(back.1, Standing::Up);
        waits.push(back.0.since(at(f64::from(call) * 100.0)).as_secs());
    }
    assert_eq!(waits, [5, 10, 20, 40, 60, 60]);
}

/// C7: a prober that counted 503 as healthy.
#[test]
fn c7_a_probe_answered_503_never_counts_as_alive() {
    let mut world = world(&[(A, SITE)], |_, ms| match ms {
        0..10_000 | 60_000.. => Answers,
        10_000..30_000 => Says503(None),
        _ => Silent,
    });
    assert_eq!(
        world.until(58.0),
        [
            "0s a Unknown > Up: ok",
            "13s a Up > Suspect: ok ok ok 503",
            "38s a Suspect > Down: 503 503 miss miss miss",
        ]
    );
    let mut new = self::world(&[(A, SITE)], |_, _| Says503(None));
    assert_eq!(new.until(100.0), ["0s a Unknown > Suspect: 503"]);
}

/// C10: one socket's path dies and both are marked down.
#[test]
fn c10_two_ways_to_one_peer_live_and_die_apart() {
    let other = Path { local: 1, ..A };
    let mut world =
        world(
            &[(A, SITE), (other, SITE)],
            |path, ms| {
                if path.local == 1 && ms > 8_000 { Silent } else { Answers }
            },
        );
    world.until(100.0);
    assert_eq!([world.standing(A), world.standing(other)], [Standing::Up, Standing::Down]);
}

/// C11: a fixed Retry-After keeps a recovered peer out for minutes.
#[test]
fn c11_retry_after_is_clamped_and_ends_in_suspect_until_a_good_sign() {
    let mut waits = Vec::new();
    for named in [0, 7, 300, 86_400] {
        let mut world = world(&[(A, SITE)], |_, _| Answers);
        world.until(50.0);
        let mut out = Vec::new();
        world.health.on_sign(A, Source::Call, Sign::Unavailable(Some(named)), world.now, &mut out);
        world.take(out);
        world.until(500.0);
        let [.., down, suspect, up] = world.transitions[..] else { panic!("too few transitions") };
        assert_eq!([down.1, suspect.1, up.1], [Standing::Down, Standing::Suspect, Standing::Up]);
        assert!(up.0.since(suspect.0) <= Duration::from_secs(5), "one probe later");
        waits.push(suspect.0.since(down.0).as_secs());
    }
    assert_eq!(waits, [1, 7, 300, 300]);
}

/// C11: a call that is answered, or a probe where a probe had named the time, ends it at once.
#[test]
fn c11_a_recovered_peer_returns_before_its_retry_after_is_over() {
    let mut world = world(&[(A, SITE)], |_, ms| if ms < 4_000 { Says503(Some(300)) } else { Answers });
    assert_eq!(world.until(10.0), ["0s a Unknown > Down: 503", "4s a Down > Up: 503 ok"]);
    let mut out = Vec::new();
    world.health.on_sign(A, Source::Call, Sign::Unavailable(Some(300)), world.now, &mut out);
    world.take(out);
    world.until(60.0);
    assert_eq!(world.standing(A), Standing::Down, "the call has named the time, probes do not end it");
    world.call(A);
    world.until(61.0);
    assert_eq!(world.standing(A), Standing::Up);
}

/// C14: up and down within seconds, all day.
#[test]
fn c14_a_path_that_flaps_every_second_changes_at_most_once_in_30_seconds() {
    for seed in 0..10 {
        for bad in [Silent, Refuses, Says503(None), Says503(Some(1)), Says503(Some(300)), Fails] {
            for calls in [false, true] {
                let mut world = world(&[(A, SITE)], |_, ms| if ms / 1000 % 2 == 0 { Answers } else { bad });
                world.health.chance = Chance::new(seed);
                for tenth in 0..6_000 {
                    world.until(f64::from(tenth) / 10.0);
                    if calls {
                        world.call(A);
                    }
                }
                let ups = world.transitions.iter().filter(|(_, to)| *to == Standing::Up);
                let returns: Vec<Time> = ups.map(|(at, _)| *at).skip(1).collect();
                let close = returns.windows(2).any(|pair| pair[1].since(pair[0]).as_secs() < 30);
                let damped = world.transitions.iter().filter(|(when, _)| *when > at(120.0)).count();
                assert!(damped <= 480 / 30, "{bad:?} {seed}: {damped} changes after two minutes");
                assert!(!close && world.transitions.len() > 2, "{bad:?} {seed}: {returns:?}");
            }
        }
    }
}

/// C7: good probes between the calls do not hide that every call fails.
#[test]
fn c7_calls_in_a_row_that_miss_take_a_path_down_though_its_probes_are_answered() {
    let mut world = world(&[(A, SITE)], |_, _| Answers);
    world.until(9.0);
    let mut lines = Vec::new();
    for (second, source) in
        [(10.0, Source::Call), (11.5, Source::Probe), (13.0, Source::Call), (14.5, Source::Call)]
    {
        lines.extend(world.until(second));
        let mut out = Vec::new();
        world.health.on_sign(A, source, Sign::Miss, world.now, &mut out);
        world.take(out);
        let mut out = Vec::new();
        world.health.on_sign(A, Source::Probe, alive(20), world.now, &mut out);
        world.take(out);
    }
    lines.extend(world.until(15.0));
    let misses = "miss ok call:miss ok call:miss";
    assert_eq!(
        lines,
        ["10s a Up > Suspect: ok ok ok call:miss".to_owned(), format!("14s a Suspect > Down: {misses}")]
    );
}

/// C7: the back-off begins anew once a call was answered.
#[test]
fn c7_an_answered_call_ends_the_doubling_of_the_back_off() {
    let mut world = world(&[(A, SITE)], |_, _| Answers);
    let mut waits = Vec::new();
    for call in 1..=4 {
        world.until(f64::from(call) * 100.0);
        let mut out = Vec::new();
        world.health.on_sign(A, Source::Call, Sign::Unavailable(None), world.now, &mut out);
        world.take(out);
        world.until(f64::from(call) * 100.0 + 50.0);
        waits.push(world.transitions.last().unwrap().0.since(at(f64::from(call) * 100.0)).as_secs());
        if call == 2 {
            world.call(A);
        }
    }
    assert_eq!(waits, [5, 10, 5, 10]);
}

/// C11: what dies while it is left alone is not taken back into use.
#[test]
fn c11_a_peer_that_dies_during_its_retry_after_stays_down() {
    let mut world = world(&[(A, SITE)], |_, ms| match ms {
        0..1_000 => Says503(Some(60)),
        1_000..100_000 => Silent,
        _ => Answers,
    });
    assert_eq!(
        world.until(200.0),
        [
            "0s a Unknown > Down: 503",
            "131s a Down > Probation: ok ok ok ok ok",
            "161s a Probation > Up: ok ok ok ok ok"
        ]
    );
}

/// C3 with C6: a refused probe is no silence.
#[test]
fn c3_a_trunk_that_is_deaf_to_options_is_down_when_its_port_is_closed() {
    let mut world = world(&[(A, CARRIER)], |_, ms| if ms < 50_000 { Silent } else { Refuses });
    let mut out = Vec::new();
    world.health.on_sign(A, Source::Call, alive(20), world.now, &mut out);
    world.take(out);
    assert_eq!(
        world.until(70.0),
        [
            "0s a Unknown > Up: call:ok",
            "52s a Up > Suspect: call:ok refused",
            "54s a Suspect > Down: call:ok refused refused refused"
        ]
    );
}

#[test]
fn on_probation_there_is_one_call_at_a_time_until_three_were_answered() {
    let mut world = world(&[(A, SITE)], |_, ms| if ms < 15_000 { Silent } else { Answers });
    assert_eq!(
        world.until(50.0),
        [
            "2s a Unknown > Suspect: miss",
            "8s a Suspect > Down: miss miss miss",
            "48s a Down > Probation: ok ok ok ok ok"
        ]
    );
    let mut seen = Vec::new();
    for call in 0..3 {
        seen.push(world.standing(A));
        world.call(A);
        seen.push(world.standing(A));
        // A second good sign of the same call (answered after it rang) proves nothing more.
        let mut out = Vec::new();
        world.health.on_sign(A, Source::Call, alive(20), world.now, &mut out);
        world.take(out);
        world.until(51.0 + f64::from(call));
    }
    seen.push(world.standing(A));
    use Standing::{Down, Probation, Up};
    assert_eq!(seen, [Probation, Down, Probation, Down, Probation, Down, Up]);
}

#[test]
fn a_path_that_fails_on_probation_is_held_twice_as_long() {
    let mut world = world(&[(A, SITE)], |_, ms| match ms {
        0..15_000 | 50_000..55_000 => Silent,
        _ => Answers,
    });
    world.until(50.0);
    world.call(A);
    let lines = world.until(200.0);
    assert_eq!(
        lines,
        [
            "52s a Probation > Down: ok ok ok ok call:miss",
            "116s a Down > Probation: ok ok ok ok ok",
            "176s a Probation > Up: ok ok ok ok ok"
        ]
    );
}

#[test]
fn a_path_without_probes_is_tried_again_after_its_back_off_and_its_hold() {
    let mut world = world(&[(A, None)], |_, ms| if ms < 100_000 { Silent } else { Answers });
    let mut lines = Vec::new();
    for call in [0.0, 20.0, 21.0, 22.0, 23.0, 60.0, 130.0, 131.0, 132.0] {
        lines.extend(world.until(call));
        world.call(A);
    }
    lines.extend(world.until(200.0));
    assert_eq!(
        lines,
        [
            "2s a Unknown > Suspect: call:miss",
            "7s a Suspect > Unknown: call:miss",
            "22s a Unknown > Suspect: call:miss call:miss",
            "23s a Suspect > Down: call:miss call:miss call:miss",
            "55s a Down > Probation: call:miss call:miss call:miss call:miss call:miss",
            "62s a Probation > Down: call:miss call:miss call:miss call:miss call:miss",
            "122s a Down > Probation: call:miss call:miss call:miss call:miss call:miss",
            "132s a Probation > Up: call:miss call:miss call:ok call:ok call:ok",
        ]
    );
    assert_eq!((world.probes.len(), world.health.deadline()), (0, None));
}

#[test]
fn an_hour_well_brings_back_the_first_hold() {
    let mut world = world(&[(A, SITE)], |_, ms| match ms / 1000 {
        0..20 | 200..220 | 4_200..4_220 => Silent,
        _ => Answers,
    });
    world.until(5_000.0);
    let down: Vec<_> = world.transitions.windows(2).filter(|pair| pair[0].1 == Standing::Down).collect();
    let holds: Vec<_> = down.iter().map(|pair| pair[1].0.since(pair[0].0).as_secs() / 10 * 10).collect();
    assert_eq!(holds, [40, 70, 40]);
}

#[test]
fn loss_is_counted_and_changes_no_standing() {
    let mut health = Health::new(1);
    health.watch(&[(A, SITE), (B, SITE)], Time::ZERO);
    let mut out = Vec::new();
    for nth in 0..100 {
        let resent = Sign::Alive { round_trip: None, resent: 1 };
        health.on_sign(A, Source::Probe, resent, at(f64::from(nth)), &mut out);
        health.on_sign(B, Source::Probe, alive(30), at(f64::from(nth)), &mut out);
    }
    assert_eq!((out.len(), health.loss(A), health.loss(B)), (2, 50, 0));
    assert_eq!([health.standing(A), health.standing(B)], [Standing::Up; 2]);
    assert_eq!([health.t1(A), health.t1(B)].map(|t1| t1.as_millis()), [500, 120]);
    assert_eq!([health.first(A), health.first(B)].map(|first| first.as_millis()), [2000, 1120]);
}

#[test]
fn a_reload_keeps_what_is_known_probes_what_is_new_and_forgets_the_rest() {
    let mut world = world(&[(A, SITE), (B, SITE)], |_, _| Answers);
    world.until(12.0);
    let next = world.health.deadline();
    world.health.watch(&[(path(3), SITE), (A, SITE)], world.now);
    assert_eq!(
        [A, B, path(3)].map(|path| world.standing(path)),
        [Standing::Up, Standing::Unknown, Standing::Unknown]
    );
    world.probes.clear();
    assert_eq!(world.until(13.0), ["12s 0/3 Unknown > Up: ok"], "known paths say nothing new");
    assert!(next > Some(at(12.0)) && world.probes.first() == Some(&(path(3), at(12.0))));
    world.until(100.0);
    assert!(world.probes.iter().all(|(path, _)| *path != B));
    world.health.watch(&[(A, None)], world.now);
    assert_eq!((world.health.deadline(), world.standing(A)), (None, Standing::Up));
    world.health.watch(&[(A, SITE)], world.now);
    assert_eq!(world.health.deadline(), Some(world.now), "probed again at once");
}

#[test]
fn many_new_paths_are_probed_over_one_interval_and_few_at_once() {
    let first_probes = |paths: u16| {
        let list: Vec<_> = (0..paths).map(|nth| (path(nth), SITE)).collect();
        let mut world = world(&list, |_, _| Silent);
        world.until(1.999);
        let early = world.probes.len();
        world.until(5.0);
        let seen: BTreeSet<_> = world.probes.iter().map(|(path, _)| *path).collect();
        (early, seen.len())
    };
    assert_eq!([first_probes(50), first_probes(100), first_probes(1000)], [(50, 50), (40, 100), (400, 1000)]);
}

#[test]
fn no_second_probe_is_sent_before_the_first_has_its_sign() {
    let mut health = Health::new(1);
    health.watch(&[(A, SITE)], Time::ZERO);
    let mut out = Vec::new();
    health.on_deadline(Time::ZERO, &mut out);
    health.on_sign(A, Source::Call, Sign::Unreachable, at(1.0), &mut out);
    health.on_deadline(at(100.0), &mut out);
    let probes = out.iter().filter(|output| **output == Output::Probe(A)).count();
    // Its back-off after the call that was refused is no deadline while probes can tell.
    assert_eq!((probes, health.deadline()), (1, None));
    health.on_sign(A, Source::Probe, Sign::Miss, at(101.0), &mut out);
    assert_eq!(health.deadline(), Some(at(102.0)));
}

#[test]
fn live_calls_save_probes() {
    let mut world = world(&[(A, SITE)], |_, _| Answers);
    for second in 1..100 {
        world.call(A);
        world.until(f64::from(second));
    }
    assert_eq!(world.probes.len(), 1);
}

#[test]
fn ten_thousand_paths_are_probed_every_second() {
    let every = Some(Probe::every(Duration::from_secs(1)));
    let paths: Vec<_> = (0..10_000).map(|nth| (path(nth), every)).collect();
    let mut world = world(&paths, |_, _| Answers);
    world.until(11.0);
    assert!((100_000..130_000).contains(&world.probes.len()), "{}", world.probes.len());
    assert_eq!(world.health.deadlines.len() + world.signs.len(), 10_000, "one entry a path");
}

/// TRUST, invariant 15: every change has its evidence, whatever signs come.
#[test]
fn any_signs_at_all_lead_to_changes_that_their_evidence_carries() {
    let mut all_ups = 0;
    for seed in 0..300 {
        let mut chance = Chance::new(seed);
        let mut draw =
            |below: u64| chance.pause(Duration::from_micros(5 * below)).as_micros() as u64 - 4 * below;
        let probe = if seed % 4 == 0 { None } else { SITE };
        let mut health = Health::new(seed);
        health.watch(&[(A, probe)], Time::ZERO);
        let (mut now, mut ups) = (Time::ZERO, Vec::new());
        for _ in 0..2_000 {
            let mut out = Vec::new();
            now = now + Duration::from_millis(draw(3_000));
            health.on_deadline(now, &mut out);
            assert!(health.deadline().is_none_or(|at| at > now), "{seed}: a deadline stays in the past");
            let source = if draw(2) == 0 { Source::Call } else { Source::Probe };
            let sign = match draw(12) {
                0 => Sign::Miss,
                1 => Sign::Soft,
                2 => Sign::Unreachable,
                3 => Sign::Unavailable(None),
                4 => Sign::Unavailable(Some(u32::try_from(draw(400)).unwrap())),
                _ => alive(20),
            };
            match draw(6) {
                0 => health.on_call_begun(A),
                1 => health.on_call_over(A),
                _ => health.on_sign(A, source, sign, now, &mut out),
            }
            for output in out {
                let Output::Changed { from, to, evidence, .. } = output else { continue };
                let last = evidence.last().map(|seen| seen.sign);
                let good = evidence.iter().filter(|seen| matches!(seen.sign, Sign::Alive { .. })).count();
                let named = matches!(last, Some(Sign::Unavailable(Some(_))));
                assert!(evidence.len() <= 5 && from != to, "{seed}: {evidence:?}");
                let missed = evidence.iter().filter(|seen| !matches!(seen.sign, Sign::Alive { .. })).count();
                match to {
                    Standing::Up => {
                        assert!(good >= 1 && from != Standing::Up, "{seed} {now}: {from:?} {evidence:?}");
                        ups.push(now);
                    }
                    Standing::Down => assert!(
                        named || from == Standing::Probation || (missed >= 3 && from != Standing::Up),
                        "{seed} {now}: {from:?} {evidence:?}"
                    ),
                    Standing::Probation => assert_eq!(from, Standing::Down),
                    Standing::Unknown => assert_eq!(from, Standing::Suspect),
                    Standing::Suspect => assert_ne!(from, Standing::Probation),
                }
            }
        }
        // The first is no return.
        let close = ups
            .get(1..)
            .unwrap_or_default()
            .windows(2)
            .any(|pair| pair[1].since(pair[0]) < Duration::from_secs(30));
        assert!(!close, "{seed}: {ups:?}");
        all_ups += ups.len();
    }
    assert!(all_ups > 1_000, "{all_ups}");
}
