//! Where messages go: the mail server, and whoever is told by webhook.

use super::Finding;
use crate::config::Loaded;
use crate::delivery::smtp::greet;
use crate::delivery::verdict::Setting;
use crate::delivery::{believed, webhook};
use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::task::JoinSet;

/// All of them at once.
pub(super) async fn look(loaded: &Arc<Loaded>) -> Vec<Finding> {
    let urls: BTreeSet<(Arc<str>, u32)> = loaded
        .mailboxes
        .by_name
        .values()
        .filter_map(|mailbox| mailbox.webhook.as_ref())
        .map(|hook| (Arc::clone(&hook.url), hook.line))
        .collect();
    let mut asking = JoinSet::new();
    for (url, line) in urls {
        let place = format!("{}:{line}", loaded.source.path());
        asking.spawn(async move { hook(&url, place).await });
    }
    let (mail, hooks) = tokio::join!(mail(loaded), asking.join_all());
    let mut hooks = hooks;
    hooks.sort_by(|one, other| one.what.cmp(&other.what));
    mail.into_iter().chain(hooks).collect()
}

async fn mail(loaded: &Loaded) -> Option<Finding> {
    let server = loaded.mailboxes.mail.as_ref()?;
    let place = format!("{}:{}", server.host, server.port);
    Some(match greet(server, &loaded.node.name, PATIENCE).await {
        Ok(()) => {
            let known = if server.login.is_some() { ", and takes our password" } else { "" };
            Finding::fine("mail", format!("{place} answers{known}"))
        }
        Err((why, setting)) => {
            let line = match setting {
                Setting::Tls => server.lines.tls,
                Setting::Password => server.lines.password,
                Setting::From => server.lines.from,
                Setting::Smtp | Setting::Webhook => server.lines.smtp,
            };
            let fix = format!("look at `{setting}` of [mail] ({}:{line})", loaded.source.path());
            Finding::wrong("mail", format!("{place}: {why}"), fix)
        }
    })
}

async fn hook(url: &str, place: String) -> Finding {
    let host = url.split("://").nth(1).and_then(|rest| rest.split(['/', '?']).next()).unwrap_or(url);
    let what = format!("webhook {host}");
    let tls = match believed() {
        Ok(tls) => Arc::new(tls),
        Err(error) => return Finding::wrong(what, error.to_string(), "install ca-certificates"),
    };
    match webhook::reach(url, tls, PATIENCE).await {
        Ok(()) => Finding::fine(what, "can be reached"),
        Err(why) => Finding::wrong(what, why, format!("look at `webhook` ({place})")),
    }
}

/// Within what the whole may take.
const PATIENCE: Duration = Duration::from_secs(4);
