//! What the node asks the DNS, in the background: nothing waits for it but the node itself.

use core::net::SocketAddr;
use core::time::Duration;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use router::locate::{Answer, Kind, Query, Record};
use std::fs;
use std::time::SystemTime;
use tokio::sync::mpsc;

/// Who is asked, and the answers that have come.
#[derive(Debug)]
pub struct Names {
    servers: Vec<SocketAddr>,
    resolver: Option<Resolver>,
    answers: mpsc::Receiver<(Query, Answer)>,
    sender: mpsc::Sender<(Query, Answer)>,
}

/// A resolver, and when the file it was made by was written.
#[derive(Debug)]
struct Resolver {
    written: Option<SystemTime>,
    asks: Asks,
}

type Asks = Option<TokioResolver>;

impl Names {
    /// Asks these servers; without any those of this machine (`/etc/resolv.conf`, read again when it has changed).
    #[must_use]
    pub fn new(servers: Vec<SocketAddr>) -> Self {
        let (sender, answers) = mpsc::channel(ANSWERS_MAX);
        Self { servers, resolver: None, answers, sender }
    }

    /// Asks; the answer comes by [`next`](Self::next), whatever it is. To be called inside the runtime.
    pub fn ask(&mut self, query: Query) {
        let asks = self.resolver();
        let sender = self.sender.clone();
        tokio::spawn(async move {
            let answer = match asks {
                Some(resolver) => tokio::time::timeout(PATIENCE, look_up(&resolver, &query))
                    .await
                    .unwrap_or(Answer::Silence),
                None => Answer::Silence,
            };
            tracing::trace!(name = &*query.name, kind = ?query.kind, ?answer, "the DNS says");
            // Fails only at the end of the program.
            let _ = sender.send((query, answer)).await;
        });
    }

    /// The next answer. May be cancelled.
    pub async fn next(&mut self) -> (Query, Answer) {
        match self.answers.recv().await {
            Some(answer) => answer,
            // Never: this holds a sender itself.
            None => core::future::pending().await,
        }
    }

    fn resolver(&mut self) -> Asks {
        let of_machine = self.servers.is_empty();
        let written =
            if of_machine { fs::metadata(FILE).and_then(|file| file.modified()).ok() } else { None };
        let known = self.resolver.as_ref().filter(|known| known.written == written && known.asks.is_some());
        if let Some(known) = known {
            return known.asks.clone();
        }
        let asks = match build(&self.servers) {
            Ok(resolver) => Some(resolver),
            Err(error) => {
                if self.resolver.as_ref().is_none_or(|last| last.written != written) {
                    tracing::warn!("no DNS server can be asked: {error}; set `dns` in [node]");
                }
                None
            }
        };
        self.resolver = Some(Resolver { written, asks: asks.clone() });
        asks
    }
}

const FILE: &str = "/etc/resolv.conf";
const PATIENCE: Duration = Duration::from_secs(8); // The node waits for ten.
const TIMEOUT: Duration = Duration::from_secs(2); // For one server; each is tried twice.
const ANSWERS_MAX: usize = 64; // As many as the node asks for at once; a look-up waits if there are more.
const RECORDS_MAX: usize = 64; // Of one answer; the node uses sixteen.

fn build(servers: &[SocketAddr]) -> Result<TokioResolver, NetError> {
    let mut builder = if servers.is_empty() {
        TokioResolver::builder_tokio()?
    } else {
        let config = ResolverConfig::from_name_servers(servers.iter().copied().map(server).collect());
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
    };
    let options: &mut ResolverOpts = builder.options_mut();
    // The node keeps what was found, for as long as it is good and longer.
    options.cache_size = 0;
    options.timeout = TIMEOUT;
    builder.build()
}

fn server(address: SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = address.port();
        connection
    });
    NameServerConfig::new(address.ip(), true, connections.into())
}

async fn look_up(resolver: &TokioResolver, query: &Query) -> Answer {
    let kind = match query.kind {
        Kind::Naptr => RecordType::NAPTR,
        Kind::Srv => RecordType::SRV,
        Kind::A => RecordType::A,
        Kind::Aaaa => RecordType::AAAA,
    };
    let Ok(mut name) = Name::from_utf8(&*query.name) else { return Answer::NoName(FOR_LONG) };
    // Only a name of one label is looked for in the domains of this machine.
    if query.name.contains('.') {
        name.set_fqdn(true);
    }
    match resolver.lookup(name, kind).await {
        Ok(found) => records(&found, query.kind),
        Err(NetError::Dns(DnsError::NoRecordsFound(none))) => {
            let good = Duration::from_secs(none.negative_ttl.unwrap_or_default().into());
            if none.response_code == ResponseCode::NXDomain {
                Answer::NoName(good)
            } else if none.response_code == ResponseCode::NoError {
                Answer::NoRecords(good)
            } else {
                Answer::Silence
            }
        }
        Err(error) => {
            tracing::debug!(name = &*query.name, kind = ?query.kind, "the DNS does not answer: {error}");
            Answer::Silence
        }
    }
}

fn records(found: &Lookup, kind: Kind) -> Answer {
    let mut good = u32::MAX;
    let mut records = Vec::new();
    for record in found.answers() {
        good = good.min(record.ttl);
        let read = match (&record.data, kind) {
            (RData::A(ip), Kind::A) => Record::Address(ip.0.into()),
            (RData::AAAA(ip), Kind::Aaaa) => Record::Address(ip.0.into()),
            (RData::SRV(srv), Kind::Srv) => Record::Srv {
                priority: srv.priority,
                weight: srv.weight,
                port: srv.port,
                target: plain(&srv.target).into(),
            },
            (RData::NAPTR(naptr), Kind::Naptr) => Record::Naptr {
                order: naptr.order,
                preference: naptr.preference,
                flags: String::from_utf8_lossy(&naptr.flags).into_owned(),
                service: String::from_utf8_lossy(&naptr.services).into_owned(),
                replacement: plain(&naptr.replacement).into(),
            },
            // A CNAME on the way.
            _ => continue,
        };
        if records.len() < RECORDS_MAX {
            records.push(read);
        }
    }
    let good = Duration::from_secs(good.into());
    if records.is_empty() { Answer::NoRecords(good) } else { Answer::Records(records, good) }
}

/// A domain name in lower case, without the dot at its end.
fn plain(name: &Name) -> String {
    let mut text = name.to_lowercase().to_ascii();
    if text.len() > 1 && text.ends_with('.') {
        text.pop();
    }
    text
}

const FOR_LONG: Duration = Duration::from_hours(1); // No name can be asked for by it today or tomorrow.
