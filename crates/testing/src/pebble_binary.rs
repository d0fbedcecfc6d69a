//! Finds the Pebble to run, or builds one that this library is tested with.
//!
//! Two versions are [pinned](Pinned): the current one by `tests/tools/go.mod`, the oldest one by
//! `tests/tools/oldest/go.mod`. Each names Pebble as a Go tool dependency, and the `go.sum` beside
//! it holds the hashes of all that it is made of. These files are part of this library, so that
//! building needs nothing but Go and its module proxy.

use std::env;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::{Error, ErrorKind};

/// The version of Pebble that is built when none is given: that of `tests/tools/go.mod`.
pub const VERSION: &str = "v1.32.1";

const PACKAGE: &str = "github.com/canonical/pebble/cmd/pebble";

/// A version of Pebble that this library is tested with, and that is built when it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Pinned {
    /// [`VERSION`], the one that is meant wherever none is named.
    #[default]
    Current,
    /// The oldest one that Juju still ships and that a present Go builds, `v1.1.1`. It says so
    /// itself in `/v1/system-info`, does not know `PEBBLE_PERSIST`, makes a second socket beside
    /// its own with `.untrusted` added to the name, takes more than a second to stop, and panics
    /// (exit status 2) when it is stopped while a service starts.
    Oldest,
}

impl Pinned {
    /// Its version as `/v1/system-info` says it, such as `v1.32.1`.
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

/// What pins one version: a Go module that has it as a tool.
struct Module {
    version: &'static str,
    go_mod: &'static str,
    go_sum: &'static str,
    /// What to do instead of building it, for the message when that fails.
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

/// Where to look for Pebble.
#[derive(Debug, Clone, Default)]
pub struct Search {
    explicit: Option<PathBuf>,
    installed: bool,
    pinned: Pinned,
}

impl Search {
    /// `PEBBLE_BIN` from the environment, else the pinned one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// This one and no other, as a command line's `--pebble` says.
    #[must_use]
    pub fn explicit(mut self, path: impl Into<PathBuf>) -> Self {
        self.explicit = Some(path.into());
        self
    }

    /// Also a `pebble` on `PATH`, before building one. Not the default: a test means the pinned
    /// version.
    #[must_use]
    pub fn installed(mut self) -> Self {
        self.installed = true;
        self
    }

    /// This of the pinned versions. Default: [`Pinned::Current`]. `PEBBLE_BIN` and a Pebble on
    /// `PATH` stand in for that one only.
    #[must_use]
    pub fn pinned(mut self, pinned: Pinned) -> Self {
        self.pinned = pinned;
        self
    }

    /// The path of a Pebble that can be run; the pinned one is built on first use, which takes a
    /// minute.
    ///
    /// What is being done is told to `progress`, a line each time, only when something takes a
    /// while. Several threads and processes may ask at once: one builds, the others wait for it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BadPebble`] when the one that was named is not an executable file,
    /// [`ErrorKind::NoPebble`] when it has to be built and cannot be (the message says what to
    /// install), [`ErrorKind::Io`] when its place cannot be written.
    pub fn find(&self, progress: &mut dyn FnMut(&str)) -> Result<PathBuf, Error> {
        if let Some(path) = &self.explicit {
            return named(path, "as asked");
        }
        if self.pinned == Pinned::Current {
            if let Some(path) = env::var_os("PEBBLE_BIN").filter(|path| !path.is_empty()) {
                return named(Path::new(&path), "as PEBBLE_BIN says");
            }
            if self.installed
                && let Some(path) = on_path("pebble")
            {
                return Ok(path);
            }
        }
        build(self.pinned.module(), &home()?, on_path("go"), progress)
    }
}

/// The Pebble at `explicit`, else at `PEBBLE_BIN`, else the pinned one, built when it is not there
/// yet: see [`Search::find`].
///
/// # Errors
///
/// Those of [`Search::find`].
pub fn find_or_build(
    explicit: Option<&Path>,
    progress: &mut dyn FnMut(&str),
) -> Result<PathBuf, Error> {
    let search = Search { explicit: explicit.map(Path::to_path_buf), ..Search::new() };
    search.find(progress)
}

fn named(path: &Path, why: &str) -> Result<PathBuf, Error> {
    if is_executable(path) {
        // The daemon runs in a folder of its own, so a relative path must not travel with it.
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
    env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(program))
        .find(|file| is_executable(file))
}

/// The folder that keeps what was built: cargo's target folder for a program that lies in one, else
/// the user's cache.
fn home() -> Result<PathBuf, Error> {
    if let Ok(program) = env::current_exe()
        && let Some(target) =
            program.ancestors().skip(1).find(|folder| folder.join(".rustc_info.json").is_file())
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

/// Builds the Pebble of `module` in `home` with this Go unless it is there, and gives its path.
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
    // Somebody may have built it while we waited; the lock goes with its file handle.
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
    // Built under another name and moved: whoever finds the file finds all of it.
    let built = work.path().join("pebble");
    fs::rename(&built, &binary).map_err(io("move the new Pebble to", &binary))?;
    progress(&format!("Pebble {version} is built"));
    Ok(binary)
}

/// One `go build`, its progress lines passed on as they come.
fn run_go(
    module: &Module,
    go: &Path,
    work: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<(), Error> {
    let mut child = Command::new(go)
        .args(["build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-o", "pebble", PACKAGE])
        .current_dir(work)
        // Without C the same binary comes out wherever it is built, and no C compiler is needed.
        .env("CGO_ENABLED", "0")
        .env("GOWORK", "off")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(Error::io(format!("cannot start {}", go.display())))?;
    let mut said = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if line.starts_with("go: downloading") {
                progress(&line);
            } else {
                said.push(line);
            }
        }
    }
    let status = child.wait().map_err(Error::io("cannot wait for go build"))?;
    if status.success() {
        return Ok(());
    }
    let tail = said.get(said.len().saturating_sub(8)..).unwrap_or_default().join("\n");
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

/// The Go that the module asks for.
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

    /// Something that behaves as `go` does, in so far as this file can tell.
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
