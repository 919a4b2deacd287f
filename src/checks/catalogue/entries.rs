//! The table of codes, a file for each family; each in alphabetical order.

mod access;
mod admission;
mod configuration;
mod images;
mod install;
mod layers;
mod vantage;

use super::Entry;

/// Every family.
pub(super) const FAMILIES: &[&[Entry]] = &[
    access::ENTRIES,
    admission::ENTRIES,
    configuration::ENTRIES,
    images::ENTRIES,
    install::ENTRIES,
    layers::ENTRIES,
    vantage::ENTRIES,
];

/// One row.
const fn code(
    id: &'static str,
    title: &'static str,
    cause: &'static str,
    remedy: &'static str,
) -> Entry {
    Entry {
        id,
        title,
        cause,
        remedy,
    }
}
