//! The schema of an action's parameters, as Juju's own validator (juju/gojsonschema, draft 4) takes
//! it.
//!
//! A schema is read once ([`Schema::parse`] refuses what Juju refuses when the charm is added),
//! then holds parameters against itself ([`Schema::violations`]). Defaults are filled in after
//! that, from the document ([`fill_defaults`]), so a `required` parameter with a default is still
//! required.
//!
//! The validator has ways of its own where the draft says otherwise, and a charm meets those:
//! `format` and a `$ref` are not there, `minimum` above `maximum` is refused, an empty `required`
//! or `enum` is taken, a list of `items` is only held against a list of the same length, and
//! `patternProperties` stand aside where `additionalProperties` is `true`. A general validator of
//! JSON Schema answers those otherwise, which is why this one is ours.

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
