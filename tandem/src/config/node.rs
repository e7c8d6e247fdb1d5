//! `[node]`: what this node is, as opposed to what it does with calls.

use crate::codes::Code;
use crate::config::address::host_port;
use crate::config::later::{Place, refuse};
use crate::config::reader::{Problems, Table, Value, quoted, shown, table, text, texts};
use crate::config::settings::{DNS_SERVERS_MAX, LISTEN_MAX, NAME_MAX};
use crate::diagnostic::{Diagnostic, Span};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
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

impl Default for NodeSettings {
    fn default() -> Self {
        let any = [(IpAddr::V4(Ipv4Addr::UNSPECIFIED), true), (IpAddr::V6(Ipv6Addr::UNSPECIFIED), false)];
        let both = |(ip, required)| {
            let address = SocketAddr::new(ip, PORT);
            [Transport::Udp, Transport::Tcp].map(|transport| Listen { transport, address, required })
        };
        Self {
            name: "tandem".into(),
            listen: any.into_iter().flat_map(both).collect(),
            advertise: None,
            data: "/var/lib/tandem".into(),
            metrics: None,
            strangers: Welcome::default(),
            dns: Vec::new(),
            log: Log { level: LogLevel::Info, format: LogFormat::Text },
        }
    }
}

/// Reads `[node]`.
pub(super) fn read(top: &mut Table<'_>, problems: &mut Problems<'_>) -> NodeSettings {
    let mut node = NodeSettings::default();
    let Some((key, value)) = top.take_entry("node") else { return node };
    let Some(mut keys) = table("[node]", key.span, "a table", value, problems) else { return node };
    if let Some(value) = keys.take("name") {
        node.name = name(value, problems).unwrap_or(node.name);
    }
    if let Some(value) = keys.take("listen") {
        node.listen = listens(value, problems);
    }
    node.advertise = keys.take("advertise").and_then(|value| advertise(value, problems));
    if let Some(value) = keys.take("data") {
        node.data = folder(value, problems).unwrap_or(node.data);
    }
    node.metrics = keys.take("metrics").and_then(|value| metrics(value, problems));
    if let Some(value) = keys.take("strangers") {
        let words = [("take", Welcome::Listed), ("refuse", Welcome::Nobody)];
        node.strangers = one_of("strangers", &words, value, problems).unwrap_or(node.strangers);
    }
    if let Some(value) = keys.take("dns") {
        node.dns = dns(value, problems);
    }
    if let Some((key, value)) = keys.take_entry("log") {
        node.log = log(key.span, value, problems);
    }
    refuse(&mut keys, Place::Node, problems);
    keys.finish(problems);
    node
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

fn listens(value: &Value<'_>, problems: &mut Problems<'_>) -> Vec<Listen> {
    let mut found: Vec<Listen> = Vec::new();
    for (written, span) in
        texts("listen", "an address such as \"udp:0.0.0.0:5060\"", LISTEN_MAX, value, problems)
    {
        let Some(listen) = listen(written, &span, problems) else { continue };
        if found.contains(&listen) {
            let title = format!("`{}` is listened on twice", shown(written));
            problems.add(Diagnostic::new(Code::E102, title).at(span, "again").help("take one out"));
        } else {
            found.push(listen);
        }
    }
    found
}

fn listen(written: &str, span: &Span, problems: &mut Problems<'_>) -> Option<Listen> {
    let (transport, rest) = written.split_once(':').unwrap_or(("", written));
    let transport = match transport.to_ascii_lowercase().as_str() {
        "udp" => Some(Transport::Udp),
        "tcp" => Some(Transport::Tcp),
        "tls" | "ws" | "wss" | "sctp" => {
            let problem = Diagnostic::new(
                Code::E205,
                format!("listening for {} is not in this version", transport.to_ascii_uppercase()),
            );
            problems.add(
                problem
                    .at(span.clone(), "comes later")
                    .help("listen on `udp:` and `tcp:`, and take this out"),
            );
            return None;
        }
        _ => None,
    };
    let address = rest.parse::<SocketAddr>().or_else(|_| rest.parse().map(|ip| SocketAddr::new(ip, PORT)));
    match (transport, address) {
        (Some(transport), Ok(address)) if address.port() > 0 => {
            Some(Listen { transport, address, required: true })
        }
        (Some(_), Ok(_) | Err(_)) => {
            let title = format!("`{}` cannot be listened on", shown(written));
            let problem = Diagnostic::new(Code::E019, title).at(span.clone(), "no address with a port");
            problems.add(problem.help("write `udp:0.0.0.0:5060` or `tcp:[::]:5060`; an address, not a name"));
            None
        }
        (None, _) => {
            let title = format!("`{}` does not say how to listen", shown(written));
            let problem = Diagnostic::new(Code::E019, title).at(span.clone(), "UDP or TCP?");
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

/// One word of several.
fn one_of<T: Copy>(
    key: &str,
    words: &[(&str, T)],
    value: &Value<'_>,
    problems: &mut Problems<'_>,
) -> Option<T> {
    let known: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
    let wanted = format!("one of {}", known.join(", "));
    let written = text(key, &wanted, value, problems)?;
    let found = words.iter().find(|(word, _)| *word == written).map(|(_, found)| *found);
    if found.is_none() {
        let title = format!("`{key}` cannot be `{}`", shown(written));
        problems
            .add(Diagnostic::new(Code::E011, title).at(value.span(), "").help(format!("it may be {wanted}")));
    }
    found
}

const LEVELS: [(&str, LogLevel); 5] = [
    ("error", LogLevel::Error),
    ("warn", LogLevel::Warn),
    ("info", LogLevel::Info),
    ("debug", LogLevel::Debug),
    ("trace", LogLevel::Trace),
];

/// The port of SIP (RFC 3261 §19.1.2).
const PORT: u16 = 5060;

const DNS_PORT: u16 = 53;
