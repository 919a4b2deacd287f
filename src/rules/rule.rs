//! One rule, compiled.

use crate::image_ref::{
    DOCKER_HUB, ImageReference, ImageReferenceReason, NAME_LIMIT, check_digest, suffix,
};

use super::pattern::Pattern;
use super::target_set::TargetSet;
use super::template::Template;
use super::{Action, Outcome, Place, RuleSpec, Target};

/// The longest text of a matcher or a target, in bytes: no reference that clients accept is longer.
const TEXT_LIMIT: usize = 1024;

/// A rule that can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) spec: RuleSpec,
    pub(super) pattern: Pattern,
    pub(super) action: CompiledAction,
    pub(super) mirror: Option<Target>,
    /// What stands under its target.
    pub(super) targets: Option<TargetSet>,
}

/// What it does, ready to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CompiledAction {
    Rewrite { target: Target, drop_library: bool },
    Template(Template),
    Keep,
    Deny,
    Pin,
}

impl Rule {
    /// Compiles one rule; each error is a fragment.
    pub(super) fn compile(spec: &RuleSpec) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let mut keep = |result: Result<(), String>| problems.extend(result.err());
        keep(limits(spec));
        keep(spec.scope.check());
        keep(pin(spec));
        if !problems.is_empty() {
            return Err(problems);
        }
        let pattern = Pattern::compile(&spec.matcher);
        let action = CompiledAction::compile(spec);
        let mirror = spec.mirror.as_deref().map(Target::parse).transpose();
        match (pattern, action, mirror) {
            (Ok(pattern), Ok(action), Ok(mirror)) => Ok(Self {
                targets: action.targets(),
                spec: spec.clone(),
                pattern,
                action,
                mirror,
            }),
            (pattern, action, mirror) => Err([pattern.err(), action.err(), mirror.err()]
                .into_iter()
                .flatten()
                .collect()),
        }
    }

    /// True where the rule decides about this reference in this place.
    pub(super) fn takes(&self, reference: &ImageReference, place: Option<&Place<'_>>) -> bool {
        self.spec.scope.holds(place) && self.pattern_takes(reference)
    }

    /// The pattern alone. What the rule itself pinned is still its own.
    pub(super) fn pattern_takes(&self, reference: &ImageReference) -> bool {
        self.pattern.matches(reference)
            || (self.is_pinned_here(reference)
                && ImageReference::parse(&(reference.name() + &suffix(reference.tag(), None)))
                    .is_ok_and(|bare| self.pattern.matches(&bare)))
    }

    fn is_pinned_here(&self, reference: &ImageReference) -> bool {
        self.action == CompiledAction::Pin && self.spec.pin.as_deref() == reference.digest()
    }

    /// What becomes of a reference that it takes.
    pub(super) fn outcome(&self, reference: &ImageReference) -> Outcome {
        let pin = self.spec.pin.as_deref();
        match &self.action {
            CompiledAction::Keep => Outcome::Kept,
            CompiledAction::Deny => Outcome::Denied,
            CompiledAction::Pin if self.is_pinned_here(reference) => Outcome::AlreadyThere,
            CompiledAction::Pin => {
                // The name as it is spelled: the digest alone is new.
                let original = reference.original();
                let spelled = original.strip_suffix(reference.suffix().as_str());
                let name = spelled.unwrap_or(original).to_owned();
                Outcome::Rewritten(name + &suffix(reference.tag(), pin))
            }
            CompiledAction::Rewrite {
                target,
                drop_library,
            } => {
                let path = if *drop_library && reference.host() == DOCKER_HUB {
                    reference.path_without_library()
                } else {
                    reference.path()
                };
                let name = format!("{target}/{path}");
                if name.len() > NAME_LIMIT {
                    return Outcome::TooLong(name);
                }
                let digest = pin.or(reference.digest());
                Outcome::Rewritten(name + &suffix(reference.tag(), digest))
            }
            CompiledAction::Template(template) => from_template(template, reference, pin),
        }
    }
}

fn from_template(template: &Template, reference: &ImageReference, pin: Option<&str>) -> Outcome {
    let unusable = |result: &str, why: String| Outcome::Unusable {
        result: result.to_owned(),
        why,
    };
    let name = match template.render(reference) {
        Ok(name) => name,
        Err(why) => return unusable("", why),
    };
    let made = name.clone() + &template.suffix(reference, pin);
    match ImageReference::parse(&made) {
        Ok(parsed) if parsed.name().len() > NAME_LIMIT => Outcome::TooLong(parsed.name()),
        Ok(_) => Outcome::Rewritten(made),
        Err(error) if error.reason == ImageReferenceReason::TooLong => Outcome::TooLong(name),
        Err(error) => unusable(&made, format!("no image reference: {}", error.reason)),
    }
}

impl CompiledAction {
    fn compile(spec: &RuleSpec) -> Result<Self, String> {
        Ok(match &spec.action {
            Action::Keep => Self::Keep,
            Action::Deny => Self::Deny,
            Action::Pin => Self::Pin,
            Action::Rewrite { target, .. } if Template::is_one(target) => {
                let template = Template::compile(target)?;
                if spec.pin.is_some() && template.has_own_digest() {
                    return Err(format!("'{target}' names a digest, and the pin is another"));
                }
                Self::Template(template)
            }
            Action::Rewrite {
                target,
                drop_library,
            } => Self::Rewrite {
                target: Target::parse(target)?,
                drop_library: *drop_library,
            },
        })
    }

    fn targets(&self) -> Option<TargetSet> {
        match self {
            Self::Rewrite { target, .. } => Some(TargetSet::of(target)),
            Self::Template(template) => Some(template.set().clone()),
            Self::Keep | Self::Deny | Self::Pin => None,
        }
    }
}

fn limits(spec: &RuleSpec) -> Result<(), String> {
    let target = match &spec.action {
        Action::Rewrite { target, .. } => target.as_str(),
        Action::Keep | Action::Deny | Action::Pin => "",
    };
    let globs = [
        &spec.scope.kinds,
        &spec.scope.namespaces,
        &spec.scope.fields,
    ];
    let long = [spec.matcher.text(), target]
        .into_iter()
        .chain(globs.into_iter().flatten().map(String::as_str))
        .any(|text| text.len() > TEXT_LIMIT);
    if long {
        return Err(format!(
            "a text of the rule is longer than {TEXT_LIMIT} bytes"
        ));
    }
    Ok(())
}

fn pin(spec: &RuleSpec) -> Result<(), String> {
    match (&spec.pin, &spec.action) {
        (Some(digest), Action::Rewrite { .. } | Action::Pin) => {
            check_digest(digest).map_err(|reason| {
                format!("the pin is no digest ({reason}): write sha256:… as a registry shows it")
            })
        }
        (Some(_), Action::Keep | Action::Deny) => {
            Err("a pin stands alone or beside rewrite".to_owned())
        }
        (None, Action::Pin) => Err("the pin is missing".to_owned()),
        (None, _) => Ok(()),
    }
}
