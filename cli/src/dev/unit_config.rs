//! Setting a config option of the unit, with advice for a mistyped name.

use charmwright_agent::Unit;

use super::spelling::nearest;
use crate::error::{Error, Result};

/// Sets a config option. The error for a mistyped name contains the nearest one.
///
/// # Errors
/// Fails if the charm has no such option, or if the value is not of its type.
pub fn set_config(unit: &mut Unit, key: &str, value: &str) -> Result<()> {
    unit.set_config(key, value).map_err(|error| config_error(unit, key, &error))
}

/// Adds the name of the option that was probably meant.
pub fn config_error(unit: &Unit, key: &str, error: &charmwright_agent::Error) -> Error {
    let options = unit.meta().options();
    let message = Error::new(error.to_string());
    match nearest(key, options.keys().map(String::as_str)).filter(|_| !options.contains_key(key)) {
        Some(meant) => message.advice(format!("did you mean `{meant}`?")),
        None => message,
    }
}
