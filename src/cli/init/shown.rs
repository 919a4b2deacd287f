//! What `init` shows, asks and answers.

use serde::Serialize;

use super::{Args, SoFar, Work};
use crate::checks::Finding;
use crate::cli::Session;
use crate::cli::preflight::{self, Checked};
use crate::cli::session::target;
use crate::clients::kube::Cluster;
use crate::failure::{Exit, Failure};
use crate::observe::Receipt;
use crate::plan::{
    Plan, PullTest, counted, describe, idle_sets, kept_as_set, readable_by_workflows,
};
use crate::ui::{foreign, output, prompt};
use crate::verify::wait::Report;

/// The answer of `init`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    context: &'a str,
    server: &'a str,
    user: &'a str,
    dry_run: bool,
    changed: bool,
    findings: &'a [Finding],
    plan: &'a Plan,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<&'a Receipt>,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<&'a Report>,
}

impl Work<'_> {
    /// Shows findings, and the plan where it can be carried out, unless they were shown before; on stderr, since
    /// stdout is the answer. True where the plan is not the one that was shown last.
    pub(super) fn show(
        &self,
        plan: &Plan,
        checked: &Checked,
        stopped: bool,
        shown: &mut SoFar,
    ) -> bool {
        let (args, session) = (self.args, self.session);
        let now = SoFar {
            findings: preflight::lines(&checked.findings, session.terminal),
            plan: describe(plan),
            wrote: shown.wrote,
        };
        let before = std::mem::replace(shown, now);
        let is_new = shown.plan != before.plan;
        if shown.findings != before.findings {
            preflight::annotate(&checked.findings, session.format);
        }
        // Whoever is asked must see what about.
        let asked = !args.yes && !args.dry_run;
        if session.quiet && !asked {
            return is_new;
        }
        if shown.findings != before.findings {
            for line in &shown.findings {
                output::talk(line);
            }
        }
        if is_new && plan.writes() && !stopped {
            for line in &shown.plan {
                self.progress.line(line);
            }
            for line in kept_as_set(&plan.changes) {
                self.progress.line(&foreign::line(&format!("note: {line}")));
            }
            for line in readable_by_workflows(&plan.objects) {
                self.progress.line(&format!("note: {line}"));
            }
            if args.choices().pull_test && !idle_sets(&plan.objects).is_empty() {
                self.progress.line("then a pod of each runner set that wants no runner while idle is tried and removed, unless it was tried before (--no-pull-test leaves it out)");
            }
        }
        is_new
    }

    /// Asks. Nothing is asked where nothing is written.
    pub(super) fn confirm(&self, plan: &Plan) -> Result<(), Failure> {
        if self.args.yes || !plan.writes() {
            return Ok(());
        }
        self.session.interrupt.check()?;
        let question = format!("Apply this to {}?", target(self.cluster));
        if self.progress.suspended(|| prompt::confirm(&question))? {
            return Ok(());
        }
        Err(prompt::declined())
    }

    /// Asks before pods are tried, unless the plan that was agreed to told of them.
    pub(super) fn agrees_to_try(&self, tests: &[PullTest], plan: &Plan) -> Result<bool, Failure> {
        if self.args.yes || plan.writes() {
            return Ok(true);
        }
        self.session.interrupt.check()?;
        let sets = counted(tests.len(), "runner set");
        let question = format!(
            "Start a pod of {sets} in {} to see whether it can run, and remove it?",
            target(self.cluster)
        );
        self.progress.suspended(|| prompt::confirm(&question))
    }
}

/// The last word of a dry run, and its exit code.
pub(super) fn looked(args: &Args, plan: &Plan, session: &Session) -> Exit {
    if !session.quiet {
        output::talk(if plan.writes() {
            "nothing was written; the same command without --dry-run carries this out"
        } else {
            "nothing to do: everything is as wanted"
        });
    }
    if args.exit_code && plan.writes() {
        Exit::ChangesPending
    } else {
        Exit::Done
    }
}

/// Writes the answer to stdout; `done` is what was carried out.
pub(super) fn answer(
    session: &Session,
    cluster: &Cluster,
    plan: &Plan,
    checked: &Checked,
    changed: bool,
    done: Option<(&Receipt, &Report)>,
) -> Result<(), Failure> {
    let identity = &cluster.identity;
    let answer = Answer {
        context: &identity.context,
        server: &identity.server,
        user: &identity.user,
        dry_run: done.is_none(),
        changed,
        findings: &checked.findings,
        plan,
        receipt: done.map(|(receipt, _)| receipt),
        report: done.map(|(_, report)| report),
    };
    // A person has read it all on stderr.
    output::answer(session.format, "Init", &answer, String::new)
}
