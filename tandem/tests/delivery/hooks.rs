//! Webhooks: told once, signed, and told again until somebody has heard.

use crate::http::Web;
use crate::office::{HASTY, Office, sound};
use std::process::{Command, Stdio};
use tandem::config::{Mailbox, Mailboxes, Secret, Webhook};
use tandem::store::outbox::State;

fn telling(url: &str) -> Mailboxes {
    let hook = Webhook { url: url.into(), secret: Secret::new("whsec"), line: 20 };
    let mailbox = Mailbox { webhook: Some(hook), ..Mailbox::default() };
    Mailboxes {
        by_name: [("inbox".into(), mailbox)].into(),
        business: "Nguyen Dental".into(),
        ..Mailboxes::default()
    }
}

#[test]
fn a_message_is_told_until_it_was_heard_and_signed_each_time() {
    let web = Web::start(&[
        "HTTP/1.1 500 Oh\r\ncontent-length: 4\r\n\r\noops",
        "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
        "",
    ]);
    let office = Office::new("hook", telling(&format!("http://127.0.0.1:{}/calls?a=b", web.port)), HASTY);
    let message = office.leave(&sound(2));
    let told = [web.next(), web.next(), web.next(), web.next()];
    for request in &told {
        assert_eq!(request.line, "POST /calls?a=b HTTP/1.1");
        assert_eq!(request.fields["idempotency-key"], message.id.as_str());
        assert_eq!(request.fields["content-type"], "application/json");
        assert_eq!(request.fields["host"], format!("127.0.0.1:{}", web.port));
        assert_eq!(request.body, told[0].body);
        let (time, digits) = request.fields["tandem-signature"].split_once(",v1=").expect("both");
        let time = time.strip_prefix("t=").expect("a time");
        assert_eq!(digits, openssl(&format!("{time}.{}", request.body), "whsec"));
    }
    let body: serde_json::Value = serde_json::from_str(&told[0].body).expect("JSON");
    assert_eq!((&body["id"], &body["seconds"]), (&message.id.as_str().into(), &2.into()));
    let sent = office.wait(|letters| letters.iter().all(|letter| letter.state == State::Sent));
    assert_eq!((sent[0].tries, &*sent[0].answer), (4, "204 No Content"));
}

#[test]
fn who_wants_no_more_is_told_no_more() {
    let web = Web::start(&["HTTP/1.1 410 Gone\r\ncontent-length: 7\r\n\r\nenough\n"]);
    let office = Office::new("gone", telling(&format!("http://127.0.0.1:{}/", web.port)), HASTY);
    office.leave(&sound(1));
    web.next();
    let dead = office.wait(|letters| letters.iter().any(|letter| letter.state == State::Dead));
    assert_eq!(dead[0].answer, "410 Gone enough");
}

/// The HMAC as others compute it.
fn openssl(text: &str, key: &str) -> String {
    use std::io::Write as _;
    let mut tool = Command::new("openssl");
    tool.args(["dgst", "-sha256", "-hmac", key]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut tool = tool.spawn().expect("openssl is installed");
    tool.stdin.take().expect("it is ours").write_all(text.as_bytes()).expect("it reads");
    let out = tool.wait_with_output().expect("it ends");
    String::from_utf8_lossy(&out.stdout).trim().rsplit(' ').next().unwrap_or_default().to_owned()
}
