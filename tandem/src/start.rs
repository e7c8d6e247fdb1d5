//! From a plan file to a node that routes: everything that can go wrong before the first call.

use crate::calls::{Calls, CallsTo};
use crate::clock::Clock;
use crate::codes::Code;
use crate::config::{self, Loaded, LogFormat, LogLevel, NodeSettings};
use crate::control::SOCKET;
use crate::control::changes::Changes;
use crate::control::desk::Desk;
use crate::control::socket::{self, Socket};
use crate::diagnostic::{Diagnostic, Span};
use crate::key::{self, Key, KeyError};
use crate::log;
use crate::media::agents::{Agents, Said};
use crate::metrics::Metrics;
use crate::names::Names;
use crate::net::{self, BindError, Net};
use crate::run::{Ended, Outside, Run, Signals};
use crate::store::{self, Store};
use crate::tls::held::{Held, Read};
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use router::door::Identity;
use router::path::Listener;
use router::{Transport, inside};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::mpsc;

/// What the command line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The plan file, or a folder with a `tandem.toml`.
    pub plan: PathBuf,
    /// The form of the log; `None` for the plan file's.
    pub format: Option<LogFormat>,
    /// The level of the log; `None` for the plan file's.
    pub level: Option<LogLevel>,
    /// Where the call list goes; `None` for nowhere.
    pub calls: Option<CallsTo>,
}

/// Why a node does not start.
#[derive(Debug)]
pub enum StartError {
    /// The plan file has errors.
    Plan(config::Refused),
    /// The seal key is not there.
    Key(KeyError),
    /// A listening address cannot be used.
    Bind(BindError),
    /// The metrics cannot be served there.
    Metrics {
        /// Where.
        address: SocketAddr,
        /// Why not.
        error: io::Error,
    },
    /// The call list cannot be written there.
    Calls {
        /// Where.
        to: CallsTo,
        /// Why not.
        error: io::Error,
    },
    /// The operating system has no threads, signals or chance to give.
    System(io::Error),
}

/// Runs a node to its end.
///
/// # Errors
/// It did not start; nothing was answered.
pub fn run(options: &Options) -> Result<Ended, StartError> {
    let clock = Clock::start();
    let loaded = config::load(&options.plan, clock.today()).map_err(StartError::Plan)?;
    let wanted = &loaded.node.log;
    log::start(options.format.unwrap_or(wanted.format), options.level.unwrap_or(wanted.level));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_MAX)
        .build()
        .map_err(StartError::System)?;
    let ended = runtime.block_on(start_and_run(options, loaded, clock));
    // A look-up that hangs is not waited for.
    runtime.shutdown_background();
    ended
}

async fn start_and_run(options: &Options, loaded: Loaded, clock: Clock) -> Result<Ended, StartError> {
    warn(&loaded);
    raise_descriptors();
    let key = key::load_or_make(&loaded.node.data).map_err(StartError::Key)?;
    let (changes, loaded) = Changes::start(options.plan.clone(), loaded, clock);
    let plan = changes.plan();
    let Loaded { node: settings, tls, listen, source, guide, mailboxes, .. } = loaded;
    let source = Arc::new(source);
    let tls = Held::new(Read::files(Arc::clone(&source), Arc::new(tls), None, clock), clock);
    // Before anything waits, so that no signal kills a node that has begun.
    let signals = Signals::catch().map_err(StartError::System)?;
    warn_of_exposed(&key);
    let seed = key::seed().map_err(StartError::System)?;
    let (mut net, missing) = bind(&settings, clock, first_connection(seed))?;
    for error in &missing {
        tracing::error!("{}", not_listening(error, listen.clone()).line(&source));
    }
    let identity = Identity {
        name: settings.name.clone(),
        listeners: net
            .addresses()
            .map(|(transport, address)| listener(&settings, transport, address))
            .collect(),
        key: key.bytes,
        seed,
        epoch: clock.epoch(),
        calls_max: settings.calls_max,
        cps: settings.cps,
    };
    let metrics = Metrics::new();
    metrics.set_not_listening(missing.len());
    if let Some(address) = settings.metrics {
        let failed = |error| StartError::Metrics { address, error };
        let bound = metrics.serve(address).await.map_err(failed)?;
        tracing::info!("metrics are at http://{bound}/metrics");
    }
    let calls = match options.calls.clone() {
        Some(to) => Some(Calls::start(to.clone()).map_err(|error| StartError::Calls { to, error })?),
        None => None,
    };
    let began = store::Run { node: settings.name.clone(), plan: source.path().to_owned() };
    let store = Store::start(&settings.data, began, clock).map_err(StartError::System)?;
    let names = Names::new(settings.dns.clone());
    let ready = ready_line(&net);
    let said = Said { guide, mailboxes };
    let (kept, ports) = ((settings.data.as_path(), store.clone()), settings.rtp_ports.clone());
    let agents = Agents::start(&mut net, &identity, said, kept, ports, clock).map_err(StartError::System)?;
    agents.ready(&net, DISK_PATIENCE).await;
    let (_socket, desk) = desk(changes, &settings.data);
    let outside = Outside { clock, net, names, tls, metrics, calls, store, agents, desk, signals };
    let format = options.format.unwrap_or(settings.log.format);
    let mut run = Run::new(outside, identity, plan);
    run.learn_names(NAMES_PATIENCE).await;
    say(&ready, format);
    let ended = run.go().await;
    match ended {
        Ended::Drained => tracing::info!("ended; no call was left"),
        Ended::Cut { calls } => {
            tracing::error!(calls, "ended; calls that had not been answered were cut off")
        }
    }
    Ok(ended)
}

/// For people and scripts that wait for it: a line of its own on standard error, at any level of the log; as JSON an
/// ordinary line, so that all lines are JSON.
fn say(ready: &str, format: LogFormat) {
    match format {
        LogFormat::Json => tracing::info!("{ready}"),
        LogFormat::Text => eprintln!("{ready}"),
    }
}

fn ready_line(net: &Net) -> String {
    let mut line = "tandem: ready on".to_owned();
    for (transport, address) in net.addresses().filter(|(transport, _)| !transport.is_inside()) {
        line = format!("{line} {} {address}", transport.in_uri());
    }
    line
}

pub(crate) fn warn(loaded: &Loaded) {
    for warning in &loaded.warnings {
        tracing::warn!("{}", warning.line(&loaded.source));
    }
}

/// Each connection needs a file descriptor. Many systems allow 1,024 to a process that does not ask, and more to one that
/// does.
fn raise_descriptors() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard
        && let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
    {
        tracing::warn!(soft, hard, "cannot open as many connections as the system allows: {error}");
    }
}

fn warn_of_exposed(key: &Key) {
    if key.exposed {
        tracing::warn!("others than its owner may read {}: chmod 600 it", key.file.display());
    }
}

/// Binds what can be bound, and says what of that which should be cannot.
fn bind(settings: &NodeSettings, clock: Clock, last: u32) -> Result<(Net, Vec<BindError>), StartError> {
    let (mut listen, mut missing) = (Vec::new(), Vec::new());
    for one in &settings.listen {
        // An address that leads nowhere would be told to peers.
        let useful = !one.address.ip().is_unspecified() || net::outgoing_address(one.address.ip()).is_ok();
        let bound = net::try_bind(one.transport, one.address);
        match bound {
            Ok(()) if one.required || useful => listen.push((one.transport, one.address)),
            Err(error) if one.required => missing.push(error),
            Ok(()) | Err(_) => {
                let (transport, address) = (one.transport.in_uri(), one.address);
                tracing::info!("not listening on {transport} {address}: no way out from there");
            }
        }
    }
    // Serving by one address is better than not at all; by none it is not.
    if listen.is_empty()
        && let Some(first) = missing.pop()
    {
        return Err(StartError::Bind(first));
    }
    // The agents of this process come last: no path to anybody else begins there.
    listen.push((Transport::Inside, inside::listener().address));
    let net = Net::bind(&listen, clock, last).map_err(StartError::Bind)?;
    if let Some(granted) = net.receive_buffer() {
        let asked = net::udp::RECEIVE_BUFFER;
        if granted < asked {
            tracing::warn!(
                granted,
                asked,
                "the kernel keeps fewer bytes of datagrams than a burst may need: sysctl -w net.core.rmem_max={asked}"
            );
        } else {
            tracing::debug!(granted, "receive buffer of the UDP sockets, in bytes");
        }
    }
    Ok((net, missing))
}

fn not_listening(error: &BindError, listen: Option<Span>) -> Diagnostic {
    let problem = Diagnostic::new(Code::L042, error.to_string());
    let problem = match listen {
        Some(span) => problem.at(span, ""),
        None => problem,
    };
    problem.help("start this node again then; it serves the other addresses meanwhile")
}

/// Where the numbers of connections begin: elsewhere after each start, and with room for two thousand million.
fn first_connection(seed: u64) -> u32 {
    u32::try_from(seed >> 33).unwrap_or_default()
}

/// What peers are told for one bound address.
fn listener(settings: &NodeSettings, transport: Transport, address: SocketAddr) -> Listener {
    if transport.is_inside() {
        return inside::listener();
    }
    let written = settings.advertise.as_ref();
    // An address of the other family would be no way back.
    let fits = |host: &str| host.parse().map_or(true, |ip: IpAddr| ip.is_ipv4() == address.is_ipv4());
    let advertise = match written.filter(|advertise| fits(&advertise.host)) {
        // The port that is written is that of `sip:`; others listen elsewhere.
        Some(advertise) => {
            let written =
                advertise.port.filter(|_| transport.default_port() == Transport::Udp.default_port());
            (advertise.host.clone(), written.unwrap_or(address.port()))
        }
        None if address.ip().is_unspecified() => (found(address).to_string(), address.port()),
        None => (address.ip().to_string(), address.port()),
    };
    Listener { transport, address, advertise }
}

fn found(bound: SocketAddr) -> IpAddr {
    match net::outgoing_address(bound.ip()) {
        Ok(found) => {
            tracing::info!(
                "peers are told {found} for {bound}; set `advertise` in [node] if that is not right"
            );
            found
        }
        Err(error) => {
            let loopback: IpAddr = if bound.is_ipv4() { [127, 0, 0, 1].into() } else { IpAddr::V6(LOOPBACK) };
            tracing::warn!(
                "peers are told {loopback} for {bound}: there is no way out ({error}); set `advertise` in [node]"
            );
            loopback
        }
    }
}

/// Whoever asks the node is heard there. Calls do not depend on it.
fn desk(changes: Changes, data: &Path) -> (Option<Socket>, Desk) {
    match socket::listen(data) {
        Ok((socket, asks)) => (Some(socket), Desk::new(changes, asks)),
        Err(error) => {
            tracing::error!(
                "nobody can ask this node (tandem status, apply, rollback): {}: {error}; SIGHUP still reads its plan file anew",
                data.join(SOCKET).display()
            );
            // Of a channel without a sender nothing comes.
            (None, Desk::new(changes, mpsc::channel(1).1))
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plan(refused) => write!(out, "{refused}"),
            Self::Key(error) => write!(out, "{error}"),
            Self::Bind(error) => write!(out, "{error}"),
            Self::Metrics { address, error } => {
                write!(out, "cannot serve metrics on {address}: {error}; change `metrics` in [node]")
            }
            Self::Calls { to: CallsTo::File(file), error } => {
                write!(out, "cannot write calls to {}: {error}; change --calls", Path::display(file))
            }
            Self::Calls { to: CallsTo::Stdout, error } => write!(out, "cannot write calls: {error}"),
            Self::System(error) => write!(out, "the operating system refuses: {error}"),
        }
    }
}

const LOOPBACK: core::net::Ipv6Addr = core::net::Ipv6Addr::LOCALHOST;
const DISK_PATIENCE: Duration = Duration::from_secs(2); // Thousands of messages are looked through in less.
const NAMES_PATIENCE: Duration = Duration::from_secs(1); // A resolver that is well answers in a tenth of it.
const BLOCKING_MAX: usize = 32; // Two rounds of look-ups that hang, the call list, a reload.
