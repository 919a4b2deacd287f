//! The rules of `registry`: its list, its map, its preset, its host.

use crate::config::Problem;
use crate::config::model::Origin;
use crate::config::overlay::{GIVEN_KEYS, GIVEN_MAP};
use crate::rules::{Action, Matcher, RuleSpec, Scope};

use super::Assembler;
use super::registry::shown;

impl Assembler<'_> {
    /// `registry.rules`, then the map of flags or environment, then the file's, then what the preset makes of its
    /// keys, then the host's catch-all.
    pub(super) fn rules(&mut self, host: Option<&str>, drop_library: bool) -> Vec<RuleSpec> {
        let mut rules = Vec::new();
        for index in 0..self.settled.length("registry.rules") {
            let at = format!("registry.rules[{index}]");
            rules.extend(self.rule(&at, drop_library));
        }
        for list in [GIVEN_MAP, "registry.map"] {
            for index in 0..self.settled.length(list) {
                let at = format!("{list}[{index}]");
                rules.extend(self.map_entry(&at, drop_library));
            }
        }
        let preset = self.preset(host);
        for list in [GIVEN_KEYS, "registry.keys"] {
            for index in 0..self.settled.length(list) {
                let at = format!("{list}[{index}]");
                rules.extend(self.key_entry(&at, preset, host, drop_library));
            }
        }
        if let Some(host) = host
            && preset.is_none_or(|preset| !preset.layout.has_keys())
        {
            rules.push(self.catch_all(host, drop_library));
        }
        rules
    }

    fn catch_all(&self, host: &str, drop_library: bool) -> RuleSpec {
        let origin = self.settled.origin("registry.host");
        let id = match &origin {
            Origin::Flag(flag) => flag.clone(),
            _ => "registry.host".to_owned(),
        };
        RuleSpec {
            origin,
            ..RuleSpec::new(id, Matcher::Any, rewrite(host.to_owned(), drop_library))
        }
    }

    fn map_entry(&mut self, at: &str, drop_library: bool) -> Option<RuleSpec> {
        let (source, target) = self.pair(
            at,
            ["source", "target"],
            "config-registry-map",
            "write {source: quay.io, target: HOST/quay-remote}, or keep or deny as the target",
        )?;
        let action = match target.as_str() {
            "keep" => Action::Keep,
            "deny" => Action::Deny,
            target => rewrite(self.target(&format!("{at}.target"), target), drop_library),
        };
        let mirror = self.mirror(at);
        let mut rule = self.of_source(at, &source, &target, action);
        rule.mirror = mirror;
        Some(rule)
    }

    /// Both members of an entry; an absent one is a problem.
    pub(super) fn pair(
        &mut self,
        at: &str,
        members: [&str; 2],
        code: &'static str,
        remedy: &str,
    ) -> Option<(String, String)> {
        let mut part = |key: &str| {
            let path = format!("{at}.{key}");
            let text = self.text(&path).filter(|text| !text.is_empty());
            if text.is_none() && !self.settled.is_broken(&path) {
                let origin = self.settled.origin(at);
                let what = format!("{} has no {key}", shown(at));
                self.problems
                    .push(Problem::new(code, &path, what, origin).remedy(remedy));
            }
            text
        };
        let (source, value) = (part(members[0]), part(members[1]));
        let (source, value) = (source?, value?);
        Some((self.location(&format!("{at}.source"), &source), value))
    }

    /// A rule for all images of a source: a host, a host and path, or a glob.
    pub(super) fn of_source(
        &self,
        at: &str,
        source: &str,
        value: &str,
        action: Action,
    ) -> RuleSpec {
        let matcher = if source.contains('*') {
            Matcher::Glob(source.to_owned())
        } else if source.contains('/') {
            Matcher::Prefix(source.to_owned())
        } else {
            Matcher::Host(source.to_owned())
        };
        let given = [GIVEN_MAP, GIVEN_KEYS]
            .into_iter()
            .find(|list| at.starts_with(list));
        let id = match (given, self.settled.origin(at)) {
            (None, _) => at.to_owned(),
            (Some(_), Origin::Environment(name)) => format!("${name} {source}={value}"),
            (Some(flag), _) => format!("{flag} {source}={value}"),
        };
        RuleSpec {
            origin: self.settled.origin(at),
            ..RuleSpec::new(id, matcher, action)
        }
    }

    fn rule(&mut self, at: &str, drop_library: bool) -> Option<RuleSpec> {
        let text = |key: &str| self.text(&format!("{at}.{key}"));
        let matchers: Vec<Matcher> = [
            text("exact").map(Matcher::Exact),
            text("repository").map(Matcher::Repository),
            text("prefix").map(Matcher::Prefix),
            text("host").map(Matcher::Host),
            text("glob").map(Matcher::Glob),
            text("regex").map(Matcher::Regex),
        ]
        .into_iter()
        .flatten()
        .collect();
        let chosen = |key: &str| self.boolean(&format!("{at}.{key}")) == Some(true);
        let (target, pin) = (text("rewrite"), text("pin"));
        let keep = chosen("keep").then_some(Action::Keep);
        let deny = chosen("deny").then_some(Action::Deny);
        let target = target.map(|target| self.target(&format!("{at}.rewrite"), &target));
        // Beside rewrite it says which digest; alone it is what the rule does.
        let alone = (pin.is_some() && target.is_none()).then_some(Action::Pin);
        let actions: Vec<Action> = [
            target.map(|target| rewrite(target, drop_library)),
            keep,
            deny,
            alone,
        ]
        .into_iter()
        .flatten()
        .collect();
        let mut one = |count: usize, words: &str| {
            if count != 1 && !self.settled.is_broken(at) {
                let what = format!("{at} needs exactly one of {words}");
                let remedy = if count == 0 { "give" } else { "keep" };
                let remedy = format!("{remedy} one of them");
                self.problem("config-registry-rule", at, what, remedy);
            }
        };
        one(
            matchers.len(),
            "exact, repository, prefix, host, glob and regex",
        );
        one(
            actions.len(),
            "rewrite, keep, deny and pin (rewrite and pin may stand together)",
        );
        let globs = |key: &str| self.texts(&format!("{at}.{key}")).unwrap_or_default();
        match (matchers.as_slice(), actions.as_slice()) {
            ([matcher], [action]) => Some(RuleSpec {
                pin,
                scope: Scope {
                    kinds: globs("kinds"),
                    namespaces: globs("namespaces"),
                    fields: globs("fields"),
                },
                mirror: self.mirror(at),
                origin: self.settled.origin(at),
                ..RuleSpec::new(at, matcher.clone(), action.clone())
            }),
            _ => None,
        }
    }

    fn mirror(&mut self, at: &str) -> Option<String> {
        let path = format!("{at}.mirror");
        let mirror = self.text(&path)?;
        Some(self.location(&path, &mirror))
    }

    /// A place, or a template, which the rules judge themselves.
    fn target(&mut self, path: &str, text: &str) -> String {
        if text.contains(['{', '}']) {
            return text.to_owned();
        }
        self.location(path, text)
    }
}

pub(super) fn rewrite(target: String, drop_library: bool) -> Action {
    Action::Rewrite {
        target,
        drop_library,
    }
}
