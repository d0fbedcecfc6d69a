//! The storages that a charm declares, as types: their name, how many instances there are, and where
//! containers mount them.

use crate::const_text::is_same;
use crate::declaration::DeclaredContainer;
use crate::juju::StorageName;
use crate::stop::{Result, Stop};

/// A declared storage is a unit struct that stands for a storage of the charm's YAML. It is passed
/// by value, as in `hook.storage(Data)`.
///
/// ```
/// use charmwright::{DeclaredStorage, ExactlyOne, Mount};
///
/// #[derive(Clone, Copy)]
/// struct Data;
///
/// // storage: {data: {type: filesystem}}
/// // containers: {web: {mounts: [{storage: data, location: /srv/data}]}}
/// impl DeclaredStorage for Data {
///     const NAME: &'static str = "data";
///     const MOUNTS: &'static [Mount] = &[Mount::new("web", "/srv/data")];
///     type Count = ExactlyOne;
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a declared storage",
    note = "a declared storage is a unit struct that implements `charmwright::DeclaredStorage`; a \
            name that is known only at run time goes to `storage_named`"
)]
pub trait DeclaredStorage: Copy + 'static {
    /// The name of the storage.
    const NAME: &'static str;

    /// Where the charm's containers mount the storage. A charm for machines has none.
    const MOUNTS: &'static [Mount] = &[];

    /// The number of instances: [`ExactlyOne`], [`AtMostOne`] or [`AnyNumber`].
    type Count: StorageCount;

    /// Returns the storage's name as a [`StorageName`].
    #[must_use]
    fn name(self) -> StorageName {
        const { StorageName::from_static(Self::NAME) }
    }
}

/// A mount is a place at which a container of the charm sees a storage: an item of the container's
/// `mounts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mount {
    container: &'static str,
    location: &'static str,
}

impl Mount {
    /// Makes a mount of a container at a location, which is an absolute path in that container.
    ///
    /// # Panics
    ///
    /// Panics if the location does not start with `/`; in a `const` that is an error of the
    /// compiler.
    #[must_use]
    pub const fn new(container: &'static str, location: &'static str) -> Self {
        assert!(
            matches!(location.as_bytes(), [b'/', ..]),
            "the location of a mount is an absolute path in the container"
        );
        Self { container, location }
    }
}

mod sealed {
    pub trait Sealed {}
}

/// A count says how many instances a storage may have, and decides what
/// [`Unit::storage`](crate::Unit::storage) returns. No other type can implement it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the count of a storage",
    note = "the counts are `charmwright::ExactlyOne` (no `multiple`), `charmwright::AtMostOne` \
            (`range: 0-1`) and `charmwright::AnyNumber`"
)]
pub trait StorageCount: sealed::Sealed + 'static {
    /// The type that holds the instances: the instance, an `Option` or a `Vec`.
    type Of<T>;

    /// `missing` says why there is none where one is due.
    #[doc(hidden)]
    fn of<T>(instances: Vec<T>, missing: impl FnOnce() -> Stop) -> Result<Self::Of<T>>;
}

/// This trait marks the counts of a storage that the charm may add instances to.
#[diagnostic::on_unimplemented(
    message = "a storage that has exactly one instance takes no other",
    note = "a storage that a charm adds to has a `multiple` range in the charm's YAML, and \
            `AtMostOne` or `AnyNumber` as its count"
)]
pub trait Extensible: StorageCount {}

/// This count is that of a storage without `multiple`: Juju gives each unit one instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExactlyOne {}

/// This count is that of a storage with `multiple: {range: 0-1}`: the operator or the charm adds
/// the instance, or nobody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtMostOne {}

/// This count is that of a storage with any other range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnyNumber {}

impl sealed::Sealed for ExactlyOne {}
impl sealed::Sealed for AtMostOne {}
impl sealed::Sealed for AnyNumber {}
impl Extensible for AtMostOne {}
impl Extensible for AnyNumber {}

impl StorageCount for ExactlyOne {
    type Of<T> = T;

    fn of<T>(instances: Vec<T>, missing: impl FnOnce() -> Stop) -> Result<T> {
        instances.into_iter().next().ok_or_else(missing)
    }
}

impl StorageCount for AtMostOne {
    type Of<T> = Option<T>;

    fn of<T>(instances: Vec<T>, _: impl FnOnce() -> Stop) -> Result<Option<T>> {
        Ok(instances.into_iter().next())
    }
}

impl StorageCount for AnyNumber {
    type Of<T> = Vec<T>;

    fn of<T>(instances: Vec<T>, _: impl FnOnce() -> Stop) -> Result<Vec<T>> {
        Ok(instances)
    }
}

/// Returns the location of the first mount of a storage in a container, and fails to compile if
/// there is none.
pub(crate) fn mount<S: DeclaredStorage, C: DeclaredContainer>() -> &'static str {
    const {
        match first_mount(S::MOUNTS, C::NAME) {
            Some(location) => location,
            None => fail("this container has no mount of the storage in its `MOUNTS`"),
        }
    }
}

#[expect(clippy::panic, reason = "it is how a check at compile time fails")]
const fn fail(text: &str) -> ! {
    panic!("{}", text)
}

const fn first_mount(mounts: &'static [Mount], container: &str) -> Option<&'static str> {
    match mounts {
        [] => None,
        [mount, rest @ ..] => {
            if is_same(mount.container, container) {
                Some(mount.location)
            } else {
                first_mount(rest, container)
            }
        }
    }
}
