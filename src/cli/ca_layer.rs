//! `ca layer`: an image of a registry with a company's authorities as its top layer, made without a daemon.

mod answer;
mod failed;
mod made;
mod pushed;
mod verified;

use crate::cli::config_args::{Part, PartArgs};
use crate::cli::session::NoCluster;
use crate::cli::{Session, clock, config_load, pass};
use crate::clients::registry::{DockerConfig, Registry};
use crate::clients::transport::Http;
use crate::config::Partial;
use crate::config::load::{SecretReading, load_partial};
use crate::config::problem;
use crate::event::Event;
use crate::facts;
use crate::failure::{Exit, Failure};
use crate::image_ref::{ImageReference, is_host};
use crate::observe;
use crate::pki::chain::NoteKind;
use crate::rules::{Outcome, RuleSet};
use crate::ui::progress::Progress;
use crate::ui::{foreign, output};
use answer::Answer;
use made::{Bundle, Maker, Product};
use pushed::Push;
use verified::Subject;

/// Arguments of `ca layer`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("task").required(true).args(["push", "verify"]))]
pub(super) struct Args {
    /// The image to start from; the registry rules say where it is pulled from
    #[arg(value_name = "IMAGE")]
    image: String,
    /// Push the result here; without a tag it gets one of the image's tag and the bundle's SHA-256
    #[arg(long, value_name = "REF")]
    push: Option<String>,
    /// Write nothing: is what stands here what comes of the image and the bundle?
    #[arg(long, value_name = "REF")]
    verify: Option<String>,
    /// Write nothing: say what would be pushed
    #[arg(long, conflicts_with = "verify")]
    dry_run: bool,
    /// Add the authorities to the image's own bundles, too: reads every layer of it
    #[arg(long)]
    merged: bool,
    /// Registries that Docker in the image trusts by the bundle [default: those of the rules, and REF's]
    #[arg(long, value_name = "HOST[:PORT]", value_parser = registry_host)]
    certs_for: Vec<String>,
    #[command(flatten)]
    config: PartArgs<Layers>,
    #[command(flatten)]
    no_cluster: NoCluster,
}

/// What decides where images come from, who is trusted, which way is gone, as whom.
#[derive(Debug, Clone)]
struct Layers;

impl Part for Layers {
    const FIELDS: &'static [&'static str] = &[
        "registry.host",
        "registry.library",
        "registry.map",
        "registry.preset",
        "registry.keys",
        "registry.pullSecret.dockerConfig",
        "caBundle",
        "pinSha256",
        "proxy",
    ];
    // It starts no runner.
    const EXCEPT: &'static [&'static str] = &["proxy.runners", "proxy.runnersExistingSecret"];
}

fn registry_host(text: &str) -> Result<String, String> {
    if is_host(text) {
        Ok(text.to_owned())
    } else {
        Err(format!("'{text}' is no host, nor host:port"))
    }
}

/// What an interrupted run has left.
const INTERRUPTED: &str =
    "no tag was written, unless the last request was under way; blobs without one harm nobody";

pub(super) async fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    NoCluster::tell(session);
    let sources = config_load::sources(&args.config.config, SecretReading::Read, session);
    let partial = load_partial(&sources).map_err(|problems| problem::failure(&problems))?;
    config_load::warn(&partial.warnings);
    let progress = session.progress();
    let work = async {
        let task = Task::new(args, &partial)?;
        Box::pin(task.run(&progress)).await
    };
    let answer = session.interrupt.unless(INTERRUPTED, work).await;
    progress.end();
    let answer = answer??;
    output::answer(session.format, "CaLayer", &answer, || answer.text())?;
    Ok(Exit::Done)
}

/// One run.
struct Task<'a> {
    args: &'a Args,
    base: ImageReference,
    target: ImageReference,
    bundle: Bundle,
    http: Http,
    accounts: DockerConfig,
}

impl<'a> Task<'a> {
    fn new(args: &'a Args, partial: &Partial) -> Result<Self, Failure> {
        let now = clock::now();
        let rules = pass::compiled(&partial.registry.rules)?;
        let base = base(&args.image, &rules)?;
        let target = target(args.push.as_ref().or(args.verify.as_ref()), args)?;
        if target.canonical() == base.pulled() {
            let what = format!("{} is the image itself", target.canonical());
            return Err(Failure::new("image-invalid", Exit::Usage, what)
                .why("the layer of the next run would stand on that of this one")
                .remedy("give the result a tag of its own"));
        }
        let authorities = authorities(partial, now)?;
        let accounts = observe::accounts(&partial.credentials)?;
        for note in &accounts.notes {
            output::talk(&foreign::line(&format!("note: {note}")));
        }
        let trust = facts::Trust {
            bundle: &authorities.pems,
            pins: &partial.pins,
        };
        let route = facts::route_by(partial.proxy.as_ref(), &partial.credentials, &trust, now);
        let hosts = hosts(args, &rules, &target);
        Ok(Self {
            args,
            http: route.client()?,
            accounts,
            bundle: Bundle {
                pems: authorities.pems,
                hosts,
                is_merged: args.merged,
            },
            base,
            target,
        })
    }

    async fn run(&self, progress: &Progress) -> Result<Answer, Failure> {
        let tell = |title: String| progress.tell(&Event::Stage { title });
        let subject = match &self.args.verify {
            Some(_) => Some(Subject::read(self.registry(&self.target), &self.target).await?),
            None => None,
        };
        tell(format!("reading {}", self.base.pulled()));
        let maker = Maker::new(self.registry(&self.base), &self.base, &self.bundle, &tell);
        let maker = maker.named(subject.as_ref().and_then(Subject::base_name));
        let product = maker.make().await?;
        if let Some(stacked) = product.stacked() {
            progress.told(&foreign::line(&format!(
                "warning: the image has a layer of arc-setup ca layer already (bundle SHA-256 {stacked}), which stays: start from the image that it was made of"
            )));
        }
        if let Some(subject) = subject {
            return subject.verified(&product, &self.bundle).await;
        }
        let target = self.tagged(&product)?;
        let push = Push {
            registry: self.registry(&target),
            target: &target,
            product: &product,
            base: maker.repository(),
            tell: &tell,
        };
        push.run(self.args.dry_run, &self.bundle).await
    }

    fn registry(&self, image: &ImageReference) -> Registry {
        let account = self.accounts.account(image.host(), image.path());
        Registry::new(self.http.clone(), image.host(), account.cloned())
    }

    /// The target with a tag, its own or one that says what is in it.
    fn tagged(&self, product: &Product) -> Result<ImageReference, Failure> {
        /// The longest tag.
        const LONGEST: usize = 128;
        if self.target.tag().is_some() || self.target.digest().is_some() {
            return Ok(self.target.clone());
        }
        let suffix = format!("-ca-{}", &product.bundle_sha256[..8]);
        let of_base = match (self.base.tag(), self.base.digest()) {
            (Some(tag), _) => tag.to_owned(),
            (None, Some(digest)) => digest.replace(':', "-").chars().take(19).collect(),
            (None, None) => "latest".to_owned(),
        };
        let of_base: String = of_base.chars().take(LONGEST - suffix.len()).collect();
        parsed(&format!("{}:{of_base}{suffix}", self.target.name()))
    }
}

fn parsed(text: &str) -> Result<ImageReference, Failure> {
    ImageReference::parse(text).map_err(|error| {
        Failure::new(
            "image-invalid",
            Exit::Usage,
            format!("'{}' is no image reference", foreign::value(text)),
        )
        .why(error.reason.to_string())
    })
}

/// Where the image is pulled from.
fn base(image: &str, rules: &RuleSet) -> Result<ImageReference, Failure> {
    let reference = parsed(image)?;
    let decision = rules.decide(&reference);
    let refused = |code, why: String| {
        let what = format!("the rules make no image of {}", reference.canonical());
        let failure = Failure::new(code, Exit::Usage, what).why(why);
        failure.remedy(format!(
            "arc-setup rules test {} says why",
            reference.canonical()
        ))
    };
    match decision.outcome {
        Outcome::Rewritten(result) => parsed(&result),
        Outcome::Kept | Outcome::AlreadyThere | Outcome::NoRule => Ok(reference),
        Outcome::Denied => Err(refused("image-rule-denied", "a rule refuses it".to_owned())),
        Outcome::TooLong(name) => Err(refused("image-name-too-long", name)),
        Outcome::Unusable { why, .. } => Err(refused("image-rule-unusable", why)),
    }
}

/// Where the result goes, or is looked for.
fn target(reference: Option<&String>, args: &Args) -> Result<ImageReference, Failure> {
    let reference = parsed(reference.map(String::as_str).unwrap_or_default())?;
    let refused = |why: &str| {
        let what = format!("{} is no place for the result", reference.original());
        Err(Failure::new("image-invalid", Exit::Usage, what)
            .why(why)
            .remedy("write HOST/PATH:TAG; HOST/PATH for --push, HOST/PATH@DIGEST for --verify"))
    };
    if !reference.names_host() {
        return refused("it names no registry");
    }
    if args.verify.is_some() && reference.digest().is_none() && reference.tag().is_none() {
        return refused(
            "it has neither tag nor digest: --push has named both when it wrote the image",
        );
    }
    if args.push.is_some() && reference.digest().is_some() {
        return refused("its digest follows from what is in it, and cannot be chosen");
    }
    Ok(reference)
}

/// The bundle that goes into the layer.
fn authorities(partial: &Partial, now: i64) -> Result<facts::host::Authorities, Failure> {
    let Some(path) = &partial.ca_bundle else {
        return Err(Failure::new(
            "ca-bundle",
            Exit::Usage,
            "nothing says which authorities the layer is to hold",
        )
        .remedy(
            "give --ca-bundle FILE or DIRECTORY; arc-setup ca bundle makes one of many places",
        ));
    };
    let authorities = facts::host::read_authorities(path, now)?;
    for note in &authorities.notes {
        let word = match note.kind {
            NoteKind::Expiring => "warning",
            _ => "note",
        };
        output::talk(&foreign::line(&format!("{word}: {}", note.text)));
    }
    Ok(authorities)
}

/// The registries whose authorities Docker is told, in order.
fn hosts(args: &Args, rules: &RuleSet, target: &ImageReference) -> Vec<String> {
    let mut hosts = args.certs_for.clone();
    if hosts.is_empty() {
        hosts.extend(rules.target_hosts().into_iter().map(str::to_owned));
        let mirrors = rules.mirrors().into_iter();
        hosts.extend(mirrors.map(|(_, mirror)| mirror.place.host));
        hosts.push(target.host().to_owned());
    }
    hosts.sort();
    hosts.dedup();
    hosts
}
