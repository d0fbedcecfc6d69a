//! This module computes medians and formats figures for the tables.

/// Returns the middle value, or the mean of the two middle values; NaN for an empty list.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    if values.len() % 2 == 1 {
        at(middle)
    } else {
        f64::midpoint(at(middle.wrapping_sub(1)), at(middle))
    }
}

/// Returns the mark that the tables print beside a bound.
pub(crate) fn check_mark(holds: bool) -> &'static str {
    if holds { "✔" } else { "✘" }
}

/// Converts KiB into MiB.
pub(crate) fn mebibytes(kib: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a size to be read, to two digits")]
    let kib = kib as f64;
    kib / 1024.0
}
