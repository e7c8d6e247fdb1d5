//! User agents beside the proxy: what answers calls here, and what it hears and says. Dialogs, SDP and RTP as machines without
//! I/O, as everything else: events go in, effects come out.

pub mod announcement;
pub mod bridge;
pub mod callee;
pub mod caller;
pub mod conceal;
pub mod dialog;
pub mod digits;
mod end;
mod expiry;
pub mod fax;
pub mod g711;
mod goertzel;
pub mod guide;
pub mod house;
pub mod lamp;
pub mod line;
mod mouth;
mod ours;
pub mod prompts;
pub mod reception;
pub mod recording;
pub mod refer;
mod reliable;
pub mod rtcp;
pub mod rtp;
pub mod screen;
pub mod sdes;
pub mod sdp;
pub mod srtp;
pub mod talk;
pub mod tape;
pub mod tones;
pub mod transfer;
pub mod voice;
pub mod voicemail;
pub mod wav;
