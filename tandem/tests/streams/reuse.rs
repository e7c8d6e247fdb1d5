//! Which connection a message takes.

use crate::pair::{Edge, OK, options};
use crate::papers::{Papers, tls};
use core::time::Duration;
use router::Transport;
use tandem::config::Verify;

#[tokio::test]
async fn new_certificates_mean_new_connections_and_old_ones_finish_what_they_carry() {
    let papers = Papers::new("renewed");
    let first = tls(Some(papers.sign("pbx.example")), &papers, Verify::Sip, None);
    let (mut office, mut node) =
        (Edge::secure("127.0.0.1:0", first.clone()), Edge::secure("127.0.0.1:0", first));
    node.expects(office.at, "pbx.example");
    node.sends(office.at, &options("h"));
    let (_, old) = office.hears_message().await;

    let second = tls(Some(papers.sign("pbx.example")), &papers, Verify::Sip, None);
    office.net.renew(second.clone());
    node.net.renew(second.clone());
    node.sends(office.at, &options("h"));
    let (_, new) = office.hears_message().await;
    assert_ne!(new.path.remote, old.path.remote, "a connection of its own");
    office.answers(old, OK);
    assert_eq!(node.hears_message().await.0, "200", "the old one still carries its answer");

    node.net.renew(second);
    node.sends(office.at, &options("h"));
    let (_, again) = office.hears_message().await;
    assert_eq!(again, new, "the same certificates change nothing");
}

#[tokio::test]
async fn a_peer_that_offers_its_connection_and_proves_who_it_is_gets_requests_along_it() {
    let papers = Papers::new("alias");
    // Whom the certificate names, and whether its connection is used.
    for (host, used) in [("peer.example", true), ("other.example", false)] {
        let mut node = Edge::secure(
            "127.0.0.1:0",
            tls(Some(papers.sign("node.example")), &papers, Verify::Sip, Some(&papers)),
        );
        let mut peer = Edge::secure("127.0.0.1:0", tls(Some(papers.sign(host)), &papers, Verify::Sip, None));
        peer.expects(node.at, "node.example");
        node.expects(peer.at, "peer.example");
        peer.sends(node.at, &options(&format!("127.0.0.1:{};alias", peer.at.port())));
        let (_, came) = node.hears_message().await;
        node.sends(peer.at, &options("h"));
        if used {
            let (_, flow) = peer.hears_message().await;
            assert_eq!(flow.path.remote, node.at, "along the connection that it opened");
            assert_eq!(node.net.connections(), 1);
        } else {
            assert_eq!(came.path.remote.ip(), peer.at.ip());
            peer.hears_nothing(Duration::from_millis(200)).await;
        }
    }
}

#[tokio::test]
async fn over_tcp_a_connection_from_the_very_address_of_a_peer_is_used() {
    let mut node = Edge::new(Transport::Tcp, "127.0.0.1:0");
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    let mut peer = socket.connect(node.at).await.expect("loopback");
    let at = peer.local_addr().expect("it is bound");
    tokio::io::AsyncWriteExt::write_all(&mut peer, options("h").as_bytes()).await.expect("it is open");
    node.hears_message().await;
    assert!(node.sends(at, OK).is_empty() && node.sends(at, &options("h")).is_empty());
    let mut both = vec![0; OK.len() + options("h").len()];
    tokio::io::AsyncReadExt::read_exact(&mut peer, &mut both).await.expect("both come");
    assert_eq!(node.net.connections(), 1);
}
