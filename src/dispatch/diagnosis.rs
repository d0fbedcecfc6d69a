//! A service that Pebble cannot run as its layer says: which field is at fault, and which config
//! option that came from.
//!
//! The field is for Pebble to say, and where its text fits several of them the container is looked
//! at. The option is for the charm to say ([`Charm::option_of`](crate::Charm::option_of)). The
//! words are ours, since Pebble's repeat the value.

use crate::error::Explanation;
use crate::layer_field::{Entry, LayerKey};
use crate::pebble::{
    self, FileErrorKind, FileInfo, FileType, ListOptions, Reader, Service, ServiceFailure,
};
use crate::pebble::{StartRefusal, UserFault};
use crate::text::one_line;
use crate::verdict::{failed_service, is_command};

/// A finding says in our words what is wrong, and with which fields: the first of them that came
/// from an option is the one to be changed.
struct Finding {
    keys: &'static [LayerKey],
    words: &'static str,
}

/// Asks the charm which option the first of these fields came from that came from one.
type OptionOf<'a> = &'a dyn Fn(&Entry, LayerKey) -> Option<&'static str>;

/// Gives the error in our words, if it is about a field that the charm leads back to an option,
/// or about a process that was not started.
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
    // What was refused before it was sent says why and repeats nothing: `cannot use service "web":
    // its command cannot be run: …`.
    let reason = match error.kind() {
        pebble::ErrorKind::InvalidRequest => error.reason().split_once("\": ").map(|(_, why)| why),
        _ => None,
    };
    Some(Explanation::user_mistake(option, reason.unwrap_or(finding.words)))
}

async fn diagnose_change(
    option_of: OptionOf<'_>,
    client: &Reader,
    failures: &[ServiceFailure],
) -> Option<Explanation> {
    if failures.iter().all(|failure| failure.start_refusal().is_none()) {
        return None;
    }
    let mut texts = Vec::new();
    let mut mistakes = Vec::new();
    // Pebble's own words are for the log only where no option is behind them.
    let mut has_option_values = false;
    for failure in failures {
        let Some(refusal) = failure.start_refusal() else {
            texts.push(failed_service(failure));
            continue;
        };
        let service = Entry::Service(failure.service().to_owned());
        let finding = find_cause(client, failure.service(), refusal).await;
        let option = finding.as_ref().and_then(|finding| finding.option(option_of, &service));
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
    // As long as one of them failed for another reason, the event has to run again.
    if mistakes.len() == failures.len() {
        return mistakes.into_iter().next();
    }
    let text = one_line(&format_args!("failed: {}", texts.join("; ")));
    Some(Explanation::failed_services(text, has_option_values))
}

impl Finding {
    fn option(&self, option_of: OptionOf<'_>, entry: &Entry) -> Option<&'static str> {
        self.keys.iter().find_map(|key| option_of(entry, *key))
    }
}

async fn find_cause(client: &Reader, service: &str, refusal: StartRefusal<'_>) -> Option<Finding> {
    match refusal {
        StartRefusal::NotRun { program, why } => {
            inspect_container(client, service, program, why).await
        }
        other => finding_from_text(other),
    }
}

/// A check's user and group are judged as it is added, in the words in which a service's are when
/// it is started. (Pebble 1.32.1, `internals/plan/plan.go`.)
fn owner_finding(error: &pebble::Error) -> Option<Finding> {
    let (_, refusal) = error.message()?.split_once(" has invalid user/group: ")?;
    StartRefusal::read(refusal).and_then(finding_from_text)
}

/// What needs no look at the container.
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
        // The container has to be looked at, or a later version of the client knows more.
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

/// A field that Pebble itself has named.
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
        // A field of a later version of the client.
        _ => return None,
    })
}

/// The service or check whose field an answer to `add layer` refuses.
fn refused_entry(error: &pebble::Error) -> Option<Entry> {
    if !["add layer ", "put back layer "].iter().any(|start| error.operation().starts_with(start)) {
        return None;
    }
    let named = |word: &str| {
        let (_, rest) = error.reason().split_once(word)?;
        // Go's quoting and JSON's agree for every name that Pebble takes in practice.
        serde_json::Deserializer::from_str(rest).into_iter::<String>().next()?.ok()
    };
    named("service ").map(Entry::Service).or_else(|| named("check ").map(Entry::Check))
}

/// The system's answer is the same whether the program or the directory is at fault, so both are
/// looked at.
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
        // Memory, processes and the like run out and come back.
        _ => return None,
    }
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
        // It is looked for from the directory in which the command runs, and that is there.
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

/// Both are there, and the user who runs the command may not use one of them.
fn permission_finding(service: &Service, directory: &PathState, program: &FileInfo) -> Finding {
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

/// Pebble's view of a path of the container, links followed.
enum PathState {
    Missing,
    Found(FileInfo),
}

/// Asks Pebble; `None` where it does not say.
async fn path_state(client: &Reader, path: &str) -> Option<PathState> {
    match client.list_files(path, &ListOptions::new().itself()).await {
        Ok(found) => found.into_iter().next().map(PathState::Found),
        Err(error) => match error.kind() {
            pebble::ErrorKind::File(FileErrorKind::NotFound) => Some(PathState::Missing),
            // A loop of links, or a file where a folder should be on the way.
            pebble::ErrorKind::File(FileErrorKind::Generic) => Some(PathState::Missing),
            _ => None,
        },
    }
}
