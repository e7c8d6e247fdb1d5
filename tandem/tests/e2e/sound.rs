//! The sound of a phone that a test plays by hand: RTP with µ-law and telephone events (RFC 3550, RFC 4733).

use crate::messages::header;
use crate::street::Street;
use core::net::SocketAddr;
use core::time::Duration;
use std::net::UdpSocket;

/// One side of a conversation.
#[derive(Debug)]
pub(crate) struct Sound {
    socket: UdpSocket,
    at: SocketAddr,
    to: Option<SocketAddr>,
    sequence: u16,
    timestamp: u32,
}

/// The length of a packet.
const FRAME: usize = 160;
const FRAME_TIME: Duration = Duration::from_millis(20);

impl Sound {
    /// The sound of the phone in this house.
    pub(crate) fn new(street: &Street, house: u8) -> Self {
        let socket = UdpSocket::bind((street.house(house).ip(), 0)).expect("the house is ours");
        let at = socket.local_addr().expect("it is bound");
        Self { socket, at, to: None, sequence: 7, timestamp: 1_000 }
    }

    /// An INVITE, or an answer to one, with our side of the sound in it.
    pub(crate) fn offered(&self, message: &str) -> String {
        let (ip, port) = (self.at.ip(), self.at.port());
        let sdp = format!(
            "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 101\r\n\
            a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
        );
        let body = format!("Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}", sdp.len());
        message.replace("Content-Length: 0\r\n\r\n", &body)
    }

    /// The other side is where this says.
    pub(crate) fn is_answered(&mut self, answer: &str) {
        let line = |start: &str| answer.lines().find_map(|line| line.strip_prefix(start)).map(str::trim);
        let ip = line("c=IN IP4 ").and_then(|ip| ip.parse().ok()).expect("an address");
        let port = line("m=audio ").and_then(|rest| rest.split(' ').next()?.parse().ok()).expect("a port");
        assert_eq!(header(answer, "Content-Type"), "application/sdp");
        self.to = Some(SocketAddr::new(ip, port));
    }

    /// Waits for a packet, and gives its payload.
    pub(crate) fn hears(&self) -> Vec<u8> {
        self.receive(Duration::from_secs(10)).expect("something is to be heard")
    }

    /// Listens until nothing is to be heard any more.
    pub(crate) fn hears_out(&self) {
        while self.receive(Duration::from_millis(200)).is_some() {}
    }

    /// Says this, in its time; gives what is heard meanwhile.
    pub(crate) fn says(&mut self, sound: &[u8]) -> Vec<u8> {
        let mut heard = Vec::new();
        for frame in sound.chunks(FRAME) {
            self.send(0, 0, frame);
            self.timestamp = self.timestamp.wrapping_add(FRAME as u32);
            // Its socket is its clock: nothing is heard for the length of a frame, or something.
            let mut rest = FRAME_TIME;
            let clock = tandem::clock::Clock::start();
            while let Some(payload) = self.receive(rest) {
                heard.extend(payload);
                let spent = Duration::from_micros(clock.now().as_micros());
                match FRAME_TIME.checked_sub(spent) {
                    Some(left) if !left.is_zero() => rest = left,
                    Some(_) | None => break,
                }
            }
        }
        heard
    }

    /// Presses a key by its number: 10 is the star, 11 the hash.
    pub(crate) fn presses(&mut self, event: u8) {
        for (marker, duration, end) in
            [(0x80, 160, 0), (0, 320, 0), (0, 480, 0x80), (0, 480, 0x80), (0, 480, 0x80)]
        {
            let [high, low] = u16::to_be_bytes(duration);
            self.send(101, marker, &[event, end | 10, high, low]);
        }
        self.timestamp = self.timestamp.wrapping_add(480);
    }

    fn send(&mut self, payload_type: u8, marker: u8, payload: &[u8]) {
        let mut packet = vec![0x80, payload_type | marker];
        packet.extend(self.sequence.to_be_bytes());
        packet.extend(self.timestamp.to_be_bytes());
        packet.extend([0, 0, 0x12, 0x34]);
        packet.extend_from_slice(payload);
        self.sequence = self.sequence.wrapping_add(1);
        self.socket.send_to(&packet, self.to.expect("it is answered")).expect("loopback");
    }

    fn receive(&self, time: Duration) -> Option<Vec<u8>> {
        let mut buffer = [0; 2_048];
        self.socket.set_read_timeout(Some(time.max(Duration::from_millis(1)))).expect("a timeout can be set");
        let length = self.socket.recv(&mut buffer).ok()?;
        buffer.get(12..length).map(<[u8]>::to_vec)
    }
}
