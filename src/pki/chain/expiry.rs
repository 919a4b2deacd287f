//! Which certificate of a server's chain is the first to expire.

use crate::pki::certificate::Certificate;

/// Whoever gets a certificate renewed needs some days for it.
const SOON_DAYS: i64 = 30;
const DAY: i64 = 24 * 60 * 60;

/// Of a chain as sent, DER, what expires within 30 days of `now` (seconds since 1970), or has expired; the first to do so.
/// What cannot be read is passed over.
pub fn expiring(chain: &[Vec<u8>], now: i64) -> Option<String> {
    let certificates = Certificate::read_all(chain);
    let end = |certificate: &Certificate<'_>| certificate.x509.validity().not_after;
    let first = certificates
        .iter()
        .min_by_key(|certificate| end(certificate).timestamp())?;
    let (subject, end) = (first.subject(), end(first));
    let left = end.timestamp().saturating_sub(now);
    if left < 0 {
        Some(format!("\"{subject}\" expired on {end}"))
    } else if left < SOON_DAYS * DAY {
        let days = left / DAY;
        Some(format!("\"{subject}\" expires on {end}, in {days} days"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    fn until(year: i32) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["a.corp".to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(year, 1, 31);
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn the_first_of_a_chain_to_expire_is_told_thirty_days_before() {
        let chain = [until(2040), vec![1, 2, 3], until(2030)];
        let end = date_time_ymd(2030, 1, 31).unix_timestamp();
        assert_eq!(expiring(&chain, end - 31 * DAY), None);
        let soon = expiring(&chain, end - 29 * DAY).unwrap();
        assert!(
            soon.contains("expires on Jan 31") && soon.ends_with("in 29 days"),
            "{soon}"
        );
        assert!(expiring(&chain, end + 1).unwrap().contains("expired on"));
        assert_eq!(expiring(&[vec![0; 9]], end), None);
        assert_eq!(expiring(&[], i64::MIN), None);
    }
}
