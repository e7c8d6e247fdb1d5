//! Who is believed, and what is said to whom.

use crate::pair::{Edge, OK, options};
use crate::papers::{Papers, tls};
use core::time::Duration;
use router::Event;
use router::path::Loss;
use std::net::TcpStream;
use tandem::config::Verify;

#[tokio::test]
async fn a_request_and_its_answer_go_through_tls_over_both_families() {
    let papers = Papers::new("families");
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let tls = tls(Some(papers.sign("pbx.example")), &papers, Verify::Sip, None);
        let (mut office, mut node) = (Edge::secure(address, tls.clone()), Edge::secure(address, tls));
        node.expects(office.at, "pbx.example");
        assert!(node.sends(office.at, &options("h")).is_empty());
        let (method, flow) = office.hears_message().await;
        assert_eq!(method, "OPTIONS");
        office.answers(flow, OK);
        assert_eq!(node.hears_message().await.0, "200");
    }
}

#[tokio::test]
async fn whoever_is_not_who_the_plan_says_is_nobody() {
    let (papers, others) = (Papers::new("trusted"), Papers::new("untrusted"));
    let pin = Verify::Pinned([7; 32]);
    let cases = [
        ("another name", papers.sign("other.example"), Verify::Sip),
        ("a wildcard", papers.sign("*.example"), Verify::Sip),
        ("time over", papers.expired("pbx.example"), Verify::Sip),
        ("time over, by DNS name", papers.expired("pbx.example"), Verify::Dns),
        ("another authority", others.sign("pbx.example"), Verify::Sip),
        ("not the pinned one", papers.sign("pbx.example"), pin),
    ];
    for (case, shown, verify) in cases {
        let mut office = Edge::secure("127.0.0.1:0", tls(Some(shown), &papers, verify, None));
        let mut node = Edge::secure("127.0.0.1:0", tls(None, &papers, verify, None));
        node.expects(office.at, "pbx.example");
        let (at, there) = (office.at, node.path(office.at));
        let serve = office.hears_nothing(Duration::from_millis(300));
        assert!(node.sends(at, &options("h")).is_empty(), "{case}");
        let (lost, ()) = tokio::join!(node.hears(), serve);
        let expected = matches!(lost, Event::Lost { path, loss: Loss::Unreachable } if path == there);
        assert!(expected, "{case}: {lost:?}");
    }
}

#[tokio::test]
async fn a_node_that_asks_for_certificates_takes_nothing_from_who_has_none() {
    let papers = Papers::new("mutual");
    for (own, heard) in [(Some(papers.sign("peer.example")), true), (None, false)] {
        let mut office = Edge::secure(
            "127.0.0.1:0",
            tls(Some(papers.sign("pbx.example")), &papers, Verify::Sip, Some(&papers)),
        );
        let mut node = Edge::secure("127.0.0.1:0", tls(own, &papers, Verify::Sip, None));
        node.expects(office.at, "pbx.example");
        assert!(node.sends(office.at, &options("h")).is_empty());
        if heard {
            assert_eq!(office.hears_message().await.0, "OPTIONS");
        } else {
            office.hears_nothing(Duration::from_millis(300)).await;
        }
    }
}

#[tokio::test]
async fn nobody_is_called_who_is_not_in_the_plan() {
    let papers = Papers::new("stranger");
    let mut node = Edge::secure("127.0.0.1:0", tls(None, &papers, Verify::Sip, None));
    let lost = node.sends(([127, 0, 0, 1], 9).into(), &options("h"));
    assert!(matches!(lost[..], [Event::Lost { loss: Loss::Unreachable, .. }]), "{lost:?}");
}

#[tokio::test]
async fn a_thousand_handshakes_that_never_end_delay_nobody() {
    let papers = Papers::new("slow");
    let tls = tls(Some(papers.sign("pbx.example")), &papers, Verify::Sip, None);
    let (mut office, mut node) = (Edge::secure("127.0.0.1:0", tls.clone()), Edge::secure("127.0.0.1:0", tls));
    let mut slow = Vec::new();
    for _ in 0..1_000 {
        // As many as this process may have open.
        slow.extend(TcpStream::connect(office.at));
        if slow.len() % 50 == 0 {
            office.hears_nothing(Duration::from_millis(1)).await;
        }
    }
    assert!(slow.len() > 400, "{} connections", slow.len());
    node.expects(office.at, "pbx.example");
    let before = tokio::time::Instant::now();
    assert!(node.sends(office.at, &options("h")).is_empty());
    assert_eq!(office.hears_message().await.0, "OPTIONS");
    assert!(before.elapsed() < Duration::from_millis(500), "took {:?}", before.elapsed());
}
