//! Why a program does not take what a server presents.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The first thing that is wrong for one program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "refusal",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum Refusal {
    /// Nothing was sent, or nothing that can be read.
    Unreadable,
    /// The issuer of `certificate` is neither sent nor trusted.
    MissingIssuer {
        /// Subject of the last certificate that was found.
        certificate: String,
        /// Subject of the one to add.
        issuer: String,
    },
    /// The chain ends in a trusted authority that is no root, and this program goes on to the root.
    NoRoot {
        /// The authority that is trusted.
        authority: String,
        /// Subject of the root to add.
        root: String,
    },
    /// The chain goes up to a root that is not trusted. Whoever looks into TLS sends such a one.
    UnknownRoot {
        /// Its subject.
        root: String,
    },
    /// The server sends a certificate with the name of an issuer and another key.
    Namesake {
        /// Its subject.
        certificate: String,
    },
    /// The server signed its own certificate, and that is not trusted.
    SelfSigned,
    /// The server's own certificate is what is trusted, and this program trusts authorities only.
    Pinned,
    /// The server's own certificate is an authority's.
    AuthorityAsServer,
    /// A certificate that issued another is no authority's.
    NoAuthority {
        /// Its subject.
        certificate: String,
    },
    /// It may not sign certificates, or does not say that it may, which this program wants.
    KeyUsage {
        /// Its subject.
        certificate: String,
    },
    /// There are more authorities below it than it allows (path length).
    PathTooLong {
        /// Its subject.
        certificate: String,
    },
    /// It is an authority for other purposes than servers.
    PurposeOfAuthority {
        /// Its subject.
        certificate: String,
    },
    /// It says that it is an authority in an extension that is not critical, which this program wants.
    NotCritical {
        /// Its subject.
        certificate: String,
    },
    /// It does not name the key of its issuer, or its own, which this program wants.
    KeyIdentifier {
        /// Its subject.
        certificate: String,
    },
    /// The certificate is for other purposes than a server's.
    Purpose,
    /// A certificate of the chain is not valid at this time.
    NotValidNow {
        /// Its subject.
        certificate: String,
        /// Start, in seconds since 1970.
        not_before: i64,
        /// End, in seconds since 1970.
        not_after: i64,
    },
    /// The certificate is for other names.
    Name {
        /// Those that this program looks at.
        names: Vec<String>,
    },
    /// The name stands in the common name alone, where this program does not look any more.
    CommonNameOnly,
    /// The program itself refused just now, for another reason.
    Observed {
        /// Its words.
        why: String,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable => formatter.write_str("there is no certificate that can be read"),
            Self::MissingIssuer {
                certificate,
                issuer,
            } => write!(
                formatter,
                "{issuer}, which issued {certificate}, is neither sent nor trusted"
            ),
            Self::NoRoot { authority, root } => write!(
                formatter,
                "{authority} is trusted and no root, and {root} above it is neither sent nor trusted"
            ),
            Self::UnknownRoot { root } => {
                write!(formatter, "the chain ends in the root {root}, which is not trusted")
            }
            Self::SelfSigned => {
                formatter.write_str("the server signed its own certificate, which is not trusted")
            }
            Self::Pinned => formatter.write_str(
                "the server's own certificate is trusted, and not the authority that issued it",
            ),
            Self::AuthorityAsServer => {
                formatter.write_str("the server's certificate is an authority's (CA:TRUE)")
            }
            Self::NoAuthority { certificate } => {
                write!(formatter, "{certificate} issued another and is no authority")
            }
            Self::KeyUsage { certificate } => write!(
                formatter,
                "{certificate} does not say that it may sign certificates (key usage keyCertSign)"
            ),
            Self::Namesake { certificate } => write!(
                formatter,
                "the server sends another {certificate}, with another key than the one that issued its certificate"
            ),
            Self::PathTooLong { certificate } => write!(
                formatter,
                "{certificate} allows fewer authorities below it than there are (path length)"
            ),
            Self::PurposeOfAuthority { certificate } => write!(
                formatter,
                "{certificate} is not for servers (extended key usage without serverAuth)"
            ),
            Self::NotCritical { certificate } => write!(
                formatter,
                "{certificate} says that it is an authority in an extension that is not critical"
            ),
            Self::KeyIdentifier { certificate } => write!(
                formatter,
                "{certificate} does not name its key, or the one that signed it (key identifiers)"
            ),
            Self::Purpose => formatter.write_str(
                "the server's certificate is not for servers (extended key usage without serverAuth)",
            ),
            Self::NotValidNow { certificate, .. } => {
                write!(formatter, "{certificate} is not valid at this time")
            }
            Self::Name { names } if names.is_empty() => {
                formatter.write_str("the server's certificate names no host")
            }
            Self::Name { names } => write!(
                formatter,
                "the server's certificate is for {}",
                names.join(", ")
            ),
            Self::Observed { why } => formatter.write_str(why),
            Self::CommonNameOnly => formatter.write_str(
                "the name stands in the common name alone, and not among the alternative names",
            ),
        }
    }
}
