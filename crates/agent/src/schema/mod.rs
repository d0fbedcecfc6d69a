//! [`Schema`] validates the parameters of an action as Juju's own validator of JSON Schema does
//! (juju/gojsonschema, draft 4).
//!
//! - [`Schema::parse`] parses a schema, and refuses one that Juju refuses when the charm is added.
//! - [`Schema::violations`] validates parameters.
//! - [`fill_defaults`] adds the defaults after that, so a `required` parameter must be given even
//!   if it has a default.
//!
//! Juju's validator differs from the draft, and a charm depends on the differences. So a general
//! validator of JSON Schema cannot be used here:
//!
//! - `format` has no effect, and `$ref` is refused.
//! - A `minimum` above the `maximum` is refused.
//! - An empty `required` or `enum` is accepted.
//! - A list of schemas in `items` validates only a list of the same length.
//! - `patternProperties` has no effect if `additionalProperties` is `true`.

mod defaults;
mod keywords;
mod node;
mod parse;
mod pattern;
mod validate;

#[cfg(test)]
mod tests;

pub(super) use defaults::fill_defaults;
pub(super) use keywords::refuse_references;
pub(super) use node::Schema;
