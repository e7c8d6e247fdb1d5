//! What has been answered.

use std::collections::BTreeMap;

/// What is asked about, in the order of the questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Topic {
    /// What the business calls itself.
    Business,
    /// What answers its calls today.
    Sites,
    /// Who brings them.
    Carriers,
    /// Which numbers are called.
    Numbers,
    /// When somebody is there.
    Hours,
    /// By which clock.
    Timezone,
    /// Whose mobiles ring.
    People,
    /// Who answers for a living.
    Services,
    /// To whom messages are mailed.
    Emails,
    /// By which server.
    Smtp,
    /// In whose name.
    From,
}

/// Of each topic all that was said, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answers(BTreeMap<Topic, Vec<String>>);

impl Answers {
    /// What was said of a topic; nothing, if it was left out.
    pub(super) fn of(&self, topic: Topic) -> &[String] {
        self.0.get(&topic).map_or(&[], Vec::as_slice)
    }

    /// Whether something was said of it.
    pub(super) fn has(&self, topic: Topic) -> bool {
        !self.of(topic).is_empty()
    }

    /// These, with another answer.
    pub(super) fn with(&self, topic: Topic, said: Vec<String>) -> Self {
        let mut answers = self.clone();
        answers.0.insert(topic, said);
        answers
    }

    /// These, with something plain in the place of what a plan cannot be without, so that what is wrong with it is wrong with them.
    pub(super) fn completed(&self) -> Self {
        let mut answers = self.clone();
        let mut lacks = |topic, plain: &str| {
            let said = answers.0.entry(topic).or_default();
            if said.is_empty() {
                said.push(plain.to_owned());
            }
        };
        if !self.has(Topic::People) {
            lacks(Topic::Sites, "192.0.2.1");
        }
        lacks(Topic::Carriers, "192.0.2.2");
        lacks(Topic::Numbers, "+15035550100");
        lacks(Topic::Timezone, "UTC");
        if self.has(Topic::Emails) {
            lacks(Topic::Smtp, "192.0.2.3");
            lacks(Topic::From, "voicemail@tandem.example");
        }
        answers
    }
}

impl FromIterator<(Topic, Vec<String>)> for Answers {
    fn from_iter<I: IntoIterator<Item = (Topic, Vec<String>)>>(said: I) -> Self {
        Self(said.into_iter().collect())
    }
}
