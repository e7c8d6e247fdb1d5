//! RFC 3263: from a host name to the addresses behind it. A pure function over the records that are known: it says what
//! else has to be asked, and what can be reached by now.

use crate::path::Transport;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What has to be found: the host of a URI, with its port and transport where they are written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The name, in lower case; no address.
    pub host: Arc<str>,
    /// The port; with one there is no SRV (RFC 3263 §4.2).
    pub port: Option<u16>,
    /// The transport; `None` leaves it to the DNS (RFC 3263 §4.1).
    pub transport: Option<Transport>,
}

/// One question to the DNS.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Query {
    /// The domain name, without the dot at its end.
    pub name: Arc<str>,
    /// Which records.
    pub kind: Kind,
}

/// The types of records that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Which transports a domain has (RFC 3403).
    Naptr,
    /// Which hosts serve a transport of a domain (RFC 2782).
    Srv,
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// NAPTR.
    Naptr {
        /// Lower ones first; once one order offers something, higher ones count for nothing.
        order: u16,
        /// Lower ones first, within an order.
        preference: u16,
        /// `s`: the replacement has SRV records.
        flags: String,
        /// Such as `SIP+D2U`.
        service: String,
        /// Where the SRV records are.
        replacement: Arc<str>,
    },
    /// SRV.
    Srv {
        /// Lower ones first.
        priority: u16,
        /// Share of the calls, among those of the same priority.
        weight: u16,
        /// Port.
        port: u16,
        /// The host; `.` says that there is no such service.
        target: Arc<str>,
    },
    /// A or AAAA.
    Address(IpAddr),
}

/// What the DNS said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// These records, good for so long.
    Records(Vec<Record>, Duration),
    /// The name exists, but has no records of this type; good for so long.
    NoRecords(Duration),
    /// The name does not exist (NXDOMAIN); good for so long.
    NoName(Duration),
    /// Nobody answered, or nobody who knew: silence, SERVFAIL, REFUSED. It says nothing of the name.
    Silence,
}

impl Answer {
    /// The records.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        match self {
            Self::Records(records, _) => records,
            Self::NoRecords(_) | Self::NoName(_) | Self::Silence => &[],
        }
    }
}

/// One address that a place has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Transport.
    pub transport: Transport,
    /// Address and port.
    pub address: SocketAddr,
    /// Lower ones are tried first.
    pub priority: u16,
    /// Share of the calls among the targets of its priority.
    pub weight: u16,
    /// Which SRV record it comes from: addresses of one target share its weight.
    pub target: u16,
}

/// What is known of a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Located {
    /// All questions on the way, whether they are answered or not.
    pub way: Vec<Query>,
    /// A question on the way has no answer yet.
    pub is_open: bool,
    /// The addresses known by now, by priority; at most [`SPOTS_MAX`].
    pub spots: Vec<Spot>,
}

/// Addresses of one place that are used; more are cut off. A pool of 16 gateways behind one name is large.
pub const SPOTS_MAX: usize = 16;

/// SRV records of one name that are looked at, lowest priority first; each costs two more questions.
const TARGETS_MAX: usize = 16;

/// Locates a place by what is known. `spoken` are the transports that can be sent by, in order of preference;
/// `known` gives the last good answer to a question, [`Answer::Silence`] if it has failed and never had one.
///
/// - A port means A and AAAA alone, by UDP if no transport is written (RFC 3263 §4.1, §4.2).
/// - A transport means its SRV records; none is written: those that NAPTR names, else the first of ours that has some.
/// - Where there are SRV records nothing else is tried, least of all the name itself on 5060.
/// - No SRV records at all: A and AAAA on the transport's own port, by UDP if no transport is written.
///
/// A NAPTR question that was never answered is passed over: some resolvers drop what they do not know.
pub fn locate<'a>(
    place: &Place,
    spoken: &[Transport],
    known: impl Fn(&Query) -> Option<&'a Answer>,
) -> Located {
    let mut search = Search { known, located: Located::default() };
    let plain = place.transport.unwrap_or(Transport::Udp);
    if let Some(port) = place.port {
        search.addresses(&place.host, plain, port, Rank::default());
        return search.located;
    }
    match search.offer(place, spoken) {
        Offer::Unknown => {}
        Offer::None => search.addresses(&place.host, plain, plain.default_port(), Rank::default()),
        Offer::Of(transport, targets) => search.targets(transport, &targets),
    }
    search.located
}

/// What SRV says of a place.
enum Offer {
    /// Not known yet.
    Unknown,
    /// There are no such records.
    None,
    /// The transport that is taken, and its records: priority, weight, port, target.
    Of(Transport, Vec<(u16, u16, u16, Arc<str>)>),
}

#[derive(Clone, Copy, Debug, Default)]
struct Rank {
    priority: u16,
    weight: u16,
    target: u16,
}

struct Search<F> {
    known: F,
    located: Located,
}

impl<'a, F: Fn(&Query) -> Option<&'a Answer>> Search<F> {
    fn ask(&mut self, name: &Arc<str>, kind: Kind) -> Option<&'a Answer> {
        let query = Query { name: Arc::clone(name), kind };
        let answer = (self.known)(&query);
        self.located.is_open |= answer.is_none();
        self.located.way.push(query);
        answer
    }

    fn offer(&mut self, place: &Place, spoken: &[Transport]) -> Offer {
        let candidates = match place.transport {
            Some(transport) => vec![(transport, srv_name(transport, &place.host))],
            None => {
                let Some(answer) = self.ask(&place.host, Kind::Naptr) else { return Offer::Unknown };
                let offered = offered(answer.records(), spoken);
                if offered.is_empty() {
                    let by_name = |transport: &Transport| (*transport, srv_name(*transport, &place.host));
                    spoken.iter().filter(|transport| is_plain(**transport)).map(by_name).collect()
                } else {
                    offered
                }
            }
        };
        // All are asked at once; the first that has records is taken.
        let asked = candidates.into_iter().map(|(transport, name)| (transport, self.ask(&name, Kind::Srv)));
        for (transport, answer) in asked.collect::<Vec<_>>() {
            let Some(answer) = answer.filter(|answer| **answer != Answer::Silence) else {
                return Offer::Unknown;
            };
            let mut targets: Vec<_> = answer.records().iter().filter_map(srv).collect();
            if !targets.is_empty() {
                // A stable order, whichever way a resolver turns its answers round.
                targets.sort_by(|one, other| (one.0, &one.3, one.2).cmp(&(other.0, &other.3, other.2)));
                targets.truncate(TARGETS_MAX);
                return Offer::Of(transport, targets);
            }
        }
        Offer::None
    }

    fn targets(&mut self, transport: Transport, targets: &[(u16, u16, u16, Arc<str>)]) {
        for (number, (priority, weight, port, host)) in (0..).zip(targets) {
            // A dot alone says that there is no such service (RFC 2782).
            if !matches!(&**host, "" | ".") {
                let rank = Rank { priority: *priority, weight: *weight, target: number };
                self.addresses(host, transport, *port, rank);
            }
        }
    }

    /// The addresses of a host: IPv4 first, since that works for most; health turns it round where it does not.
    fn addresses(&mut self, host: &Arc<str>, transport: Transport, port: u16, rank: Rank) {
        let Rank { priority, weight, target } = rank;
        for kind in [Kind::A, Kind::Aaaa] {
            let records = self.ask(host, kind).map(Answer::records).unwrap_or_default();
            let found = records.iter().filter_map(|record| match record {
                Record::Address(ip) if !ip.is_unspecified() && !ip.is_multicast() => Some(*ip),
                Record::Address(_) | Record::Naptr { .. } | Record::Srv { .. } => None,
            });
            for ip in found.collect::<BTreeSet<IpAddr>>() {
                let address = SocketAddr::new(ip, port);
                let spots = &mut self.located.spots;
                let is_new = spots.iter().all(|spot| (spot.transport, spot.address) != (transport, address));
                if spots.len() < SPOTS_MAX && is_new {
                    spots.push(Spot { transport, address, priority, weight, target });
                }
            }
        }
    }
}

fn srv(record: &Record) -> Option<(u16, u16, u16, Arc<str>)> {
    match record {
        Record::Srv { priority, weight, port, target } => Some((*priority, *weight, *port, target.clone())),
        Record::Naptr { .. } | Record::Address(_) => None,
    }
}

/// The transports that NAPTR records offer and we speak, of the lowest order that has any, by preference.
fn offered(records: &[Record], spoken: &[Transport]) -> Vec<(Transport, Arc<str>)> {
    let mut found: Vec<(u16, u16, Transport, Arc<str>)> = Vec::new();
    for record in records {
        if let Record::Naptr { order, preference, flags, service, replacement } = record
            && flags.eq_ignore_ascii_case("s")
            && let Some(transport) =
                spoken.iter().find(|transport| service.eq_ignore_ascii_case(naptr_service(**transport)))
        {
            found.push((*order, *preference, *transport, Arc::clone(replacement)));
        }
    }
    found.sort();
    let lowest = found.first().map(|first| first.0);
    found.into_iter().take_while(|one| Some(one.0) == lowest).map(|one| (one.2, one.3)).collect()
}

/// What a NAPTR record calls a transport (RFC 3263 §4.1).
const fn naptr_service(transport: Transport) -> &'static str {
    match transport {
        Transport::Udp => "SIP+D2U",
        Transport::Tcp => "SIP+D2T",
        Transport::Tls => "SIPS+D2T",
        Transport::Ws => "SIP+D2W",
        Transport::Wss => "SIPS+D2W",
        // Never asked for: who is inside has an address.
        Transport::Inside => "",
    }
}

/// Is its SRV record asked for where nothing says that it is spoken there?
const fn is_plain(transport: Transport) -> bool {
    match transport {
        Transport::Udp | Transport::Tcp => true,
        Transport::Tls | Transport::Ws | Transport::Wss | Transport::Inside => false,
    }
}

/// Where the SRV records of a transport are (RFC 3263 §4.1).
fn srv_name(transport: Transport, host: &str) -> Arc<str> {
    let prefix = match transport {
        Transport::Udp => "_sip._udp.",
        Transport::Tcp => "_sip._tcp.",
        Transport::Tls => "_sips._tcp.",
        // Not spoken to anybody by us, so never asked for.
        Transport::Ws => "_sip._ws.",
        Transport::Wss => "_sips._ws.",
        Transport::Inside => "",
    };
    [prefix, host].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const GOOD: Duration = Duration::from_secs(300);

    /// Records as in a zone file: `SRV 10 60 5060 gw1.example`, `A 192.0.2.1`; `-` for none, `!` for silence.
    fn zone(lines: &[(&str, &str)]) -> BTreeMap<Query, Answer> {
        let mut zone: BTreeMap<Query, Answer> = BTreeMap::new();
        for (name, record) in lines {
            let words: Vec<&str> = record.split(' ').collect();
            let number = |place: usize| words[place].parse().unwrap();
            let kind = match words[0] {
                "NAPTR" => Kind::Naptr,
                "SRV" => Kind::Srv,
                "A" => Kind::A,
                _ => Kind::Aaaa,
            };
            let query = Query { name: (*name).into(), kind };
            let record = match (kind, words[1]) {
                (_, "-") => {
                    zone.insert(query, Answer::NoRecords(GOOD));
                    continue;
                }
                (_, "!") => {
                    zone.insert(query, Answer::Silence);
                    continue;
                }
                (Kind::Naptr, _) => Record::Naptr {
                    order: number(1),
                    preference: number(2),
                    flags: words[3].to_owned(),
                    service: words[4].to_owned(),
                    replacement: words[5].into(),
                },
                (Kind::Srv, _) => Record::Srv {
                    priority: number(1),
                    weight: number(2),
                    port: number(3),
                    target: words[4].into(),
                },
                (Kind::A | Kind::Aaaa, ip) => Record::Address(ip.parse().unwrap()),
            };
            let Answer::Records(records, _) =
                zone.entry(query).or_insert_with(|| Answer::Records(Vec::new(), GOOD))
            else {
                panic!("{name} has records and none")
            };
            records.push(record);
        }
        zone
    }

    /// What is still to be asked, and what is reached: `udp 192.0.2.1:5060 10/60`.
    fn located(
        place: (Option<u16>, Option<Transport>),
        lines: &[(&str, &str)],
    ) -> (Vec<String>, Vec<String>) {
        let place = Place { host: "example".into(), port: place.0, transport: place.1 };
        let zone = zone(lines);
        let located = locate(&place, &[Transport::Udp, Transport::Tcp], |query| zone.get(query));
        let open = located.way.iter().filter(|query| !zone.contains_key(query));
        let open: Vec<String> = open.map(|query| format!("{:?} {}", query.kind, query.name)).collect();
        assert_eq!(located.is_open, !open.is_empty());
        let spot = |spot: &Spot| {
            let Spot { transport, address, priority, weight, .. } = spot;
            format!("{} {address} {priority}/{weight}", transport.in_uri())
        };
        (open, located.spots.iter().map(spot).collect())
    }

    fn reached(place: (Option<u16>, Option<Transport>), lines: &[(&str, &str)]) -> Vec<String> {
        let (open, spots) = located(place, lines);
        assert!(open.is_empty(), "{open:?}");
        spots
    }

    const NONE: [(&str, &str); 3] =
        [("example", "NAPTR -"), ("_sip._udp.example", "SRV -"), ("_sip._tcp.example", "SRV -")];

    #[test]
    fn each_answer_leads_to_the_next_question() {
        let lines = [
            ("example", "NAPTR 10 1 s SIP+D2T _sip._tcp.gw"),
            ("_sip._tcp.gw", "SRV 0 1 5070 gw1"),
            ("gw1", "A 192.0.2.1"),
            ("gw1", "AAAA 2001:db8::1"),
        ];
        let asked: Vec<Vec<String>> = (0..=4).map(|known| located((None, None), &lines[..known]).0).collect();
        let expected: [&[&str]; 5] =
            [&["Naptr example"], &["Srv _sip._tcp.gw"], &["A gw1", "Aaaa gw1"], &["Aaaa gw1"], &[]];
        assert_eq!(asked, expected);
        assert_eq!(reached((None, None), &lines), ["tcp 192.0.2.1:5070 0/1", "tcp [2001:db8::1]:5070 0/1"]);
    }

    #[test]
    fn a_port_means_no_srv_and_no_naptr() {
        let lines = [("example", "A 192.0.2.1"), ("example", "AAAA -")];
        assert_eq!(reached((Some(5080), None), &lines), ["udp 192.0.2.1:5080 0/0"]);
        assert_eq!(reached((Some(5080), Some(Transport::Tcp)), &lines), ["tcp 192.0.2.1:5080 0/0"]);
    }

    #[test]
    fn a_transport_means_its_srv_records_alone() {
        let lines = [
            ("_sip._tcp.example", "SRV 1 0 5062 gw1"),
            ("gw1", "A 192.0.2.1"),
            ("gw1", "AAAA -"),
            ("example", "A 192.0.2.99"),
        ];
        assert_eq!(reached((None, Some(Transport::Tcp)), &lines), ["tcp 192.0.2.1:5062 1/0"]);
    }

    #[test]
    fn naptr_takes_the_lowest_order_and_what_is_spoken() {
        let lines = [
            ("example", "NAPTR 20 1 s SIP+D2U _sip._udp.late"),
            ("example", "NAPTR 10 2 s SIP+D2U _sip._udp.second"),
            ("example", "NAPTR 10 1 s SIP+D2T _sip._tcp.first"),
            ("example", "NAPTR 1 1 s SIP+D2S _sip._sctp.unspoken"),
            ("example", "NAPTR 1 1 u E2U+sip !^.*$!"),
            ("_sip._tcp.first", "SRV -"),
            ("_sip._udp.second", "SRV 0 0 5060 gw2"),
            ("gw2", "A 192.0.2.2"),
            ("gw2", "AAAA -"),
        ];
        assert_eq!(reached((None, None), &lines), ["udp 192.0.2.2:5060 0/0"]);
    }

    #[test]
    fn without_naptr_the_first_of_our_transports_that_has_srv_records_is_taken() {
        let lines = [
            ("example", "NAPTR -"),
            ("_sip._udp.example", "SRV -"),
            ("_sip._tcp.example", "SRV 0 0 5060 gw1"),
            ("gw1", "A 192.0.2.1"),
            ("gw1", "AAAA -"),
        ];
        assert_eq!(reached((None, None), &lines), ["tcp 192.0.2.1:5060 0/0"]);
    }

    #[test]
    fn without_any_srv_record_the_name_itself_is_asked_and_spoken_to_by_udp() {
        let own = [("example", "A 192.0.2.9"), ("example", "A 192.0.2.1"), ("example", "AAAA -")];
        let lines = [&NONE[..], &own].concat();
        assert_eq!(reached((None, None), &lines), ["udp 192.0.2.1:5060 0/0", "udp 192.0.2.9:5060 0/0"]);
        assert_eq!(reached((None, Some(Transport::Tcp)), &lines).len(), 2);
    }

    #[test]
    fn targets_come_by_priority_and_nothing_comes_after_them() {
        let lines = [
            ("_sip._udp.example", "SRV 20 0 5060 spare"),
            ("_sip._udp.example", "SRV 10 60 5060 gw2"),
            ("_sip._udp.example", "SRV 10 40 5061 gw1"),
            ("gw1", "A 192.0.2.1"),
            ("gw1", "AAAA -"),
            ("gw2", "A 192.0.2.2"),
            ("gw2", "AAAA -"),
            ("spare", "A -"),
            ("spare", "AAAA -"),
            ("example", "A 192.0.2.99"),
        ];
        assert_eq!(
            reached((None, Some(Transport::Udp)), &lines),
            ["udp 192.0.2.1:5061 10/40", "udp 192.0.2.2:5060 10/60"]
        );
    }

    #[test]
    fn a_dot_alone_says_that_there_is_no_such_service() {
        let lines = [("_sip._udp.example", "SRV 0 0 0 ."), ("example", "A 192.0.2.99")];
        assert!(reached((None, Some(Transport::Udp)), &lines).is_empty());
    }

    #[test]
    fn a_silent_resolver_is_no_leave_to_try_the_name_itself() {
        let silent = [("_sip._udp.example", "SRV !"), ("example", "A 192.0.2.99")];
        assert!(reached((None, Some(Transport::Udp)), &silent).is_empty());
        let own = [("example", "NAPTR !"), ("example", "A 192.0.2.1"), ("example", "AAAA -")];
        let without_naptr = [&own[..], &NONE[1..]].concat();
        assert_eq!(reached((None, None), &without_naptr), ["udp 192.0.2.1:5060 0/0"]);
    }

    #[test]
    fn what_nobody_can_be_at_is_left_out_and_a_flood_is_cut_off() {
        let mut lines = vec![("example", "AAAA -"), ("example", "A 0.0.0.0"), ("example", "A 224.0.0.1")];
        assert!(reached((Some(1), None), &lines).is_empty());
        let many: Vec<String> = (1..=40).map(|last| format!("A 192.0.2.{last}")).collect();
        lines.extend(many.iter().map(|record| ("example", record.as_str())));
        assert_eq!(reached((Some(1), None), &lines).len(), SPOTS_MAX);
    }
}
