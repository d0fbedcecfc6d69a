//! The resources that a charm declares, as types, and the calls of a unit that fetch them.

use std::path::PathBuf;

use super::file::ResourceFile;
use super::image::OciImage;
use crate::juju::{self, ErrorKind};
use crate::stop::{Result, Stop};
use crate::unit::Unit;

/// A declared resource is a unit struct that stands for a resource of the charm's YAML. It is passed
/// by value, as in `hook.resource(Plugin)`.
///
/// ```
/// use charmwright::{DeclaredResource, FileKind};
///
/// #[derive(Clone, Copy)]
/// struct Plugin;
///
/// // resources: {plugin: {type: file, filename: plugin.tar.gz}}
/// impl DeclaredResource for Plugin {
///     const NAME: &'static str = "plugin";
///     type Kind = FileKind;
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a declared resource",
    note = "a declared resource is a unit struct that implements `charmwright::DeclaredResource`; a \
            name that is known only at run time goes to `resource_named`"
)]
pub trait DeclaredResource: Copy + 'static {
    /// The name of the resource.
    const NAME: &'static str;

    /// The kind of the resource: [`FileKind`] or [`OciImageKind`].
    type Kind: ResourceKind;
}

mod sealed {
    pub trait Sealed {}
}

/// A kind of resource decides what [`Unit::resource`](crate::Unit::resource) returns. No other type
/// can implement it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the kind of a resource",
    note = "the kinds are `charmwright::FileKind` (`type: file`) and `charmwright::OciImageKind` \
            (`type: oci-image`)"
)]
pub trait ResourceKind: sealed::Sealed + 'static {
    /// What the resource is: a [`ResourceFile`] or an [`OciImage`].
    type Of;

    #[doc(hidden)]
    fn of(name: &str, path: PathBuf) -> Result<Self::Of>;
}

/// This kind is `type: file`: a file that the operator attaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {}

/// This kind is `type: oci-image`: the name of an image, and how to pull it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OciImageKind {}

impl sealed::Sealed for FileKind {}
impl sealed::Sealed for OciImageKind {}

impl ResourceKind for FileKind {
    type Of = ResourceFile;

    fn of(name: &str, path: PathBuf) -> Result<ResourceFile> {
        Ok(ResourceFile::new(name, path))
    }
}

impl ResourceKind for OciImageKind {
    type Of = OciImage;

    fn of(name: &str, path: PathBuf) -> Result<OciImage> {
        Ok(OciImage::read(name, &path)?)
    }
}

impl Unit {
    /// Fetches a declared resource. Juju downloads it if this unit has no copy of the newest one,
    /// which may take long; the call blocks meanwhile.
    ///
    /// ```
    /// use charmwright::{Declaration, DeclaredResource, FileKind, Hook, Result};
    ///
    /// #[derive(Clone, Copy)]
    /// struct Plugin;
    ///
    /// impl DeclaredResource for Plugin {
    ///     const NAME: &'static str = "plugin";
    ///     type Kind = FileKind;
    /// }
    ///
    /// fn plugin<D: Declaration>(hook: &Hook<D>) -> Result<std::path::PathBuf> {
    ///     // Without a file the unit is Blocked, with the command that attaches one.
    ///     Ok(hook.resource(Plugin)?.path().to_owned())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// - *Not ready* (Blocked) if nothing is attached to the resource. Juju sends `upgrade-charm`
    ///   when the operator attaches a file.
    /// - An error if the download fails, or if what describes an image cannot be read.
    pub fn resource<R: DeclaredResource>(
        &self,
        _resource: R,
    ) -> Result<<R::Kind as ResourceKind>::Of> {
        R::Kind::of(R::NAME, self.resource_named(R::NAME)?)
    }

    /// Fetches a resource by a name that is known only at run time, and returns the path of its
    /// file on this machine, as [`resource`](Self::resource) does. The file of an image is YAML that
    /// describes the image.
    ///
    /// # Errors
    ///
    /// - *Not ready* (Blocked) if nothing is attached to the resource, or the charm's YAML does not
    ///   declare it.
    /// - An error if the download fails.
    pub fn resource_named(&self, name: &str) -> Result<PathBuf> {
        match self.context.tools.resource(name) {
            Ok(path) => Ok(path),
            Err(error) if error.kind() == &ErrorKind::NotFound => {
                Err(self.unattached(name, &error))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn unattached(&self, name: &str, error: &juju::Error) -> Stop {
        // Juju has one answer for a resource that is not attached and one that is not declared, so
        // the log keeps its words.
        tracing::debug!("{error}");
        let application = self.application();
        Stop::blocked(format!("attach a resource: juju attach-resource {application} {name}=…"))
    }
}
