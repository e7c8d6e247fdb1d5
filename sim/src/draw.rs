//! What a seed draws: a plan, how everybody behaves, the weather, the calls, and what goes wrong when.

use crate::caller::Script;
use crate::chance::Chance;
use crate::dns::Mood;
use crate::draw_accounts::draw_accounts;
use crate::draw_asking::{Asking, draw_asking};
use crate::draw_beside::draw_beside;
use crate::draw_forwards::{draw_forwards, draw_help};
use crate::draw_names::draw_names;
use crate::draw_orders::draw_orders;
use crate::draw_redirects::draw_redirects;
use crate::manner::Manner;
use crate::network::{Network, Weather};
use crate::town::{
    self, ANSWERING_HOST, CARRIER_A, CARRIER_A_HOST, CARRIER_B, CARRIER_B_HOST, NODE, NUMBER, OFFICE,
};
use crate::town::{OFFICE_2, OFFICE_HOST, PSTN, PSTN_HOST, STRANGER, TUESDAY_TEN};
use crate::world::{Move, World};
use core::net::SocketAddr;
use core::time::Duration;
use router::dialect::Dialect;
use router::hours::{Hours, Window};
use router::load::{Counted, Limit};
use router::plan::{CourseId, Declined, Limited, Member, Step};
use router::presentation::{Diverts, Form, Presentation, Who};
use router::target::{CarrierId, PeerHost, PeerId, PeerKind, Probe, TargetId};
use router::verdict::CodeRule;
use router::{Plan, Transport};
use sip::Time;
use std::sync::Arc;

/// All that a run does beyond its world.
#[derive(Clone, Debug)]
pub(crate) struct Drawn {
    /// The calls.
    pub(crate) scripts: Vec<Script>,
    /// The calls for help, which the office places.
    pub(crate) help: Vec<Script>,
    /// What goes wrong when.
    pub(crate) moves: Vec<(Time, Move)>,
    /// The target that is healed.
    pub(crate) healed: TargetId,
    /// Between whom all is well from then on.
    pub(crate) calm: Vec<SocketAddr>,
    /// The host that callers call by.
    pub(crate) by: usize,
    /// When it is healed.
    pub(crate) heal_at: Time,
    /// When the last call has been placed and walked.
    pub(crate) rest_at: Time,
    /// When nothing is left to do.
    pub(crate) end_at: Time,
}

/// The longest late datagram.
const LATE_MAX: Duration = Duration::from_secs(40);

/// Draws a world and what happens in it.
pub(crate) fn draw(seed: u64, calls: u32) -> (World, Drawn) {
    let mut chance = Chance::new(seed ^ 0x5eed);
    let storm = Duration::from_secs(40) + Duration::from_millis(400) * calls;
    let heal_at = Time::ZERO + storm;
    let last_call = storm + Duration::from_secs(10) + Duration::from_millis(200) * calls;
    let rest_at = Time::ZERO + last_call + Duration::from_secs(230);
    let end_at = rest_at + Duration::from_secs(370);
    let network = Network { weather: draw_weather(&mut chance), ..Network::default() };
    let mut world = World::new(seed, network);
    town::people_of(&mut world);
    for host in &mut world.hosts {
        for place in &mut host.places {
            place.options =
                [Some(200), Some(200), Some(503), None][usize::try_from(chance.below(4)).unwrap_or(0)];
            place.hang_up = chance.permille(400).then(|| seconds(&mut chance, 1, 20));
        }
    }
    let mut drawn = Drawn {
        scripts: Vec::new(),
        help: Vec::new(),
        moves: Vec::new(),
        healed: TargetId(u32::try_from(chance.below(4)).unwrap_or(0)),
        by: PSTN_HOST,
        calm: vec![NODE, PSTN],
        heal_at,
        rest_at,
        end_at,
    };
    let mut plan = draw_plan(&mut chance, drawn.healed);
    drawn.moves = draw_names(seed, &mut world, &mut plan, storm);
    drawn.moves.extend(draw_accounts(seed, &mut plan, &mut world, (storm, heal_at)));
    let redirects = draw_redirects(seed, &mut plan, &mut world, storm);
    draw_streams(seed, &mut plan, &mut world, &mut drawn, storm);
    draw_people(&mut chance, &mut world, &plan, &mut drawn);
    drawn.help = draw_help(seed, &mut world, &mut plan, last_call);
    draw_faults(&mut chance, &mut drawn, &plan, storm);
    draw_forwards(seed, &mut plan, &mut drawn.moves, storm);
    drawn.moves.extend(redirects);
    for _ in 0..calls {
        let early = chance.permille(600);
        let (from, to) = if early { (Duration::ZERO, storm) } else { (storm, last_call) };
        let at = chance.span(from, to);
        let script = draw_script(&mut chance, at);
        drawn.scripts.push(script);
    }
    drawn.moves.extend(draw_beside(seed, &mut world, &mut drawn.scripts, storm));
    heal(&mut drawn);
    let asking = draw_asking(seed, &mut plan, &mut drawn.scripts);
    let identity = |seed| match asking {
        Some(_) => Asking::identity(town::identity(seed)),
        None => town::identity(seed),
    };
    let plan = draw_orders(seed, plan, &mut drawn, storm);
    world.add_node(identity(seed), &plan);
    if chance.permille(300) {
        world.add_node(identity(seed ^ 0xff00), &plan);
    }
    if let Some(asking) = &asking {
        asking.arrange(&mut world);
        drawn.by = asking.calls_by();
        drawn.calm.push(CARRIER_A);
    }
    if chance.permille(120) {
        let at = Time::ZERO + chance.span(Duration::ZERO, storm);
        drawn.moves.push((at, Move::Drain(0)));
    }
    world.plan_move(
        rest_at,
        Move::Weather(Weather { latency: Duration::from_millis(5), ..Weather::default() }),
    );
    (world, drawn)
}

fn draw_weather(chance: &mut Chance) -> Weather {
    let bad = chance.permille(700);
    let rate = |chance: &mut Chance, most: u64| {
        if bad && chance.permille(600) { u16::try_from(chance.below(most + 1)).unwrap_or(0) } else { 0 }
    };
    Weather {
        latency: chance.span(Duration::from_micros(200), Duration::from_millis(60)),
        jitter: chance.span(Duration::ZERO, Duration::from_millis(80)),
        loss: rate(chance, 300),
        twice: rate(chance, 200),
        late: rate(chance, 10),
        late_by: LATE_MAX,
    }
}

/// A plan of one to four steps through the town that holds the target that will be healed.
fn draw_plan(chance: &mut Chance, healed: TargetId) -> Plan {
    let mut plan = town::town();
    let probed = chance.permille(500);
    let rings = [3, 4, 6, 10];
    for peer in &mut plan.peers {
        let every = Duration::from_secs(*chance.pick(&[5, 10, 30]).unwrap_or(&10));
        peer.probe = (probed && chance.permille(700)).then(|| Probe::every(every));
        peer.first = chance.permille(700).then(|| Duration::from_millis(500 + chance.below(2500)));
        peer.progress = Duration::from_secs(2 + chance.below(6));
        peer.dialect = draw_dialect(chance);
        let often = if matches!(peer.kind, PeerKind::Trunk(_)) { 500 } else { 100 };
        peer.presentation = chance.permille(often).then(|| Arc::new(draw_presentation(chance)));
    }
    draw_domains(chance, &mut plan);
    draw_limits(chance, &mut plan);
    for target in &mut plan.targets {
        target.ring = Duration::from_secs(*chance.pick(&rings).unwrap_or(&6));
    }
    let mut steps = draw_steps(chance, 10);
    let there = steps.iter().flat_map(|step| &step.members).any(|member| *member == Member::Target(healed));
    if !there {
        steps.push(town::step(&[healed], 19));
    }
    let mut main = town::course("main", steps);
    if chance.permille(250) {
        main.live_within = seconds(chance, 3, 12);
        let answering = Member::Target(town::ANSWERING_TARGET);
        if !main.steps.iter().any(|step| step.members.contains(&answering)) {
            main.steps.push(town::step(&[town::ANSWERING_TARGET], 20));
        }
    }
    if chance.permille(200) {
        main.busy = Some(vec![town::step(&[town::ANSWERING_TARGET], 30)]);
    }
    if !plan.limits.is_empty() && chance.permille(300) {
        main.full = Some(vec![town::step(&[town::ANSWERING_TARGET], 50)]);
    }
    if chance.permille(120) {
        let window = Window { days: 0x7f, from: 600, to: 601 + u16::try_from(chance.below(60)).unwrap_or(0) };
        main.hours = Some(Hours { windows: vec![window], ..Hours::default() });
        main.closed = Some(vec![town::step(&[town::ANSWERING_TARGET], 40)]);
    }
    if chance.permille(200) {
        let inner = draw_steps(chance, 20);
        main.steps.insert(0, Step { members: vec![Member::Course(CourseId(1))], ..town::step(&[], 9) });
        plan.courses = vec![main, town::course("inner", inner)];
    } else {
        plan.courses = vec![main];
    }
    plan.strict_6xx = chance.permille(150);
    plan
}

/// Mostly none, else what statuses may mean to somebody, and what somebody may want to be told.
fn draw_dialect(chance: &mut Chance) -> Arc<Dialect> {
    if chance.permille(700) {
        return Arc::default();
    }
    let statuses = [302, 403, 404, 480, 486, 488, 500, 503, 603];
    let rules = [
        CodeRule::Next,
        CodeRule::NextTrunk,
        CodeRule::NextCarrier,
        CodeRule::Busy,
        CodeRule::NoChannel,
        CodeRule::TooFast,
        CodeRule::BadCli,
    ];
    let mut dialect = Dialect::default();
    for _ in 0..chance.below(4) {
        let (status, rule) = (chance.pick(&statuses).copied(), chance.pick(&rules).copied());
        dialect.codes.extend(status.zip(rule));
    }
    if chance.permille(300) {
        dialect.alive = vec![200];
    }
    if chance.permille(300) {
        dialect.ring_out = 503;
    }
    Arc::new(dialect)
}

/// What dies together: in two plans of five a grid that some share, in one of five a fibre too.
fn draw_domains(chance: &mut Chance, plan: &mut Plan) {
    for (domain, plans) in [("grid", 400), ("fibre", 200)] {
        if chance.permille(plans) {
            for peer in plan.peers.iter_mut().filter(|_| chance.permille(600)) {
                peer.domains.push(domain.into());
            }
        }
    }
}

/// How much they take: in two plans of five some carry one to three calls at once, or take so many a second.
fn draw_limits(chance: &mut Chance, plan: &mut Plan) {
    let all = [
        (Limited::Carrier(CarrierId(0)), Counted::Carrier("carrier-a".into())),
        (Limited::Peer(PeerId(3)), Counted::Peer("carrier-b".into())),
        (Limited::Target(town::OFFICE_TARGET), Counted::Target("office".into())),
        (Limited::Target(town::ANSWERING_TARGET), Counted::Target("answering".into())),
    ];
    if !chance.permille(400) {
        return;
    }
    for (limited, of) in all {
        let mut few = |rate| chance.permille(rate).then(|| 1 + u32::try_from(chance.below(3)).unwrap_or(0));
        let limit = Limit { of, channels: few(500), cps: few(200) };
        if limit.channels.is_some() || limit.cps.is_some() {
            plan.limits.insert(limited, limit);
        }
    }
}

fn draw_presentation(chance: &mut Chance) -> Presentation {
    let who = [Who::Caller, Who::Called, Who::Called, Who::Number("+15035550199".into())];
    let diverts = [Diverts::Nothing, Diverts::Diversion, Diverts::HistoryInfo, Diverts::Both];
    let who = chance.pick(&who).cloned().unwrap_or(Who::Called);
    let diverts = *chance.pick(&diverts).unwrap_or(&Diverts::Diversion);
    Presentation { form: Form { who, diverts }, trusted: chance.permille(400) }
}

/// What callers and carriers before us may say of who calls, and by way of whom.
const EXTRA: [&str; 8] = [
    "P-Asserted-Identity: <tel:+15550001000>\r\nPrivacy: id\r\n",
    "P-Asserted-Identity: <sip:+15550001000@10.0.9.1>\r\nRemote-Party-ID: <sip:+15550001000@10.0.9.1>;privacy=off\r\n",
    "Identity: eyJhbGciOiJFUzI1NiJ9.eyJ9.abc;info=<https://a.example/1.crt>;alg=ES256;ppt=shaken\r\n\
     y: eyJhbGciOiJFUzI1NiJ9.eyJ9.def;info=<https://b.example/2.crt>;ppt=\"div\"\r\n",
    "Diversion: <sip:+15550002000@a.example>;reason=no-answer;counter=2\r\n",
    "History-Info: <sip:+15550002000@a.example>;index=1, <sip:+15550003000@b.example;cause=302>;index=1.2;mp=1\r\n",
    "History-Info: <sip:+15550002000@a.example>;index=1\r\nPrivacy: id;history\r\n",
    "Privacy: user\r\nP-Preferred-Identity: <sip:a@b.example>\r\n",
    "Privacy: none\r\nP-Asserted-Identity: <tel:+15550001000>\r\nDiversion: <sip:c@d.example>, <sip:e@f.example>\r\n",
];

fn draw_steps(chance: &mut Chance, line: u32) -> Vec<Step> {
    let mut steps = Vec::new();
    for number in 0..=u32::try_from(chance.below(3)).unwrap_or(0) {
        let mut members: Vec<TargetId> = Vec::new();
        for _ in 0..=chance.below(3) {
            let target = TargetId(u32::try_from(chance.below(4)).unwrap_or(0));
            let used = |step: &Step| step.members.contains(&Member::Target(target));
            if !members.contains(&target) && !steps.iter().any(used) {
                members.push(target);
            }
        }
        if members.is_empty() {
            continue;
        }
        let mut step = town::step(&members, line + number);
        if chance.permille(100) {
            step.declined = Declined::Stop;
        }
        step.ring = chance.permille(400).then(|| seconds(chance, 3, 9));
        if chance.permille(300) {
            step.stagger = Duration::from_millis(500 + chance.below(3000));
        }
        steps.push(step);
    }
    steps
}

/// How everybody behaves, and how that changes.
fn draw_people(chance: &mut Chance, world: &mut World, plan: &Plan, drawn: &mut Drawn) {
    let ring = plan.targets.first().map_or(Duration::from_secs(6), |target| target.ring);
    let storm = drawn.heal_at.since(Time::ZERO);
    for (host, places) in [(OFFICE_HOST, 2), (ANSWERING_HOST, 1)] {
        for place in 0..places {
            let manner = draw_manner(chance, ring);
            drawn.moves.push((Time::ZERO, Move::Place { host, place, manner: Some(manner) }));
            for _ in 0..chance.below(4) {
                let at = Time::ZERO + chance.span(Duration::ZERO, storm);
                let manner = Some(draw_manner(chance, ring));
                drawn.moves.push((at, Move::Place { host, place, manner }));
            }
        }
    }
    for host in [CARRIER_A_HOST, CARRIER_B_HOST] {
        for _ in 0..chance.below(3) {
            let at = Time::ZERO + chance.span(Duration::ZERO, storm);
            let manner = chance.permille(600).then(|| draw_manner(chance, ring));
            drawn.moves.push((at, Move::Place { host, place: 0, manner }));
        }
    }
    for (number, _, manner) in &mut world.people {
        *manner = draw_manner(chance, ring);
        for _ in 0..chance.below(3) {
            let at = Time::ZERO + chance.span(Duration::ZERO, storm);
            drawn.moves.push((at, Move::Person(number, draw_manner(chance, ring))));
        }
    }
}

pub(crate) fn draw_manner(chance: &mut Chance, ring: Duration) -> Manner {
    let answer = seconds(chance, 0, 5);
    let edge = ring + Duration::from_millis(chance.below(21)) - Duration::from_millis(10);
    let after = chance.span(Duration::ZERO, Duration::from_secs(3));
    let statuses = [
        302, 400, 402, 403, 403, 404, 408, 433, 480, 482, 486, 486, 487, 488, 500, 503, 503, 504, 600, 603,
        607, 699,
    ];
    let status = *chance.pick(&statuses).unwrap_or(&503);
    let extra = [
        "",
        "",
        "",
        "Retry-After: 5\r\n",
        "Reason: Q.850;cause=34\r\nRetry-After: 2\r\n",
        "Reason: Q.850;cause=17\r\n",
        "Reason: Q.850;cause=17;location=LN\r\n",
        "Reason: SIP;cause=200, Q.850;cause=1, Q.850;cause=38;text=\"out, of order\"\r\n",
        "Reason: Q.850;cause=999\r\n",
    ];
    match chance.below(22) {
        0..=2 => Manner::Dead,
        3 | 4 => Manner::Icmp,
        5 => Manner::Gray,
        6 => Manner::Slow(chance.span(Duration::ZERO, Duration::from_secs(4))),
        7 => Manner::Trying,
        8..=10 => {
            let extra = chance.pick(&extra).copied().unwrap_or("");
            Manner::Refuse { after: if chance.permille(500) { Duration::ZERO } else { after }, status, extra }
        }
        11 => Manner::RingRefuse { after, status },
        12 => Manner::Ring { after },
        13 => Manner::Deaf,
        14 | 15 => Manner::Answer { ring: answer / 2, answer },
        16 => Manner::Answer { ring: Duration::ZERO, answer: edge },
        17 => Manner::Early {
            media: Duration::ZERO,
            after,
            status: if chance.permille(500) { 200 } else { status },
        },
        18 => Manner::Crossing,
        19 => Manner::Twins { answer },
        20 => Manner::Loud { answer },
        _ if chance.permille(500) => Manner::LostVia { answer },
        _ => Manner::WrongCSeq { answer },
    }
}

/// Crashes, pauses, reloads, clock steps, cuts, holes and strangers, all before the healing.
/// Who is spoken to over streams, and when those are closed or go silent.
fn draw_streams(seed: u64, plan: &mut Plan, world: &mut World, drawn: &mut Drawn, storm: Duration) {
    // A generator of its own: what else a seed draws does not change with it.
    let mut chance = Chance::new(seed ^ 0x57e4_a95e);
    // Of a name the DNS says how it is spoken to, and it may lead to anybody.
    if plan.peers.iter().any(|peer| matches!(peer.host, PeerHost::Name(_))) {
        return;
    }
    for address in [OFFICE, OFFICE_2, town::ANSWERING, CARRIER_A] {
        if !chance.permille(200) {
            continue;
        }
        world.streams.insert(address);
        for peer in plan.peers.iter_mut().filter(|peer| peer.host == PeerHost::Ip(address.ip())) {
            peer.transport = Some(Transport::Tcp);
        }
        for _ in 0..chance.below(12) {
            let at = Time::ZERO + chance.span(Duration::ZERO, storm);
            let ends = if chance.permille(700) { Move::Close(address) } else { Move::Stall(address) };
            drawn.moves.push((at, ends));
        }
    }
}

fn draw_faults(chance: &mut Chance, drawn: &mut Drawn, plan: &Plan, storm: Duration) {
    let everybody = [CARRIER_A, CARRIER_B, OFFICE, OFFICE_2, town::ANSWERING, PSTN];
    let when = |chance: &mut Chance| Time::ZERO + chance.span(Duration::ZERO, storm);
    let mut put = |at: Time, what: Move| drawn.moves.push((at, what));
    if chance.permille(350) {
        let at = when(chance);
        put(at, Move::Crash(0));
        put(at + seconds(chance, 0, 20), Move::Restart(0));
    }
    if chance.permille(250) {
        let at = when(chance);
        put(at, Move::Pause(0));
        put(at + seconds(chance, 1, 12), Move::Resume(0));
    }
    if chance.permille(300) {
        let other = Plan { strict_6xx: !plan.strict_6xx, ..plan.clone() };
        put(when(chance), Move::Apply(0, Arc::new(other)));
    }
    if chance.permille(300) {
        let hours = i64::try_from(chance.below(49)).unwrap_or(0) - 24;
        put(when(chance), Move::Clock(0, TUESDAY_TEN + hours * 3_600_000_000));
    }
    for _ in 0..chance.below(4) {
        let other = *chance.pick(&everybody).unwrap_or(&OFFICE);
        let (from, to) = if chance.permille(500) { (NODE, other) } else { (other, NODE) };
        let at = when(chance);
        put(at, Move::Cut(from, to));
        put(at + seconds(chance, 1, 60), Move::Mend(from, to));
    }
    if chance.permille(200) {
        let hole = *chance.pick(&everybody).unwrap_or(&OFFICE);
        let at = when(chance);
        put(at, Move::Hole(hole));
        put(at + seconds(chance, 1, 60), Move::Fill(hole));
    }
    for number in 0..chance.below(6) {
        let bytes = draw_junk(chance, number);
        put(when(chance), Move::Inject { from: STRANGER, to: NODE, bytes: bytes.into() });
    }
}

/// What strangers send: forged requests inside of calls, stray responses, noise.
fn draw_junk(chance: &mut Chance, number: u64) -> Vec<u8> {
    let via = format!("Via: SIP/2.0/UDP {STRANGER};branch=z9hG4bKx{number}\r\n");
    let rest = format!(
        "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: call-{}\r\nContent-Length: 0\r\n\r\n",
        chance.below(20)
    );
    let hop = "Max-Forwards: 70\r\n";
    let new = rest.replace(";tag=2", "");
    match chance.below(10) {
        0 => format!("BYE sip:x@10.0.77.7 SIP/2.0\r\n{via}{hop}CSeq: 7 BYE\r\n{rest}"),
        1 => format!(
            "BYE sip:x@10.0.77.7 SIP/2.0\r\n{via}{hop}Route: <sip:{NODE};lr>\r\nCSeq: 7 BYE\r\n{rest}"
        ),
        2 => format!(
            "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP {NODE};branch=z9hG4bKno\r\n{via}CSeq: 101 INVITE\r\n{rest}"
        ),
        3 => format!(
            "ACK sip:x@10.0.77.7 SIP/2.0\r\n{via}{hop}Route: <sip:{NODE};lr>\r\nCSeq: 7 ACK\r\n{rest}"
        ),
        4 => format!("CANCEL sip:{NUMBER}@{NODE} SIP/2.0\r\n{via}{hop}CSeq: 101 CANCEL\r\n{rest}"),
        5 => format!("OPTIONS sip:100@{NODE} SIP/2.0\r\n{via}{hop}CSeq: 1 OPTIONS\r\n{new}"),
        6 => format!("REGISTER sip:{NODE} SIP/2.0\r\n{via}{hop}Expires: 60\r\nCSeq: 1 REGISTER\r\n{new}"),
        7 => format!("INVITE sip:900972592000000@{NODE} SIP/2.0\r\n{via}{hop}CSeq: 1 INVITE\r\n{new}"),
        8 => format!("INVITE sip:+1900@10.0.77.7 SIP/2.0\r\n{via}{hop}CSeq: 1 INVITE\r\n{rest}"),
        _ => "\u{1}\u{2}noise\r\n\r\n".to_owned(),
    }
    .into_bytes()
}

/// Heals one target: its people answer, its ways and the caller's are calm, the node runs.
fn heal(drawn: &mut Drawn) {
    let at = drawn.heal_at;
    let heals = |what: &Move| matches!(what, Move::Mend(..) | Move::Fill(_) | Move::Guard { .. });
    drawn.moves.retain(|(when, what)| *when < at || heals(what));
    let answers = Manner::says(50, 700);
    let place = |host, place, manner| (at, Move::Place { host, place, manner });
    match drawn.healed {
        town::OFFICE_TARGET => {
            drawn.calm.extend([OFFICE, OFFICE_2]);
            drawn.moves.push(place(OFFICE_HOST, 0, Some(answers)));
            drawn.moves.push(place(OFFICE_HOST, 1, Some(answers)));
        }
        town::ANSWERING_TARGET => {
            drawn.calm.push(town::ANSWERING);
            drawn.moves.push(place(ANSWERING_HOST, 0, Some(answers)));
        }
        person => {
            let number = if person == town::ANA_TARGET { town::ANA } else { town::BEN };
            drawn.calm.extend([CARRIER_A, CARRIER_B]);
            drawn.moves.push(place(CARRIER_A_HOST, 0, None));
            drawn.moves.push(place(CARRIER_B_HOST, 0, None));
            drawn.moves.push((at, Move::Person(number, answers)));
        }
    }
    drawn.moves.push((at, Move::Dns(Mood::Well)));
    drawn.moves.push((at, Move::Restart(0)));
    drawn.moves.push((at, Move::Resume(0)));
}

fn draw_script(chance: &mut Chance, at: Duration) -> Script {
    let talk = chance.permille(700).then(|| seconds(chance, 1, 25));
    Script {
        cancel: chance.permille(250).then(|| chance.span(Duration::ZERO, Duration::from_secs(15))),
        // A caller who never hangs up leaves that to the called side, which may not do so either; then it is up for ever.
        talk,
        reinvite: chance.permille(150).then(|| seconds(chance, 1, 5)),
        haste: if chance.permille(150) { u8::try_from(chance.below(20)).unwrap_or(0) } else { 0 },
        extra: if chance.permille(400) { chance.pick(&EXTRA).unwrap_or(&"") } else { "" },
        ..Script::patient(at, NUMBER, NODE)
    }
}

fn seconds(chance: &mut Chance, from: u64, to: u64) -> Duration {
    chance.span(Duration::from_secs(from), Duration::from_secs(to))
}
