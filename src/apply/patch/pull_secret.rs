//! Before a pull secret is appended: is it there, in the namespace of the object? Its values are not read.

use super::report::{ObjectReport, Treatment};
use super::write::Work;

impl Work<'_> {
    /// Looks for the pull secret that the patch would append. The treatment is why the object is left as it is; where
    /// nobody can tell, that is a note.
    pub(super) async fn secret_is_missing(&self, report: &mut ObjectReport) -> Option<Treatment> {
        let name = self.options.pull_secret.as_ref()?;
        let namespace = report.object.namespace.clone()?;
        if report.pull_secrets.is_empty() {
            return None;
        }
        match self.secrets.ask(self.cluster, &namespace, name).await {
            Ok(true) => None,
            Ok(false) => Some(Treatment::NoPullSecret {
                namespace,
                name: name.clone(),
            }),
            Err(why) => {
                let note = format!("not known whether Secret {namespace}/{name} is there: {why}");
                report.notes.push(note);
                None
            }
        }
    }
}
