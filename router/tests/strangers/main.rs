//! What the door has for somebody it does not know: requests that ask for more than they are due, that mean to be sent
//! on, and those that have broken others.

#![expect(clippy::unwrap_used, reason = "a test fails where it does not get what it asks for")]

mod answers;
mod cves;
mod door;
mod seals;
