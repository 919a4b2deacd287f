//! Reads file, environment, flags and answers. The only place that reads the environment and configuration
//! files; all problems come back together. Asks nothing and prints nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::secret::Secret;
use crate::yaml;

use super::assemble;
use super::credentials::Credentials;
use super::effective::{self, Effective};
use super::model::{Config, Origin};
use super::overlay::{self, Given};
use super::partial::Partial;
use super::places::{Places, read_limited};
use super::pod_template::{self, Template};
use super::problem::Problem;
use super::secrets;
use super::settled::Settled;
use super::shape;
use super::table;
use super::validate;
use super::variables;

pub use super::sources::{FlagGiven, GivenText, SecretReading, Sources, Stdin, Variables};

/// The file that is read when none is named.
pub const DEFAULT_FILE: &str = "arc-setup.yaml";

/// A configuration that can be used.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What the user wants.
    pub config: Config,
    /// The secret values.
    pub credentials: Credentials,
    /// What is allowed but not wise.
    pub warnings: Vec<Problem>,
}

/// Takes the process's environment; names and values that are not UTF-8 are left out.
pub fn variables() -> Variables {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// What other parts of the program need of the environment.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// `HTTPS_PROXY` or `https_proxy`; may hold user information.
    pub https_proxy: Option<Secret<String>>,
    /// `http_proxy`, or `HTTP_PROXY`.
    pub http_proxy: Option<Secret<String>>,
    /// `NO_PROXY` or `no_proxy`.
    pub no_proxy: Option<String>,
    /// `CI` is set and not `false`.
    pub ci: bool,
    /// `KUBECONFIG`: paths as the system's list separator parts them.
    pub kubeconfig: Vec<PathBuf>,
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `NO_COLOR` is set and not empty.
    pub no_color: bool,
    /// `TERM`.
    pub term: Option<String>,
    /// `KUBERNETES_SERVICE_HOST`.
    pub kubernetes_service_host: Option<String>,
    /// `KUBERNETES_SERVICE_PORT`.
    pub kubernetes_service_port: Option<String>,
}

impl Environment {
    /// Reads them from a snapshot. Upper case wins, as kubectl (Go) has it.
    pub fn new(variables: &Variables) -> Self {
        let text = |name: &str| variables.get(name).map(str::to_owned);
        let either = |upper: &str, lower: &str| text(upper).or_else(|| text(lower));
        Self {
            https_proxy: either("HTTPS_PROXY", "https_proxy").map(Secret::new),
            http_proxy: either("HTTP_PROXY", "http_proxy").map(Secret::new),
            no_proxy: either("NO_PROXY", "no_proxy"),
            ci: variables.get("CI").is_some_and(|value| value != "false"),
            kubeconfig: text("KUBECONFIG")
                .map(|list| {
                    std::env::split_paths(&list)
                        .filter(|path| !path.as_os_str().is_empty())
                        .collect()
                })
                .unwrap_or_default(),
            home: text("HOME").map(PathBuf::from),
            no_color: variables.get("NO_COLOR").is_some(),
            term: text("TERM"),
            kubernetes_service_host: text("KUBERNETES_SERVICE_HOST"),
            kubernetes_service_port: text("KUBERNETES_SERVICE_PORT"),
        }
    }
}

/// Reads and checks everything.
///
/// # Errors
/// Every problem of every source, in one list; `problem::failure` makes one failure of it.
pub fn load(sources: &Sources) -> Result<Loaded, Vec<Problem>> {
    let mut gathered = gather(sources);
    let config = gathered.assemble();
    let credentials = gathered.read_secrets(sources);
    gathered.validate(&config);
    gathered
        .problems
        .extend(validate::credentials(&config, &credentials));
    let warnings = gathered.warnings.clone();
    gathered.finish().map(|()| Loaded {
        config,
        credentials,
        warnings,
    })
}

/// Reads what needs no answer: enough for `patch-images` and `uninstall`. Missing values are no problem.
///
/// # Errors
/// As [`load`].
pub fn load_partial(sources: &Sources) -> Result<Partial, Vec<Problem>> {
    let mut gathered = gather(sources);
    let config = gathered.assemble();
    let credentials = gathered.read_secrets(sources);
    gathered
        .problems
        .extend(validate::credentials(&config, &credentials));
    let broken = gathered.settled.broken().clone();
    gathered.problems.extend(validate::names(&config, &broken));
    gathered.problems.retain(|problem| !problem.is_missing());
    gathered.warnings.extend(validate::rule_warnings(&config));
    let warnings = gathered.warnings.clone();
    gathered
        .finish()
        .map(|()| Partial::new(config, credentials, warnings))
}

/// Reads a configuration whose login, scope and numbers may still be missing: enough to list its images.
///
/// # Errors
/// As [`load`].
pub fn load_unanswered(sources: &Sources) -> Result<Loaded, Vec<Problem>> {
    let mut gathered = gather(sources);
    let config = gathered.assemble();
    gathered.validate(&config);
    gathered.problems.retain(|problem| !problem.is_missing());
    let warnings = gathered.warnings.clone();
    gathered.finish().map(|()| Loaded {
        config,
        credentials: Credentials::default(),
        warnings,
    })
}

/// Reads and checks everything, and writes it down in the shape of the file, defaults filled in.
///
/// # Errors
/// As [`load`].
pub fn load_effective(sources: &Sources) -> Result<(Effective, Vec<Problem>), Vec<Problem>> {
    let mut gathered = gather(sources);
    let config = gathered.assemble();
    gathered.read_secrets(sources);
    gathered.validate(&config);
    let effective = effective::effective(&config, gathered.settled.clone(), &gathered.places);
    let warnings = gathered.warnings.clone();
    gathered.finish().map(|()| (effective, warnings))
}

/// What flags, environment, file and answers name, without judging it.
#[derive(Debug)]
pub struct Named(Settled);

impl Named {
    /// True where a value stands at or under `path`.
    pub fn has(&self, path: &str) -> bool {
        self.0.has(path)
    }

    /// The text at `path`.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.0.get(path)?.value.as_str()
    }

    /// How many runner sets there are.
    pub fn runner_sets(&self) -> usize {
        self.0.length("runnerSets")
    }
}

/// Reads which values are given; wrong ones are [`load`]'s to report.
pub fn named(sources: &Sources) -> Named {
    let mut settled = gather(sources).settled;
    // Entries of flags stand beside the file's own until they are assembled.
    for list in &overlay::GIVEN_LISTS {
        if settled.length(list.given) > 0 {
            let origin = settled.origin(list.given);
            settled.put(list.path, true.into(), origin);
        }
    }
    Named(settled)
}

struct Gathered {
    settled: Settled,
    places: Places,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
    /// The pod templates of the file.
    templates: Vec<Template>,
    /// The file could not be read, so nobody knows what is missing.
    unread: bool,
}

impl Gathered {
    fn assemble(&mut self) -> Config {
        assemble::config(&self.settled, &self.places, &mut self.problems)
    }

    fn read_secrets(&mut self, sources: &Sources) -> Credentials {
        secrets::read(&self.settled, &self.places, sources, &mut self.problems)
    }

    /// What could not be read, or has a problem already, is not judged again.
    fn validate(&mut self, config: &Config) {
        let mut broken = self.settled.broken().clone();
        broken.extend(self.problems.iter().map(|problem| problem.path.clone()));
        let checked = validate::validate(config, &broken);
        self.problems.extend(checked.problems);
        self.warnings.extend(checked.warnings);
        for template in &self.templates {
            let found = pod_template::check(template, config.mode);
            self.problems.extend(found.problems);
            self.warnings.extend(found.warnings);
        }
    }

    fn finish(mut self) -> Result<(), Vec<Problem>> {
        if self.unread {
            self.problems.retain(|problem| !problem.is_missing());
        }
        let mut seen = BTreeSet::new();
        self.problems
            .retain(|problem| seen.insert((problem.path.clone(), problem.what.clone())));
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(self.problems)
        }
    }
}

fn gather(sources: &Sources) -> Gathered {
    let named = sources.file.clone();
    let file = named.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
    let place = sources.directory.join(&file);
    let mut gathered = Gathered {
        settled: Settled::default(),
        places: Places {
            working: sources.directory.clone(),
            file: place.parent().map(Path::to_path_buf).unwrap_or_default(),
        },
        problems: Vec::new(),
        warnings: Vec::new(),
        templates: Vec::new(),
        unread: false,
    };
    if let Some(given) = &sources.text {
        gathered.places.file.clone_from(&sources.directory);
        read_text(&given.text, &given.name, &mut gathered);
    } else if named.is_some() || place.exists() {
        let known = gathered.problems.len();
        read_file(&place, &file.display().to_string(), &mut gathered);
        gathered.unread = gathered.problems[known..]
            .iter()
            .any(|problem| problem.path.is_empty());
    }
    let answers = sources.answers.iter().map(|(path, value)| Given {
        path: path.replace("runnerSets[0].", "runnerSets[]."),
        value: value.clone(),
        origin: Origin::Answer,
        variable: false,
    });
    let flags = sources.flags.iter().map(|given| Given {
        path: given.path.clone(),
        value: given.value.clone(),
        origin: Origin::Flag(format!("--{}", given.flag)),
        variable: false,
    });
    let given = [
        answers.collect(),
        variables::given(&sources.environment),
        flags.collect::<Vec<_>>(),
    ];
    for source in given.iter().rev() {
        overlay::lay_lists(source, &mut gathered.settled, &mut gathered.problems);
    }
    for source in given {
        overlay::lay(source, &mut gathered.settled, &mut gathered.problems);
    }
    for (first, second) in gathered.settled.rivals() {
        let origin = gathered.settled.origin(&second);
        gathered.problems.push(
            Problem::new(
                "config-alternatives",
                &second,
                format!("{second} and {first} exclude each other"),
                origin,
            )
            .remedy("keep one of them"),
        );
    }
    gathered.warnings = variables::misspelled(&sources.environment);
    gathered
}

fn read_file(place: &Path, name: &str, gathered: &mut Gathered) {
    let origin = Origin::File {
        path: name.to_owned(),
        line: 1,
        column: 1,
    };
    let mut problem = |what: String, origin| {
        let problem = Problem::new("config-file", "", what, origin);
        gathered
            .problems
            .push(problem.remedy("name a readable file with --config"));
    };
    let bytes = match read_limited(place, yaml::CONFIGURATION_LIMIT) {
        Ok(bytes) => bytes,
        // There is no line in it to point at.
        Err(why) => return problem(format!("the configuration file {why}"), Origin::Default),
    };
    match String::from_utf8(bytes) {
        Err(_) => problem(
            "the configuration file is not UTF-8: save it as UTF-8".to_owned(),
            origin,
        ),
        Ok(text) => read_text(&text, name, gathered),
    }
}

fn read_text(text: &str, name: &str, gathered: &mut Gathered) {
    match yaml::parse_tree(text, name) {
        Ok(None) => {}
        Ok(Some(tree)) => {
            gathered.templates = shape::read(
                &tree,
                name,
                table::fields(),
                &mut gathered.settled,
                &mut gathered.problems,
            );
        }
        Err(failure) => {
            // The place already stands at the head of the text.
            let details = failure.details();
            let what = [details.what.as_str(), ": ", &details.why.join(", ")].concat();
            let mut problem = Problem::new("config-yaml", "", what, Origin::Default);
            problem.remedy = details.remedy.first().cloned();
            gathered.problems.push(problem);
        }
    }
}
