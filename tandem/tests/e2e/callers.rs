//! What a carrier that accepts only our numbers sees on the wire, and what the caller sees of that.

use crate::messages::{header, headers};
use crate::node::Tandem;
use crate::phone::{Phone, in_dialog};
use crate::street::{CALLER, Street};

const NUMBER: &str = "+15035550100";
const CARRIER: u8 = 11;

#[test]
fn a_carrier_sees_our_number_and_both_sides_hang_up_on_whom_they_know() {
    for by_caller in [true, false] {
        let street = Street::new();
        let plan = format!(
            "[defaults]\nprobe = \"off\"\nfloor = false\nconfirm = false\n[carriers]\nacme = {{ sip = \"sip:{}\", from = \"owned\", pai = true, diversion = \"both\" }}\n\
            [people]\nana = \"+15035550111\"\n[numbers]\n\"{NUMBER}\" = \"main\"\n[plans]\nmain = [\"ana\"]\n",
            street.house(CARRIER)
        );
        let _node = Tandem::start(&street, &plan);
        let (mut caller, mut carrier) = (Phone::new(&street, CALLER), Phone::new(&street, CARRIER));
        let us = street.house(crate::street::TANDEM);
        let invite = caller.invite(NUMBER);
        caller.says(&invite);
        let leg = carrier.hears("< INVITE");
        let shown = format!("<sip:{NUMBER}@{}>", us.ip());
        let tag = header(&invite, "From").split_once(';').map(|(_, tag)| tag).unwrap_or_default();
        assert_eq!(header(&leg, "From"), format!("{shown};{tag}"));
        assert_eq!(header(&leg, "To"), header(&invite, "To"));
        let known = header(&invite, "From").split(';').next().unwrap_or_default();
        assert_eq!(header(&leg, "P-Asserted-Identity"), known);
        assert_eq!(header(&leg, "Diversion"), format!("{shown};reason=unconditional;counter=1"));
        assert_eq!(
            header(&leg, "History-Info"),
            format!(
                "<sip:{NUMBER}@{us}>;index=1, <sip:+15035550111@{};cause=302>;index=1.1;mp=1",
                carrier.at
            )
        );
        let hidden = headers(&leg, "Record-Route").chain(headers(&leg, "Via").take(1));
        assert!(
            hidden.into_iter().all(|line| !line.contains("15035550999")),
            "the caller's number is in the open"
        );
        carrier.replies(&leg, "180 Ringing", "b");
        caller.hears("< 100 INVITE");
        assert_eq!(header(&caller.hears("< 180 INVITE"), "From"), header(&invite, "From"));
        carrier.replies(&leg, "200 OK", "b");
        let answer = caller.hears("< 200 INVITE");
        assert_eq!(header(&answer, "From"), header(&invite, "From"));
        caller.says(&in_dialog(&invite, &answer, "ACK", 1));
        assert_eq!(header(&carrier.hears("< ACK"), "From"), header(&leg, "From"));
        if by_caller {
            caller.says(&in_dialog(&invite, &answer, "BYE", 2));
            let bye = carrier.hears("< BYE");
            assert_eq!(header(&bye, "From"), header(&leg, "From"));
            carrier.replies(&bye, "200 OK", "");
            assert_eq!(header(&caller.hears("< 200 BYE"), "From"), header(&invite, "From"));
        } else {
            let to = format!("{};tag=b", header(&leg, "To"));
            let routes: Vec<&str> = headers(&leg, "Record-Route").collect();
            let bye = format!(
                "BYE {} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bKbye\r\nMax-Forwards: 70\r\nRoute: {}\r\n\
                From: {to}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n",
                header(&leg, "Contact").trim_matches(['<', '>']),
                carrier.at,
                routes.join(", "),
                header(&leg, "From"),
                header(&leg, "Call-ID"),
            );
            carrier.says(&bye);
            let heard = caller.hears("< BYE");
            assert_eq!(
                (header(&heard, "From"), header(&heard, "To")),
                (to.as_str(), header(&invite, "From"))
            );
            caller.replies(&heard, "200 OK", "");
            assert_eq!(header(&carrier.hears("< 200 BYE"), "To"), header(&leg, "From"));
        }
    }
}
