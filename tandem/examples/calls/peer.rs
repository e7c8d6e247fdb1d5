//! Who is measured, and how it is set up.

use crate::forwarder;
use crate::job::{CALLEES, CALLER, Job, PROXY};
use std::path::Path;
use std::process::Command;

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Peer {
    Tandem,
    /// One worker, and the memory of all of it by its fastest means.
    Kamailio,
    /// A datagram a call of the system.
    Single,
    /// As many as have come.
    Batch,
}

impl Peer {
    pub(crate) const ALL: [Self; 4] = [Self::Tandem, Self::Kamailio, Self::Single, Self::Batch];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tandem => "tandem",
            Self::Kamailio => "kamailio",
            Self::Single => "bare",
            Self::Batch => "bare, in batches",
        }
    }

    /// A forwarder knows nothing of calls: of one that goes on to a second callee it would know the first alone.
    pub(crate) fn can(self, job: Job) -> bool {
        matches!(self, Self::Tandem | Self::Kamailio) || job == Job::Relay
    }

    /// How it is started; `None` if it is not there.
    pub(crate) fn command(self, job: Job, program: &str) -> Option<Command> {
        let folder = std::env::temp_dir().join(format!("tandem-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        match self {
            Self::Tandem => {
                let file = folder.join("tandem.toml");
                std::fs::write(&file, plan(job, &folder)).expect("a file");
                let mut command = Command::new(program);
                command.arg("run").arg(file).args(["--level", "error"]);
                Some(command)
            }
            Self::Kamailio => {
                let program = "/usr/sbin/kamailio";
                if !Path::new(program).exists() {
                    return None;
                }
                let file = folder.join("kamailio.cfg");
                std::fs::write(&file, routes(job)).expect("a file");
                let mut command = Command::new(program);
                command.args(["-DD", "-E", "-x", "fm", "-X", "fm", "-m", "512", "-M", "32", "-f"]).arg(file);
                Some(command)
            }
            Self::Single | Self::Batch => {
                let how = if self == Self::Single { "single" } else { "batch" };
                let mut command = Command::new(std::env::current_exe().expect("this program"));
                let [first, ..] = CALLEES;
                command.args([forwarder::WORD, PROXY, "127.0.0.1:15061", first, how]);
                Some(command)
            }
        }
    }
}

fn plan(job: Job, folder: &Path) -> String {
    let sites: Vec<String> = job
        .roles()
        .iter()
        .zip(CALLEES)
        .zip(["a", "b", "c"])
        // The refusal is to cost what it costs each time: who has refused once is not left out afterwards.
        .map(|((_, at), name)| format!("{name} = {{ sip = \"{at}\", codes = {{ 503 = \"next\" }} }}\n"))
        .collect();
    let names: Vec<String> =
        ["a", "b", "c"].iter().take(sites.len()).map(|name| format!("\"{name}\"")).collect();
    let names = names.join(", ");
    let steps = if job == Job::Parallel3 { format!("[[{names}]]") } else { format!("[{names}]") };
    format!(
        "[defaults]\nprobe = \"off\"\nfloor = false\n[carriers]\nin = \"{CALLER}\"\n[sites]\n{}[numbers]\n\"+15035550100\" = \"main\"\n\
        [plans]\nmain = {steps}\n[node]\nlisten = [\"udp:{PROXY}\"]\ndata = \"{}\"\n",
        sites.concat(),
        folder.join("data").display()
    )
}

/// As its manual has it: transactions, Record-Route, a failure route.
fn routes(job: Job) -> String {
    let [first, second, third] = CALLEES;
    let go = match job {
        Job::Relay => format!("$du = \"sip:{first}\"; t_relay();"),
        Job::Failover503 | Job::DeadHop => {
            format!("t_on_failure(\"NEXT\"); $du = \"sip:{first}\"; t_relay();")
        }
        Job::Parallel3 => format!(
            "$du = \"sip:{first}\"; append_branch(\"$ru\"); $(branch(dst_uri)[0]) = \"sip:{second}\"; \
            append_branch(\"$ru\"); $(branch(dst_uri)[1]) = \"sip:{third}\"; t_relay();"
        ),
    };
    format!(
        "debug=0\nlog_stderror=yes\nfork=yes\nchildren=1\ndisable_tcp=yes\nauto_aliases=no\ndns=no\nrev_dns=no\nlisten=udp:{PROXY}\n\
        mpath=\"/usr/lib/x86_64-linux-gnu/kamailio/modules/\"\n\
        loadmodule \"tm.so\"\nloadmodule \"sl.so\"\nloadmodule \"rr.so\"\nloadmodule \"pv.so\"\nloadmodule \"maxfwd.so\"\nloadmodule \"siputils.so\"\nloadmodule \"textops.so\"\nloadmodule \"tmx.so\"\nloadmodule \"corex.so\"\n\
        modparam(\"tm\", \"fr_timer\", 2000)\n\
        request_route {{\n\
            if (!mf_process_maxfwd_header(\"10\")) {{ sl_send_reply(\"483\", \"Too Many Hops\"); exit; }}\n\
            if (has_totag()) {{ if (loose_route()) {{ t_relay(); }} else if (is_method(\"ACK\") && t_check_trans()) {{ t_relay(); }} exit; }}\n\
            if (is_method(\"CANCEL\")) {{ if (t_check_trans()) t_relay(); exit; }}\n\
            if (!is_method(\"INVITE\")) {{ exit; }}\n\
            t_check_trans();\n\
            record_route();\n\
            {go}\n\
        }}\n\
        failure_route[NEXT] {{\n\
            if (t_is_canceled()) exit;\n\
            if (t_check_status(\"503\") || (t_branch_timeout() && !t_branch_replied())) {{ $du = \"sip:{second}\"; t_relay(); }}\n\
        }}\n"
    )
}
