//! This machine: its disk, its ports, its clock.

use super::Finding;
use crate::config::Loaded;
use crate::control::client::ask;
use crate::control::{Request, SOCKET, Verb};
use crate::key::{self, KeyError};
use crate::messages::folder::free_at;
use crate::net::{self, udp::RECEIVE_BUFFER};
use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use jiff::Timestamp;
use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::{AccessFlags, access};
use router::Transport;
use std::fs;
use std::io::ErrorKind;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

/// All of it.
pub(super) fn look(loaded: &Loaded, now: Timestamp) -> Vec<Finding> {
    let data = &loaded.node.data;
    let mut findings = vec![folder(data, loaded.node.disk_floor)];
    findings.extend(seal_key(data));
    findings.extend(ports(loaded));
    findings.push(sound(loaded));
    findings.push(descriptors());
    findings.extend(buffers());
    findings.push(clock());
    findings.push(zone(loaded, now));
    findings
}

fn folder(data: &Path, floor: u64) -> Finding {
    let there =
        data.ancestors().find(|path| path.exists()).map_or_else(|| PathBuf::from("/"), Path::to_path_buf);
    let shown = data.display();
    if access(&there, AccessFlags::W_OK | AccessFlags::X_OK).is_err() {
        let fix = "chown it to who runs the node, or change `data` in [node]";
        return Finding::wrong("data", format!("{} may not be written by this user", there.display()), fix);
    }
    let is_new = if there == *data { "" } else { ", which `tandem run` will make" };
    match free_at(&there) {
        Ok(free) if free < floor => {
            let told = format!(
                "{shown}{is_new}: {} free, less than `disk_floor` ({}): mailboxes take no call",
                bytes(free),
                bytes(floor)
            );
            Finding::wrong("data", told, "make room on the disk, or lower `disk_floor` in [node]")
        }
        Ok(free) => Finding::fine("data", format!("{shown}{is_new}: {} free", bytes(free))),
        Err(error) => Finding::look(
            "data",
            format!("{shown}{is_new}: how much is free is not known: {error}"),
            "look at its disk",
        ),
    }
}

/// The key of the seals, if there is one already.
fn seal_key(data: &Path) -> Option<Finding> {
    match key::find(data) {
        Ok(key) if key.exposed => {
            let fix = format!("chmod 600 {}", key.file.display());
            Some(Finding::wrong("key", format!("others than its owner may read {}", key.file.display()), fix))
        }
        Ok(key) => Some(Finding::fine("key", format!("{}, for its owner alone", key.file.display()))),
        Err(KeyError::Io { error, .. }) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => {
            Some(Finding::wrong("key", error.to_string(), "run this as the user that runs the node"))
        }
    }
}

/// The addresses that it would listen on: free, or held by the node that runs with this data folder.
fn ports(loaded: &Loaded) -> Vec<Finding> {
    let data = &loaded.node.data;
    let required = loaded.node.listen.iter().filter(|listen| listen.required);
    let taken = required
        .clone()
        .filter_map(|listen| net::try_bind(listen.transport, listen.address).err())
        .collect::<Vec<_>>();
    let shown = |(transport, address): (Transport, SocketAddr)| format!("{} {address}", transport.in_uri());
    let all: Vec<String> = required.map(|listen| shown((listen.transport, listen.address))).collect();
    if taken.is_empty() {
        return vec![Finding::fine("ports", format!("{} can be listened on", all.join(", ")))];
    }
    let status = Request { verb: Verb::Status, who: String::new(), why: String::new() };
    let runs = taken.iter().all(|error| error.error.kind() == ErrorKind::AddrInUse)
        && data.join(SOCKET).exists()
        && answers(data, status);
    if runs {
        let held: Vec<String> = taken.iter().map(|error| shown((error.transport, error.address))).collect();
        let told = format!("{} held by the node that runs with {}", held.join(", "), data.display());
        return vec![Finding::fine("ports", told)];
    }
    let one = |error: &net::BindError| {
        let port = error.address.port();
        let fix = if error.error.kind() == ErrorKind::AddrInUse {
            format!("ss -lnp 'sport = :{port}' says who has it; end that, or change `listen` in [node]")
        } else if error.error.kind() == ErrorKind::PermissionDenied {
            "give it cap_net_bind_service (setcap, or AmbientCapabilities in its unit), or a port above 1023"
                .to_owned()
        } else {
            "change `listen` in [node] to an address of this machine".to_owned()
        };
        let told = format!("{}: {}", shown((error.transport, error.address)), error.error);
        Finding::wrong("ports", told, fix)
    };
    taken.iter().map(one).collect()
}

fn answers(data: &Path, status: Request) -> bool {
    let data = data.to_path_buf();
    within(move || ask(&data, &status).is_ok()) == Some(true)
}

/// What comes of it, if it comes in time.
fn within<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (sender, answer) = mpsc::channel();
    // Who is not waited for any longer has nobody to tell.
    thread::spawn(move || _ = sender.send(work()));
    answer.recv_timeout(PATIENCE).ok()
}

/// The ports of the sound: some of them are tried.
fn sound(loaded: &Loaded) -> Finding {
    let ports = &loaded.node.rtp_ports;
    let (first, last) = (*ports.start(), *ports.end());
    let step = usize::from((last - first) / TRIED).max(1);
    let tried: Vec<u16> = ports.clone().step_by(step).take(usize::from(TRIED)).collect();
    let is_taken = |port: &&u16| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, **port)).is_err();
    let taken = tried.iter().filter(is_taken).count();
    let told = format!("UDP {first} to {last} for sound: {taken} of {} tried are taken", tried.len());
    if taken * 2 > tried.len() {
        Finding::wrong("sound", told, "change `rtp_ports` in [node]")
    } else {
        Finding::fine(
            "sound",
            format!(
                "UDP {first} to {last} for sound: {} of {} tried are free; a firewall has to let them in",
                tried.len() - taken,
                tried.len()
            ),
        )
    }
}

fn descriptors() -> Finding {
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((_, hard)) if hard < FILES_MIN => Finding::look(
            "files",
            format!("this user may open {hard}; each connection and each call with sound takes one or two"),
            "LimitNOFILE=65536 in its unit, or ulimit -n",
        ),
        Ok((_, hard)) => Finding::fine("files", format!("this user may open {hard}")),
        Err(error) => {
            Finding::look("files", format!("how many may be opened is not known: {error}"), "ulimit -n")
        }
    }
}

/// What the kernel keeps of a burst.
fn buffers() -> Option<Finding> {
    let most: usize = fs::read_to_string("/proc/sys/net/core/rmem_max").ok()?.trim().parse().ok()?;
    Some(if most < RECEIVE_BUFFER {
        let told = format!(
            "the kernel keeps {most} bytes of datagrams, {RECEIVE_BUFFER} are asked for: in a burst some are lost"
        );
        Finding::look("buffers", told, format!("sysctl -w net.core.rmem_max={RECEIVE_BUFFER}"))
    } else {
        Finding::fine("buffers", format!("the kernel keeps {most} bytes of datagrams"))
    })
}

/// Is it told the time? Opening hours and seals go by it.
fn clock() -> Finding {
    let by_systemd = Path::new("/run/systemd/timesync/synchronized").exists();
    match if by_systemd { Some(true) } else { within(told_by_systemd).flatten() } {
        Some(true) => Finding::fine("clock", "it is synchronised"),
        Some(false) => Finding::wrong(
            "clock",
            "nobody tells it the time: opening hours go by it",
            "timedatectl set-ntp true, or chrony",
        ),
        None => Finding::look(
            "clock",
            "whether anybody tells it the time cannot be told here",
            "chronyc tracking, or timedatectl",
        ),
    }
}

fn told_by_systemd() -> Option<bool> {
    let mut asked = Command::new("timedatectl");
    asked.args(["show", "--property=NTPSynchronized", "--value"]);
    let said = asked.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    match said.stdout.trim_ascii() {
        b"yes" => Some(true),
        b"no" => Some(false),
        _ => None,
    }
}

fn zone(loaded: &Loaded, now: Timestamp) -> Finding {
    let zone = &loaded.plan.zone;
    let offset = zone.offset_at(now.as_second());
    let local = now.as_second().saturating_add(i64::from(offset));
    Finding::fine("time zone", format!("{}: {} there now", zone.name, crate::moment::weekly(local)))
}

fn bytes(count: u64) -> String {
    match count {
        0..0x4000_0000 => format!("{} MiB", count >> 20),
        _ => format!("{} GiB", count >> 30),
    }
}

const PATIENCE: Duration = Duration::from_secs(1); // Both are asked on this machine.
const TRIED: u16 = 16; // Enough to see whether another program has them.
const FILES_MIN: u64 = 4_096; // A thousand calls with sound.
