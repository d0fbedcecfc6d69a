//! The right to change the unit, as a trait of the handles that have it.

use crate::declaration::Declaration;
use crate::hook::Hook;

mod sealed {
    pub trait Sealed {}
}

/// This trait marks a handle that may change what belongs to the unit. It is a handler's
/// [`Hook`]: a view, which collect-status gets, can only read.
///
/// No other type can implement it, and no view can stand in for the hook:
///
/// ```compile_fail,E0277
/// use charmwright::{Declaration, OwnUnitBag, UnitView};
///
/// fn write<D: Declaration>(bag: &OwnUnitBag, unit: &UnitView<D>) {
///     let _ = bag.set(unit, "port", "80");
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot change the unit",
    note = "pass the `&Hook` of a handler; a view of the unit can only read"
)]
pub trait MayWrite: sealed::Sealed {}

impl<D: Declaration> sealed::Sealed for Hook<D> {}
impl<D: Declaration> MayWrite for Hook<D> {}
