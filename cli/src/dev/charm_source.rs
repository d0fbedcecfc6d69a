//! The charm that the user named: where it comes from, and making the folder that it runs from.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Component, Path, PathBuf};

use charmwright_agent::{CharmMeta, CharmSources};

use super::cargo_charm::{self, Wanted};
use super::charm_archive;
use super::charm_folder;
use crate::error::{Error, Result};
use crate::private_files;

/// The charm as its author has it: a folder, a `.charm` file or a Cargo project.
#[derive(Debug, Clone)]
pub struct CharmSource {
    path: PathBuf,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// A folder that can run without a build.
    Folder,
    /// A `.charm` file.
    Archive,
    /// A Cargo project, and the program of it that is the charm's.
    Cargo { project: PathBuf, program: Wanted },
}

/// A folder that was made from a [`CharmSource`] and can run.
#[derive(Debug)]
pub struct PreparedCharm {
    pub meta: CharmMeta,
    /// The charm's own files, without those that the unit adds later.
    pub files: BTreeSet<PathBuf>,
}

impl CharmSource {
    /// Takes the charm that the user named: its folder or its `.charm` file.
    ///
    /// # Errors
    /// Fails if the path does not exist.
    pub fn named(path: &Path) -> Result<Self> {
        let failed = || Error::new(format!("cannot open the charm {}", path.display()));
        let path = fs::canonicalize(path).map_err(|error| failed().because(error))?;
        if path.is_dir() {
            return Self::of_folder(path);
        }
        Ok(Self { path, kind: Kind::Archive })
    }

    /// Finds the charm of the current folder or of the nearest folder above it.
    ///
    /// # Errors
    /// Fails if no such folder holds a charm.
    pub fn around_current_folder() -> Result<Self> {
        let here = env::current_dir()
            .map_err(|error| Error::new("cannot learn the current directory").because(error))?;
        let found = find_charm_around(&here).ok_or_else(|| {
            Error::new(format!(
                "cannot find a charm to run: {} is in no charm's folder",
                here.display()
            ))
            .advice("name a charm's folder or file: charmwright dev CHARM")
        })?;
        Self::of_folder(found.to_owned())
    }

    fn of_folder(path: PathBuf) -> Result<Self> {
        let dispatch = CharmSources::read(&path).ok();
        let dispatch = dispatch.as_ref().and_then(CharmSources::dispatch_program);
        let is_runnable = has_programs(&path);
        let project = dispatch.map_or(Path::new(""), |dispatch| &dispatch.source);
        let project =
            folder_inside(&path, project).filter(|project| project.join("Cargo.toml").is_file());
        let kind = match (project, dispatch) {
            (Some(project), Some(dispatch)) => {
                Kind::Cargo { project, program: Wanted::Named(dispatch.program.clone()) }
            }
            (Some(project), None) if !is_runnable => Kind::Cargo { project, program: Wanted::Only },
            (None, None) if !is_runnable => match example(&path) {
                Some((project, name)) => Kind::Cargo { project, program: Wanted::Example(name) },
                None => Kind::Folder,
            },
            _ => Kind::Folder,
        };
        Ok(Self { path, kind })
    }

    /// Returns the path of the author's folder or file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the folder of the Cargo project, if the charm is built from one.
    pub fn project(&self) -> Option<&Path> {
        match &self.kind {
            Kind::Cargo { project, .. } => Some(project),
            Kind::Folder | Kind::Archive => None,
        }
    }

    /// Makes the folder `into`, from which the charm can run: a copy of the author's folder, the
    /// content of the file, or what Cargo builds, with the declarations as Juju reads them. Blocks
    /// until that is done.
    ///
    /// # Errors
    /// Fails if Juju would refuse the charm, if it cannot be built or copied, or if it holds
    /// nothing to run.
    pub fn prepare(&self, into: &Path) -> Result<PreparedCharm> {
        // The folder may be left from an earlier attempt that failed.
        let _ = fs::remove_dir_all(into);
        let failed = || Error::new(format!("cannot run the charm in {}", self.path.display()));
        let mut files = match &self.kind {
            Kind::Archive => charm_archive::unpack(&self.path, into)?,
            Kind::Folder | Kind::Cargo { .. } => BTreeSet::new(),
        };
        let sources = match &self.kind {
            Kind::Archive => CharmSources::read_packed(into),
            Kind::Folder | Kind::Cargo { .. } => CharmSources::read(&self.path),
        };
        let sources = sources.map_err(|error| failed().because(error))?;
        let meta = CharmMeta::from_sources(&sources).map_err(|error| failed().because(error))?;
        match &self.kind {
            Kind::Archive => {}
            Kind::Folder => files = charm_folder::copy(&self.path, into)?,
            Kind::Cargo { project, program } => {
                let program = cargo_charm::build(project, program)?;
                files = lay_out(&self.path, &program, into)?;
            }
        }
        for (name, text) in sources.written_by_charmcraft() {
            fs::write(into.join(name), text).map_err(|error| failed().because(error))?;
            files.insert(PathBuf::from(name));
        }
        if !has_programs(into) {
            let python = into.join("src/charm.py").exists();
            return Err(failed()
                .because("it has neither a `dispatch` nor `hooks/`, and is no Cargo project")
                .advice(if python {
                    "charmcraft writes the `dispatch` that runs src/charm.py, with what it needs: \
                     `charmcraft pack`, then name the .charm file"
                } else {
                    "write an executable `dispatch`, or pack the charm and name the .charm file"
                })
                .usage());
        }
        // The entries keep the author's modes. Other users cannot reach them, because the folder
        // itself is closed.
        private_files::make_folder(into).map_err(|error| failed().because(error))?;
        Ok(PreparedCharm { meta, files })
    }
}

/// Lays out the charm that Cargo built like a packed one: the author's declarations, and the
/// program as `dispatch`.
fn lay_out(from: &Path, program: &Path, into: &Path) -> Result<BTreeSet<PathBuf>> {
    const DECLARATIONS: [&str; 3] = ["metadata.yaml", "config.yaml", "actions.yaml"];
    let failed = |what: &Path| Error::new(format!("cannot lay out the charm: {}", what.display()));
    charm_folder::make_dir(into).map_err(|error| failed(into).because(error))?;
    let mut files = BTreeSet::new();
    for name in DECLARATIONS {
        let declaration = from.join(name);
        if declaration.exists() {
            fs::copy(&declaration, into.join(name))
                .map_err(|error| failed(&declaration).because(error))?;
            files.insert(PathBuf::from(name));
        }
    }
    let dispatch = into.join("dispatch");
    // The linker makes a new file for each build, so the file that is linked here does not change.
    // On another file system a link is not possible, and the program is copied.
    fs::hard_link(program, &dispatch)
        .or_else(|_| fs::copy(program, &dispatch).map(|_| ()))
        .map_err(|error| failed(&dispatch).because(error))?;
    files.insert(PathBuf::from("dispatch"));
    Ok(files)
}

/// Returns `true` if a charm's folder holds something that the agent can run: `dispatch`, or
/// programs of single hooks or actions.
fn has_programs(dir: &Path) -> bool {
    dir.join("dispatch").exists()
        || ["hooks", "actions"].iter().any(|folder| dir.join(folder).is_dir())
}

/// Returns the Cargo project and the name of the example whose source this folder is. Cargo makes
/// an example of each `examples/NAME/main.rs`.
fn example(path: &Path) -> Option<(PathBuf, String)> {
    let examples = path.parent().filter(|parent| parent.ends_with("examples"))?;
    let project = examples.parent().filter(|project| project.join("Cargo.toml").is_file())?;
    let name = path.file_name()?.to_str()?;
    path.join("main.rs").is_file().then(|| (project.to_owned(), name.to_owned()))
}

/// Returns the nearest folder that holds a charm: `here` or one above it.
fn find_charm_around(here: &Path) -> Option<&Path> {
    here.ancestors().find(|dir| {
        ["metadata.yaml", "charmcraft.yaml"].iter().any(|name| dir.join(name).is_file())
    })
}

/// Returns the folder `below` of `dir`, or `None` if its path leads out of `dir`.
fn folder_inside(dir: &Path, below: &Path) -> Option<PathBuf> {
    let inner =
        below.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    inner.then(|| dir.join(below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_charm_around_a_folder_is_found() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(find_charm_around(&here.join("src/dev")), here.parent());
        assert_eq!(find_charm_around(Path::new("/")), None);
    }

    #[test]
    fn a_part_of_charmcraft_yaml_names_the_program() {
        let dir = tempfile::tempdir().unwrap();
        let kind = |files: &[(&str, &str)]| {
            let _ = fs::remove_dir_all(dir.path());
            for (name, content) in files {
                let path = dir.path().join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, content).unwrap();
            }
            CharmSource::named(dir.path()).unwrap().kind
        };
        let top = fs::canonicalize(dir.path()).unwrap();
        let cargo = |project: PathBuf, program: Option<&str>| Kind::Cargo {
            project,
            program: program.map_or(Wanted::Only, |name| Wanted::Named(name.to_owned())),
        };
        let part = "name: web\nparts: {charm: {plugin: rust, organize: {bin/web: dispatch}}}";
        let elsewhere = "name: web\nparts: {charm: {plugin: rust, source: ./rust, organize: \
                         {bin/web: dispatch}}}";
        assert_eq!(
            kind(&[("charmcraft.yaml", part), ("Cargo.toml", "")]),
            cargo(top.clone(), Some("web"))
        );
        assert_eq!(
            kind(&[("charmcraft.yaml", part), ("Cargo.toml", ""), ("dispatch", "")]),
            cargo(top.clone(), Some("web")),
            "a dispatch of the checkout is not what is packed"
        );
        assert_eq!(
            kind(&[("charmcraft.yaml", elsewhere), ("rust/Cargo.toml", "")]),
            cargo(top.join("./rust"), Some("web"))
        );
        assert_eq!(kind(&[("metadata.yaml", ""), ("Cargo.toml", "")]), cargo(top, None));
        for files in [
            &[("metadata.yaml", ""), ("Cargo.toml", ""), ("hooks/install", "")][..],
            &[("charmcraft.yaml", part), ("dispatch", "")],
            &[("metadata.yaml", "")],
        ] {
            assert_eq!(kind(files), Kind::Folder, "{files:?}");
        }
    }

    #[test]
    fn a_charm_may_be_an_example_of_a_project() {
        let dir = tempfile::tempdir().unwrap();
        let top = fs::canonicalize(dir.path()).unwrap();
        let folder = top.join("examples/peers");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("charmcraft.yaml"), "name: peers").unwrap();
        let kind = || CharmSource::named(&folder).unwrap().kind;
        fs::write(top.join("Cargo.toml"), "").unwrap();
        assert_eq!(kind(), Kind::Folder, "there is no program");
        fs::write(folder.join("main.rs"), "").unwrap();
        let program = Wanted::Example("peers".to_owned());
        assert_eq!(kind(), Kind::Cargo { project: top.clone(), program });
        fs::write(folder.join("dispatch"), "").unwrap();
        assert_eq!(kind(), Kind::Folder, "it has a program of its own");
        fs::remove_file(folder.join("dispatch")).unwrap();
        fs::remove_file(top.join("Cargo.toml")).unwrap();
        assert_eq!(kind(), Kind::Folder, "there is no project");
    }
}
