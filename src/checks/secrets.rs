//! Secrets that the configuration names and somebody else makes.

use super::Finding;
use crate::facts::Facts;
use crate::observe::SecretReport;
use crate::plan::counted;

/// One finding for each that is absent or unread; one `ok` for the rest.
pub(super) fn findings(reports: &[SecretReport], facts: &Facts) -> Vec<Finding> {
    const ID: &str = "secret-missing";
    let mut findings = Vec::new();
    let mut present = 0;
    for SecretReport { expected, is_there } in reports {
        let subject = format!("Secret {}/{}", expected.namespace, expected.name);
        let wanted = format!("wanted: type {}, keys {}", expected.kind, expected.keys);
        findings.push(match is_there {
            Ok(true) => {
                present += 1;
                continue;
            }
            Ok(false) if facts.cluster.namespaces.contains_key(&expected.namespace) => {
                Finding::failed(ID, subject)
                    .why("the configuration names it, and it is not there")
                    .why(wanted)
            }
            // Whoever makes it could not have made it before.
            Ok(false) => Finding::unknown(ID, subject)
                .why("it is not there, and its namespace was not there either or could not be read: no pod that needs it starts before it is there")
                .why(wanted)
                .remedy("nothing if it comes by itself, such as from External Secrets; otherwise make the namespace and the Secret first"),
            Err(why) => Finding::unknown(ID, subject)
                .why(why.clone())
                .remedy(format!("nothing if it is there: {wanted}")),
        });
    }
    if present > 0 {
        let subject = counted(present, "Secret");
        findings.push(Finding::ok(ID, format!("{subject} of others")));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::Verdict;
    use crate::config::Expected;
    use crate::facts::KubernetesVersion;

    #[test]
    fn absent_fails_only_where_it_could_have_been_made() {
        let mut facts = Facts::assumed(KubernetesVersion::DEFAULT);
        let namespaces = &mut facts.cluster.namespaces;
        namespaces.insert("there".to_owned(), std::collections::BTreeMap::new());
        let report = |namespace: &str, is_there| SecretReport {
            expected: Expected {
                namespace: namespace.to_owned(),
                name: "login".to_owned(),
                kind: "Opaque",
                keys: "github_token".to_owned(),
            },
            is_there,
        };
        let reports = [
            report("there", Ok(true)),
            report("there", Ok(false)),
            report("new", Ok(false)),
            report("there", Err("may not".to_owned())),
        ];
        let findings = findings(&reports, &facts);
        let verdicts: Vec<Verdict> = findings.iter().map(|finding| finding.verdict).collect();
        assert_eq!(
            verdicts,
            [
                Verdict::Failed,
                Verdict::Unknown,
                Verdict::Unknown,
                Verdict::Ok
            ]
        );
        assert!(findings[0].why[1].contains("github_token"), "{findings:?}");
    }
}
