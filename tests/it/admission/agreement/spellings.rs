//! Image references as people and machines write them, and what is nearly one.

const HOSTS: &[&str] = &[
    "",
    "",
    "",
    "docker.io",
    "index.docker.io",
    "registry-1.docker.io",
    "Docker.io",
    "quay.io",
    "quay.io",
    "QUAY.io",
    "ghcr.io",
    "gcr.io",
    "eu.gcr.io",
    "a.b.gcr.io",
    "localhost",
    "localhost:5000",
    "LOCALHOST",
    "reg:5000",
    "reg1:5000",
    "registry",
    "registry.artifactory.mydomain.com",
    "registry.artifactory.mydomain.com.evil",
    "registry.artifactory.mydomain.com:443",
    "mirror:5000",
    "mirror.corp",
    "10.0.0.1:80",
    "192.168.0.1",
    "[fc00::1]",
    "[fc00::1]:5000",
    "[abc]",
    "[ABC]",
    "[abc]:5000",
    "[]",
    "[fc00::1",
    "[fe80::1%eth0]:5000",
    "fc00::1:5000",
    "Foo",
    "a_b.corp",
    "a_b",
    "-x.y",
    "x-.y",
    "x..y",
    ".x",
    "x.",
    "reg:",
    "reg:port",
    "reg:5000:1",
    "é.corp",
    "É",
    "my-reg.corp.com",
    "a--b",
    "0",
    "docker.io:443",
];
const COMPONENTS: &[&str] = &[
    "nginx",
    "library",
    "a",
    "x",
    "docker",
    "actions",
    "actions-runner",
    "brancz",
    "kube-rbac-proxy",
    "corp-mirror",
    "corp-mirror-2",
    "hub",
    "gh",
    "rest",
    "inner",
    "a.b",
    "a_b",
    "a__b",
    "a---b",
    "0",
    "a1.b2_c3",
    "quay",
    "kube",
    "official",
    // None of these is one.
    "a___b",
    "a..b",
    "-a",
    "a-",
    ".a",
    "_a",
    "",
    "A",
    "Nginx",
    "é",
    "a b",
    "a%b",
    "*",
    "a+b",
    "..",
    "a:b",
];
const TAGS: &[&str] = &[
    "", "", "", ":1", ":1.25", ":latest", ":dind", ":v0.8.0", ":A-b.c_D", ":_", ":", ":-1", ":.1",
    ":+1", ":1:2", ":é", ":a/b",
];
const DIGESTS: &[&str] = &[
    "",
    "",
    "",
    "",
    "@",
    "@sha256:abc",
    "@md5:d41d8cd98f00b204e9800998ecf8427e",
    "@sha256",
];
/// What an accident puts into a reference.
const LETTERS: &[char] = &[
    'a',
    'Z',
    '0',
    '.',
    ':',
    '/',
    '@',
    '-',
    '_',
    '[',
    ']',
    '*',
    '{',
    '}',
    '\'',
    '"',
    '\\',
    '$',
    '^',
    '(',
    ')',
    '|',
    ' ',
    '\n',
    '\u{7f}',
    'é',
    'İ',
    'ß',
    'ⅸ',
    '中',
    '\u{1f600}',
    '\u{301}',
];
const WHOLE: &[&str] = &[
    "localhost:5000",
    "192.168.0.1:80",
    "docker.io",
    "quay.io",
    "quay.io/",
    "/quay.io/x",
    "http://quay.io/x",
    "docker://quay.io/x",
    "oci://quay.io/x",
    "library/nginx",
    "docker.io/library",
    "docker.io/library/library/x",
    "quay.io/library/x",
    "nginx:1.25",
    "docker.io/nginx:1.25",
    "docker:dind",
    "docker.io/library/docker@sha256:abc",
    "{path}",
    "{path_nolib}/x",
    "quay.io/{path}",
    "registry.artifactory.mydomain.com",
    "quay.io/corp-mirror",
    "quay.io/corp-mirror/x",
    "[fc00::1]:5000/hub/nginx",
    "${IMAGE}",
    "$(IMAGE)",
    "<none>",
    "null",
    "true",
    "1",
];

/// A sequence without end, the same for each seed.
pub(super) struct Spellings(u64);

impl Spellings {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next one that the API server takes in a pod: not empty, no white space at its ends.
    pub(super) fn next(&mut self) -> String {
        loop {
            let text = self.any();
            if !text.is_empty() && text.trim() == text {
                return text;
            }
        }
    }

    fn any(&mut self) -> String {
        if self.below(12) == 0 {
            let whole = self.one(WHOLE);
            return self.damaged(whole.to_owned());
        }
        let mut text = self.one(HOSTS).to_owned();
        if !text.is_empty() {
            text.push('/');
        }
        let path = self.path();
        text.push_str(&path);
        let tag = self.tag();
        text.push_str(&tag);
        let digest = self.digest();
        text.push_str(&digest);
        match self.below(40) {
            0 => "0123456789abcdef".repeat(4),
            1..=4 => self.damaged(text),
            _ => text,
        }
    }

    fn path(&mut self) -> String {
        let length = match self.below(30) {
            // Around every limit of 255 bytes.
            0..=3 => return self.long(),
            4..=15 => 1,
            16..=24 => 2,
            25..=28 => 3,
            _ => 6,
        };
        // One component in eight is wrong, or all references would be.
        let sound = COMPONENTS.len() - 16;
        let parts: Vec<&str> = (0..length)
            .map(|_| match self.below(16) {
                0 => self.one(COMPONENTS),
                _ => self.one(&COMPONENTS[..sound]),
            })
            .collect();
        parts.join("/")
    }

    fn long(&mut self) -> String {
        let middle = [20, 225, 247, 255, 243, 900, 1010][self.below(7)];
        let length = middle - 10 + self.below(20);
        match self.below(2) {
            0 => "a".repeat(length),
            _ => "ab/".repeat(length / 3) + "c",
        }
    }

    fn tag(&mut self) -> String {
        match self.below(30) {
            0 => format!(":{}", "t".repeat(128)),
            1 => format!(":{}", "t".repeat(129)),
            2..=12 => self.one(TAGS).to_owned(),
            13..=20 => ":1".to_owned(),
            _ => String::new(),
        }
    }

    fn digest(&mut self) -> String {
        match self.below(24) {
            0 => format!("@sha256:{}", "0a".repeat(32)),
            1 => format!("@sha384:{}", "0a".repeat(48)),
            2 => format!("@sha512:{}", "0a".repeat(64)),
            3 => format!("@sha256:{}", "0A".repeat(32)),
            4 => format!("@sha256:{}", "0a".repeat(33)),
            5 => self.one(DIGESTS).to_owned(),
            _ => String::new(),
        }
    }

    /// One letter more, less or another.
    fn damaged(&mut self, text: String) -> String {
        let mut letters: Vec<char> = text.chars().collect();
        let at = self.below(letters.len() + 1);
        let letter = LETTERS[self.below(LETTERS.len())];
        match self.below(4) {
            0 if at < letters.len() => letters[at] = letter,
            1 if at < letters.len() => {
                letters.remove(at);
            }
            2 => letters.insert(at, letter),
            _ => return text,
        }
        letters.into_iter().collect()
    }

    fn one<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    fn below(&mut self, end: usize) -> usize {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let value = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(value).unwrap() % end
    }
}
