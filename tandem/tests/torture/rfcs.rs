//! What the RFCs' own messages draw. A request that a gate lets pass is 200 if it is OPTIONS, 405 if it is of another
//! method outside a call, 481 inside of one that nobody knows, and 486 if it is a call: its office is busy.

use crate::{Draws, Stream, both};

pub(crate) const RFC_4475: [(&str, Draws); 49] = [
    // A To tag: it says that it belongs to a call.
    ("wsinv", both(&[481])),
    ("intmeth", both(&[405])),
    ("esc01", both(&[486])),
    ("escnull", both(&[405])),
    ("esc02", both(&[405])),
    ("lwsdisp", both(&[200])),
    ("longreq", both(&[486])),
    // Two messages, and some bytes that are none.
    ("dblreq", Draws { udp: &[405], tcp: Stream::Closed(&[405, 486]) }),
    ("semiuri", both(&[200])),
    ("transports", both(&[200])),
    ("mpart01", both(&[405])),
    ("unreason", both(&[])),
    ("noreason", both(&[])),
    ("badinv01", both(&[400])),
    ("clerr", Draws { udp: &[400], tcp: Stream::Waits }),
    ("ncl", Draws { udp: &[400], tcp: Stream::Closed(&[400]) }),
    ("scalar02", both(&[400])),
    ("scalarlg", both(&[])),
    ("quotbal", both(&[400])),
    ("ltgtruri", both(&[400])),
    ("lwsruri", both(&[400])),
    ("lwsstart", both(&[400])),
    ("trws", both(&[400])),
    ("escruri", both(&[400])),
    ("baddate", both(&[400])),
    ("regbadct", both(&[400])),
    ("badaspec", both(&[400])),
    // The file lacks the empty line behind the headers.
    ("baddn", Draws { udp: &[400], tcp: Stream::Waits }),
    ("badvers", both(&[505])),
    ("mismatch01", both(&[400])),
    ("mismatch02", both(&[400])),
    ("bigcode", both(&[])),
    ("badbranch", both(&[200])),
    ("insuf", both(&[400])),
    ("unkscm", both(&[416])),
    ("novelsc", both(&[416])),
    ("unksm2", both(&[405])),
    ("bext01", both(&[420])),
    ("invut", both(&[486])),
    ("regaut01", both(&[405])),
    ("multi01", both(&[400])),
    ("mcl01", Draws { udp: &[400], tcp: Stream::Closed(&[400]) }),
    ("bcast", both(&[])),
    // OPTIONS without hops left may be answered by whoever has it (RFC 3261 §16.3 step 3).
    ("zeromf", both(&[200])),
    ("cparam01", both(&[405])),
    ("cparam02", both(&[405])),
    ("regescrt", both(&[405])),
    ("sdp01", both(&[486])),
    // A stream tells its messages apart by their length (RFC 3261 §18.3).
    ("inv2543", Draws { udp: &[486], tcp: Stream::Closed(&[400]) }),
];

pub(crate) const RFC_5118: [(&str, Draws); 12] = [
    ("ipv6-good", both(&[405])),
    ("ipv6-bad", both(&[400])),
    ("port-ambiguous", both(&[405])),
    ("port-unambiguous", both(&[405])),
    ("via-received-param-with-delim", both(&[481])),
    ("via-received-param-no-delim", both(&[200])),
    ("ipv6-in-sdp", SURPLUS),
    ("mult-ip-in-header", both(&[481])),
    ("mult-ip-in-sdp", SURPLUS),
    ("ipv4-mapped-ipv6", SURPLUS),
    ("ipv6-bug-abnf-3-colons", both(&[200])),
    ("ipv6-correct-abnf-2-colons", both(&[200])),
];

/// The length that the file says is some bytes short of its body.
const SURPLUS: Draws = Draws { udp: &[486], tcp: Stream::Surplus };
