//! The comparison of texts at compile time, where `==` does not run.

/// Returns `true` if both texts are the same.
pub(crate) const fn is_same(one: &str, other: &str) -> bool {
    is_same_bytes(one.as_bytes(), other.as_bytes())
}

const fn is_same_bytes(one: &[u8], other: &[u8]) -> bool {
    match (one, other) {
        ([], []) => true,
        ([a, one @ ..], [b, other @ ..]) => *a == *b && is_same_bytes(one, other),
        _ => false,
    }
}
