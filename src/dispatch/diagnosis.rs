//! Finds out which field of a layer is at fault when Pebble cannot run a service, and which config
//! option the value of that field came from.
//!
//! Pebble's text names the field. If the text fits several fields, the files of the container
//! decide. The charm names the option ([`Charm::option_of`](crate::Charm::option_of)). The
//! explanation is written here, since Pebble's text repeats the value.

use crate::error::Explanation;
use crate::layer_field::{Entry, LayerKey};
use crate::pebble::{
    self, FileErrorKind, FileInfo, FileType, ListOptions, Reader, Service, ServiceFailure,
};
use crate::pebble::{StartRefusal, UserFault};
use crate::text::one_line;
use crate::verdict::{failed_service, is_command};

/// A finding describes what is wrong and lists the fields that may be at fault. The first of them
/// that came from an option is the one to change.
struct Finding {
    keys: &'static [LayerKey],
    words: &'static str,
}

/// Asks the charm which option the value of a field came from.
type OptionOf<'a> = &'a dyn Fn(&Entry, LayerKey) -> Option<&'static str>;

/// Returns the explanation of an error if it concerns a field that the charm traces to an option,
/// or a process that was not started.
pub(crate) async fn diagnose(
    option_of: OptionOf<'_>,
    client: &Reader,
    error: &pebble::Error,
) -> Option<Explanation> {
    if is_command(error) {
        return None;
    }
    if *error.kind() == pebble::ErrorKind::ChangeFailed {
        return diagnose_change(option_of, client, &error.failed_services()).await;
    }
    let fault = error.user_fault()?;
    let finding = owner_finding(error).or_else(|| finding_of_field(fault))?;
    let option = finding.option(option_of, &refused_entry(error)?)?;
    // The client's own refusal gives the reason and repeats no value: `cannot use service "web":
    // its command cannot be run: …`.
    let reason = match error.kind() {
        pebble::ErrorKind::InvalidRequest => error.reason().split_once("\": ").map(|(_, why)| why),
        _ => None,
    };
    Some(Explanation::user_mistake(option, reason.unwrap_or(finding.words)))
}

/// Explains a change that failed because services could not be started.
async fn diagnose_change(
    option_of: OptionOf<'_>,
    client: &Reader,
    failures: &[ServiceFailure],
) -> Option<Explanation> {
    // A service that started and ended is no refusal, so its output may be shown.
    if failures.iter().all(|failure| failure.start_refusal().is_none()) {
        return None;
    }
    let mut texts = Vec::new();
    let mut mistakes = Vec::new();
    // Pebble's text goes to the log only if no value came from an option.
    let mut has_option_values = false;
    for failure in failures {
        let Some(refusal) = failure.start_refusal() else {
            texts.push(failed_service(failure));
            continue;
        };
        let service = Entry::Service(failure.service().to_owned());
        let finding = find_cause(client, failure.service(), refusal).await;
        let option = finding.as_ref().and_then(|finding| finding.option(option_of, &service));
        // Pebble's text of a failed start contains the command, the directory and the user. If any
        // of them may come from an option, the text must not be logged, whatever the finding says.
        let in_texts = [LayerKey::Command, LayerKey::WorkingDir, LayerKey::User];
        has_option_values |=
            option.is_some() || in_texts.iter().any(|key| option_of(&service, *key).is_some());
        texts.push(match (&finding, refusal) {
            (Some(finding), _) => format!("{}: {}", failure.service(), finding.words),
            (None, StartRefusal::NotRun { why, .. }) => {
                format!("{}: its program cannot be started: {why}", failure.service())
            }
            (None, _) => format!("{}: it cannot be started", failure.service()),
        });
        mistakes.extend(
            finding
                .zip(option)
                .map(|(finding, option)| Explanation::user_mistake(option, finding.words)),
        );
    }
    // If one service failed for another reason, the event has to run again, so this is no mistake
    // of the user alone.
    if mistakes.len() == failures.len() {
        return mistakes.into_iter().next();
    }
    let text = one_line(&format_args!("failed: {}", texts.join("; ")));
    Some(Explanation::failed_services(text, has_option_values))
}

impl Finding {
    /// Returns the option of the first field that came from one.
    fn option(&self, option_of: OptionOf<'_>, entry: &Entry) -> Option<&'static str> {
        self.keys.iter().find_map(|key| option_of(entry, *key))
    }
}

/// Finds the cause for which a service could not be started.
async fn find_cause(client: &Reader, service: &str, refusal: StartRefusal<'_>) -> Option<Finding> {
    match refusal {
        StartRefusal::NotRun { program, why } => {
            inspect_container(client, service, program, why).await
        }
        other => finding_from_text(other),
    }
}

/// Returns the finding for a check's user or group. Pebble verifies them when the check is added,
/// and its text is the one for a service that is started (Pebble 1.32.1, `internals/plan/plan.go`).
fn owner_finding(error: &pebble::Error) -> Option<Finding> {
    let (_, refusal) = error.message()?.split_once(" has invalid user/group: ")?;
    StartRefusal::read(refusal).and_then(finding_from_text)
}

/// Returns the finding that follows from Pebble's text alone.
fn finding_from_text(refusal: StartRefusal<'_>) -> Option<Finding> {
    let (keys, words): (&[LayerKey], _) = match refusal {
        StartRefusal::NotOnPath => return Some(NO_SUCH_PROGRAM),
        StartRefusal::NoProgram => {
            return Some(command_finding("its first word, which names the program, is empty"));
        }
        StartRefusal::NoSuchUser => return finding_of_field(UserFault::User),
        StartRefusal::NoSuchGroup => return finding_of_field(UserFault::Group),
        StartRefusal::NoSuchUserId => {
            (&[LayerKey::UserId], "the container has no user of this number")
        }
        StartRefusal::UserIdDiffers => {
            (&[LayerKey::UserId, LayerKey::User], "the user has another number in the container")
        }
        StartRefusal::GroupIdDiffers => {
            (&[LayerKey::GroupId, LayerKey::Group], "the group has another number in the container")
        }
        StartRefusal::UserIdAlone => {
            (&[LayerKey::UserId], "a user's number needs a group beside it")
        }
        StartRefusal::GroupAlone => {
            (&[LayerKey::Group, LayerKey::GroupId], "a group needs a user beside it")
        }
        // The text alone does not decide, or a later version of the client has another variant.
        _ => return None,
    };
    Some(Finding { keys, words })
}

const NO_SUCH_PROGRAM: Finding = command_finding("the container has no such program");
const NO_SUCH_DIRECTORY: Finding = directory_finding("the container has no such directory");

const fn command_finding(words: &'static str) -> Finding {
    Finding { keys: &[LayerKey::Command], words }
}

const fn directory_finding(words: &'static str) -> Finding {
    Finding { keys: &[LayerKey::WorkingDir], words }
}

/// Returns the finding for a field that Pebble itself has named.
fn finding_of_field(fault: UserFault) -> Option<Finding> {
    Some(match fault {
        UserFault::Command => command_finding(
            "it cannot be run: it holds no word, does not close a quote, or there is no such \
             program",
        ),
        UserFault::User => Finding {
            keys: &[LayerKey::User, LayerKey::UserId],
            words: "the container has no such user",
        },
        UserFault::Group => Finding {
            keys: &[LayerKey::Group, LayerKey::GroupId],
            words: "the container has no such group",
        },
        UserFault::WorkingDir => NO_SUCH_DIRECTORY,
        // A later version of the client has another variant.
        _ => return None,
    })
}

/// Returns the service or check whose field is refused by an answer to `add layer`.
fn refused_entry(error: &pebble::Error) -> Option<Entry> {
    if !["add layer ", "put back layer "].iter().any(|start| error.operation().starts_with(start)) {
        return None;
    }
    let named = |word: &str| {
        let (_, rest) = error.reason().split_once(word)?;
        // Go and JSON quote every name in the same way that Pebble accepts in practice.
        serde_json::Deserializer::from_str(rest).into_iter::<String>().next()?.ok()
    };
    named("service ").map(Entry::Service).or_else(|| named("check ").map(Entry::Check))
}

/// Finds out from the container's files whether the program or the working directory is at fault,
/// since the error of the operating system is the same for both.
async fn inspect_container(
    client: &Reader,
    service: &str,
    program: &str,
    why: &str,
) -> Option<Finding> {
    match why {
        "exec format error" => {
            return Some(command_finding("its program is nothing that can be run here"));
        }
        "operation not permitted" => {
            return Some(Finding {
                keys: &[LayerKey::User, LayerKey::UserId],
                words: "Pebble may not run anything as this user",
            });
        }
        "no such file or directory"
        | "not a directory"
        | "permission denied"
        | "too many levels of symbolic links"
        | "file name too long" => {}
        // Other errors, such as too little memory, do not come from a field and may go away.
        _ => return None,
    }
    // An error here leaves the cause unknown, which is better than replacing the first error.
    let plan = client.plan().await.ok()?;
    let service = plan.services().get(service)?;
    let directory = match service.get_working_dir() {
        Some(path) => path_state(client, path).await?,
        None => PathState::Missing,
    };
    if service.get_working_dir().is_some() {
        match &directory {
            PathState::Missing => return Some(NO_SUCH_DIRECTORY),
            PathState::Found(found) if *found.file_type() != FileType::Directory => {
                return Some(directory_finding("it is no directory in the container"));
            }
            PathState::Found(_) => {}
        }
    }
    if !program.starts_with('/') {
        // A relative program is looked up from the working directory, which exists.
        return Some(command_finding(if why == "permission denied" {
            "its program may not be run"
        } else {
            NO_SUCH_PROGRAM.words
        }));
    }
    Some(match path_state(client, program).await? {
        PathState::Missing => NO_SUCH_PROGRAM,
        PathState::Found(found) if *found.file_type() == FileType::Directory => {
            command_finding("it names a directory, not a program")
        }
        PathState::Found(found) if found.mode().bits() & 0o111 == 0 => {
            command_finding("it names a file that may not be executed")
        }
        PathState::Found(_) if why != "permission denied" => command_finding(
            "its program is there, and the interpreter or loader that it needs is not",
        ),
        PathState::Found(found) => permission_finding(service, &directory, &found),
    })
}

/// Returns the finding when both exist and the user who runs the command may not use one of them.
fn permission_finding(service: &Service, directory: &PathState, program: &FileInfo) -> Finding {
    // The client does not know which user runs the command, so only the permission for all users
    // counts.
    let for_all = |file: &FileInfo| file.mode().bits() & 0o001 != 0;
    let closed = matches!(directory, PathState::Found(directory) if !for_all(directory));
    let as_another = service.get_user().is_some() || service.get_user_id().is_some();
    if closed && for_all(program) && as_another {
        directory_finding("the user who runs the command may not enter it")
    } else {
        command_finding(
            "the user who runs it may not run its program, or not enter a directory on the way to \
             it",
        )
    }
}

/// The state of a path in the container, with symbolic links followed.
enum PathState {
    Missing,
    Found(FileInfo),
}

/// Asks Pebble for the state of a path. Returns `None` if Pebble does not tell.
async fn path_state(client: &Reader, path: &str) -> Option<PathState> {
    match client.list_files(path, &ListOptions::new().itself()).await {
        Ok(found) => found.into_iter().next().map(PathState::Found),
        Err(error) => match error.kind() {
            pebble::ErrorKind::File(FileErrorKind::NotFound) => Some(PathState::Missing),
            // The path has a loop of links, or a file in place of a folder.
            pebble::ErrorKind::File(FileErrorKind::Generic) => Some(PathState::Missing),
            _ => None,
        },
    }
}
