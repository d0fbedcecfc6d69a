//! Medians, and how figures are written.

/// The middle value, or the mean of the two in the middle; NaN of none.
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

/// Whether a bound holds.
pub(crate) fn check_mark(holds: bool) -> &'static str {
    if holds { "✔" } else { "✘" }
}

pub(crate) fn mebibytes(kib: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a size to be read, to two digits")]
    let kib = kib as f64;
    kib / 1024.0
}
