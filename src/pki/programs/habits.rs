//! In what the programs differ, as measured: see tests/it/programs.rs.

use super::Program;

/// What a program makes of a server's own certificate among those that it trusts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pinned {
    /// It trusts authorities only; a self-signed certificate is its own.
    Never,
    /// Taken where the server sends nothing that issued it: else the chain goes on, and has to end in an authority.
    Alone,
    /// Taken, and what the server sends behind it has to be right as well.
    WithWhatIsSent,
    /// Taken.
    Always,
    /// Taken, and nothing is looked at but the name.
    Unquestioned,
}

/// How a program verifies a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a table of independent habits"
)]
pub(super) struct Habits {
    pub(super) pinned: Pinned,
    /// Any trusted authority ends a chain; else only a root does.
    pub(super) ends_anywhere: bool,
    /// A server may have the certificate of an authority.
    pub(super) takes_authority_as_server: bool,
    /// What the server sends is looked through before what is trusted.
    pub(super) follows_what_is_sent: bool,
    /// The path length of the authority that ends a chain counts.
    pub(super) reads_path_of_root: bool,
    /// The path lengths of trusted authorities above that one count, too.
    pub(super) reads_paths_above: bool,
    /// What the server sends under an issuer's name has to be that issuer, or be trusted.
    pub(super) trips_over_namesakes: bool,
    /// Where a path cannot be taken, others are tried.
    pub(super) tries_other_paths: bool,
    /// A star of a name may stand right below a top-level domain.
    pub(super) takes_wide_stars: bool,
    /// An authority whose key usage is said has to say that it signs certificates.
    pub(super) reads_key_usage: bool,
    /// Authorities may be limited to purposes as servers are.
    pub(super) reads_purposes_of_authorities: bool,
    /// A name may stand in the common name alone.
    pub(super) takes_common_name: bool,
    /// The authority that ends the chain is trusted after its end, too.
    pub(super) takes_expired_root: bool,
    /// The authority that ends the chain need not say that it is one.
    pub(super) takes_any_root: bool,
    /// The certificate may be for other purposes.
    pub(super) takes_any_purpose: bool,
    /// RFC 5280 to the letter: authorities say that they sign certificates, and who issued a certificate is said by key.
    pub(super) is_strict: bool,
}

/// What most do.
const USUAL: Habits = Habits {
    pinned: Pinned::Always,
    ends_anywhere: true,
    takes_authority_as_server: true,
    follows_what_is_sent: false,
    trips_over_namesakes: false,
    reads_path_of_root: true,
    reads_paths_above: false,
    tries_other_paths: false,
    takes_wide_stars: false,
    reads_key_usage: true,
    reads_purposes_of_authorities: true,
    takes_common_name: true,
    takes_expired_root: false,
    takes_any_root: false,
    takes_any_purpose: false,
    is_strict: false,
};

/// OpenSSL's own, where nobody sets a flag.
const OPENSSL: Habits = Habits {
    pinned: Pinned::Never,
    ends_anywhere: false,
    ..USUAL
};

/// OpenSSL with `X509_V_FLAG_PARTIAL_CHAIN`.
const OPENSSL_PARTIAL: Habits = Habits {
    pinned: Pinned::WithWhatIsSent,
    ..USUAL
};

const GNUTLS: Habits = Habits {
    pinned: Pinned::Alone,
    follows_what_is_sent: true,
    reads_paths_above: true,
    takes_any_purpose: true,
    reads_purposes_of_authorities: false,
    ..USUAL
};

impl Program {
    pub(super) fn habits(self) -> Habits {
        match self {
            Self::Go => Habits {
                tries_other_paths: true,
                takes_wide_stars: true,
                takes_common_name: false,
                ..USUAL
            },
            Self::Rustls => Habits {
                pinned: Pinned::Never,
                takes_authority_as_server: false,
                tries_other_paths: true,
                reads_key_usage: false,
                takes_common_name: false,
                takes_expired_root: true,
                takes_any_root: true,
                ..USUAL
            },
            // .NET by its source: what is trusted and signed itself is a root, everything else is only helpful.
            Self::OpenSsl | Self::Node | Self::Python | Self::DotNet => OPENSSL,
            Self::Curl => OPENSSL_PARTIAL,
            Self::Git | Self::Wget => GNUTLS,
            Self::StrictPython => Habits {
                is_strict: true,
                ..OPENSSL_PARTIAL
            },
            Self::Java => Habits {
                pinned: Pinned::Unquestioned,
                trips_over_namesakes: true,
                reads_path_of_root: false,
                tries_other_paths: true,
                reads_purposes_of_authorities: false,
                takes_expired_root: true,
                ..USUAL
            },
        }
    }
}
