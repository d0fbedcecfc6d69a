//! [`nth_id`] makes the ids of secrets: xids of 20 characters.

use crate::hook_run::mix;

/// The digits of an xid.
const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

/// Returns the id of the secret with this number. The same seed gives the same ids, so that a test
/// sees the same output each time.
///
/// An id has 96 bits in 20 digits of 5 bits each. Only the first bit of the last digit is used, so
/// that digit is `0` or `g` (measured).
pub(super) fn nth_id(seed: u64, number: u64) -> String {
    let high = mix(seed ^ number);
    let low = mix(high ^ seed.rotate_left(31));
    let bits = ((u128::from(high) << 32) | u128::from(low & 0xffff_ffff)) << 4;
    let digit = |place: u32| {
        let index = usize::try_from((bits >> (5 * place)) & 31).unwrap_or_default();
        DIGITS.get(index).copied().map_or('0', char::from)
    };
    (0..20).rev().map(digit).collect()
}

/// Returns the place of a secret in the output of `secret-ids`. Juju's order is that of a Go map;
/// this one is not sorted either, and the same each time.
pub(super) fn order(seed: u64, id: &str) -> u64 {
    id.bytes().fold(seed, |hash, byte| mix(hash ^ u64::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret_uri::SecretUri;

    #[test]
    fn ids_are_xids_and_differ() {
        let ids: Vec<String> = (0..200).map(|number| nth_id(7, number)).collect();
        for id in &ids {
            assert_eq!(SecretUri::parse(id).unwrap().id(), id);
        }
        let mut sorted = ids.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), ids.len());
        assert!(ids.iter().any(|id| id.ends_with('g')) && ids.iter().any(|id| id.ends_with('0')));
        assert_eq!(ids, (0..200).map(|number| nth_id(7, number)).collect::<Vec<_>>());
        assert_ne!(nth_id(7, 0), nth_id(8, 0));
    }

    #[test]
    fn the_order_of_ids_is_fixed_and_not_sorted() {
        let mut ids: Vec<String> = (0..20).map(|number| nth_id(7, number)).collect();
        ids.sort();
        let sorted = ids.clone();
        ids.sort_by_key(|id| order(7, id));
        assert_ne!(ids, sorted);
    }
}
