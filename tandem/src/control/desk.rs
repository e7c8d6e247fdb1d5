//! What the loop has of all this: jobs one after the other, each on a thread of its own, and what comes of them.

use super::changes::{Brought, Changes, Due, Job, Made, Outcome, View};
use super::{Answer, Request, words};
use core::time::Duration;
use sip::Time;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, spawn_blocking};

/// It.
#[derive(Debug)]
pub struct Desk {
    asks: mpsc::Receiver<Asked>,
    /// Jobs that nobody asked for; each kind once.
    own: VecDeque<Job>,
    changes: Option<Changes>,
    due: Due,
    work: Option<JoinHandle<(Changes, Made)>>,
    asker: Option<oneshot::Sender<Answer>>,
}

/// A request with the way back to who asks.
#[derive(Debug)]
pub struct Asked {
    /// What is asked for.
    pub request: Request,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Answer>,
}

/// What the loop has to do.
#[derive(Debug)]
pub enum Came {
    /// A job is to be taken up: say how the node stands.
    Job(Job),
    /// A job is done.
    Done(Done),
}

/// A job that is done.
#[derive(Debug)]
pub struct Done {
    /// What is to come into force now.
    pub brought: Option<Brought>,
    outcome: Outcome,
    asker: Option<oneshot::Sender<Answer>>,
}

impl Desk {
    /// Requests come from here.
    #[must_use]
    pub fn new(changes: Changes, asks: mpsc::Receiver<Asked>) -> Self {
        let due = changes.due();
        let own = VecDeque::new();
        Self { asks, own, changes: Some(changes), due, work: None, asker: None }
    }

    /// The files are to be read anew, as soon as what is under way is done.
    pub fn reread(&mut self) {
        if !self.own.iter().any(|job| matches!(job, Job::Reread)) {
            self.own.push_back(Job::Reread);
        }
    }

    /// Time has passed, here and on the wall.
    pub fn on_beat(&mut self, now: Time, unix: i64) {
        let Due { confirm, switched } = self.due;
        if confirm.is_some_and(|by| by <= now) || switched.is_some_and(|until| until <= unix) {
            self.due = Due::default();
            self.own.push_back(Job::Expire);
        }
    }

    /// What comes next. Nothing is lost if it is not waited for to the end.
    pub async fn next(&mut self) -> Came {
        if let Some(work) = &mut self.work {
            let back = work.await;
            self.work = None;
            let asker = self.asker.take();
            return Came::Done(match back {
                Ok((changes, Made { brought, outcome })) => {
                    self.due = changes.due();
                    self.changes = Some(changes);
                    Done { brought, outcome, asker }
                }
                // This process ends.
                Err(_) => Done { brought: None, outcome: gone(), asker },
            });
        }
        if let Some(job) = self.own.pop_front() {
            return Came::Job(job);
        }
        match self.asks.recv().await {
            Some(Asked { request, answer }) => {
                self.asker = Some(answer);
                Came::Job(Job::Ask(request))
            }
            None => core::future::pending().await,
        }
    }

    /// Begins with a job; [`next`](Self::next) says when it is done.
    pub fn take_up(&mut self, job: Job, view: View) {
        let Some(mut changes) = self.changes.take() else { return };
        self.work = Some(spawn_blocking(move || {
            let made = catch_unwind(AssertUnwindSafe(|| changes.work(job, &view)));
            // The hook has printed where it was.
            let made = made.unwrap_or_else(|_| Made { brought: None, outcome: gone() });
            (changes, made)
        }));
    }
}

impl Done {
    /// Answers: what there was to come into force is.
    pub fn tell(self, now: Time) {
        let answer = match self.outcome {
            Outcome::Applied(applied) => {
                let took: Duration = now.since(applied.began);
                words::applied(&applied, took)
            }
            Outcome::Said(answer) => answer,
        };
        // Who has gone away does not hear it.
        let _ = self.asker.map(|asker| asker.send(answer));
    }
}

fn gone() -> Outcome {
    Outcome::Said(Answer::refused("a bug: nothing has changed; the log says where"))
}
