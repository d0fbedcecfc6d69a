//! Setting a config option of the application, with advice for a mistyped name.

use charmwright_agent::Model;

use super::spelling::nearest;
use crate::error::{Error, Result};

/// Sets a config option. The error for a mistyped name contains the nearest one.
///
/// # Errors
/// Fails if the charm has no such option, or if the value is not of its type.
pub fn set_config(model: &mut Model, application: &str, key: &str, value: &str) -> Result<()> {
    model
        .set_config(application, key, value)
        .map_err(|error| config_error(model, application, key, &error))
}

/// Adds the name of the option that was probably meant.
pub fn config_error(
    model: &Model,
    application: &str,
    key: &str,
    error: &charmwright_agent::Error,
) -> Error {
    let message = Error::new(error.to_string());
    let Ok(application) = model.application(application) else { return message };
    let options = application.meta().options();
    match nearest(key, options.keys().map(String::as_str)).filter(|_| !options.contains_key(key)) {
        Some(meant) => message.advice(format!("did you mean `{meant}`?")),
        None => message,
    }
}
