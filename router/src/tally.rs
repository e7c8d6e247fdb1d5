//! What passes by tells what is counted: an answer makes a call of a leg, a BYE ends it.

use crate::load::{Load, Ticket};
use crate::seal::Seal;
use core::time::Duration;
use sip::text::leading_decimal;
use sip::{Message, Method, Name, Time};

/// The leg of this ticket was answered with this 2xx.
pub(crate) fn answered(load: &mut Load, ticket: Ticket, seal: &Seal, answer: &Message, now: Time) {
    load.on_answered(ticket, seal.dialog(answer), session_timer(answer), now);
}

/// A request that bears our seal is passed on inside of its call.
pub(crate) fn passed(load: &mut Load, seal: &Seal, request: &Message, now: Time) {
    // Most plans limit nothing.
    if !load.has_dialogs() {
        return;
    }
    let dialog = seal.dialog(request);
    if request.method() == Method::Bye { load.on_bye(dialog, now) } else { load.on_refreshed(dialog, now) }
}

/// Session-Expires in seconds (RFC 4028 §4); its parameters are left out.
fn session_timer(answer: &Message) -> Option<Duration> {
    let seconds = leading_decimal(answer.value(Name::SessionExpires)?)?;
    (seconds > 0).then(|| Duration::from_secs(seconds))
}
