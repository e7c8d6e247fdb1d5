//! `[node]`: what this node is, as opposed to what it does with calls.

use crate::codes::Code;
use crate::config::address::host_port;
use crate::config::duration::count;
use crate::config::later::{Place, refuse};
use crate::config::limits::most;
use crate::config::media;
use crate::config::reader::{Problems, Table, Value, one_of, quoted, shown, table, text, texts};
use crate::config::settings::{
    CALLS_MAX, DISK_FLOOR, DNS_SERVERS_MAX, LISTEN_MAX, NAME_MAX, NODE_CPS, RTP_PORTS,
};
use crate::config::tls::{self, TlsSettings};
use crate::diagnostic::{Diagnostic, Span};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::ops::RangeInclusive;
use router::Transport;
use router::strangers::Welcome;
use router::target::PeerHost;
use std::path::PathBuf;
use toml::de::DeValue;

/// `[node]`, with its defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSettings {
    /// Its name in records; `tandem` if none is written.
    pub name: String,
    /// Where it listens, in order of preference; at most 16, no two the same.
    pub listen: Vec<Listen>,
    /// What peers are told instead of the listening address.
    pub advertise: Option<Advertise>,
    /// Where it keeps its state; `/var/lib/tandem` if nothing is written.
    pub data: PathBuf,
    /// Where it gives its metrics; `None` for nowhere.
    pub metrics: Option<SocketAddr>,
    /// What becomes of calls that come from no peer of the plan.
    pub strangers: Welcome,
    /// Which DNS servers it asks; none for those of the machine.
    pub dns: Vec<SocketAddr>,
    /// Calls in memory at once.
    pub calls_max: usize,
    /// New calls a second; `None` for any number.
    pub cps: Option<u32>,
    /// The ports of the sound of mailboxes, announcements and calls that people press 1 for.
    pub rtp_ports: RangeInclusive<u16>,
    /// Bytes of the disk that no message takes.
    pub disk_floor: u64,
    /// What it logs.
    pub log: Log,
}

/// One listening address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// Transport.
    pub transport: Transport,
    /// The address; an IPv6 one is for IPv6 alone (`IPV6_V6ONLY`), so that `0.0.0.0` and `[::]` stand side by side.
    pub address: SocketAddr,
    /// Whether the node must not start without it. False for the IPv6 half of the default: a machine may have none.
    pub required: bool,
}

/// What peers are told in Via and Record-Route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advertise {
    /// A host name or an address; an IPv6 one without brackets.
    pub host: String,
    /// The port; `None` for that of each listening address.
    pub port: Option<u16>,
}

/// What is logged, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// From this level up.
    pub level: LogLevel,
    /// In which form.
    pub format: LogFormat,
}

/// Who must wake for a line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Calls are lost.
    Error,
    /// Someone should look today.
    Warn,
    /// A belief or a plan changed. The default.
    Info,
    /// Each call.
    Debug,
    /// Each packet.
    Trace,
}

/// The form of a line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people. The default.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

impl LogLevel {
    /// The level as it stands in the file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// `[node]` while the rest of the file is being read.
#[derive(Debug, Default)]
pub(super) struct NodeDraft {
    settings: NodeSettings,
    tls: TlsSettings,
    /// Whether TLS has problems already.
    tls_is_faulty: bool,
    /// Where `listen` stands, and where in it encryption is asked for.
    listen: Option<(Span, Option<Span>)>,
}

impl NodeDraft {
    /// Who may call.
    pub(super) fn strangers(&self) -> Welcome {
        self.settings.strangers
    }

    /// Listens by TLS where nothing is said about listening and there is somebody to speak TLS with; where something
    /// is said, says what is missing. To be called once the peers are known.
    pub(super) fn listen_by_tls(&mut self, peers_use_it: bool, problems: &mut Problems<'_>) {
        let listening = |transport| self.settings.listen.iter().any(|listen| listen.transport == transport);
        match &self.listen {
            None if peers_use_it || self.tls.own.is_some() => {
                self.settings.listen.extend(everywhere(&[Transport::Tls]));
            }
            None => {}
            Some((span, _)) if peers_use_it && !listening(Transport::Tls) => {
                let title = "peers are spoken to by TLS, and this node does not listen by it";
                let problem = Diagnostic::new(Code::E012, title).at(span.clone(), "no `tls:` in here");
                problems.add(problem.help("add `\"tls:0.0.0.0:5061\"`: it is what peers are told of us"));
            }
            Some((_, Some(span))) if self.tls.own.is_none() && !self.tls_is_faulty => {
                let title = "who listens by TLS needs a certificate";
                let problem = Diagnostic::new(Code::E012, title).at(span.clone(), "");
                problems.add(problem.help(
                    "write `certificate = \"/etc/tandem/certificate.pem\"` and `key = \"/etc/tandem/key.pem\"` in [node]",
                ));
            }
            Some(_) => {}
        }
    }

    /// What it has come to, and where `listen` stands.
    pub(super) fn finish(self) -> (NodeSettings, TlsSettings, Option<Span>) {
        (self.settings, self.tls, self.listen.map(|(span, _)| span))
    }
}

/// All addresses of this machine, by these transports.
fn everywhere(transports: &[Transport]) -> impl Iterator<Item = Listen> {
    let any = [(IpAddr::V4(Ipv4Addr::UNSPECIFIED), true), (IpAddr::V6(Ipv6Addr::UNSPECIFIED), false)];
    any.into_iter().flat_map(move |(ip, required)| {
        let on = move |transport: &Transport| Listen {
            transport: *transport,
            address: SocketAddr::new(ip, transport.default_port()),
            required,
        };
        transports.iter().map(on)
    })
}

impl Default for NodeSettings {
    fn default() -> Self {
        Self {
            name: "tandem".into(),
            listen: everywhere(&[Transport::Udp, Transport::Tcp]).collect(),
            advertise: None,
            data: "/var/lib/tandem".into(),
            metrics: None,
            strangers: Welcome::default(),
            dns: Vec::new(),
            calls_max: CALLS_MAX.default,
            cps: None,
            rtp_ports: RTP_PORTS.default,
            disk_floor: DISK_FLOOR.default << 20,
            log: Log { level: LogLevel::Info, format: LogFormat::Text },
        }
    }
}

/// Reads `[node]`.
pub(super) fn read(top: &mut Table<'_>, problems: &mut Problems<'_>) -> NodeDraft {
    let mut draft = NodeDraft::default();
    let Some((key, value)) = top.take_entry("node") else { return draft };
    let Some(mut keys) = table("[node]", key.span, "a table", value, problems) else { return draft };
    let node = &mut draft.settings;
    if let Some(value) = keys.take("name") {
        node.name = name(value, problems).unwrap_or(core::mem::take(&mut node.name));
    }
    if let Some(value) = keys.take("listen") {
        let secure;
        (node.listen, secure) = listens(value, problems);
        draft.listen = Some((value.span(), secure));
    }
    node.advertise = keys.take("advertise").and_then(|value| advertise(value, problems));
    if let Some(value) = keys.take("data") {
        node.data = folder(value, problems).unwrap_or(core::mem::take(&mut node.data));
    }
    node.metrics = keys.take("metrics").and_then(|value| metrics(value, problems));
    if let Some(value) = keys.take("strangers") {
        let words = [("take", Welcome::Listed), ("refuse", Welcome::Nobody)];
        node.strangers = one_of("strangers", &words, value, problems).unwrap_or(node.strangers);
    }
    if let Some(value) = keys.take("dns") {
        node.dns = dns(value, problems);
    }
    if let Some(value) = keys.take("calls_max") {
        node.calls_max = count("calls_max", &CALLS_MAX, value, problems).unwrap_or(node.calls_max);
    }
    node.cps = keys.take("cps").and_then(|value| most(&NODE_CPS, value, problems));
    if let Some(ports) = keys.take("rtp_ports").and_then(|value| media::ports(value, problems)) {
        node.rtp_ports = ports;
    }
    if let Some(floor) = keys.take("disk_floor").and_then(|value| media::floor(value, problems)) {
        node.disk_floor = floor;
    }
    if let Some((key, value)) = keys.take_entry("log") {
        node.log = log(key.span, value, problems);
    }
    let before = problems.found.len();
    draft.tls = tls::read_node(&mut keys, problems);
    draft.tls_is_faulty = problems.found.len() > before;
    refuse(&mut keys, Place::Node, problems);
    keys.finish(problems);
    draft
}

fn name(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<String> {
    let name = text("name", "the name of this node", value, problems)?;
    if name.is_empty() || name.chars().count() > NAME_MAX || name.chars().any(char::is_control) {
        let problem = Diagnostic::new(Code::E022, "this cannot be the name of a node").at(value.span(), "");
        problems.add(problem.help(format!("a name has 1 to {NAME_MAX} characters")));
        return None;
    }
    Some(name.into())
}

/// What is listened on, and where encryption is asked for first.
fn listens(value: &Value<'_>, problems: &mut Problems<'_>) -> (Vec<Listen>, Option<Span>) {
    let mut found: Vec<Listen> = Vec::new();
    let mut secure = None;
    for (written, span) in
        texts("listen", "an address such as \"udp:0.0.0.0:5060\"", LISTEN_MAX, value, problems)
    {
        let Some(listen) = listen(written, &span, problems) else { continue };
        if listen.transport.is_secure() {
            secure.get_or_insert(span.clone());
        }
        if found.contains(&listen) {
            let title = format!("`{}` is listened on twice", shown(written));
            problems.add(Diagnostic::new(Code::E102, title).at(span, "again").help("take one out"));
        } else {
            found.push(listen);
        }
    }
    (found, secure)
}

fn listen(written: &str, span: &Span, problems: &mut Problems<'_>) -> Option<Listen> {
    let (transport, rest) = written.split_once(':').unwrap_or(("", written));
    let transport = Transport::named(transport.as_bytes()).filter(|one| !one.is_inside());
    let port = transport.map_or(0, Transport::default_port);
    let address = rest.parse::<SocketAddr>().or_else(|_| rest.parse().map(|ip| SocketAddr::new(ip, port)));
    match (transport, address) {
        (Some(transport), Ok(address)) if address.port() > 0 => {
            Some(Listen { transport, address, required: true })
        }
        (Some(_), Ok(_) | Err(_)) => {
            let title = format!("`{}` cannot be listened on", shown(written));
            let problem = Diagnostic::new(Code::E019, title).at(span.clone(), "no address with a port");
            problems.add(problem.help("write `udp:0.0.0.0:5060` or `tls:[::]:5061`; an address, not a name"));
            None
        }
        (None, _) => {
            let title = format!("`{}` does not say how to listen", shown(written));
            let problem = Diagnostic::new(Code::E019, title).at(span.clone(), "UDP, TCP, TLS, WS or WSS?");
            problems.add(problem.fix("write", span.clone(), quoted(&format!("udp:{}", shown(written)))));
            None
        }
    }
}

fn advertise(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<Advertise> {
    let written = text("advertise", "a host name or an address", value, problems)?;
    match host_port(written) {
        Some((host, port)) => {
            let host = match host {
                PeerHost::Ip(ip) => ip.to_string(),
                PeerHost::Name(name) => name.to_string(),
            };
            Some(Advertise { host, port })
        }
        None => {
            let title = format!("peers cannot be told `{}`", shown(written));
            let problem = Diagnostic::new(Code::E019, title).at(value.span(), "no host");
            problems.add(problem.help("write `sip.example.com`, `192.0.2.1:5060` or `[2001:db8::1]:5060`"));
            None
        }
    }
}

fn folder(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<PathBuf> {
    let written = text("data", "a folder such as \"/var/lib/tandem\"", value, problems)?;
    if written.is_empty() || written.contains('\0') {
        problems.add(Diagnostic::new(Code::E019, "`data` names no folder").at(value.span(), ""));
        return None;
    }
    Some(written.into())
}

fn metrics(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<SocketAddr> {
    let written = text("metrics", "an address such as \"127.0.0.1:9464\"", value, problems)?;
    let found = written.parse().ok();
    if found.is_none() {
        let title = format!("metrics cannot be given at `{}`", shown(written));
        let problem = Diagnostic::new(Code::E019, title).at(value.span(), "no address with a port");
        problems.add(problem.help("write `127.0.0.1:9464`"));
    }
    found
}

fn dns(value: &Value<'_>, problems: &mut Problems<'_>) -> Vec<SocketAddr> {
    let mut found = Vec::new();
    for (written, span) in texts("dns", "an address such as \"192.0.2.53\"", DNS_SERVERS_MAX, value, problems)
    {
        let address = written.parse().or_else(|_| written.parse().map(|ip| SocketAddr::new(ip, DNS_PORT)));
        match address {
            Ok(address) => found.push(address),
            Err(_) => {
                let title = format!("`{}` cannot be asked", shown(written));
                let problem = Diagnostic::new(Code::E019, title).at(span, "no address");
                problems.add(problem.help("write `192.0.2.53`, or `127.0.0.1:5353` with its port"));
            }
        }
    }
    found
}

fn log(span: Span, value: &Value<'_>, problems: &mut Problems<'_>) -> Log {
    let mut log = Log { level: LogLevel::Info, format: LogFormat::Text };
    if matches!(value.get_ref(), DeValue::String(_)) {
        log.level = one_of("log", &LEVELS, value, problems).unwrap_or(log.level);
        return log;
    }
    let wanted = "a level such as \"info\", or a table with `level` and `format`";
    let Some(mut keys) = table("`log`", span, wanted, value, problems) else { return log };
    if let Some(value) = keys.take("level") {
        log.level = one_of("level", &LEVELS, value, problems).unwrap_or(log.level);
    }
    if let Some(value) = keys.take("format") {
        let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
        log.format = one_of("format", &formats, value, problems).unwrap_or(log.format);
    }
    keys.finish(problems);
    log
}

const LEVELS: [(&str, LogLevel); 5] = [
    ("error", LogLevel::Error),
    ("warn", LogLevel::Warn),
    ("info", LogLevel::Info),
    ("debug", LogLevel::Debug),
    ("trace", LogLevel::Trace),
];

const DNS_PORT: u16 = 53;
