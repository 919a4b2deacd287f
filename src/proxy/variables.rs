//! Which variables of an environment decide for which program.

use super::program::Program;

/// Whether a variable that names a proxy is there. Its value may hold a password, so it is not kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Setting {
    /// It is not there.
    #[default]
    Unset,
    /// It is there, and empty.
    Empty,
    /// It names a proxy.
    Named,
}

/// One variable in both cases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Both<T> {
    lower: T,
    upper: T,
}

impl Both<Setting> {
    /// The lower-case variable where it is there, else the other one where it counts.
    fn first(&self, reads_upper: bool) -> Setting {
        match self.lower {
            Setting::Unset if reads_upper => self.upper,
            lower => lower,
        }
    }

    fn is_named_first(&self) -> bool {
        self.first(true) == Setting::Named
    }
}

/// What programs read of an environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables {
    http: Both<Setting>,
    https: Both<Setting>,
    all: Both<Setting>,
    no: Both<Option<String>>,
    java: Option<String>,
}

impl Variables {
    /// Those of an environment, of which `read` gives one by its name.
    pub fn read(read: impl Fn(&str) -> Option<String>) -> Self {
        let setting = |name: &str| match read(name) {
            None => Setting::Unset,
            Some(value) if value.is_empty() => Setting::Empty,
            Some(_) => Setting::Named,
        };
        let both = |name: &str| Both {
            lower: setting(name),
            upper: setting(&name.to_uppercase()),
        };
        Self {
            http: both("http_proxy"),
            https: both("https_proxy"),
            all: both("all_proxy"),
            no: Both {
                lower: read("no_proxy"),
                upper: read("NO_PROXY"),
            },
            java: read("JAVA_TOOL_OPTIONS"),
        }
    }

    /// Those that an install sets: each in both cases.
    pub fn injected(http: bool, https: bool, no_proxy: &str) -> Self {
        let both = |is_named: bool| {
            let setting = if is_named {
                Setting::Named
            } else {
                Setting::Unset
            };
            Both {
                lower: setting,
                upper: setting,
            }
        };
        Self {
            http: both(http),
            https: both(https),
            ..Self::default()
        }
        .with_list(no_proxy)
    }

    /// The same with another list, in both cases.
    #[must_use]
    pub fn with_list(&self, no_proxy: &str) -> Self {
        Self {
            no: Both {
                lower: Some(no_proxy.to_owned()),
                upper: Some(no_proxy.to_owned()),
            },
            ..self.clone()
        }
    }

    /// The list that most programs read: the lower-case one, unless it is empty.
    pub fn list(&self) -> &str {
        let lower = self.no.lower.as_deref().filter(|list| !list.is_empty());
        lower.or(self.no.upper.as_deref()).unwrap_or_default()
    }

    /// True where no_proxy and NO_PROXY are both there and differ: then the case decides, and Go's changed its mind.
    pub fn has_two_lists(&self) -> bool {
        match (&self.no.lower, &self.no.upper) {
            (Some(lower), Some(upper)) => lower != upper,
            _ => false,
        }
    }

    /// `JAVA_TOOL_OPTIONS`.
    pub fn java_options(&self) -> Option<&str> {
        self.java.as_deref()
    }

    /// The variable that names a program's proxy; None where it has none.
    pub(super) fn proxy(&self, program: Program, is_secure: bool) -> Option<&'static str> {
        let (own, lower, upper) = if is_secure {
            (&self.https, "https_proxy", "HTTPS_PROXY")
        } else {
            (&self.http, "http_proxy", "HTTP_PROXY")
        };
        let lower = (own.lower == Setting::Named).then_some(lower);
        let upper = (own.upper == Setting::Named).then_some(upper);
        let all = || {
            let lower = (self.all.lower == Setting::Named).then_some("all_proxy");
            lower.or((self.all.upper == Setting::Named).then_some("ALL_PROXY"))
        };
        match program {
            Program::Java => None,
            Program::Go | Program::Dockerd => upper.or(lower),
            Program::Runner | Program::Node => lower.or(upper),
            // HTTP_PROXY may be a header that somebody sent to a CGI program.
            Program::Curl => lower.or(upper.filter(|_| is_secure)).or_else(all),
            // What is there and empty is an answer to git: no proxy.
            Program::Git => match own.first(is_secure) {
                Setting::Named => lower.or(upper),
                Setting::Empty => None,
                Setting::Unset => self.all.is_named_first().then(all).flatten(),
            },
            Program::Wget => lower,
            Program::Urllib => own.is_named_first().then_some(lower.or(upper)).flatten(),
            Program::Requests | Program::OldRequests => {
                let own = own.is_named_first().then_some(lower.or(upper)).flatten();
                own.or_else(|| self.all.is_named_first().then(all).flatten())
            }
        }
    }

    /// The list that a program reads.
    pub(super) fn list_of(&self, program: Program) -> &str {
        let lower = self.no.lower.as_deref().filter(|list| !list.is_empty());
        let upper = self.no.upper.as_deref().filter(|list| !list.is_empty());
        let list = match program {
            Program::Java => None,
            // golang.org/x/net since 0.59 takes the lower-case one first; Go's own copy in 1.26 does not.
            Program::Go | Program::Dockerd => upper.or(lower),
            Program::Wget => lower,
            Program::Urllib | Program::Git => return self.first_list(),
            _ => lower.or(upper),
        };
        list.unwrap_or_default()
    }

    /// To urllib and git a variable in lower case that is empty takes the one in upper case away.
    pub(super) fn first_list(&self) -> &str {
        let first = self.no.lower.as_deref().or(self.no.upper.as_deref());
        first.unwrap_or_default()
    }
}
