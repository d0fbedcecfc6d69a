//! A service that Pebble cannot run as its layer says: which field is at fault, and which config
//! option that came from.
//!
//! The field is for Pebble to say, and where its text fits several of them the container is looked
//! at. The option is for the charm to say ([`Charm::option_of`](crate::Charm::option_of)). The
//! words are ours, since Pebble's repeat the value.

use crate::error::Told;
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
pub(crate) async fn told(
    option_of: OptionOf<'_>,
    client: &Reader,
    error: &pebble::Error,
) -> Option<Told> {
    if is_command(error) {
        return None;
    }
    if *error.kind() == pebble::ErrorKind::ChangeFailed {
        return of_change(option_of, client, &error.failed_services()).await;
    }
    let fault = error.user_fault()?;
    let finding = owner_in(error).or_else(|| refused(fault))?;
    let option = finding.option(option_of, &entry_in(error)?)?;
    // What was refused before it was sent says why and repeats nothing: `cannot use service "web":
    // its command cannot be run: …`.
    let ours = match error.kind() {
        pebble::ErrorKind::InvalidRequest => error.reason().split_once("\": ").map(|(_, why)| why),
        _ => None,
    };
    Some(Told::mistake(option, ours.unwrap_or(finding.words)))
}

async fn of_change(
    option_of: OptionOf<'_>,
    client: &Reader,
    failures: &[ServiceFailure],
) -> Option<Told> {
    if failures.iter().all(|failure| failure.start_refusal().is_none()) {
        return None;
    }
    let mut texts = Vec::new();
    let mut mistakes = Vec::new();
    // Pebble's own words are for the log only where no option is behind them.
    let mut from_options = false;
    for failure in failures {
        let Some(refusal) = failure.start_refusal() else {
            texts.push(failed_service(failure));
            continue;
        };
        let service = Entry::Service(failure.service().to_owned());
        let finding = finding(client, failure.service(), refusal).await;
        let option = finding.as_ref().and_then(|finding| finding.option(option_of, &service));
        let in_texts = [LayerKey::Command, LayerKey::WorkingDir, LayerKey::User];
        from_options |=
            option.is_some() || in_texts.iter().any(|key| option_of(&service, *key).is_some());
        texts.push(match (&finding, refusal) {
            (Some(finding), _) => format!("{}: {}", failure.service(), finding.words),
            (None, StartRefusal::NotRun { why, .. }) => {
                format!("{}: its program cannot be started: {why}", failure.service())
            }
            (None, _) => format!("{}: it cannot be started", failure.service()),
        });
        mistakes.extend(
            finding.zip(option).map(|(finding, option)| Told::mistake(option, finding.words)),
        );
    }
    // As long as one of them failed for another reason, the event has to run again.
    if mistakes.len() == failures.len() {
        return mistakes.into_iter().next();
    }
    let text = one_line(&format_args!("failed: {}", texts.join("; ")));
    Some(Told::failed(text, from_options))
}

impl Finding {
    fn option(&self, option_of: OptionOf<'_>, entry: &Entry) -> Option<&'static str> {
        self.keys.iter().find_map(|key| option_of(entry, *key))
    }
}

async fn finding(client: &Reader, service: &str, refusal: StartRefusal<'_>) -> Option<Finding> {
    match refusal {
        StartRefusal::NotRun { program, why } => not_run(client, service, program, why).await,
        said => said_by_itself(said),
    }
}

/// A check's user and group are judged as it is added, in the words in which a service's are when
/// it is started. (Pebble 1.32.1, `internals/plan/plan.go`.)
fn owner_in(error: &pebble::Error) -> Option<Finding> {
    let (_, said) = error.message()?.split_once(" has invalid user/group: ")?;
    StartRefusal::read(said).and_then(said_by_itself)
}

/// What needs no look at the container.
fn said_by_itself(refusal: StartRefusal<'_>) -> Option<Finding> {
    let (keys, words): (&[LayerKey], _) = match refusal {
        StartRefusal::NotOnPath => return Some(NO_SUCH_PROGRAM),
        StartRefusal::NoProgram => {
            return Some(of_command("its first word, which names the program, is empty"));
        }
        StartRefusal::NoSuchUser => return refused(UserFault::User),
        StartRefusal::NoSuchGroup => return refused(UserFault::Group),
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

const NO_SUCH_PROGRAM: Finding = of_command("the container has no such program");
const NO_SUCH_DIRECTORY: Finding = of_directory("the container has no such directory");

const fn of_command(words: &'static str) -> Finding {
    Finding { keys: &[LayerKey::Command], words }
}

const fn of_directory(words: &'static str) -> Finding {
    Finding { keys: &[LayerKey::WorkingDir], words }
}

/// A field that Pebble itself has named.
fn refused(fault: UserFault) -> Option<Finding> {
    Some(match fault {
        UserFault::Command => of_command(
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
fn entry_in(error: &pebble::Error) -> Option<Entry> {
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
async fn not_run(client: &Reader, service: &str, program: &str, why: &str) -> Option<Finding> {
    match why {
        "exec format error" => {
            return Some(of_command("its program is nothing that can be run here"));
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
        Some(path) => look(client, path).await?,
        None => Seen::Nothing,
    };
    if service.get_working_dir().is_some() {
        match &directory {
            Seen::Nothing => return Some(NO_SUCH_DIRECTORY),
            Seen::Something(found) if *found.file_type() != FileType::Directory => {
                return Some(of_directory("it is no directory in the container"));
            }
            Seen::Something(_) => {}
        }
    }
    if !program.starts_with('/') {
        // It is looked for from the directory in which the command runs, and that is there.
        return Some(of_command(if why == "permission denied" {
            "its program may not be run"
        } else {
            NO_SUCH_PROGRAM.words
        }));
    }
    Some(match look(client, program).await? {
        Seen::Nothing => NO_SUCH_PROGRAM,
        Seen::Something(found) if *found.file_type() == FileType::Directory => {
            of_command("it names a directory, not a program")
        }
        Seen::Something(found) if found.mode().bits() & 0o111 == 0 => {
            of_command("it names a file that may not be executed")
        }
        Seen::Something(_) if why != "permission denied" => {
            of_command("its program is there, and the interpreter or loader that it needs is not")
        }
        Seen::Something(found) => forbidden(service, &directory, &found),
    })
}

/// Both are there, and the user who runs the command may not use one of them.
fn forbidden(service: &Service, directory: &Seen, program: &FileInfo) -> Finding {
    let for_all = |file: &FileInfo| file.mode().bits() & 0o001 != 0;
    let closed = matches!(directory, Seen::Something(directory) if !for_all(directory));
    let as_another = service.get_user().is_some() || service.get_user_id().is_some();
    if closed && for_all(program) && as_another {
        of_directory("the user who runs the command may not enter it")
    } else {
        of_command(
            "the user who runs it may not run its program, or not enter a directory on the way to \
             it",
        )
    }
}

/// Pebble's view of a path of the container, links followed.
enum Seen {
    Nothing,
    Something(FileInfo),
}

/// Asks Pebble; `None` where it does not say.
async fn look(client: &Reader, path: &str) -> Option<Seen> {
    match client.list_files(path, &ListOptions::new().itself()).await {
        Ok(found) => found.into_iter().next().map(Seen::Something),
        Err(error) => match error.kind() {
            pebble::ErrorKind::File(FileErrorKind::NotFound) => Some(Seen::Nothing),
            // A loop of links, or a file where a folder should be on the way.
            pebble::ErrorKind::File(FileErrorKind::Generic) => Some(Seen::Nothing),
            _ => None,
        },
    }
}
