//! http.nonProxyHosts of Java's `DefaultProxySelector`. Java reads no variable of the environment but
//! `JAVA_TOOL_OPTIONS`, whose `-D` are system properties.

use super::destination::Destination;

/// What is added to a list that is not empty, and stands for one that is not there.
const DEFAULT: &str = "localhost|127.*|[::1]|0.0.0.0|[::0]";

/// The properties that decide.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Properties {
    /// `http.proxyHost` is set.
    pub(super) http: bool,
    /// `https.proxyHost` is set.
    pub(super) https: bool,
    /// `http.nonProxyHosts`; HTTPS reads the same.
    pub(super) direct: Option<String>,
}

impl Properties {
    /// Reads `-D` of options as the JVM does: parted by white space, quoted parts whole.
    pub(super) fn parse(options: &str) -> Self {
        let mut properties = Self::default();
        for option in words(options) {
            let Some((name, value)) = option
                .strip_prefix("-D")
                .and_then(|one| one.split_once('='))
            else {
                continue;
            };
            match name {
                "http.proxyHost" => properties.http = !value.is_empty(),
                "https.proxyHost" => properties.https = !value.is_empty(),
                "http.nonProxyHosts" => properties.direct = Some(value.to_owned()),
                _ => {}
            }
        }
        properties
    }
}

fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for letter in text.chars() {
        match quote {
            Some(open) if open == letter => quote = None,
            None if letter == '\'' || letter == '"' => quote = Some(letter),
            None if letter.is_ascii_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            Some(_) | None => word.push(letter),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// A list as Java reads it: a star at either end of an entry is any text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct List(Vec<String>);

impl List {
    /// `text`: the property, None where it is not set.
    pub(super) fn parse(text: Option<&str>) -> Self {
        let added = match text {
            None => DEFAULT.to_owned(),
            Some("") => String::new(),
            Some(text) => format!("{text}|{DEFAULT}"),
        };
        let entries = added.split('|').filter(|entry| !entry.is_empty());
        Self(entries.map(str::to_lowercase).collect())
    }

    pub(super) fn covering(&self, to: &Destination) -> Option<&str> {
        let host = to.in_url();
        let found = self.0.iter().find(|entry| is_match(entry, &host));
        found.map(String::as_str)
    }
}

/// True for what stands in Java's own list.
pub(super) fn is_default(entry: &str) -> bool {
    DEFAULT.split('|').any(|one| one == entry)
}

fn is_match(entry: &str, host: &str) -> bool {
    if entry == "*" {
        return true;
    }
    match (entry.strip_prefix('*'), entry.strip_suffix('*')) {
        (Some(rest), Some(_)) => host.contains(rest.strip_suffix('*').unwrap_or(rest)),
        (Some(end), None) => host.ends_with(end),
        (None, Some(start)) => host.starts_with(start),
        (None, None) => host == entry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_come_from_options() {
        let options =
            "-Xmx1g -Dhttps.proxyHost=proxy.corp '-Dhttp.nonProxyHosts=*.corp|10.*' -Dother";
        let wanted = Properties {
            http: false,
            https: true,
            direct: Some("*.corp|10.*".to_owned()),
        };
        assert_eq!(Properties::parse(options), wanted);
    }
}
