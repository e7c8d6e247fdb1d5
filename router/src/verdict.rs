//! What an outcome means: how far to go next, and what it says of the path's health.

/// What the plan file may say a status means at one peer (`codes = { 404 = "next trunk" }`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeRule {
    /// `next`: this destination is done, the next one is rung.
    Next,
    /// `next trunk`: the path failed, the same destination is tried by another.
    NextTrunk,
    /// `busy`: this destination is busy.
    Busy,
    /// `stop`: the walk ends.
    Stop,
}
