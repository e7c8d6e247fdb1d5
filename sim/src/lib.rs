//! A virtual network in virtual time: phones and carriers that behave as told, faults by chance from a seed, and an
//! oracle that judges the router by what goes over the wire.
//!
//! [`story`](story::story) tells one call as lines of text; [`chaos::run`] lets many calls go through a storm.

mod callee;
pub mod caller;
pub mod chance;
pub mod chaos;
mod compose;
pub mod dns;
mod draw;
mod draw_accounts;
mod draw_asking;
mod draw_beside;
mod draw_forwards;
mod draw_names;
mod draw_orders;
mod draw_redirects;
pub mod floor;
mod forward;
pub mod glance;
pub mod guard;
pub mod indoors;
pub mod lamp;
pub mod manner;
pub mod network;
pub mod oracle;
pub mod phone;
pub mod refer;
pub mod story;
pub mod town;
pub mod voice;
pub mod world;

pub use caller::Script;
pub use manner::Manner;
pub use story::story;
pub use world::World;
