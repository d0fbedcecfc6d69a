//! [`sorted`] sorts the keys of a map as yaml.v2 does: numbers inside keys by their value, and
//! other characters before letters.

use crate::data::{Data, Fields};

/// Returns the entries in the order in which yaml.v2 writes them: the fields of a struct in their
/// own order, and the entries of a map sorted.
///
/// The comparison of yaml.v2 is not transitive (`1`, `05`, `0a`), and for such keys the order that
/// Juju prints changes from call to call (measured). The sorts of the standard library may panic at
/// such a comparison, so this is a merge sort of our own, which always ends.
pub(super) fn sorted(map: &Fields) -> Vec<(&String, &Data)> {
    let mut entries: Vec<(&String, &Data)> = map.iter().collect();
    if !map.is_sorted() {
        return entries;
    }
    // Sorted by bytes first, so that the result does not depend on the order of the entries.
    entries.sort_by_key(|(key, _)| *key);
    merge_sort(entries)
}

fn merge_sort<'a>(mut entries: Vec<(&'a String, &'a Data)>) -> Vec<(&'a String, &'a Data)> {
    if entries.len() < 2 {
        return entries;
    }
    let second = merge_sort(entries.split_off(entries.len() / 2));
    let first = merge_sort(entries);
    let mut merged = Vec::with_capacity(first.len() + second.len());
    let mut first = first.into_iter().peekable();
    let mut second = second.into_iter().peekable();
    while let (Some((a, _)), Some((b, _))) = (first.peek(), second.peek()) {
        let next = if is_before(b, a) { second.next() } else { first.next() };
        merged.extend(next);
    }
    merged.extend(first);
    merged.extend(second);
    merged
}

/// Returns `true` if yaml.v2 writes key `a` before key `b`.
pub(super) fn is_before(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let Some(at) = a.iter().zip(&b).position(|(a, b)| a != b) else {
        return a.len() < b.len();
    };
    let (same, _) = a.split_at(at);
    let (Some(rest_of_a), Some(rest_of_b)) = (a.get(at..), b.get(at..)) else {
        return false;
    };
    let (Some(&first_of_a), Some(&first_of_b)) = (rest_of_a.first(), rest_of_b.first()) else {
        return false;
    };
    match (first_of_a.is_alphabetic(), first_of_b.is_alphabetic()) {
        (true, true) => return first_of_a < first_of_b,
        (false, false) => {}
        (_, b_is_letter) => return b_is_letter,
    }
    // yaml.v2 takes a 0 that follows another digit for a part of the number before it. Then both
    // numbers start at 1, not at 0.
    let mut digits_before = same.iter().rev().take_while(|digit| digit.is_ascii_digit());
    let is_inside_number =
        (first_of_a == '0' || first_of_b == '0') && digits_before.any(|digit| *digit != '0');
    let a = number(rest_of_a, is_inside_number);
    let b = number(rest_of_b, is_inside_number);
    (a, first_of_a) < (b, first_of_b)
}

/// Returns the value and the number of the digits at the front of a text. The value wraps around on
/// overflow, as in Go.
fn number(text: &[char], is_inside: bool) -> (i64, usize) {
    let digits = text.iter().map_while(|digit| digit.to_digit(10));
    digits.fold((i64::from(is_inside), 0), |(number, length), digit| {
        (number.wrapping_mul(10).wrapping_add(i64::from(digit)), length + 1)
    })
}
