//! What each program that makes connections takes of a server's certificate.
//!
//! The programs differ in a dozen habits, which `habits` holds as a table; [`judge`] builds the path as they do and asks
//! for what they ask. The table is held against the real programs by the integration tests, for those that run there.
//! Whoever verifies in a program is what counts: git and wget are those of Debian and Ubuntu, which use GnuTLS.

mod habits;
mod judge;
mod refusal;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use judge::{Presented, judge, judge_all};
pub use refusal::Refusal;

/// A program, or what verifies in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Program {
    /// crypto/x509: ARC's controller and listener, dockerd, containerd, kubelet.
    Go,
    /// rustls with webpki: arc-setup itself.
    Rustls,
    /// OpenSSL 3, `s_client` and whatever calls it as it comes.
    OpenSsl,
    /// curl with OpenSSL.
    Curl,
    /// git as Debian and Ubuntu build it: libcurl with GnuTLS.
    Git,
    /// wget as Debian and Ubuntu build it: GnuTLS.
    Wget,
    /// Node.js, of which all JavaScript actions are made.
    Node,
    /// Python before 3.13.
    Python,
    /// Python 3.13 and newer, which verify strictly and take any authority as the end of a chain.
    StrictPython,
    /// Java's own PKIX.
    Java,
    /// .NET on Linux: the runner itself.
    DotNet,
}

/// Every program, in the order in which they are told.
pub const PROGRAMS: [Program; 11] = [
    Program::Go,
    Program::Rustls,
    Program::OpenSsl,
    Program::Curl,
    Program::Git,
    Program::Wget,
    Program::Node,
    Program::Python,
    Program::StrictPython,
    Program::Java,
    Program::DotNet,
];

impl Program {
    /// Where ARC's users meet it.
    pub fn used_by(self) -> &'static str {
        match self {
            Self::Go => "controller, listener, dockerd, containerd, kubelet",
            Self::Rustls => "arc-setup itself",
            Self::OpenSsl => "openssl, and programs that leave its defaults",
            Self::Curl => "curl in steps",
            Self::Git => "git of Debian and Ubuntu: actions/checkout",
            Self::Wget => "wget of Debian and Ubuntu",
            Self::Node => "JavaScript actions, npm",
            Self::Python => "Python up to 3.12, pip",
            Self::StrictPython => "Python 3.13 and newer",
            Self::Java => "Maven, Gradle",
            Self::DotNet => "the runner itself",
        }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Go => "Go",
            Self::Rustls => "rustls",
            Self::OpenSsl => "OpenSSL",
            Self::Curl => "curl",
            Self::Git => "git",
            Self::Wget => "wget",
            Self::Node => "Node.js",
            Self::Python => "Python",
            Self::StrictPython => "Python 3.13",
            Self::Java => "Java",
            Self::DotNet => ".NET",
        })
    }
}
