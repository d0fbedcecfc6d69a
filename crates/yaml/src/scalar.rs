//! The values that a scalar can stand for.

/// A scalar's value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    /// A whole number over the largest `i64`.
    Uint(u64),
    Float(f64),
    /// A date or moment; it is used as it is spelled.
    Timestamp,
    Text,
    /// The bytes that the base64 of a `!!binary` holds.
    Binary(Vec<u8>),
    /// The `<<` that puts another mapping's keys into this one.
    Merge,
}

impl Scalar {
    /// The tag of such a value, as Go's errors spell it.
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
