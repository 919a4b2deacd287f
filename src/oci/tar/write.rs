//! A tar of plain files (POSIX ustar): no directories, owner 0, mode 0644, one time, nothing beside. The same files are
//! the same bytes.

use std::collections::BTreeMap;

use super::BLOCK;
use crate::oci::Problem;

const NAME: usize = 100;
const PREFIX: usize = 155;

/// The archive of files by their paths (`etc/ssl/certs/5229d903.0`), in the order of the paths.
pub(in crate::oci) fn archive(files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, Problem> {
    let mut archive = Vec::new();
    for (path, content) in files {
        archive.extend(header(path, content.len())?);
        archive.extend(content);
        archive.resize(archive.len().next_multiple_of(BLOCK), 0);
    }
    // Two empty blocks end it.
    archive.resize(archive.len() + 2 * BLOCK, 0);
    Ok(archive)
}

fn header(path: &str, size: usize) -> Result<[u8; BLOCK], Problem> {
    let (prefix, name) = split(path).ok_or_else(|| Problem::NameTooLong(path.to_owned()))?;
    let mut header = [0; BLOCK];
    let mut put = |at: usize, text: &[u8]| header[at..at + text.len()].copy_from_slice(text);
    put(0, name.as_bytes());
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    // 1970-01-01T00:00:00Z.
    put(136, b"00000000000\0");
    // The sum is made as if it were spaces.
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    put(329, b"0000000\0");
    put(337, b"0000000\0");
    put(345, prefix.as_bytes());
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(header)
}

/// Prefix and name: the last slash at which both fit.
fn split(path: &str) -> Option<(&str, &str)> {
    if path.len() <= NAME {
        return Some(("", path));
    }
    let slashes = path.match_indices('/').rev();
    let mut parts = slashes.map(|(at, _)| (&path[..at], &path[at + 1..]));
    parts.find(|(prefix, name)| prefix.len() <= PREFIX && (1..=NAME).contains(&name.len()))
}
