//! What Tandem says: it detects what can no longer take calls (health), evaluates the business's plan (plan) and
//! reroutes each call through it (walk), behind one door (node).
//!
//! Nothing here performs I/O, reads a clock, starts threads or logs: events go in, effects come out.

pub mod admission;
pub mod alarm;
pub mod call;
pub mod census;
pub mod chance;
mod choice;
pub mod circles;
pub mod deadlines;
pub mod dialect;
pub mod door;
pub mod emergency;
pub mod fates;
pub mod fix;
pub mod forwarded;
pub mod health;
pub mod hours;
mod leg;
pub mod load;
pub mod locate;
pub mod logins;
pub mod name;
pub mod names;
pub mod networks;
pub mod next;
pub mod node;
pub mod outcome;
pub mod own;
pub mod pace;
pub mod parked;
pub mod path;
pub mod plan;
pub mod position;
pub mod presentation;
pub mod probes;
pub mod proposals;
pub mod q850;
pub mod record;
pub mod registration;
pub mod registrations;
pub mod relay;
pub mod reply;
pub mod roads;
pub mod route;
pub mod said;
pub mod seal;
pub mod senders;
pub mod slots;
pub mod spent;
pub mod strangers;
pub mod streams;
mod tally;
pub mod target;
pub mod transit;
pub mod veil;
pub mod verdict;
pub mod waiting;
pub mod walk;

pub use door::{Effect, Event};
pub use health::Health;
pub use node::Node;
pub use path::{Flow, Path, Transport};
pub use plan::Plan;
