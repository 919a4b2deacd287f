//! Labels by which this program knows its own objects.

/// Who manages an object; ours says `arc-setup`.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Which install it is of.
pub const INSTALL_LABEL: &str = "arc-setup.dev/install";
