//! Texts that are references, nearly are, or are not at all.

/// What stands between the parts of a reference, and what has no business there.
const MARKS: &[u8] = b"//::@@..__--[]AZaf09zG%~+ \n\0\t\\?#=,";
const HOSTS: &[&str] = &[
    "docker.io",
    "index.docker.io",
    "registry-1.docker.io",
    "registry.docker.io",
    "localhost",
    "localhost:5000",
    "Localhost",
    "quay.io",
    "ghcr.io:443",
    "Foo",
    "library",
    "10.0.0.1",
    "10.0.0.1:80",
    "[fc00::1]",
    "[fc00::1]:5000",
    "[::ffff:1.2.3.4]",
    "[fe80::1%eth0]",
    "fc00::1",
    "[]",
    "[a",
    "-x.y",
    "x-.y",
    "a..b",
    "a_b.c",
    "a.b:",
    "a.b:x",
    ".",
    ":",
    "xn--bcher-kva.example",
];

/// A stream of texts that depends on the seed alone.
pub(super) struct Generator {
    state: u64,
}

impl Generator {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next text. It may be no UTF-8.
    pub(super) fn text(&mut self) -> Vec<u8> {
        match self.below(20) {
            0 => self.bytes(),
            1 => self.marks(),
            2 => self.hexadecimal(),
            3..=13 => self.reference().into_bytes(),
            _ => {
                let mut text = self.reference().into_bytes();
                for _ in 0..=self.below(3) {
                    self.mutate(&mut text);
                }
                text
            }
        }
    }

    /// SplitMix64: every seed has its own sequence, zero too.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap_or(0)
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    fn of(&mut self, alphabet: &[u8], least: usize, most: usize) -> String {
        let length = least + self.below(most - least + 1);
        (0..length)
            .map(|_| char::from(self.one_of(alphabet)))
            .collect()
    }

    fn bytes(&mut self) -> Vec<u8> {
        let length = self.below(40);
        let bytes = std::iter::from_fn(|| Some(self.next().to_le_bytes()[0]));
        bytes.take(length).collect()
    }

    fn marks(&mut self) -> Vec<u8> {
        self.of(MARKS, 0, 24).into_bytes()
    }

    /// Around the length of an image id.
    fn hexadecimal(&mut self) -> Vec<u8> {
        let alphabet: &[u8] = if self.below(8) == 0 {
            b"0123456789abcdefA"
        } else {
            b"0123456789abcdef"
        };
        let length = 63 + self.below(3);
        let mut text = if self.below(4) == 0 {
            self.host() + "/"
        } else {
            String::new()
        };
        text.push_str(&self.of(alphabet, length, length));
        text.into_bytes()
    }

    fn reference(&mut self) -> String {
        let mut text = String::new();
        if self.below(3) > 0 {
            text.push_str(&self.host());
            text.push('/');
        }
        let components = match self.below(40) {
            0 => 0,
            1 => 8 + self.below(40),
            _ => 1 + self.below(4),
        };
        for index in 0..components {
            if index > 0 {
                text.push('/');
            }
            let component = self.component();
            text.push_str(&component);
        }
        if self.below(2) == 0 {
            text.push(':');
            text.push_str(&self.tag());
        }
        if self.below(4) == 0 {
            text.push('@');
            text.push_str(&self.digest());
        }
        text
    }

    fn host(&mut self) -> String {
        if self.below(3) == 0 {
            return self.one_of(HOSTS).to_owned();
        }
        let labels = 1 + self.below(4);
        let mut host = String::new();
        for index in 0..labels {
            if index > 0 {
                host.push('.');
            }
            let alphabet: &[u8] = if self.below(4) == 0 {
                b"abcxyz019-ABZ"
            } else {
                b"abcxyz019"
            };
            host.push_str(&self.of(alphabet, 1, 8));
        }
        if self.below(3) == 0 {
            host.push(':');
            host.push_str(&self.of(b"0123456789", 1, 6));
        }
        host
    }

    fn component(&mut self) -> String {
        if self.below(60) == 0 {
            // Near the limit of a name.
            let length = 235 + self.below(30);
            return self.of(b"abz09", length, length);
        }
        let mut text = self.of(b"abcxyz019", 1, 6);
        for _ in 0..self.below(3) {
            let separator = if self.below(6) == 0 {
                self.one_of(&["___", "..", "._", "-_", "_-", ".-"])
            } else {
                self.one_of(&[".", "_", "__", "-", "--", "---"])
            };
            text.push_str(separator);
            let least = usize::from(self.below(10) > 0);
            text.push_str(&self.of(b"abcxyz019", least, 4));
        }
        text
    }

    fn tag(&mut self) -> String {
        match self.below(12) {
            0 => {
                let length = 126 + self.below(5);
                self.of(b"aZ0_.-", length, length)
            }
            1 => self.of(b".-", 1, 1) + &self.of(b"a1", 1, 4),
            2 => self.of(b"abzABZ019_.-", 0, 12),
            _ => self.of(b"abzABZ019_", 1, 1) + &self.of(b"abzABZ019_.-", 0, 12),
        }
    }

    fn digest(&mut self) -> String {
        let algorithms = [
            ("sha256", 64),
            ("sha384", 96),
            ("sha512", 128),
            ("sha224", 56),
            ("md5", 32),
            ("SHA256", 64),
            ("blake3", 64),
            ("sha256+b64", 64),
            ("", 64),
        ];
        let (algorithm, length) = if self.below(3) > 0 {
            algorithms[self.below(3)]
        } else {
            self.one_of(&algorithms)
        };
        let length = match self.below(8) {
            0 => length + 1,
            1 => length - 1,
            2 => 32,
            _ => length,
        };
        let alphabet: &[u8] = if self.below(8) == 0 {
            b"0123456789abcdefABF"
        } else {
            b"0123456789abcdef"
        };
        format!("{algorithm}:{}", self.of(alphabet, length, length))
    }

    fn mutate(&mut self, text: &mut Vec<u8>) {
        let at = self.below(text.len() + 1);
        let end = at + self.below(text.len() + 1 - at).min(12);
        match self.below(7) {
            0 => {
                let mark = self.one_of(MARKS);
                text.insert(at, mark);
            }
            1 => {
                text.drain(at..end);
            }
            2 => text.truncate(at),
            3 => {
                let piece = text[at..end].to_vec();
                text.splice(at..at, piece);
            }
            4 => {
                let mark = self.one_of(MARKS);
                if let Some(byte) = text.get_mut(at) {
                    *byte = mark;
                }
            }
            5 => {
                let letter = self.one_of(&["é", "İ", "ß", "Ⅷ", "\u{feff}", "а", "ſ", "K"]);
                text.splice(at..at, letter.bytes());
            }
            _ => {
                if let Some(byte) = text.get_mut(at) {
                    *byte ^= 1 << self.below(8);
                }
            }
        }
    }
}
