use super::*;
use sip::txn::{Reliability, Timers};

/// A phone and the lamp that it has asked for: one line for each message that it gets.
struct Story {
    lamp: Option<Lamp>,
    told: Vec<String>,
    notifies: Vec<Message>,
    now: Time,
}

fn at(milliseconds: u64) -> Time {
    Time::from_micros(milliseconds * 1_000)
}

fn agent() -> SocketAddr {
    "[100::2]:5060".parse().unwrap()
}

const NONE: Waiting = Waiting { new: 0, old: 0 };
const ONE: Waiting = Waiting { new: 1, old: 0 };
const HEARD: Waiting = Waiting { new: 0, old: 1 };

fn parsed(bytes: &[u8]) -> Message {
    let message = Message::parse(bytes.into()).unwrap();
    sip::check(&message).unwrap();
    message
}

/// A request of the phone; `lines` are more header lines.
fn request(method: &str, number: u32, to_tag: &str, lines: &str) -> Message {
    parsed(
        format!(
            "{method} sip:inbox@192.0.2.1 SIP/2.0\r\n\
            Via: SIP/2.0/INSIDE [100::]:5060;branch=z9hG4bK{number}\r\n\
            Record-Route: <sip:192.0.2.1:5060;lr;t=1>\r\n\
            From: <sip:100@10.0.0.1>;tag=1\r\n\
            To: <sip:inbox@192.0.2.1>{to_tag}\r\n\
            Call-ID: c\r\n\
            CSeq: {number} {method}\r\n\
            Max-Forwards: 70\r\n\
            Contact: <sip:100@10.0.0.1>\r\n\
            {lines}\r\n"
        )
        .as_bytes(),
    )
}

fn subscribe(number: u32, to_tag: &str, expires: &str) -> Message {
    request("SUBSCRIBE", number, to_tag, &format!("Event: message-summary\r\n{expires}"))
}

/// A message that the phone gets, as a line.
fn line(message: &Message) -> String {
    let more = |name| message.value(name).map_or(String::new(), |value| format!(" {}", value.escape_ascii()));
    let named = |name: &str| {
        let field = message.fields().iter().find(|field| message.is_named(field, name.as_bytes()));
        field.map_or(String::new(), |field| format!(" {}", message.at(field.value).escape_ascii()))
    };
    match message.status() {
        Some(status) => {
            format!("{status}{}{}{}", more(Name::Expires), named("Min-Expires"), named("Allow-Events"))
        }
        None => {
            let body = String::from_utf8_lossy(message.body()).into_owned();
            let lit = body.split("\r\n").next().unwrap_or_default().trim_start_matches("Messages-Waiting: ");
            let counts = body.split("Voice-Message: ").nth(1).unwrap_or_default().trim_end();
            let number = message.cseq().unwrap().0;
            format!("NOTIFY {number}{} {lit} {counts}", named("Subscription-State"))
        }
    }
}

impl Story {
    fn new(subscribe: &Message, waiting: Waiting) -> Self {
        let desk = Desk {
            contact: "<sip:agent-2@192.0.2.1:5060>".into(),
            via: "SIP/2.0/INSIDE [100::2]:5060".into(),
            reliability: Reliability::Unreliable,
            timers: Timers::default(),
        };
        let told = ("inbox".into(), "sip:inbox@192.0.2.1:5060".to_owned(), waiting);
        let mut out = Vec::new();
        let mut story = Self { lamp: None, told: Vec::new(), notifies: Vec::new(), now: at(0) };
        match Lamp::start(subscribe, agent(), desk, told, 0xabc, at(0), &mut out) {
            Ok(lamp) => story.lamp = Some(lamp),
            Err(refusal) => out.push(refusal),
        }
        story.tell(out);
        story
    }

    fn tell(&mut self, out: Vec<Bytes>) {
        for bytes in out {
            let message = parsed(&bytes);
            let seconds = self.now.since(Time::ZERO).as_millis();
            self.told.push(format!("{}.{:03} {}", seconds / 1_000, seconds % 1_000, line(&message)));
            if message.is_request() {
                self.notifies.push(message);
            }
        }
    }

    fn with(&mut self, act: impl FnOnce(&mut Lamp, Time, &mut Vec<Bytes>)) {
        let mut out = Vec::new();
        if let Some(lamp) = &mut self.lamp {
            act(lamp, self.now, &mut out);
        }
        self.tell(out);
    }

    /// Time passes, up to then.
    fn until(&mut self, millis: u64) -> &mut Self {
        while let Some(due) = self.lamp.as_ref().and_then(Lamp::deadline).filter(|due| *due <= at(millis)) {
            self.now = due.max(self.now);
            self.with(Lamp::on_deadline);
        }
        self.now = at(millis);
        self
    }

    /// The phone answers the last NOTIFY.
    fn answers(&mut self, status: u16) -> &mut Self {
        let notify = self.notifies.last().expect("it was told something").clone();
        let answer = parsed(&respond(&notify, agent(), status, Extra::default()));
        self.with(|lamp, now, out| lamp.on_response(answer, now, out));
        self
    }

    fn asks(&mut self, request: &Message) -> &mut Self {
        assert!(self.lamp.as_ref().is_some_and(|lamp| lamp.owns(request)));
        self.with(|lamp, now, out| lamp.on_request(request, now, out));
        self
    }

    fn holds(&mut self, waiting: Waiting) -> &mut Self {
        self.with(|lamp, now, out| lamp.on_waiting(waiting, now, out));
        self
    }

    fn is_done(&self) -> bool {
        self.lamp.as_ref().is_none_or(Lamp::is_done)
    }
}

const TAG: &str = ";tag=abc";

#[test]
fn a_phone_is_told_at_once_at_every_change_and_at_the_end() {
    let mut story = Story::new(&subscribe(1, "", "Expires: 600\r\n"), NONE);
    story.answers(200).until(10_000).holds(ONE).answers(200);
    story.until(20_000).holds(ONE).holds(HEARD).answers(200).until(600_000).answers(200);
    assert!(story.is_done());
    assert_eq!(
        story.told,
        [
            "0.000 200 600",
            "0.000 NOTIFY 1 active;expires=600 no 0/0 (0/0)",
            "10.000 NOTIFY 2 active;expires=590 yes 1/0 (0/0)",
            "20.000 NOTIFY 3 active;expires=580 no 0/1 (0/0)",
            "600.000 NOTIFY 4 terminated;reason=timeout no 0/1 (0/0)",
        ]
    );
}

#[test]
fn what_a_phone_gets_is_whole() {
    let asks = request("SUBSCRIBE", 1, "", "o: Message-Summary ;id=7\r\n");
    let mut out = Vec::new();
    let desk = Desk {
        contact: "<sip:agent-2@192.0.2.1:5060>".into(),
        via: "SIP/2.0/INSIDE [100::2]:5060".into(),
        reliability: Reliability::Unreliable,
        timers: Timers::default(),
    };
    let told = ("inbox".into(), "sip:inbox@192.0.2.1:5060".to_owned(), Waiting { new: 2, old: 8 });
    Lamp::start(&asks, agent(), desk, told, 0xabc, at(0), &mut out).unwrap();
    let text: Vec<_> = out.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect();
    assert_eq!(
        text,
        [
            "SIP/2.0 200 OK\r\n\
            Via: SIP/2.0/INSIDE [100::]:5060;branch=z9hG4bK1;received=100::2\r\n\
            From: <sip:100@10.0.0.1>;tag=1\r\n\
            To: <sip:inbox@192.0.2.1>;tag=abc\r\n\
            Call-ID: c\r\n\
            CSeq: 1 SUBSCRIBE\r\n\
            Record-Route: <sip:192.0.2.1:5060;lr;t=1>\r\n\
            Contact: <sip:agent-2@192.0.2.1:5060>\r\n\
            Expires: 3600\r\n\
            Content-Length: 0\r\n\r\n",
            "NOTIFY sip:100@10.0.0.1 SIP/2.0\r\n\
            Via: SIP/2.0/INSIDE [100::2]:5060;branch=z9hG4bKabd\r\n\
            Route: <sip:192.0.2.1:5060;lr;t=1>\r\n\
            From: <sip:inbox@192.0.2.1>;tag=abc\r\n\
            To: <sip:100@10.0.0.1>;tag=1\r\n\
            Call-ID: c\r\n\
            Max-Forwards: 70\r\n\
            CSeq: 1 NOTIFY\r\n\
            Event: message-summary;id=7\r\n\
            Subscription-State: active;expires=3600\r\n\
            Contact: <sip:agent-2@192.0.2.1:5060>\r\n\
            Content-Type: application/simple-message-summary\r\n\
            Content-Length: 92\r\n\r\n\
            Messages-Waiting: yes\r\n\
            Message-Account: sip:inbox@192.0.2.1:5060\r\n\
            Voice-Message: 2/8 (0/0)\r\n"
        ]
    );
}

#[test]
fn a_refresh_goes_on_and_a_copy_of_it_gets_the_same_answer() {
    let mut story = Story::new(&subscribe(1, "", "Expires: 600\r\n"), ONE);
    story.asks(&subscribe(1, "", "Expires: 600\r\n")).answers(200);
    let again = subscribe(2, TAG, "Expires: 90000\r\n");
    story.until(500_000).asks(&again).asks(&again).answers(200);
    // One that was overtaken comes late.
    story.asks(&subscribe(1, TAG, "Expires: 60\r\n"));
    story.asks(&subscribe(3, TAG, "Expires: 0\r\n")).answers(200);
    story.asks(&subscribe(4, TAG, "Expires: 600\r\n")).until(600_000);
    assert!(story.is_done());
    assert_eq!(
        story.told,
        [
            "0.000 200 600",
            "0.000 NOTIFY 1 active;expires=600 yes 1/0 (0/0)",
            "0.000 200 600",
            "500.000 200 3600",
            "500.000 NOTIFY 2 active;expires=3600 yes 1/0 (0/0)",
            "500.000 200 3600",
            "500.000 500",
            "500.000 200 0",
            "500.000 NOTIFY 3 terminated;reason=timeout yes 1/0 (0/0)",
            "500.000 481",
        ]
    );
}

#[test]
fn who_asks_once_is_told_once() {
    let mut story = Story::new(&subscribe(1, "", "Expires: 0\r\n"), ONE);
    story.until(400).answers(200).holds(HEARD).until(32_000);
    assert!(story.is_done());
    let told = ["0.000 200 0", "0.000 NOTIFY 1 terminated;reason=timeout yes 1/0 (0/0)"];
    assert_eq!(story.told, told);
}

#[test]
fn what_cannot_be_subscribed_to_is_refused_and_says_what_can() {
    let refused = |subscribe: &Message| Story::new(subscribe, NONE).told;
    let presence = request("SUBSCRIBE", 1, "", "Event: presence\r\n");
    assert_eq!(refused(&presence), ["0.000 489 message-summary"]);
    assert_eq!(refused(&request("SUBSCRIBE", 1, "", "")), ["0.000 489 message-summary"]);
    assert_eq!(refused(&subscribe(1, "", "Expires: 59\r\n")), ["0.000 423 60"]);
    assert_eq!(refused(&subscribe(1, "", "Require: pref\r\n")), ["0.000 420"]);
    let nowhere = String::from_utf8(subscribe(1, "", "").bytes().to_vec()).unwrap();
    assert_eq!(refused(&parsed(nowhere.replace("Contact", "X-Contact").as_bytes())), ["0.000 400"]);
    // What is no number says nothing.
    let odd = refused(&subscribe(1, "", "Expires: soon\r\n"));
    assert_eq!(odd, ["0.000 200 3600", "0.000 NOTIFY 1 active;expires=3600 no 0/0 (0/0)"]);
}

#[test]
fn inside_of_a_subscription_nothing_else_is_asked() {
    let mut story = Story::new(&subscribe(1, "", ""), NONE);
    story.answers(200);
    story.asks(&request("SUBSCRIBE", 2, TAG, "Event: presence\r\n"));
    story.asks(&request("SUBSCRIBE", 3, TAG, "Event: message-summary;id=8\r\n"));
    story.asks(&subscribe(4, TAG, "Expires: 5\r\n"));
    story.asks(&request("BYE", 5, TAG, ""));
    let told = ["0.000 489 message-summary", "0.000 481", "0.000 423 60", "0.000 405"];
    assert_eq!(story.told[2..], told);
    assert!(story.lamp.is_some_and(|lamp| lamp.is_lit()));
}

#[test]
fn a_phone_that_is_gone_or_silent_is_told_nothing_more() {
    for status in [481, 404, 489] {
        let mut story = Story::new(&subscribe(1, "", ""), NONE);
        story.answers(status).until(40_000).holds(ONE);
        assert!(story.is_done() && story.told.len() == 2, "{status}: {:?}", story.told);
    }
    let mut story = Story::new(&subscribe(1, "", ""), NONE);
    story.until(31_999);
    assert!(story.lamp.as_ref().is_some_and(Lamp::is_lit));
    story.until(32_000).holds(ONE);
    assert!(story.is_done());
    assert!(story.told[1..].iter().all(|line| line.ends_with("NOTIFY 1 active;expires=3600 no 0/0 (0/0)")));
    assert_eq!(story.told.len(), 1 + 11, "as often as RFC 3261 §17.1.2 has it");
}

#[test]
fn a_phone_that_is_busy_is_told_a_minute_later() {
    let mut story = Story::new(&subscribe(1, "", ""), NONE);
    story.answers(503).until(50_000).holds(ONE).until(60_000).answers(200).until(70_000);
    assert_eq!(story.told[2..], ["60.000 NOTIFY 2 active;expires=3540 yes 1/0 (0/0)"]);
}

#[test]
fn many_changes_are_one_notify_a_second_and_never_two_at_once() {
    let mut story = Story::new(&subscribe(1, "", ""), NONE);
    story.holds(ONE).until(400).holds(HEARD).answers(200).until(900).holds(NONE).holds(ONE);
    story.until(1_100).holds(HEARD).holds(NONE).answers(200).until(2_100).answers(200).until(5_000);
    assert_eq!(
        story.told[1..],
        [
            "0.000 NOTIFY 1 active;expires=3600 no 0/0 (0/0)",
            "1.000 NOTIFY 2 active;expires=3599 yes 1/0 (0/0)",
            "2.000 NOTIFY 3 active;expires=3598 no 0/0 (0/0)",
        ]
    );
}

#[test]
fn what_is_refreshed_for_ever_begins_anew_before_its_route_ends() {
    let mut story = Story::new(&subscribe(1, "", ""), NONE);
    story.answers(200);
    let hours = 6 * 24 * 2;
    for half_hour in 1..hours {
        story.until(u64::from(half_hour) * 1_800_000).asks(&subscribe(1 + half_hour, TAG, "")).answers(200);
    }
    assert_eq!(
        story.told.last().unwrap(),
        &format!("{}.000 NOTIFY 288 active;expires=1800 no 0/0 (0/0)", 287 * 1_800)
    );
    story.until(LIFE.as_millis() as u64).answers(200);
    assert_eq!(
        story.told.last().unwrap(),
        &format!("{}.000 NOTIFY 289 terminated;reason=deactivated no 0/0 (0/0)", 288 * 1_800)
    );
    assert!(story.is_done());
}

#[test]
fn a_mailbox_that_is_gone_ends_it_once_the_phone_has_answered_what_it_was_told_before() {
    let mut story = Story::new(&subscribe(1, "", ""), NONE);
    story.with(|lamp, now, out| lamp.end(Why::NoResource, now, out));
    story.until(600).answers(200).answers(200).until(32_000);
    assert!(story.is_done());
    let told = [
        "0.000 NOTIFY 1 active;expires=3600 no 0/0 (0/0)",
        "0.500 NOTIFY 1 active;expires=3600 no 0/0 (0/0)",
        "0.600 NOTIFY 2 terminated;reason=noresource no 0/0 (0/0)",
    ];
    assert_eq!(story.told[1..], told);
}
