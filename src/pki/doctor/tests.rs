use super::*;
use crate::pki::chain::tests::Chain;
use crate::pki::programs::PROGRAMS;

const NOW: i64 = 1_800_000_000;

fn examined(sent: &[Vec<u8>], trusted: &[Vec<u8>]) -> Examination {
    examine(&Presented {
        host: "registry.corp",
        sent,
        trusted,
        now: NOW,
    })
}

fn refusals(examination: &Examination) -> Vec<Program> {
    let refused = examination.verdicts.iter();
    refused
        .filter(|verdict| verdict.refusal.is_some())
        .map(|verdict| verdict.program)
        .collect()
}

#[test]
fn of_a_leaf_alone_the_issuer_is_named_with_what_to_do() {
    let chain = Chain::new();
    let [root, issuing, leaf] = chain.ders();
    let alone = examined(std::slice::from_ref(&leaf), std::slice::from_ref(&root));
    assert_eq!(refusals(&alone), PROGRAMS);
    let [unsent] = alone.unsent.as_slice() else {
        panic!("{alone:?}")
    };
    assert_eq!(unsent.subject, "CN=Corp Issuing");
    assert!(!unsent.is_trusted);
    let remedies = remedies(&alone, "the bundle", &[]);
    assert_eq!(remedies.len(), 1, "{remedies:?}");
    assert!(
        remedies[0]
            .text
            .starts_with("add the certificate of CN=Corp Issuing to the bundle;"),
        "{remedies:?}"
    );
    // With the issuing authority alone, those that go on to a root refuse.
    let without_root = examined(std::slice::from_ref(&leaf), std::slice::from_ref(&issuing));
    let refused = refusals(&without_root);
    let wanted = [
        Program::OpenSsl,
        Program::Node,
        Program::Python,
        Program::DotNet,
    ];
    assert!(
        wanted.iter().all(|one| refused.contains(one)),
        "{refused:?}"
    );
    assert!(!refused.contains(&Program::Go) && !refused.contains(&Program::Java));
    let both = examined(&[leaf], &[root, issuing]);
    let unsent: Vec<_> = both
        .unsent
        .iter()
        .map(|one| (one.subject.as_str(), one.is_root, one.is_trusted))
        .collect();
    assert_eq!(
        unsent,
        [
            ("CN=Corp Issuing", false, true),
            ("CN=Corp Root", true, true)
        ]
    );
}

#[test]
fn what_is_odd_about_the_order_is_told() {
    let chain = Chain::new();
    let [root, issuing, leaf] = chain.ders();
    let stranger = Chain::new().ders()[0].clone();
    let told = |sent: &[Vec<u8>]| examined(sent, &[]).remarks.join("\n");
    assert_eq!(told(&[leaf.clone(), issuing.clone()]), "");
    let turned = told(&[leaf.clone(), root.clone(), issuing.clone()]);
    assert!(turned.contains("in another order"), "{turned}");
    assert!(
        turned.contains("the root CN=Corp Root was sent"),
        "{turned}"
    );
    let strange = told(&[leaf.clone(), stranger]);
    assert!(
        strange.contains("CN=Corp Root was sent and is no part"),
        "{strange}"
    );
    assert!(told(&[leaf, b"no".to_vec()]).contains("1 of the 2 certificates"));
    let nothing = examined(&[], &[]);
    assert_eq!(refusals(&nothing), PROGRAMS);
}

#[test]
fn a_root_that_is_sent_and_not_known_is_to_be_added_and_not_sent() {
    let [root, issuing, leaf] = Chain::new().ders();
    let whole = [leaf, issuing.clone(), root];
    let unknown = examined(&whole, &[]);
    assert_eq!(refusals(&unknown), PROGRAMS);
    let remedies = remedies(&unknown, "caBundle", &[]);
    assert_eq!(remedies.len(), 1, "{remedies:?}");
    let text = &remedies[0].text;
    assert!(
        text.starts_with("add the root CN=Corp Root to caBundle, if it is one that you know"),
        "{text}"
    );
    assert!(text.contains(&unknown.sent[2].sha256), "{text}");
    // Those that go on to a root find one that nobody trusts.
    let known = examined(&whole, &[issuing]);
    let of_node = known
        .verdicts
        .iter()
        .find(|one| one.program == Program::Node);
    let root = "CN=Corp Root".to_owned();
    assert_eq!(
        of_node.unwrap().refusal,
        Some(Refusal::UnknownRoot { root })
    );
}

#[test]
fn what_our_own_client_said_counts_more_than_the_table() {
    let [root, issuing, leaf] = Chain::new().ders();
    let mut examination = examined(&[leaf, issuing], &[root]);
    let of_ours = |examination: &Examination| {
        let mut verdicts = examination.verdicts.iter();
        let ours = verdicts.find(|one| one.program == Program::Rustls);
        ours.unwrap().refusal.clone()
    };
    assert_eq!(of_ours(&examination), None);
    examination.observed(Some("name constraints"));
    let why = "name constraints".to_owned();
    assert_eq!(of_ours(&examination), Some(Refusal::Observed { why }));
    examination.observed(None);
    assert_eq!(of_ours(&examination), None);
}

#[test]
fn a_root_of_this_machine_is_looked_for_above_what_is_known() {
    let [root, issuing, leaf] = Chain::new().ders();
    let sent = [leaf];
    let roots = || vec![root.clone()];
    assert_eq!(
        root_needed(&sent, std::slice::from_ref(&issuing), roots),
        Some(root.clone())
    );
    assert_eq!(
        root_needed(&sent, &[], roots),
        None,
        "nobody knows what is between"
    );
    let bundle = [issuing, root.clone()];
    assert_eq!(
        root_needed(&sent, &bundle, roots),
        None,
        "the bundle has it"
    );
    assert_eq!(root_needed(&[], &[], roots), None);
}
