//! Just as much of SIP as a call needs: the first line, a few header fields, and copies of them.

/// The value of the first header field of this name.
pub(crate) fn field<'a>(text: &'a str, name: &str) -> &'a str {
    fields(text, name).next().unwrap_or("")
}

/// The values of all header fields of this name.
pub(crate) fn fields<'a>(text: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let lines = text.split("\r\n").skip(1).take_while(|line| !line.is_empty());
    lines.filter_map(move |line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// A response to a request: Via, Record-Route, From, To, Call-ID and CSeq as they came, and what is added.
pub(crate) fn response(request: &str, status: &str, tag: &str, more: &str) -> String {
    let mut out = String::with_capacity(1200);
    out.push_str("SIP/2.0 ");
    out.push_str(status);
    out.push_str("\r\n");
    for line in request.split("\r\n").skip(1).take_while(|line| !line.is_empty()) {
        let Some((key, _)) = line.split_once(':') else { continue };
        let copied = ["Via", "Record-Route", "From", "To", "Call-ID", "CSeq"];
        if !copied.iter().any(|known| key.eq_ignore_ascii_case(known)) {
            continue;
        }
        out.push_str(line);
        if key.eq_ignore_ascii_case("To") && !tag.is_empty() && !line.contains(";tag=") {
            out.push_str(";tag=");
            out.push_str(tag);
        }
        out.push_str("\r\n");
    }
    out.push_str(more);
    out
}

/// The number of the call that a message belongs to: it stands in its Call-ID.
pub(crate) fn number(text: &str) -> Option<usize> {
    field(text, "Call-ID").split('@').next()?.strip_prefix("load-")?.parse().ok()
}

/// What both ends say of their sound: as long as what a phone says.
pub(crate) const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 8 101\r\n\
    a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n";
