//! What the sockets count.

use crate::net::Counts;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Debug, Default)]
pub(super) struct Sockets {
    received: Counter,
    sent: Counter,
    noise: Counter,
    long: Counter,
    lost: Counter,
    unreachable: Counter,
    turned_away: Counter,
    connections: Gauge,
    pub(super) not_listening: Gauge,
    last: Counts,
}

impl Sockets {
    pub(super) fn register(&self, to: &mut Registry) {
        to.register("received", "Datagrams and framed messages that came", self.received.clone());
        to.register("sent", "Datagrams and messages sent", self.sent.clone());
        to.register("long", "Datagrams over 1,300 bytes sent: no stream leads there", self.long.clone());
        to.register("noise", "Keep-alives and binary junk, dropped unparsed", self.noise.clone());
        to.register("send_lost", "Datagrams that the kernel had no room for", self.lost.clone());
        to.register("unreachable", "Times the network said that nobody is there", self.unreachable.clone());
        to.register(
            "turned_away",
            "Connections closed at once: too many, or no certificate to show",
            self.turned_away.clone(),
        );
        to.register("connections", "Connections now", self.connections.clone());
        let missing = "Addresses of `listen` that could not be had at the start";
        to.register("not_listening", missing, self.not_listening.clone());
    }

    pub(super) fn read(&mut self, now: Counts, connections: usize) {
        let last = core::mem::replace(&mut self.last, now);
        self.received.inc_by(now.received - last.received);
        self.sent.inc_by(now.sent - last.sent);
        self.noise.inc_by(now.noise - last.noise);
        self.long.inc_by(now.long - last.long);
        self.lost.inc_by(now.lost - last.lost);
        self.unreachable.inc_by(now.unreachable - last.unreachable);
        self.turned_away.inc_by(now.turned_away - last.turned_away);
        self.connections.set(super::gauge(connections));
    }
}
