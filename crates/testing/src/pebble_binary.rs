//! The search for a Pebble to run, and the build of a pinned version.
//!
//! Two versions are [pinned](Pinned): the current one by `tests/tools/go.mod`, and the oldest one
//! by `tests/tools/oldest/go.mod`. Each file names Pebble as a Go tool dependency, and the `go.sum`
//! beside it holds the hashes of all modules that Pebble is built from. The files are compiled into
//! this library, so a build needs only Go and its module proxy.

use std::env;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::{Error, ErrorKind};

/// The version of [`Pinned::Current`], which `tests/tools/go.mod` pins.
pub const VERSION: &str = "v1.32.1";

/// The Go package of the `pebble` command.
const PACKAGE: &str = "github.com/canonical/pebble/cmd/pebble";

/// A version of Pebble that this library is tested with and can build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Pinned {
    /// The version [`VERSION`].
    #[default]
    Current,
    /// The oldest version that Juju still ships and that a current Go builds, `v1.1.1`.
    ///
    /// It differs from the current one in this:
    ///
    /// - It does not know `PEBBLE_PERSIST`.
    /// - It makes a second socket beside its own, with `.untrusted` added to the name.
    /// - It takes more than a second to stop.
    /// - It panics (exit status 2) if it is stopped while a service starts.
    Oldest,
}

impl Pinned {
    /// Returns the version as `/v1/system-info` names it, such as `v1.32.1`.
    #[must_use]
    pub fn version(self) -> &'static str {
        self.module().version
    }

    fn module(self) -> &'static Module {
        match self {
            Self::Current => &CURRENT,
            Self::Oldest => &OLDEST,
        }
    }
}

/// A Go module that pins one version of Pebble as a tool.
struct Module {
    version: &'static str,
    go_mod: &'static str,
    go_sum: &'static str,
    /// The end of the error message when the build fails: the other ways to get a Pebble.
    instead: &'static str,
}

static CURRENT: Module = Module {
    version: VERSION,
    go_mod: include_str!("../tools/go.mod"),
    go_sum: include_str!("../tools/go.sum"),
    instead: ",\nor install Pebble itself (such as: snap install pebble --classic) so that it is \
              on PATH, or set PEBBLE_BIN to its path",
};

static OLDEST: Module = Module {
    version: "v1.1.1",
    go_mod: include_str!("../tools/oldest/go.mod"),
    go_sum: include_str!("../tools/oldest/go.sum"),
    instead: "; PEBBLE_BIN and PATH are not asked for this old version",
};

/// A search for a Pebble to run.
///
/// It takes the first of these: the path that was set with [`Search::explicit`], the one in
/// `PEBBLE_BIN`, a `pebble` on `PATH` (only after [`Search::installed`]), and the pinned version,
/// which is built if it has not been built yet.
#[derive(Debug, Clone, Default)]
pub struct Search {
    explicit: Option<PathBuf>,
    looks_on_path: bool,
    pinned: Pinned,
}

impl Search {
    /// Makes a search for the Pebble that `PEBBLE_BIN` names, else for [`Pinned::Current`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes this Pebble and no other, for an option like `--pebble` of a command line.
    #[must_use]
    pub fn explicit(mut self, path: impl Into<PathBuf>) -> Self {
        self.explicit = Some(path.into());
        self
    }

    /// Takes a `pebble` on `PATH`, too, before one is built. It is not the default, because a test
    /// is written for the pinned version.
    #[must_use]
    pub fn installed(mut self) -> Self {
        self.looks_on_path = true;
        self
    }

    /// Sets the pinned version. Default: [`Pinned::Current`]. `PEBBLE_BIN` and `PATH` are not
    /// searched for another version.
    #[must_use]
    pub fn pinned(mut self, pinned: Pinned) -> Self {
        self.pinned = pinned;
        self
    }

    /// Returns the absolute path of a Pebble that can be run. The pinned version is built at its
    /// first use, which takes about a minute.
    ///
    /// `progress` gets single lines of text if a step takes long. Several threads and processes may
    /// search at once: one builds, and the others wait for it.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::BadPebble`] if the Pebble that was named is not an executable file.
    /// - [`ErrorKind::NoPebble`] if Pebble has to be built and cannot be. The message says what to
    ///   install.
    /// - [`ErrorKind::Io`] if the folder for the build cannot be written.
    pub fn find(&self, progress: &mut dyn FnMut(&str)) -> Result<PathBuf, Error> {
        if let Some(path) = &self.explicit {
            return named(path, "as asked");
        }
        if self.pinned == Pinned::Current {
            if let Some(path) = env::var_os("PEBBLE_BIN").filter(|path| !path.is_empty()) {
                return named(Path::new(&path), "as PEBBLE_BIN says");
            }
            if self.looks_on_path
                && let Some(path) = on_path("pebble")
            {
                return Ok(path);
            }
        }
        build(self.pinned.module(), &build_folder()?, on_path("go"), progress)
    }
}

/// Returns the path of the Pebble at `explicit`, else of the one that `PEBBLE_BIN` names, else of
/// the pinned version, which is built at its first use: see [`Search::find`].
///
/// # Errors
///
/// The errors of [`Search::find`].
pub fn find_or_build(
    explicit: Option<&Path>,
    progress: &mut dyn FnMut(&str),
) -> Result<PathBuf, Error> {
    let search = Search { explicit: explicit.map(Path::to_path_buf), ..Search::new() };
    search.find(progress)
}

/// Returns the absolute path of a Pebble that was named. `why` is the end of the message if it is
/// not an executable file.
fn named(path: &Path, why: &str) -> Result<PathBuf, Error> {
    if is_executable(path) {
        // The daemon runs in another folder, where a relative path would lead elsewhere.
        return std::path::absolute(path)
            .map_err(Error::io(format!("cannot find the full path of {}", path.display())));
    }
    let path = path.display();
    Err(Error::new(
        ErrorKind::BadPebble,
        format!("cannot run Pebble at {path}, {why}: no executable file is there"),
    ))
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    // A relative entry would name another file for each working directory.
    env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(program))
        .find(|file| is_executable(file))
}

/// Returns the folder that keeps the Pebbles that were built: cargo's target folder if this program
/// lies in one, else the user's cache.
fn build_folder() -> Result<PathBuf, Error> {
    if let Ok(program) = env::current_exe()
        && let Some(target) =
            // Cargo writes this file at the top of a target folder.
            program
                .ancestors()
                .skip(1)
                .find(|folder| folder.join(".rustc_info.json").is_file())
    {
        return Ok(target.to_path_buf());
    }
    let absolute =
        |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .map(|cache| cache.join("charmwright"))
        .ok_or_else(|| {
            Error::new(
                ErrorKind::NoPebble,
                "cannot choose a folder to build Pebble in: neither HOME nor XDG_CACHE_HOME is set",
            )
        })
}

/// Returns the path of the Pebble of `module` in the folder `home`, and builds it with this Go if
/// it is not there.
fn build(
    module: &Module,
    home: &Path,
    go: Option<PathBuf>,
    progress: &mut dyn FnMut(&str),
) -> Result<PathBuf, Error> {
    let version = module.version;
    let place = home.join(format!("pebble-{version}"));
    let binary = place.join("pebble");
    if is_executable(&binary) {
        return Ok(binary);
    }
    let io = |what: &str, path: &Path| Error::io(format!("cannot {what} {}", path.display()));
    fs::create_dir_all(&place).map_err(io("make the folder", &place))?;
    let lock_path = place.join("build.lock");
    let lock = File::create(&lock_path).map_err(io("make the lock file", &lock_path))?;
    if lock.try_lock().is_err() {
        progress("waiting for another process that builds Pebble");
        lock.lock().map_err(io("lock", &lock_path))?;
    }
    // Another process may have built it during the wait. The lock ends when its file is closed.
    if is_executable(&binary) {
        return Ok(binary);
    }
    let go = go.ok_or_else(|| no_go(module))?;
    let work = tempfile::Builder::new()
        .prefix("build-")
        .tempdir_in(&place)
        .map_err(io("make a folder in", &place))?;
    let file = |name: &str, content: &str| {
        let path = work.path().join(name);
        fs::write(&path, content).map_err(io("write", &path))
    };
    file("go.mod", module.go_mod)?;
    file("go.sum", module.go_sum)?;
    progress(&format!("building Pebble {version} with Go, once; this takes a minute"));
    run_go(module, &go, work.path(), progress)?;
    // The file is built elsewhere and renamed, so that no other process finds a part of it.
    let built = work.path().join("pebble");
    fs::rename(&built, &binary).map_err(io("move the new Pebble to", &binary))?;
    progress(&format!("Pebble {version} is built"));
    Ok(binary)
}

/// Runs `go build` in the folder `work`, and hands its lines about downloads to `progress`.
fn run_go(
    module: &Module,
    go: &Path,
    work: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<(), Error> {
    let mut child = Command::new(go)
        .args(["build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-o", "pebble", PACKAGE])
        .current_dir(work)
        // Without C the binary is the same on every machine, and no C compiler is needed.
        .env("CGO_ENABLED", "0")
        // A `go.work` file above the folder would replace the pinned module.
        .env("GOWORK", "off")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(Error::io(format!("cannot start {}", go.display())))?;
    let mut other_lines = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if line.starts_with("go: downloading") {
                progress(&line);
            } else {
                other_lines.push(line);
            }
        }
    }
    let status = child.wait().map_err(Error::io("cannot wait for go build"))?;
    if status.success() {
        return Ok(());
    }
    // The last lines name the cause; a failed download may print many before.
    let first = other_lines.len().saturating_sub(8);
    let tail = other_lines.get(first..).unwrap_or_default().join("\n");
    Err(Error::new(
        ErrorKind::NoPebble,
        format!(
            "cannot build Pebble {} with {}: {status}\n{tail}\nLet Go {} or newer reach its \
             module proxy{}.",
            module.version,
            go.display(),
            go_version(module),
            module.instead
        ),
    ))
}

/// Returns the error for a machine without Go.
fn no_go(module: &Module) -> Error {
    Error::new(
        ErrorKind::NoPebble,
        format!(
            "cannot find Pebble {}, and cannot build it: there is no Go on PATH; install Go {} or \
             newer and it is built on the next try{}",
            module.version,
            go_version(module),
            module.instead
        ),
    )
}

/// Returns the version of Go that the module requires.
fn go_version(module: &Module) -> &'static str {
    module.go_mod.lines().find_map(|line| line.strip_prefix("go ")).unwrap_or("1.26")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versions_are_those_of_the_modules() {
        for module in [&CURRENT, &OLDEST] {
            let wanted = format!("github.com/canonical/pebble {} ", module.version);
            assert!(module.go_mod.contains(&wanted), "{wanted}");
            assert!(module.go_sum.starts_with("github.com/"));
            assert!(module.go_mod.contains(&format!("tool {PACKAGE}\n")));
        }
        assert_eq!(Pinned::default().version(), VERSION);
    }

    #[test]
    fn what_was_named_is_not_replaced_by_another() {
        let folder = tempfile::tempdir().unwrap();
        let error = find_or_build(Some(&folder.path().join("nowhere")), &mut |_| {
            panic!("nothing takes long here")
        })
        .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadPebble);
        assert!(error.to_string().starts_with("cannot run Pebble at "), "{error}");
        // A folder and a file that is not executable are no Pebble either.
        assert!(find_or_build(Some(folder.path()), &mut |_| {}).is_err());
        let plain = folder.path().join("plain");
        fs::write(&plain, "").unwrap();
        assert!(find_or_build(Some(&plain), &mut |_| {}).is_err());
    }

    /// Makes a script that takes the place of `go`.
    fn fake_go(folder: &Path, script: &str) -> PathBuf {
        let path = folder.join("go");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn without_go_it_says_what_to_install() {
        let home = tempfile::tempdir().unwrap();
        let error = build(&CURRENT, home.path(), None, &mut |_| {}).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoPebble);
        assert!(error.to_string().contains("install Go 1.26"), "{error}");
        assert!(error.to_string().contains("PEBBLE_BIN to its path"), "{error}");
        let error = build(&OLDEST, home.path(), None, &mut |_| {}).unwrap_err();
        assert!(error.to_string().contains("cannot find Pebble v1.1.1"), "{error}");
    }

    #[test]
    fn those_who_ask_at_once_get_one_build() {
        let home = tempfile::tempdir().unwrap();
        let count = home.path().join("count");
        let script = format!(
            "echo one >> {}\nsleep 0.1\nprintf '#!/bin/sh\\n' > pebble\nchmod +x pebble",
            count.display()
        );
        let go = fake_go(home.path(), &script);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let binary =
                        build(&CURRENT, home.path(), Some(go.clone()), &mut |_| {}).unwrap();
                    assert!(is_executable(&binary));
                });
            }
        });
        assert_eq!(fs::read_to_string(count).unwrap(), "one\n");
        let mut left: Vec<_> = fs::read_dir(home.path().join(format!("pebble-{VERSION}")))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["build.lock", "pebble"]);
    }

    #[test]
    fn a_failed_build_tells_what_go_said() {
        let home = tempfile::tempdir().unwrap();
        let go = fake_go(
            home.path(),
            "echo 'go: downloading example.com v1' >&2\necho 'go: no network' >&2\nexit 1",
        );
        let mut lines = Vec::new();
        let error = build(&OLDEST, home.path(), Some(go), &mut |line| lines.push(line.to_owned()))
            .unwrap_err();
        assert!(lines.contains(&"go: downloading example.com v1".to_owned()), "{lines:?}");
        assert_eq!(error.kind(), ErrorKind::NoPebble);
        assert!(error.to_string().contains("go: no network"), "{error}");
        assert!(error.to_string().starts_with("cannot build Pebble v1.1.1 with "), "{error}");
    }
}
