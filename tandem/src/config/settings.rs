//! Every setting once: name, unit, bounds, default, and the reason. `check`, `help settings` and the reader all
//! take them from here.

use core::ops::RangeInclusive;
use core::time::Duration;

/// A setting that is a length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Its key in the plan file, with the table it is in.
    pub name: &'static str,
    /// What holds if it is not written.
    pub default: Duration,
    /// The least allowed.
    pub min: Duration,
    /// The most allowed.
    pub max: Duration,
    /// Why this default and these bounds.
    pub why: &'static str,
}

/// A setting that is a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count<N = u8> {
    /// Its key in the plan file, with the table it is in.
    pub name: &'static str,
    /// What holds if it is not written.
    pub default: N,
    /// The least allowed.
    pub min: N,
    /// The most allowed.
    pub max: N,
    /// Why this default and these bounds.
    pub why: &'static str,
}

/// A setting that bounds an amount; not written, there is no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Most {
    /// Its key in the plan file.
    pub name: &'static str,
    /// The most allowed; the least is 1.
    pub max: u32,
    /// What it is for.
    pub why: &'static str,
}

/// A setting that is a range of ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ports {
    /// Its key in the plan file, with the table it is in.
    pub name: &'static str,
    /// What holds if it is not written.
    pub default: RangeInclusive<u16>,
    /// The first allowed.
    pub min: u16,
    /// How many it has at least.
    pub least: u16,
    /// Why this default and these bounds.
    pub why: &'static str,
}

/// How long a site or service rings.
pub const RING: Wait = Wait {
    name: "ring",
    default: Duration::from_secs(20),
    min: Duration::from_secs(5),
    max: Duration::from_secs(120),
    why: "four or five rings: most people who will answer have done so",
};

/// How long a person's phone number rings.
pub const RING_PERSON: Wait = Wait {
    name: "ring, of a person by phone number",
    default: Duration::from_secs(18),
    why: "shorter than most mobile voicemails take to pick up, so that they do not eat the call",
    ..RING
};

/// How long the members of a step ring.
pub const FOR: Wait = Wait { name: "for, in a step", why: "as `ring`, for this step alone", ..RING };

/// The pause between the starts of a list's members.
pub const STAGGER: Wait = Wait {
    name: "stagger, in a step",
    default: Duration::ZERO,
    min: Duration::ZERO,
    max: Duration::from_secs(60),
    why: "0 s rings all at once; a longer pause than a minute is a step of its own",
};

/// By when somebody whose job is to answer is ringing.
pub const LIVE_WITHIN: Wait = Wait {
    name: "live_within",
    default: Duration::from_secs(40),
    min: Duration::from_secs(5),
    max: Duration::from_secs(120),
    why: "after a minute callers hang up and some carriers end the call themselves",
};

/// By when an expectation wants somebody to be rung.
pub const WITHIN: Wait = Wait {
    name: "within, of an expectation",
    default: Duration::from_secs(180),
    min: Duration::from_secs(1),
    max: Duration::from_secs(180),
    why: "no call is walked for longer than three minutes",
};

/// How long a carrier lets a call ring here.
pub const NO_ANSWER: Wait = Wait {
    name: "no_answer, of a carrier",
    default: Duration::from_secs(180),
    min: Duration::from_secs(10),
    max: Duration::from_secs(300),
    why: "by then it takes a call away that nobody answers; who is to answer has to ring sooner",
};

/// Pause between probes of a site or service.
pub const EVERY_SITE: Wait = Wait {
    name: "probe.every, of a site or service",
    default: Duration::from_secs(5),
    min: Duration::from_secs(1),
    max: Duration::from_secs(300),
    why: "a dead office is known after 13 s at worst; more often is a load, more rarely is blind",
};

/// Pause between probes of a carrier.
pub const EVERY_CARRIER: Wait = Wait {
    name: "probe.every, of a carrier",
    default: Duration::from_secs(10),
    why: "carriers answer many customers and may block who asks too often; known dead after 18 s at worst",
    ..EVERY_SITE
};

/// How long a probe waits.
pub const TIMEOUT: Wait = Wait {
    name: "probe.timeout",
    default: Duration::from_secs(2),
    min: Duration::from_millis(500),
    max: Duration::from_secs(10),
    why: "three sendings of one OPTIONS at the usual 500 ms; two of them may be lost",
};

/// How long a peer must have been well before calls return.
pub const HOLD: Wait = Wait {
    name: "probe.hold",
    default: Duration::from_secs(30),
    min: Duration::ZERO,
    max: Duration::from_secs(600),
    why: "what has just come back often goes again; it doubles with every flap, up to 10 minutes",
};

/// How long an INVITE may stay without any response.
pub const FIRST: Wait = Wait {
    name: "timers.first",
    default: Duration::from_secs(2),
    min: Duration::from_millis(500),
    max: Duration::from_secs(10),
    why: "not written, it follows the measured round trip (2 s until one is known); RFC 3261 alone waits 32 s",
};

/// How long a site or service may stay without ringing.
pub const PROGRESS_SITE: Wait = Wait {
    name: "timers.progress, of a site or service",
    default: Duration::from_secs(5),
    min: Duration::from_secs(1),
    max: Duration::from_secs(30),
    why: "100 Trying proves only the next hop; a PBX rings within a second",
};

/// How long a carrier may stay without ringing.
pub const PROGRESS_CARRIER: Wait = Wait {
    name: "timers.progress, of a carrier",
    default: Duration::from_secs(8),
    why: "the public network needs some seconds to find a mobile",
    ..PROGRESS_SITE
};

/// Misses in a row until a peer is down.
pub const DOWN_AFTER: Count = Count {
    name: "probe.down_after",
    default: 3,
    min: 1,
    max: 10,
    why: "one lost packet is no outage; three in a row are",
};

/// Answers in a row until a peer is trusted with a call.
pub const UP_AFTER: Count =
    Count { name: "probe.up_after", default: 3, min: 1, max: 10, why: "one answer may be luck" };

/// Calls in memory at once.
pub const CALLS_MAX: Count<usize> = Count {
    name: "node.calls_max",
    default: router::door::CALLS_MAX,
    min: 1,
    max: 1_000_000,
    why: "a call takes up to 16 KiB until half a minute after it was answered; who comes beyond them gets 503",
};

/// The ports of sound.
pub const RTP_PORTS: Ports = Ports {
    name: "node.rtp_ports",
    default: 16_384..=32_767,
    min: 1_024,
    least: 4,
    why: "a mailbox or an announcement takes two for each call, a call that people press 1 for four; a firewall has to let them in",
};

/// What is left of the disk, in MiB.
pub const DISK_FLOOR: Count<u64> = Count {
    name: "node.disk_floor, in MiB",
    default: agent::guide::DISK_FLOOR >> 20,
    min: 16,
    max: 1 << 20,
    why: "the system and the call history live on the same disk; with less free a mailbox takes no call, and the plan goes on",
};

/// Calls at once.
pub const CHANNELS: Most = Most {
    name: "channels",
    max: 100_000,
    why: "a carrier, trunk, site or service that carries as many is passed by, and tried last",
};

/// New calls a second.
pub const CPS: Most = Most {
    name: "cps",
    max: 10_000,
    why: "carriers refuse calls that come faster; as many may come in one burst, the next are passed by",
};

/// New calls a second of the whole node.
pub const NODE_CPS: Most = Most {
    name: "node.cps",
    max: 100_000,
    why: "who comes faster gets 503, and a carrier goes elsewhere at once; as many may come in one burst",
};

/// Answered calls that a plan sends out to phone numbers in an hour.
pub const CALLS_PER_HOUR: Most = Most {
    name: "calls_per_hour",
    max: 1_000_000,
    why: "answered calls that a plan sends out to phone numbers; after them its calls ring only who is reached by SIP",
};

/// Answered calls that a plan sends out to phone numbers in a day.
pub const CALLS_PER_DAY: Most =
    Most { name: "calls_per_day", why: "as `calls_per_hour`, in a day", ..CALLS_PER_HOUR };

/// Minutes that a plan sends out to phone numbers in a day.
pub const MINUTES_PER_DAY: Most = Most {
    name: "minutes_per_day",
    why: "minutes of calls that a plan has sent out to phone numbers and that have ended, in a day",
    ..CALLS_PER_HOUR
};

/// All settings that bound an amount.
pub const MOSTS: [&Most; 6] = [&CHANNELS, &CPS, &NODE_CPS, &CALLS_PER_HOUR, &CALLS_PER_DAY, &MINUTES_PER_DAY];

/// For how long a registration is asked for.
pub const EXPIRES: Wait = Wait {
    name: "expires, of a registration",
    default: Duration::from_secs(300),
    min: Duration::from_secs(60),
    max: Duration::from_secs(3_600),
    why: "a carrier that has lost its registrations sends us calls again after four minutes; it may want longer ones and gets them",
};

/// How long a message may be.
pub const LONGEST: Wait = Wait {
    name: "longest, of a mailbox",
    default: Duration::from_secs(180),
    min: Duration::from_secs(10),
    max: Duration::from_secs(600),
    why: "who speaks for longer has been put on hold by somebody; three minutes are a mail of 4 MB",
};

/// How long a message is kept.
pub const KEEP: Wait = Wait {
    name: "keep, of a mailbox",
    default: Duration::from_secs(30 * DAY),
    min: Duration::from_secs(DAY),
    max: Duration::from_secs(3_660 * DAY),
    why: "what callers said is deleted after a month, but not before it was delivered; `hold = true` keeps all of it",
};

const DAY: u64 = 86_400;

/// Messages of a mailbox.
pub const MESSAGES: Count<u32> = Count {
    name: "messages, of a mailbox",
    default: 100,
    min: 1,
    max: 100_000,
    why: "a box with more is one that nobody empties; callers are told that it is full, and the plan goes on",
};

/// All settings that are lengths of time.
pub const WAITS: [&Wait; 17] = [
    &RING,
    &RING_PERSON,
    &FOR,
    &STAGGER,
    &LIVE_WITHIN,
    &WITHIN,
    &EVERY_SITE,
    &NO_ANSWER,
    &EVERY_CARRIER,
    &TIMEOUT,
    &HOLD,
    &FIRST,
    &PROGRESS_SITE,
    &PROGRESS_CARRIER,
    &EXPIRES,
    &LONGEST,
    &KEEP,
];

/// All settings that are counts.
pub const COUNTS: [&Count; 2] = [&DOWN_AFTER, &UP_AFTER];

/// Entries of `holidays`: more are a calendar.
pub const HOLIDAYS_MAX: usize = 1_000;
/// Facts that a `when` asks for; more are a plan of their own.
pub const FACTS_MAX: usize = 32;

/// Entries of `include`; a pattern holds a folder.
pub const PATTERNS_MAX: usize = 64;
/// Files of one plan; a customer needs one at most.
pub const FILES_MAX: usize = 10_000;
/// Customers of one plan.
pub const CUSTOMERS_MAX: usize = 10_000;
/// Numbers that a customer lists one by one; more of them are ranges.
pub const LIST_MAX: usize = 10_000;
/// Templates of one plan; whoever reads them has to tell them apart.
pub const TEMPLATES_MAX: usize = 1_000;
/// Blanks of one template.
pub const ROLES_MAX: usize = 64;
/// Columns of a list of customers.
pub const COLUMNS_MAX: usize = 64;
/// Steps in one list; a caller who waits through more has hung up.
pub const STEPS_MAX: usize = 64;
/// Drills of a file, those of its customers too.
pub const DRILLS_MAX: usize = 1_000;
/// Expectations in a file, those of its customers too.
pub const EXPECTS_MAX: usize = 1_000;
/// What fails together in one expectation or in one case of a drill.
pub const THINGS_MAX: usize = 16;
/// Members of one step; a larger group is the PBX's to hunt.
pub const MEMBERS_MAX: usize = 32;
/// Addresses of one site, trunks of one carrier.
pub const ADDRESSES_MAX: usize = 16;
/// Carriers of one file: every one is tried in turn for a phone number.
pub const CARRIERS_MAX: usize = 64;
/// Destinations of one file.
pub const TARGETS_MAX: usize = 100_000;
/// Plans of one file.
pub const PLANS_MAX: usize = 100_000;
/// Numbers of one file, ranges counted out.
pub const NUMBERS_MAX: usize = 1_000_000;
/// Numbers of one range: a longer one is a slip in the last digits.
pub const RANGE_MAX: u64 = 10_000;
/// Plans inside plans; more cannot be followed by whoever reads the file at night.
pub const DEPTH_MAX: usize = 8;
/// Entries under `[hours]`; a plan needs one or two.
pub const HOURS_MAX: usize = 1_000;
/// Windows of one entry under `[hours]`.
pub const WINDOWS_MAX: usize = 64;
/// Failure domains of one thing.
pub const DOMAINS_MAX: usize = 16;
/// Networks of one carrier, site or service; the longest published lists have some dozens.
pub const NETWORKS_MAX: usize = 64;
/// The least length of an IPv4 network: no carrier has more addresses than that.
pub const PREFIX_MIN_V4: u8 = 8;
/// The least length of an IPv6 network: registries give out /19 to /32.
pub const PREFIX_MIN_V6: u8 = 19;
/// Beginnings of numbers that are denied; the default has some dozens.
pub const DENY_MAX: usize = 1_000;
/// Emergency numbers of one file; a country has a handful.
pub const EMERGENCY_MAX: usize = 32;
/// Listening addresses of one node.
pub const LISTEN_MAX: usize = 16;
/// DNS servers of one node.
pub const DNS_SERVERS_MAX: usize = 8;
/// Characters of a name; it stands in logs and metrics.
pub const NAME_MAX: usize = 64;
/// Addresses that one mailbox mails to; more people share an address.
pub const EMAILS_MAX: usize = 16;
/// Phones that one mailbox lights without being asked; those of a larger office subscribe.
pub const LAMPS_MAX: usize = 64;
/// Keys that one mailbox is sealed for.
pub const SEALED_FOR_MAX: usize = 16;
