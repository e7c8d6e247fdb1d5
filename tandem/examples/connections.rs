//! Opens TLS connections to a node on this machine, as phones that stay connected do, and says what each costs it. Run by
//! `bench/connections`: PROGRAM COUNT.

#![expect(clippy::expect_used, reason = "a measurement that cannot be made has no figure")]

use core::net::SocketAddr;
use core::time::Duration;
use router::target::PeerHost;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tandem::config::{PeerTls, TlsSettings, Verify};
use tandem::net::stream::Stream;
use tandem::tls::verify::sha256;
use tandem::tls::{Expected, Tls};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const AT: &str = "127.0.0.1:25061";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let program = arguments.next().expect("the program");
    let count = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(10_000_usize);
    let folder = std::env::temp_dir().join(format!("tandem-connections-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for temporary files");
    let pin = paper(&folder);
    let mut node = start(&program, &folder);
    // Whatever the first few need is not the price of one.
    let (mut held, tls) = (Vec::new(), believe(pin));
    open(&mut held, 10, &tls).await;
    let before = resident(&node);
    open(&mut held, count + 10, &tls).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let after = resident(&node);
    let each = (after - before) * 1024 / count;
    let mut out = std::io::stdout();
    writeln!(out, "{count} TLS connections: {before} kB before, {after} kB after, {each} bytes each")
        .expect("stdout");
    node.kill().expect("it runs");
    node.wait().expect("it ends");
    let _ = std::fs::remove_dir_all(&folder);
}

fn paper(folder: &Path) -> [u8; 32] {
    let made = rcgen::generate_simple_self_signed(["tandem.example".to_owned()]).expect("chance");
    std::fs::write(folder.join("certificate.pem"), made.cert.pem()).expect("the folder is ours");
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).expect("the folder is ours");
    let plan = format!(
        "[sites]\na = {{ sip = \"127.0.0.1:9\", probe = \"off\" }}\n[numbers]\n\"+15035550100\" = \"main\"\n\
        [defaults]\nfloor = false\n[plans]\nmain = [\"a\"]\n[node]\nlisten = [\"tls:{AT}\"]\ndata = \"state\"\nlog = \"warn\"\n\
        certificate = \"certificate.pem\"\nkey = \"key.pem\"\n"
    );
    std::fs::write(folder.join("plan.toml"), plan).expect("the folder is ours");
    sha256(made.cert.der())
}

fn start(program: &str, folder: &Path) -> Child {
    let program = std::fs::canonicalize(program).expect("the program");
    let mut node = Command::new(program)
        .args(["run", "plan.toml"])
        .current_dir(folder)
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(node.stderr.take().expect("it is piped")).lines();
    lines.by_ref().map_while(Result::ok).find(|line| line.contains("ready on")).expect("it becomes ready");
    // What it says later is read and thrown away.
    tokio::task::spawn_blocking(move || lines.count());
    node
}

fn believe(pin: [u8; 32]) -> Tls {
    let peer = PeerTls { verify: Verify::Pinned(pin), ..PeerTls::default() };
    let settings = TlsSettings { peers: [("node".into(), peer)].into(), ..TlsSettings::default() };
    Tls::read(&settings, None, 0).0
}

/// Opens connections until there are so many; each has said something.
async fn open(held: &mut Vec<Stream>, count: usize, tls: &Tls) {
    let (to, from): (SocketAddr, SocketAddr) = (AT.parse().expect("an address"), ([0, 0, 0, 0], 0).into());
    let there = [Expected { peer: "node".into(), host: PeerHost::Name("tandem.example".into()) }];
    while held.len() < count {
        let with = tls.dialling(&there).expect("a name");
        let mut stream = Stream::connect(from, to, Some(with)).await.expect("it takes connections");
        let n = held.len();
        let options = format!(
            "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK{n}\r\nFrom: <sip:a>;tag=1\r\nTo: <sip:a>\r\n\
            Call-ID: {n}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        );
        stream.write_all(options.as_bytes()).await.expect("it reads");
        stream.flush().await.expect("it reads");
        // A stranger that asks much is not always answered; whether it has an answer costs nothing later.
        let mut answer = [0; 600];
        let _ = tokio::time::timeout(Duration::from_millis(20), stream.read(&mut answer)).await;
        held.push(stream);
    }
}

/// What it has in memory, in kB.
fn resident(node: &Child) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", node.id())).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a line of its memory");
    line.split_whitespace().nth(1).and_then(|kb| kb.parse().ok()).expect("a number")
}
