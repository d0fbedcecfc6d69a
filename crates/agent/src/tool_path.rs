//! These functions resolve the paths in a hook tool's arguments. The agent's process opens the
//! files, not the tool's, so a path starts at a directory of the caller or of the agent.
//!
//! Source: reference `juju-agent-measured.md` 2.1, row 19; Juju's `utils.NormalizePath`, Go's
//! `filepath.Clean`.

use std::path::{Path, PathBuf};

/// Resolves the path of `--file`. `~` is the home of the agent's user, and a relative path starts
/// at the caller's working directory `dir`.
///
/// # Errors
/// Returns Go's text for a user that does not exist. The model knows only the agent's user and
/// root.
pub(super) fn resolve(dir: &Path, path: &str, home: Option<&Path>) -> Result<PathBuf, String> {
    let path = expand(path, home)?;
    Ok(absolute(dir, &path))
}

/// Resolves the path of `--output` as [`resolve`] does, but leaves `~USER` as it is if the user
/// does not exist: Juju ignores the error there.
pub(super) fn resolve_output(dir: &Path, path: &str, home: Option<&Path>) -> PathBuf {
    let path = expand(path, home).unwrap_or_else(|_| path.to_owned());
    absolute(dir, &path)
}

/// Resolves a path that the agent opens from its own directory, to the form that Go's errors show.
///
/// # Errors
/// Returns the same text as [`resolve`].
pub(super) fn normalize(path: &str, home: Option<&Path>) -> Result<String, String> {
    expand(path, home).map(|path| clean(&path))
}

fn expand(path: &str, home: Option<&Path>) -> Result<String, String> {
    let Some(rest) = path.strip_prefix('~') else {
        return Ok(path.to_owned());
    };
    let (user, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let home = match user {
        "" => home.unwrap_or(Path::new("")).to_string_lossy(),
        "root" => "/root".into(),
        _ => return Err(format!("no such user: user: unknown user {user}")),
    };
    Ok(format!("{home}{rest}"))
}

fn absolute(dir: &Path, path: &str) -> PathBuf {
    PathBuf::from(clean(&dir.join(path).to_string_lossy()))
}

/// Removes `.`, `..` and doubled slashes from a path, as Go's `filepath.Clean` does. It looks at
/// the text only, not at links.
fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            // The parent of the root directory is the root directory.
            ".." if rooted => {}
            name => parts.push(name),
        }
    }
    match (rooted, parts.join("/")) {
        (true, path) => format!("/{path}"),
        (false, path) if path.is_empty() => ".".to_owned(),
        (false, path) => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_start_at_the_caller_and_are_cleaned() {
        for (path, opened) in [
            ("x", "/charm/x"),
            ("./a//b/../c/", "/charm/a/c"),
            ("../../../etc", "/etc"),
            ("/tmp/.", "/tmp"),
            ("~", "/home/agent"),
            ("~/x", "/home/agent/x"),
            ("~root/x", "/root/x"),
            ("a~/x", "/charm/a~/x"),
        ] {
            let opened = Path::new(opened);
            let home = Some(Path::new("/home/agent"));
            assert_eq!(resolve(Path::new("/charm"), path, home).unwrap(), opened, "{path}");
            assert_eq!(resolve_output(Path::new("/charm"), path, home), opened, "{path}");
        }
        assert_eq!(
            resolve(Path::new("/charm"), "~nope/x", None),
            Err("no such user: user: unknown user nope".to_owned())
        );
        assert_eq!(
            resolve_output(Path::new("/charm"), "~nope/x", None),
            Path::new("/charm/~nope/x")
        );
        assert_eq!(resolve(Path::new("/charm"), "~/x", None).unwrap(), Path::new("/x"));
        for (path, cleaned) in [
            ("x", "x"),
            ("./x", "x"),
            ("a/../../x/.", "../x"),
            ("../..", "../.."),
            ("a/..", "."),
            ("", "."),
            ("/..", "/"),
            ("~", "/home/agent"),
        ] {
            let home = Some(Path::new("/home/agent"));
            assert_eq!(normalize(path, home).unwrap(), cleaned, "{path}");
        }
    }
}
