//! The values that a scalar can stand for.

/// The value of a scalar.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar {
    /// A null.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer that fits into an `i64`.
    Int(i64),
    /// An integer that is greater than the largest `i64`.
    Uint(u64),
    /// A floating-point number.
    Float(f64),
    /// A date, or a date with a time. Its text is used as it is written.
    Timestamp,
    /// A string.
    Text,
    /// The decoded bytes of a `!!binary`.
    Binary(Vec<u8>),
    /// The key `<<`, which merges the entries of another mapping into its own.
    Merge,
}

impl Scalar {
    /// Returns the tag of the value, as Go's errors write it.
    pub(super) fn tag(&self) -> &'static str {
        match self {
            Self::Null => "!!null",
            Self::Bool(_) => "!!bool",
            Self::Int(_) | Self::Uint(_) => "!!int",
            Self::Float(_) => "!!float",
            Self::Timestamp => "!!timestamp",
            Self::Text => "!!str",
            Self::Binary(_) => "!!binary",
            Self::Merge => "!!merge",
        }
    }
}
