//! The questions, and what becomes of an answer that cannot be.

use super::Stop;
use super::answers::{Answers, Topic};
use super::text;
use crate::config::{Source, read};
use crate::diagnostic::Diagnostic;
use jiff::Timestamp;
use std::io::{BufRead, Read as _, Write};

/// One question.
struct Question {
    topic: Topic,
    /// What says the same on the command line.
    flag: &'static str,
    /// What is asked, and how an answer looks.
    words: &'static str,
    /// What stands between several answers, if there may be several.
    between: Option<char>,
}

/// Who is asked, and what is known without asking.
pub(super) struct Asked<'a, 'b> {
    /// Where answers are typed; `None` if nobody is there to type them.
    pub(super) input: Option<&'a mut dyn BufRead>,
    /// Where questions are shown.
    pub(super) out: &'b mut dyn Write,
    /// By which clock this machine lives, if it says so.
    pub(super) zone: Option<&'b str>,
    /// The moment for which the answers are read.
    pub(super) now: Timestamp,
}

/// Asks for all that was not given, in order. Each answer, also a given one, has been read as the plan file will be.
///
/// # Errors
/// A given answer cannot be; one that is needed is not given, and nobody is there to ask; or he has no more answers.
pub(super) fn ask(given: &Answers, mut asked: Asked<'_, '_>) -> Result<Answers, Stop> {
    let mut answers = Answers::default();
    let mut missing = Vec::new();
    for question in &QUESTIONS {
        let said = given.of(question.topic);
        if !question.applies(&answers) {
            if !said.is_empty() {
                return Err(Stop::Idle(question.flag));
            }
            continue;
        }
        if said.is_empty() && asked.input.is_some() {
            answers = asked.converse(&answers, question)?;
            continue;
        }
        let default = asked.default(question.topic, &answers);
        let said = if said.is_empty() { Vec::from_iter(default) } else { said.to_vec() };
        if !said.is_empty() {
            let taken = asked.taken(&answers, question.topic, said);
            answers = taken.map_err(|why| Stop::Wrong(question.flag, why))?;
        } else if question.is_missing(given, &answers) {
            missing.push(question.flag);
        }
    }
    if missing.is_empty() { Ok(answers) } else { Err(Stop::Missing(missing)) }
}

impl Asked<'_, '_> {
    /// Asks until an answer can be.
    fn converse(&mut self, answers: &Answers, question: &Question) -> Result<Answers, Stop> {
        let default = self.default(question.topic, answers);
        let offered = default.as_ref().map(|default| format!(" [{default}]")).unwrap_or_default();
        let prompt = format!("? {}{offered} › ", question.words);
        for _ in 0..TRIES {
            let line = self.line(&prompt)?.ok_or_else(|| format!("an answer has at most {LINE_MAX} bytes"));
            match line.and_then(|line| self.heard(answers, question, &line, default.as_deref())) {
                Ok(answers) => return Ok(answers),
                Err(why) => writeln!(self.out, "  ✗ {why}").map_err(|_| Stop::Ended)?,
            }
        }
        Err(Stop::Refused(question.flag))
    }

    /// The answers with what was typed, or why it cannot be.
    fn heard(
        &self,
        answers: &Answers,
        question: &Question,
        line: &str,
        default: Option<&str>,
    ) -> Result<Answers, String> {
        let mut said = question.parts(line);
        if said.is_empty() {
            said.extend(default.map(str::to_owned));
        }
        if !said.is_empty() {
            self.taken(answers, question.topic, said)
        } else if question.is_needed(answers) {
            Err("there is no plan without it".to_owned())
        } else {
            Ok(answers.clone())
        }
    }

    /// The answers with another one, or why it cannot be.
    fn taken(&self, answers: &Answers, topic: Topic, said: Vec<String>) -> Result<Answers, String> {
        let answers = answers.with(topic, said);
        match read(Source::new("tandem.toml", text::plan(&answers.completed())), self.now) {
            Ok(_) => Ok(answers),
            Err(refused) => Err(refused.problems.first().map(sentence).unwrap_or_default()),
        }
    }

    fn default(&self, topic: Topic, answers: &Answers) -> Option<String> {
        match topic {
            Topic::Timezone => self.zone.map(str::to_owned),
            Topic::From => {
                let (_, domain) = answers.of(Topic::Emails).first()?.rsplit_once('@')?;
                Some(format!("voicemail@{domain}"))
            }
            Topic::Business
            | Topic::Sites
            | Topic::Carriers
            | Topic::Numbers
            | Topic::Hours
            | Topic::People
            | Topic::Services
            | Topic::Emails
            | Topic::Smtp => None,
        }
    }

    /// What is typed behind a prompt; `None` if it is too long.
    fn line(&mut self, prompt: &str) -> Result<Option<String>, Stop> {
        let told = self.out.write_all(prompt.as_bytes()).and_then(|()| self.out.flush());
        told.map_err(|_| Stop::Ended)?;
        let Some(input) = self.input.as_deref_mut() else { return Err(Stop::Ended) };
        let mut line = Vec::new();
        let most = u64::try_from(LINE_MAX + 1).unwrap_or(u64::MAX);
        (&mut *input).take(most).read_until(b'\n', &mut line).map_err(|_| Stop::Ended)?;
        if line.last() == Some(&b'\n') {
            return Ok(Some(String::from_utf8_lossy(&line).trim().to_owned()));
        }
        if line.len() <= LINE_MAX {
            // Without its end it may be half of an answer.
            return Err(Stop::Ended);
        }
        input.skip_until(b'\n').map_err(|_| Stop::Ended)?;
        Ok(None)
    }
}

impl Question {
    /// Whether there is anything to ask.
    fn applies(&self, answers: &Answers) -> bool {
        !matches!(self.topic, Topic::Smtp | Topic::From) || answers.has(Topic::Emails)
    }

    /// Whether there is no plan without an answer.
    fn is_needed(&self, answers: &Answers) -> bool {
        match self.topic {
            Topic::Carriers | Topic::Numbers | Topic::Smtp | Topic::From => true,
            Topic::Timezone => answers.has(Topic::Hours),
            // Somebody has to be there.
            Topic::People => !answers.has(Topic::Sites),
            Topic::Business | Topic::Sites | Topic::Hours | Topic::Services | Topic::Emails => false,
        }
    }

    /// Whether it has to be given where nobody can be asked: of people who are not there the question for sites speaks.
    fn is_missing(&self, given: &Answers, answers: &Answers) -> bool {
        match self.topic {
            Topic::Sites => !given.has(Topic::People),
            Topic::People => false,
            Topic::Business
            | Topic::Carriers
            | Topic::Numbers
            | Topic::Hours
            | Topic::Timezone
            | Topic::Services
            | Topic::Emails
            | Topic::Smtp
            | Topic::From => self.is_needed(answers),
        }
    }

    fn parts(&self, line: &str) -> Vec<String> {
        let whole = |part: &&str| !part.is_empty();
        match self.between {
            Some(between) => line.split(between).map(str::trim).filter(whole).map(str::to_owned).collect(),
            None => Some(line).filter(whole).map(str::to_owned).into_iter().collect(),
        }
    }
}

/// What is wrong and what to do, on one line.
fn sentence(problem: &Diagnostic) -> String {
    let mut text = problem.title.clone();
    if let Some(help) = problem.helps.first() {
        text.push_str("; ");
        text.push_str(&help.text);
        if let Some((_, replacement)) = help.fix.as_ref().filter(|_| !help.text.ends_with('?')) {
            text.push(' ');
            text.push_str(replacement.trim());
        }
    }
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

const QUESTIONS: [Question; 11] = [
    Question {
        topic: Topic::Business,
        flag: "--business NAME",
        words: "What is the business called? (Nguyen Dental)",
        between: None,
    },
    Question {
        topic: Topic::Sites,
        flag: "--site NAME=ADDRESS",
        words: "What answers your calls today? (the address of your PBX: pbx.nguyen.example, 192.0.2.10:5060) (Enter: only mobiles)",
        between: Some(','),
    },
    Question {
        topic: Topic::Carriers,
        flag: "--carrier NAME=ADDRESS",
        words: "Which carriers bring them? (telnyx=sip.telnyx.example, bandwidth=nguyen.bandwidth.example)",
        between: Some(','),
    },
    Question {
        topic: Topic::Numbers,
        flag: "--number NUMBER",
        words: "Which numbers are called? (+15035550100, +15035550110..0119)",
        between: Some(','),
    },
    Question {
        topic: Topic::Hours,
        flag: "--hours HOURS",
        words: "When is somebody there? (mon-fri 08:00-17:00; sat 09:00-12:00) (Enter: always)",
        between: Some(';'),
    },
    Question {
        topic: Topic::Timezone,
        flag: "--timezone ZONE",
        words: "By which clock? (America/Los_Angeles)",
        between: None,
    },
    Question {
        topic: Topic::People,
        flag: "--person NAME=NUMBER",
        words: "If nobody answers there, whose mobiles ring? (ana=+15035550111, ben=+15035550112) (Enter: nobody's)",
        between: Some(','),
    },
    Question {
        topic: Topic::Services,
        flag: "--service NAME=NUMBER",
        words: "Which answering service comes after them? (+18005550199) (Enter: none)",
        between: Some(','),
    },
    Question {
        topic: Topic::Emails,
        flag: "--mailbox EMAIL",
        words: "And at the very end, who gets voicemail by mail? (office@nguyen.example) (Enter: callers hear that all lines are busy)",
        between: Some(','),
    },
    Question {
        topic: Topic::Smtp,
        flag: "--smtp HOST:PORT",
        words: "By which server does mail leave? (smtp.nguyen.example:587)",
        between: None,
    },
    Question { topic: Topic::From, flag: "--mail-from EMAIL", words: "In whose name?", between: None },
];

/// Who is wrong three times has to look something up.
const TRIES: usize = 3;
/// A terminal gives no longer line.
const LINE_MAX: usize = 4_096;
