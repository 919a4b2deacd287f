//! One run over all inputs: each is read in its turn, and nothing is written before all are known to be permitted.

use super::answer;
use super::failed::Failed;
use super::function::Function;
use super::input::{self, Input, Inputs, Source};
use crate::clients::interrupt::Interrupt;
use crate::failure::{Exit, Failure};
use crate::object::pods::CustomKinds;
use crate::plan::counted;
use crate::rewrite::text::{self, Findings, Reading, Rewriter, Rewritten, Telling};
use crate::rules::{Meeting, RuleSet};
use crate::ui::files::{self, Prepared};
use crate::ui::output;

/// One text with what became of it.
struct Done {
    input: Input,
    rewritten: Rewritten,
}

/// One run over all inputs.
pub(super) struct Run {
    rules: RuleSet,
    /// Custom kinds that any of the inputs defines.
    kinds: CustomKinds,
    telling: Telling,
    meeting: Meeting,
    /// The inputs that cannot be read, told before anything else.
    failed: Failed,
    /// Every refused image, told at the end, all at once.
    refused: Vec<(String, text::Refused)>,
    /// What is told of each input, by its name.
    changed: Vec<(String, Findings)>,
    /// Looked at before each input and before the first file is replaced.
    interrupt: Interrupt,
}

/// How far an interrupted run went.
const NOTHING: &str = "nothing was written";

impl Run {
    pub(super) fn new(
        rules: RuleSet,
        kinds: CustomKinds,
        telling: Telling,
        interrupt: Interrupt,
    ) -> Self {
        Self {
            rules,
            kinds,
            telling,
            meeting: Meeting::default(),
            failed: Failed::default(),
            refused: Vec::new(),
            changed: Vec::new(),
            interrupt,
        }
    }

    /// None where the input cannot be read: the others are read all the same, to tell of each.
    fn done(&mut self, input: Result<Input, Failure>) -> Option<Done> {
        match input.and_then(|input| self.rewrite(input)) {
            Ok(done) => Some(done),
            Err(failure) => {
                self.failed.note(failure);
                None
            }
        }
    }

    fn rewrite(&mut self, input: Input) -> Result<Done, Failure> {
        let rewriter = Rewriter {
            rules: &self.rules,
            kinds: &self.kinds,
            reading: Reading::ByWords,
            telling: self.telling,
        };
        let mut rewritten = rewriter
            .rewrite(&input.text, &input.name, &mut self.meeting)
            .map_err(|failure| input.explained(failure))?;
        let findings = std::mem::take(&mut rewritten.findings);
        let refused = findings.refused.iter().cloned();
        self.refused
            .extend(refused.map(|one| (input.name.clone(), one)));
        self.changed.push((input.name.clone(), findings));
        Ok(Done { input, rewritten })
    }

    /// Where an input cannot be read, a rule refuses an image, or two would be one, nothing is written at all.
    fn permitted(&mut self) -> Result<(), Failure> {
        std::mem::take(&mut self.failed).check()?;
        let Some((_, first)) = self.refused.first() else {
            return std::mem::take(&mut self.meeting).check();
        };
        let what = match first.code.as_str() {
            "image-name-too-long" => "a rewritten image name is too long".to_owned(),
            "image-rule-unusable" => "a rule makes no image reference".to_owned(),
            _ => format!("the rules refuse {}", counted(self.refused.len(), "image")),
        };
        let failure = Failure::new(&first.code, Exit::Usage, what).why("nothing was written");
        Err(self
            .refused
            .iter()
            .fold(failure, |failure, (name, refused)| {
                failure.evidence(answer::refusal(name, refused))
            })
            .remedy("name another image, or change the rule"))
    }

    /// Each file is written beside its old self; once all are there, each takes the old one's place.
    pub(super) fn in_place(&mut self, inputs: Inputs) -> Result<(), Failure> {
        let mut prepared: Vec<Prepared> = Vec::new();
        for one in inputs.each() {
            self.interrupt.check_after(NOTHING)?;
            let (Source::File(path), input) = one else {
                continue;
            };
            let Some(done) = self.done(input) else {
                continue;
            };
            if self.failed.is_none() && !done.rewritten.edits.is_empty() {
                let pieces = done.rewritten.pieces(&done.input.text);
                prepared.push(files::prepare(&path, pieces)?);
            }
        }
        self.permitted()?;
        self.interrupt.check_after(NOTHING)?;
        files::commit(prepared)
    }

    pub(super) fn print_all(
        &mut self,
        inputs: Inputs,
        function: Option<&Function>,
        is_text: bool,
    ) -> Result<(), Failure> {
        let mut all = Vec::new();
        for (_, input) in inputs.each() {
            let done = self.done(input);
            // What is not printed need not stay in memory.
            if is_text && self.failed.is_none() {
                all.extend(done);
            }
        }
        self.permitted()?;
        if let (Some(function), [(_, findings)], [done]) =
            (function, self.changed.as_slice(), all.as_mut_slice())
            && let Some(results) = function.results(findings)
        {
            done.rewritten.add(results);
        }
        if is_text {
            let texts = all.iter().map(|done| done.input.text.as_str());
            let joints = input::joints(texts);
            let pieces = all.iter().zip(&joints).enumerate();
            let pieces = pieces.flat_map(|(number, (done, joint))| {
                let mut pieces = done.rewritten.pieces(&done.input.text);
                let begin = pieces.next().unwrap_or_default();
                let begin = match number {
                    0 => begin,
                    _ => input::unmarked(begin),
                };
                [joint.as_str(), begin].into_iter().chain(pieces)
            });
            output::data_pieces(pieces)?;
        }
        Ok(())
    }

    /// What is told of each input, by its name.
    pub(super) fn into_findings(self) -> Vec<(String, Findings)> {
        self.changed
    }
}

#[cfg(test)]
mod tests {
    use super::super::input::{Inputs, sources};
    use super::*;
    use crate::rules::{Action, Matcher, RuleSpec};

    #[test]
    fn an_interrupted_run_leaves_every_file_as_it_was() {
        let home = tempfile::tempdir().unwrap();
        let text =
            "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a, image: quay.io/a/b:1}]}\n";
        let paths = ["a.yaml", "b.yaml"].map(|name| home.path().join(name));
        for path in &paths {
            crate::ui::files::write_atomically(path, text.as_bytes()).unwrap();
        }
        let action = Action::Rewrite {
            target: "r.corp".to_owned(),
            drop_library: false,
        };
        let rule = RuleSpec::new("quay.io", Matcher::Host("quay.io".to_owned()), action);
        let (sender, interrupt) = Interrupt::channel();
        let run = || {
            let inputs = Inputs::of(sources(&paths, true).unwrap()).unwrap();
            let rules = RuleSet::compile(std::slice::from_ref(&rule)).unwrap();
            let kinds = CustomKinds::default();
            Run::new(rules, kinds, Telling::Each, interrupt.clone()).in_place(inputs)
        };
        sender.send_replace(true);
        assert_eq!(run().unwrap_err().exit(), Exit::Interrupted);
        let said = || {
            paths
                .each_ref()
                .map(|path| std::fs::read_to_string(path).unwrap())
        };
        assert_eq!(said(), [text, text]);
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 2);
        sender.send_replace(false);
        run().unwrap();
        assert!(said().iter().all(|text| text.contains("r.corp/a/b:1")));
    }
}
