//! Lists of NO_PROXY and destinations that have something to do with each other: what the readers differ in is common.

use arc_setup::proxy::Destination;

const LABELS: &[&str] = &[
    "a",
    "b",
    "co",
    "corp",
    "x",
    "api",
    "10",
    "a-b",
    "svc",
    "localhost",
];
const ENDS: &[&str] = &["corp", "co", "b", "svc", "local", "localhost"];
const ADDRESSES: &[&str] = &[
    "10.0.0.0",
    "10.0.0.1",
    "10.0.0.2",
    "10.0.0.10",
    "10.1.2.3",
    "11.0.0.1",
    "110.0.0.1",
    "127.0.0.1",
    "127.5.0.1",
    "192.168.1.1",
    "0.0.0.0",
];
const LONG_ADDRESSES: &[&str] = &[
    "fd00::1",
    "FD00::1",
    "fd00::2",
    "fd00:0::1",
    "fe80::1",
    "::1",
    "::",
    "0:0:0:0:0:0:0:1",
    "2001:db8::15",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
];
const BITS: &[&str] = &[
    "0",
    "1",
    "7",
    "8",
    "9",
    "16",
    "24",
    "30",
    "31",
    "32",
    "33",
    "64",
    "96",
    "104",
    "127",
    "128",
    "129",
    "08",
    "+8",
    "-1",
    "-8",
    "8x",
    "",
    " 8",
    "8/8",
    "1_6",
    "_8",
    "4294967304",
    "99999999999999999999",
    "ff",
    "255.0.0.0",
];
const PORTS: &[&str] = &["80", "443", "8080", "1", "0", "", "080", "x", "65536", "*"];
const SEPARATORS: &[&str] = &[
    ",", ",", ",", ",", ",", ", ", " ,", " ", ",,", "\t", ", ,", "  ",
];
const MARKS: &[&str] = &[
    ".", "*", ":", "[", "]", "/", ",", " ", "-", "|", "\t", "A", "0", "@", "%", ";",
];

/// A destination with the URL that names it.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) url: String,
    pub(crate) to: Destination,
}

/// A stream that depends on the seed alone.
pub(crate) struct Generator {
    state: u64,
}

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A list, and so many destinations to ask for.
    pub(crate) fn case(&mut self, destinations: usize) -> (String, Vec<Asked>) {
        let hosts: Vec<String> = (0..3).map(|_| self.host()).collect();
        let list = self.list(&hosts);
        let asked = (0..destinations).map(|_| self.asked(&hosts)).collect();
        (list, asked)
    }

    fn asked(&mut self, hosts: &[String]) -> Asked {
        let mut host = match self.below(8) {
            0..=3 => hosts[self.below(hosts.len())].clone(),
            4 => {
                let below = hosts[self.below(hosts.len())].clone();
                if is_name(&below) {
                    let label = self.one_of(LABELS);
                    format!("{label}.{below}")
                } else {
                    below
                }
            }
            5 => {
                let longer = hosts[self.below(hosts.len())].clone();
                if is_name(&longer) {
                    format!("x{longer}")
                } else {
                    longer
                }
            }
            _ => self.host(),
        };
        if is_name(&host) {
            match self.below(12) {
                0 => host = host.to_uppercase(),
                1 => host.push('.'),
                2 => host = host[..1].to_uppercase() + &host[1..],
                _ => {}
            }
        }
        let is_secure = self.below(2) == 0;
        let port = match self.below(10) {
            0 => Some(80),
            1 => Some(443),
            2 => Some(8080),
            3 => Some(1),
            _ => None,
        };
        let to = Destination::new(is_secure, &host, port);
        let url = format!("{to}/");
        Asked { url, to }
    }

    fn host(&mut self) -> String {
        match self.below(10) {
            0..=2 => self.one_of(ADDRESSES).to_owned(),
            3 => self.one_of(LONG_ADDRESSES).to_owned(),
            4 if self.below(4) == 0 => "localhost".to_owned(),
            _ => {
                let mut name = String::new();
                for _ in 0..self.below(3) {
                    name.push_str(self.one_of(LABELS));
                    name.push('.');
                }
                name + self.one_of(ENDS)
            }
        }
    }

    fn list(&mut self, hosts: &[String]) -> String {
        if self.below(40) == 0 {
            return self
                .one_of(&["", "*", " *", "*,", ",", ".", " ", "*.", "..", "**"])
                .to_owned();
        }
        let mut list = String::new();
        if self.below(12) == 0 {
            list.push_str(self.one_of(&[" ", ",", "\t", ", "]));
        }
        for number in 0..=self.below(5) {
            if number > 0 {
                list.push_str(self.one_of(SEPARATORS));
            }
            let entry = self.entry(hosts);
            list.push_str(&entry);
        }
        if self.below(12) == 0 {
            list.push_str(self.one_of(&[" ", ",", "\t", " ,", ", "]));
        }
        list
    }

    fn entry(&mut self, hosts: &[String]) -> String {
        let host = if self.below(4) == 0 {
            self.host()
        } else {
            hosts[self.below(hosts.len())].clone()
        };
        let mut entry = if host.contains(':') {
            self.of_long_address(&host)
        } else if !is_name(&host) {
            self.of_address(&host)
        } else {
            self.of_name(&host)
        };
        if self.below(12) == 0 {
            self.mutate(&mut entry);
        }
        entry
    }

    fn of_name(&mut self, name: &str) -> String {
        let below = name.split_once('.').map_or(name, |(_, below)| below);
        match self.below(16) {
            0..=2 => name.to_owned(),
            3 | 4 => below.to_owned(),
            5 | 6 => format!(".{below}"),
            7 => format!("*.{below}"),
            8 => format!("*{below}"),
            9 => format!("{name}:{}", self.one_of(PORTS)),
            10 => format!(".{below}:{}", self.one_of(PORTS)),
            11 => name.to_uppercase(),
            12 => format!("{name}."),
            13 => name[1..].to_owned(),
            14 => {
                self.one_of(&["*", "localhost", "http://", "..", "."])
                    .to_owned()
                    + below
            }
            _ => self
                .one_of(&["*", "*", ".", "", "localhost", "-", "127.*"])
                .to_owned(),
        }
    }

    fn of_address(&mut self, address: &str) -> String {
        match self.below(8) {
            0..=2 => address.to_owned(),
            3..=5 => format!("{address}/{}", self.one_of(BITS)),
            6 => format!("{address}:{}", self.one_of(PORTS)),
            _ => match self.below(6) {
                0 => address[address.find('.').unwrap_or(0)..].to_owned(),
                1 => address[..address.rfind('.').unwrap_or(0)].to_owned() + ".*",
                2 => format!("::ffff:{address}"),
                3 => format!("[{address}]"),
                4 => "10/8".to_owned(),
                _ => format!("0{address}"),
            },
        }
    }

    fn of_long_address(&mut self, address: &str) -> String {
        match self.below(8) {
            0 | 1 => address.to_owned(),
            2 | 3 => format!("[{address}]"),
            4 => format!("[{address}]:{}", self.one_of(PORTS)),
            5 | 6 => format!("{address}/{}", self.one_of(BITS)),
            _ => address.to_uppercase(),
        }
    }

    fn mutate(&mut self, entry: &mut String) {
        let at = self.below(entry.len() + 1);
        match self.below(3) {
            0 => entry.insert_str(at, self.one_of(MARKS)),
            1 if at < entry.len() => {
                entry.remove(at);
            }
            _ => entry.truncate(at),
        }
    }

    /// SplitMix64: every seed has its own sequence, zero too.
    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap_or(0)
    }

    fn one_of(&mut self, choices: &[&'static str]) -> &'static str {
        choices[self.below(choices.len())]
    }
}

fn is_name(host: &str) -> bool {
    host.parse::<std::net::IpAddr>().is_err()
}
