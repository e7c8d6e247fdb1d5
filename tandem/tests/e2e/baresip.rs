//! baresip as a phone and as an office, both over TLS: what they agree on about their media passes through untouched.

use crate::folder::Folder;
use crate::lamp;
use crate::mailbox::after_the_tone;
use crate::messages::header;
use crate::node::Tandem;
use crate::parts;
use crate::patience::until;
use crate::phone::{in_dialog, response};
use crate::sink::Sink;
use crate::street::{CALLER, Street, TANDEM};
use agent::g711::Law;
use agent::{prompts, wav};
use core::net::SocketAddr;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::fs::File;
use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

const NUMBER: &str = "+15035550100";
const OFFICE: u8 = 11;
const PHONE: u8 = 13;

/// Is baresip here? If not, a test passes over, unless the environment says `TANDEM_PEERS=required`.
fn is_here() -> bool {
    let found =
        Command::new("baresip").arg("-h").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    let required = std::env::var_os("TANDEM_PEERS").is_some_and(|value| value == "required");
    assert!(found || !required, "there is no `baresip` (Debian: baresip-core), and TANDEM_PEERS=required");
    if !found {
        eprintln!("passed over: there is no `baresip`; Debian has it in baresip-core");
    }
    found
}

/// An authority, and what it has signed.
struct Papers {
    folder: Folder,
    ca: CertifiedIssuer<'static, KeyPair>,
}

impl Papers {
    fn new() -> Self {
        let folder = Folder::new();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("chance")).expect("a name");
        std::fs::write(folder.file("ca.pem"), ca.pem()).expect("the folder is ours");
        Self { folder, ca }
    }

    /// A certificate of this address with its key behind it, in one file.
    fn sign(&self, at: SocketAddr) -> PathBuf {
        let key = KeyPair::generate().expect("chance");
        let params = CertificateParams::new([at.ip().to_string()]).expect("an address");
        let signed = params.signed_by(&key, &self.ca).expect("a certificate");
        let file = self.folder.file(&format!("{}.pem", at.ip()));
        std::fs::write(&file, format!("{}{}", signed.pem(), key.serialize_pem()))
            .expect("the folder is ours");
        file
    }
    /// What `[node]` says of them.
    fn lines(&self, street: &Street) -> String {
        let own = self.sign(street.house(TANDEM));
        let (own, ca) = (own.display(), self.folder.file("ca.pem"));
        format!("certificate = \"{own}\"\nkey = \"{own}\"\nca = \"{}\"\n", ca.display())
    }
}

/// A baresip. Killed when it is dropped.
struct Baresip {
    child: Child,
    folder: Folder,
}

impl Baresip {
    /// Starts one in a house, with this account, encrypted media alone, and this to say.
    fn start(
        street: &Street,
        house: u8,
        papers: &Papers,
        account: &str,
        (commands, says): (&[&str], &[u8]),
    ) -> Self {
        let (folder, at) = (Folder::new(), street.house(house));
        std::fs::write(folder.file("says.wav"), wav::write(says, Law::Mu)).expect("the folder is ours");
        let config = format!(
            "sip_listen {at}\nsip_certificate {}\nsip_cafile {}\nnet_interface {}\nmodule_path {MODULES}\n\
            audio_source aufile,{wav}\naudio_player aufile,{}\naudio_alert aufile,{wav}\nrtp_ports 20000-20999\n\
            module stdio.so\nmodule g711.so\nmodule aufile.so\nmodule srtp.so\nmodule_tmp uuid.so\n\
            module_tmp account.so\nmodule_app menu.so\nmodule_app mwi.so\n",
            papers.sign(at).display(),
            papers.folder.file("ca.pem").display(),
            at.ip(),
            folder.file("heard.wav").display(),
            wav = folder.file("says.wav").display(),
        );
        std::fs::write(folder.file("config"), config).expect("the folder is ours");
        std::fs::write(folder.file("accounts"), format!("{account};mediaenc=srtp-mand\n"))
            .expect("the folder is ours");
        let out = File::create(folder.file("out")).expect("the folder is ours");
        let mut program = Command::new("baresip");
        // It must not outlive a test that was killed.
        program.arg("-f").arg(folder.file("")).args(["-s", "-t", "30"]);
        commands.iter().for_each(|command| {
            program.args(["-e", command]);
        });
        let child = program
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("a file can be written twice"))
            .stderr(out)
            .spawn()
            .expect("it is here");
        Self { child, folder }
    }

    /// Starts one that calls, and says this from the answer on.
    fn calls(street: &Street, papers: &Papers, says: &[u8]) -> Self {
        let (own, tandem) = (street.house(CALLER), street.house(TANDEM));
        let proxy = SocketAddr::new(tandem.ip(), tandem.port() + 1);
        let account = format!(
            "<sip:+15035550999@{};transport=tls>;outbound=\"sip:{proxy};transport=tls\";regint=0",
            own.ip()
        );
        let dial = format!("/dial sip:{NUMBER}@{};transport=tls", tandem.ip());
        Self::start(street, CALLER, papers, &account, (&[&dial], says))
    }

    /// Waits for a line of what it prints that contains this.
    fn says(&self, part: &str) -> String {
        let said = || self.said().lines().find(|line| line.contains(part)).map(str::to_owned);
        until(&format!("`{part}`"), said, || self.said())
    }

    fn said(&self) -> String {
        self.folder.read("out")
    }

    /// The keys for media that came and went, in order.
    fn keys(&self) -> Vec<String> {
        let said = self.said();
        said.lines().filter(|line| line.starts_with("a=crypto:")).map(|line| line.trim().to_owned()).collect()
    }
}

impl Drop for Baresip {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- baresip\n{}---", self.said());
        }
    }
}

/// Where Debian has them.
const MODULES: &str = "/usr/lib/baresip/modules";

/// So many seconds of silence, in µ-law.
fn silence(seconds: usize) -> Vec<u8> {
    vec![Law::Mu.silence(); seconds * 8_000]
}

#[test]
fn a_call_over_tls_has_its_encrypted_media_and_is_hung_up_along_the_callers_connection() {
    if !is_here() {
        return;
    }
    let (street, papers) = (Street::new(), Papers::new());
    let tls = |house| SocketAddr::new(street.house(house).ip(), street.house(house).port() + 1);
    let plan = format!(
        "[sites]\noffice = {{ sip = \"{};transport=tls\", probe = \"off\" }}\n[numbers]\n\"{NUMBER}\" = \"main\"\n\
        [defaults]\nfloor = false\n[plans]\nmain = [\"office\"]\n",
        tls(OFFICE)
    );
    let node = Tandem::start_with(&street, &plan, &papers.lines(&street));
    let account = format!("<sip:{NUMBER}@{};transport=tls>;answermode=auto;regint=0", tls(OFFICE));
    let office = Baresip::start(&street, OFFICE, &papers, &account, (&[], &silence(30)));
    office.says("baresip is ready.");
    let caller = Baresip::calls(&street, &papers, &silence(30));

    for phone in [&caller, &office] {
        phone.says("SRTP is Enabled");
        phone.says("Call established");
        phone.says("incoming rtp for 'audio' established");
    }
    let keys = caller.keys();
    assert_eq!((keys.len(), &keys), (2, &office.keys()), "an offer and an answer, as they were made");

    // It hangs up when it ends. The caller's address is nobody's in the plan.
    kill(Pid::from_raw(i32::try_from(office.child.id()).expect("a process id")), Signal::SIGTERM)
        .expect("it runs");
    caller.says("BYE sip:+15035550999");
    caller.says("session closed");
    assert_eq!(node.call().end(), "answered by office");
}

#[test]
fn what_a_caller_says_sealed_into_a_mailbox_is_mailed_sample_by_sample() {
    if !is_here() {
        return;
    }
    let (street, papers, sink) = (Street::new(), Papers::new(), Sink::start(&[]));
    let greeting = papers.folder.file("greeting.wav");
    std::fs::write(&greeting, wav::write(&silence(1), Law::Mu)).expect("the folder is ours");
    let plan = format!(
        "business = \"Nguyen Dental\"\n[mail]\nsmtp = \"127.0.0.1:{}\"\ntls = \"none\"\nfrom = \"tandem@nguyen.example\"\n\
        [mailboxes]\ninbox = {{ email = \"office@nguyen.example\", greeting = \"{}\" }}\n\
        [numbers]\n\"{NUMBER}\" = \"main\"\n[plans.main]\nsteps = [\"inbox\"]\n",
        sink.port,
        greeting.display()
    );
    let _node = Tandem::start_with(&street, &plan, &papers.lines(&street));
    let said = &prompts::CHOOSE[..];
    let caller = Baresip::calls(&street, &papers, &[&silence(3), said, &silence(20)].concat());
    caller.says("SRTP is Enabled");
    let keys = caller.keys();
    assert!(keys.len() >= 2 && keys.iter().all(|key| key.contains(" inline:")), "{keys:?}");
    let mail = sink.mail();
    let heard = parts::samples(&parts::part(&mail.text, "audio/wav").expect("its sound is attached"));
    let spoken: Vec<i16> = said.iter().map(|byte| Law::Mu.decode(*byte)).collect();
    assert!(heard.windows(spoken.len()).any(|part| part == spoken), "{} samples", heard.len());
}

#[test]
fn a_phone_that_has_subscribed_lights_its_lamp_and_puts_it_out() {
    if !is_here() {
        return;
    }
    let (street, papers, sink) = (Street::new(), Papers::new(), Sink::start(&[]));
    let node = Tandem::start_with(&street, &lamp::lit(&street, sink.port), &papers.lines(&street));
    // It subscribes once it is registered.
    let (pbx, tandem) = (street.house(lamp::DESK), street.house(TANDEM));
    let account = format!("<sip:inbox@{tandem}>;outbound=\"sip:{pbx}\";regint=600;mwi=yes");
    std::thread::spawn(move || relay(pbx, tandem));
    let phone = Baresip::start(&street, PHONE, &papers, &account, (&[], &silence(1)));
    phone.says("Messages-Waiting: no");
    phone.says("Voice-Message: 0/0 (0/0)");

    let (mut caller, invite, taken, mut sound) = after_the_tone(&street);
    sound.says(&prompts::OWNER[800..]);
    caller.says(&in_dialog(&invite, &taken, "BYE", 2));
    caller.hears("< 200 BYE");
    phone.says("Messages-Waiting: yes");
    phone.says("Voice-Message: 1/0 (0/0)");
    let id = until("a message", || lamp::first(&node), String::new);
    assert_eq!(node.asked(&["messages", "claim", &id, "--by", "ana"]).1, Some(0));
    phone.says("Voice-Message: 0/1 (0/0)");
    assert!(!phone.said().contains("closed"), "the subscription goes on");
}

/// A PBX that registers its phone by itself, and has everything else answered by the node. It takes the second REGISTER: a baresip
/// 1.0.0 that is registered within its first millisecond subscribes without end.
fn relay(pbx: SocketAddr, node: SocketAddr) {
    let socket = UdpSocket::bind(pbx).expect("the house is ours");
    let (mut buffer, mut phone, mut asked) = ([0; 4_096], node, false);
    while let Ok((length, from)) = socket.recv_from(&mut buffer) {
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let (to, text) = if from == node {
            (phone, text)
        } else if text.starts_with("REGISTER ") {
            if !core::mem::replace(&mut asked, true) {
                continue;
            }
            let contact = header(&text, "Contact");
            (
                from,
                response(&text, pbx, "200 OK", "pbx")
                    .replace("Contact:", &format!("Contact: {contact};expires=600\r\nX:")),
            )
        } else {
            phone = from;
            (node, text)
        };
        socket.send_to(text.as_bytes(), to).expect("loopback");
    }
}
