//! What a probe's container runs: a POSIX shell script around curl and docker.
//!
//! It holds public URLs and names of images alone: accounts come with the variables that the pod has anyway. What it finds
//! goes to the container's termination message, so that nobody needs the right to read logs. A message has room for 4096
//! bytes (`MaxContainerTerminationMessageLength` of the kubelet), so each line is cut.

use std::fmt::Write as _;

use super::place::Spot;
use super::target::{Asked, Target};

/// Behind the number of a registry: its token service.
pub const TOKEN_SERVICE: char = 't';
/// What all lines together may take; a margin is left for the last one.
const ROOM: usize = 3800;
/// The mark, a number and what curl measured need as much: a line without them would say something else. Where there are
/// more than fit, the last are lost, and with them the word that all was said.
const SHORTEST: usize = 110;
/// No line needs more: curl's own errors have 255 characters at most.
const LONGEST: usize = 380;
/// Where the authority of the cluster's own API is mounted.
pub(super) const CLUSTER_CA: &str = "/var/run/arc-setup/cluster/ca.crt";

/// One question of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// The Kubernetes API that the container's variables name.
    Kubernetes,
    /// A URL.
    Get(String),
    /// A registry's `/v2/`, and the token service that it names.
    Registry(String),
    /// A tunnel to this URL, whatever NO_PROXY says.
    Tunnel(String),
    /// Pulls an image through the Docker daemon until the first layer is there.
    Pull(String),
}

/// What is asked of a target in a pod of this kind; None where it is not for a pod.
pub fn question(spot: Spot, target: &Target) -> Option<Question> {
    let url = || target.url.clone();
    match (spot, target.asked) {
        (Spot::Dind, Asked::Registry) => target.named.clone().map(Question::Pull),
        (Spot::Host | Spot::Node | Spot::Dind, _) => None,
        (_, Asked::Kubernetes) => Some(Question::Kubernetes),
        (_, Asked::Registry) => Some(Question::Registry(url())),
        (_, Asked::Proxy) => Some(Question::Tunnel(url())),
        _ => Some(Question::Get(url())),
    }
}

/// What marks the lines of one run; a server's words cannot hold it, since they cannot know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run(String);

impl Run {
    /// By a number that nobody can guess.
    pub fn new(random: u64) -> Self {
        Self(format!("probe-{random:016x}"))
    }

    /// The mark.
    pub fn mark(&self) -> &str {
        &self.0
    }
}

/// The script that asks these questions, by their numbers, at the same time.
pub fn script(run: &Run, questions: &[(usize, Question)]) -> String {
    // A registry may say two lines.
    let lines = questions.iter().map(|(_, question)| match question {
        Question::Registry(_) => 2,
        _ => 1,
    });
    let lines: usize = lines.sum();
    let longest = (ROOM / lines.max(1)).clamp(SHORTEST, LONGEST);
    let mut script = format!(
        "mark={}\nlongest={longest}\n{}",
        run.mark(),
        FUNCTIONS.trim_start()
    );
    let pulls = |question: &Question| matches!(question, Question::Pull(_));
    if questions.iter().any(|(_, question)| pulls(question)) {
        script.push_str(WAIT_FOR_DOCKER.trim_start());
    } else {
        script.push_str(NEEDS_CURL.trim_start());
    }
    for (number, question) in questions {
        // Writing to a String cannot fail.
        let _ = match question {
            Question::Kubernetes => writeln!(script, "kubernetes {number} &"),
            Question::Get(url) => writeln!(script, "ask {number} {} &", quoted(url)),
            Question::Registry(url) => writeln!(script, "registry {number} {} &", quoted(url)),
            Question::Tunnel(url) => {
                writeln!(script, "ask {number} {} --noproxy '' &", quoted(url))
            }
            // One after the other: the daemon is made for jobs, not for all of its mirrors at once.
            Question::Pull(image) => writeln!(script, "pull {number} {}", quoted(image)),
        };
    }
    script.push_str("wait\ntell \"$mark end 0\"\nexit 0\n");
    script
}

/// A word of the shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// `ask NUMBER URL OPTION…` says `MARK NUMBER EXIT-CODE [words] MARK:http:connect:verify:looked-up:connected:secured:MARK [words]`.
/// curl is told to read no file, and nothing is written but the numbers. Whichever of error and numbers it writes first.
const FUNCTIONS: &str = r#"
tell() {
  printf '%s\n' "$1"
  printf '%s\n' "$1" >> /dev/termination-log
}
clean() {
  printf '%s' "$1" | tr -c '[:print:]' ' ' | cut -c "1-$longest"
}
ask() {
  number=$1
  url=$2
  shift 2
  # A node that is busy may be slow once: what may pass is asked about again.
  for try in 1 2; do
    said=$(curl -q -sS -o /dev/null --connect-timeout 12 --max-time 25 \
      -w "$mark:%{http_code}:%{http_connect}:%{ssl_verify_result}:%{time_namelookup}:%{time_connect}:%{time_appconnect}:$mark" \
      "$@" "$url" 2>&1 < /dev/null)
    code=$?
    case $code in
      6 | 7 | 28 | 35 | 52 | 56) ;;
      *) break ;;
    esac
  done
  numbers=${said#*"$mark:"}
  numbers=${numbers%%":$mark"*}
  before=${said%%"$mark:"*}
  after=${said##*":$mark"}
  tell "$(clean "$mark $number $code :$numbers: $before $after")"
}
kubernetes() {
  host=${KUBERNETES_SERVICE_HOST:-kubernetes.default.svc}
  case $host in
    *:*) host="[$host]" ;;
  esac
  url="https://$host:${KUBERNETES_SERVICE_PORT:-443}/version"
  if [ -s /var/run/arc-setup/cluster/ca.crt ]; then
    ask "$1" "$url" --cacert /var/run/arc-setup/cluster/ca.crt
  else
    ask "$1" "$url" --insecure
  fi
}
registry() {
  ask "$1" "$2"
  realm=$(curl -q -sS -o /dev/null -D - --connect-timeout 12 --max-time 25 "$2" 2> /dev/null < /dev/null | head -c 8192 \
    | sed -n 's/^[Ww][Ww][Ww]-[Aa]uthenticate: *[Bb]earer .*realm="\(https\{0,1\}:\/\/[A-Za-z0-9.:_\/-]*\)".*/\1/p' | head -n 1)
  if [ -n "$realm" ]; then
    ask "${1}t" "$realm"
  fi
}
pull() {
  timeout 45 docker pull "$2" 2>&1 < /dev/null | {
    last=
    while IFS= read -r line; do
      last=$line
      case $line in
        *'Download complete'* | *'Pull complete'* | *'Already exists'* | *'Status: '*)
          tell "$mark $1 0"
          exit 0
          ;;
      esac
    done
    tell "$(clean "$mark $1 1 $last")"
  }
}
"#;

const NEEDS_CURL: &str = r#"
if ! command -v curl > /dev/null; then
  tell "$mark curl 127"
  exit 0
fi
"#;

/// As long as the runner itself would wait, as far as somebody waits for this.
const WAIT_FOR_DOCKER: &str = r#"
if ! command -v docker > /dev/null; then
  tell "$mark docker 127"
  exit 0
fi
limit=${RUNNER_WAIT_FOR_DOCKER_IN_SECONDS:-${WAIT_FOR_DOCKER_SECONDS:-60}}
# Whoever waits for this pod gives up after two minutes of silence.
if [ "$limit" -gt 90 ]; then limit=90; fi
waited=0
until answer=$(docker ps 2>&1); do
  if [ "$waited" -ge "$limit" ]; then
    tell "$(clean "$mark docker 1 $answer")"
    exit 0
  fi
  waited=$((waited + 1))
  sleep 1
done
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_the_shell_stays_one() {
        assert_eq!(
            quoted("https://a/'; rm -rf /"),
            r"'https://a/'\''; rm -rf /'"
        );
        let questions = [(3, Question::Get("https://a/$(id)".to_owned()))];
        let script = script(&Run::new(7), &questions);
        assert!(script.contains("\nask 3 'https://a/$(id)' &\n"), "{script}");
        assert!(script.starts_with("mark=probe-0000000000000007\n"));
    }

    #[test]
    fn the_lines_of_many_targets_have_room_in_one_message() {
        for count in [1, 9, 17] {
            let questions: Vec<(usize, Question)> = (0..count)
                .map(|number| (number, Question::Registry(String::new())))
                .collect();
            let script = script(&Run::new(0), &questions);
            let longest = script.lines().nth(1).and_then(|line| {
                let longest = line.strip_prefix("longest=")?;
                longest.parse::<usize>().ok()
            });
            assert!(longest.unwrap() * count * 2 <= ROOM, "{count}");
        }
    }

    #[test]
    fn the_authority_is_read_where_it_is_mounted() {
        assert!(FUNCTIONS.contains(CLUSTER_CA));
    }
}
