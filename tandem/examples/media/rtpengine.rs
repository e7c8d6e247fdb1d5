//! The same calls through rtpengine without its kernel module, set up by its ng protocol.

use crate::process::{Measured, pause};
use crate::relays::{PORTS, Relays, relayed};
use crate::side::Side;
use crate::words::port;
use core::time::Duration;
use std::net::UdpSocket;
use std::process::Stdio;

const NG: &str = "127.0.0.1:15064";

/// `None` if it is not installed.
pub(crate) fn measure(calls: usize, seconds: u32) -> Option<Relays> {
    let program = std::env::var("RTPENGINE").unwrap_or_else(|_| "/usr/bin/rtpengine".to_owned());
    if !std::path::Path::new(&program).exists() {
        return None;
    }
    let listen = format!("--listen-ng={NG}");
    let words =
        ["--table=-1", "--interface=127.0.0.1", &listen, "--foreground", "--log-stderr", "--log-level=1"];
    let words = words.into_iter().chain(["--num-threads=1", "--port-min=33000", "--port-max=65000"]);
    let child = Measured::on_first_core(&program).args(words).stderr(Stdio::null()).spawn();
    let measured = Measured(child.expect("taskset is there"));
    pause(Duration::from_secs(1));
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.connect(NG).expect("the loopback is there");
    socket.set_read_timeout(Some(Duration::from_secs(10))).expect("it is a socket");
    let [mut caller, mut person] = PORTS.map(Side::new);
    for call in 0..calls {
        let call = format!("relay{call}");
        let offer = [("call-id", &*call), ("command", "offer"), ("from-tag", "a"), ("sdp", &caller.sdp())];
        person.add(port(&asked(&socket, &offer)));
        let sdp = person.sdp();
        let answer =
            [("call-id", &*call), ("command", "answer"), ("from-tag", "a"), ("sdp", &sdp), ("to-tag", "b")];
        caller.add(port(&asked(&socket, &answer)));
    }
    Some(relayed(&measured, None, &mut [&mut caller, &mut person], (calls, seconds)))
}

/// The answer to a command: what is bencoded holds the SDP as it is.
fn asked(socket: &UdpSocket, command: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| format!("{}:{text}", text.len());
    let words: String = command.iter().map(|(key, value)| text(key) + &text(value)).collect();
    // Each has a name of its own: one that it has heard before gets the answer from before.
    let [(_, call), (_, verb), ..] = command else { unreachable!("a call and a command") };
    socket.send(format!("{call}{verb} d{words}e").as_bytes()).expect("the loopback takes it");
    let mut buffer = vec![0; 65_536];
    let length = socket.recv(&mut buffer).expect("it answers");
    buffer.truncate(length);
    buffer
}
