//! Certificates under the names by which OpenSSL looks for them in a directory (`openssl rehash`).

use std::collections::BTreeMap;

use super::{SubjectHashError, subject_hash};

/// File name (`5229d903.0`) → PEM. Of two authorities with one name (a renewed root) the second is `.1`. The error names
/// the PEM that cannot be read.
pub fn hashed<'a>(
    pems: impl IntoIterator<Item = &'a str>,
) -> Result<BTreeMap<String, String>, (String, SubjectHashError)> {
    let mut files = BTreeMap::new();
    for pem in pems {
        let pem = format!("{}\n", pem.trim());
        let hash = match subject_hash(&pem) {
            Ok(hash) => hash,
            Err(error) => return Err((pem, error)),
        };
        // Never more numbers than there are files.
        let free = (0..=files.len()).map(|number| format!("{hash}.{number}"));
        let free = free.into_iter().find(|name| !files.contains_key(name));
        files.insert(free.unwrap_or(hash), pem);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::chain::pem;
    use crate::pki::chain::tests::Chain;

    #[test]
    fn authorities_of_one_name_are_numbered() {
        let (old, new) = (Chain::new().ders(), Chain::new().ders());
        let pems = [pem(&old[0]), pem(&new[0]), pem(&old[1])];
        let files = hashed(pems.iter().map(String::as_str)).unwrap();
        let names: Vec<&str> = files.keys().map(String::as_str).collect();
        assert_eq!(names.len(), 3);
        let root = subject_hash(&pems[0]).unwrap();
        assert_eq!(files[&format!("{root}.0")], pems[0]);
        assert_eq!(files[&format!("{root}.1")], pems[1]);
        assert!(hashed(["no certificate"]).is_err());
    }
}
