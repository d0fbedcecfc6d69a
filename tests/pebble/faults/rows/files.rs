//! The rows of files: to read, write, list, make and remove them.

use charmwright_pebble::{DirOptions, ListOptions, PushOptions, RemoveOptions};

use crate::faults::fault_fixture::FaultFixture;
use crate::faults::operations::{BoxedFuture, LostReply, Operation, ReplyForm};

/// Returns the content of a file. It is longer than one frame of a stream, and no two parts of it
/// are equal.
fn content() -> Vec<u8> {
    (0..30_000_u32).flat_map(u32::to_le_bytes).collect()
}

/// Writes the file of this case.
fn write_file<'a>(fixture: &'a mut FaultFixture) -> BoxedFuture<'a, ()> {
    Box::pin(async { std::fs::write(fixture.folder().join("file"), content()).unwrap() })
}

/// Asserts that the file of this case has its content.
fn check_written_file(fixture: &FaultFixture) {
    assert!(std::fs::read(fixture.folder().join("file")).unwrap() == content());
}

/// The form of a reply with a file. The reply of the fault has this content type, and is no
/// multipart.
const MULTIPART: ReplyForm = ReplyForm::Stream(
    "multipart/form-data; boundary=01234567890123456789012345678901234567890123456789",
);

pub(crate) static ROWS: &[Operation] = &[
    Operation {
        prepare: write_file,
        ..Operation::read("list files", "GET /v1/files", |fixture| {
            Box::pin(async {
                let folder = fixture.path("");
                let files = fixture
                    .client
                    .list_files(folder.trim_end_matches('/'), &ListOptions::new())
                    .await?;
                assert_eq!(
                    (files.len(), files[0].name(), files[0].size()),
                    (1, "file", Some(120_000))
                );
                Ok(())
            })
        })
    },
    Operation {
        reply_form: MULTIPART,
        prepare: write_file,
        ..Operation::read("pull", "GET /v1/files", |fixture| {
            Box::pin(async {
                assert!(fixture.client.pull(&fixture.path("file")).await? == content());
                Ok(())
            })
        })
    },
    Operation {
        reply_form: MULTIPART,
        prepare: write_file,
        ..Operation::read("pull a file", "GET /v1/files", |fixture| {
            Box::pin(async {
                let copy = fixture.folder().join("copy");
                let result = fixture.client.pull_file(&fixture.path("file"), &copy).await;
                // The file is complete or does not exist, and no temporary file is left.
                assert_eq!(copy.exists(), result.is_ok());
                assert_eq!(
                    std::fs::read_dir(fixture.folder()).unwrap().count(),
                    1 + usize::from(result.is_ok())
                );
                result?;
                assert!(std::fs::read(copy).unwrap() == content());
                Ok(())
            })
        })
    },
    Operation {
        reply_form: MULTIPART,
        prepare: write_file,
        after_lost_reply: LostReply::Streamed,
        succeeds_after_kill: false,
        ..Operation::read("pull to a writer", "GET /v1/files", |fixture| {
            Box::pin(async {
                let mut copy = Vec::new();
                fixture.client.pull_to(&fixture.path("file"), &mut copy).await?;
                assert!(copy == content());
                Ok(())
            })
        })
    },
    Operation {
        succeeds_after_kill: true,
        ..Operation::write("push", "POST /v1/files", |fixture| {
            Box::pin(async {
                fixture.client.push(&fixture.path("file"), content(), &PushOptions::new()).await?;
                check_written_file(fixture);
                Ok(())
            })
        })
    },
    Operation {
        succeeds_after_kill: true,
        prepare: |fixture| {
            Box::pin(async { std::fs::write(fixture.folder().join("source"), content()).unwrap() })
        },
        ..Operation::write("push a file", "POST /v1/files", |fixture| {
            Box::pin(async {
                let source = fixture.folder().join("source");
                fixture
                    .client
                    .push_file(source, &fixture.path("file"), &PushOptions::new())
                    .await?;
                check_written_file(fixture);
                Ok(())
            })
        })
    },
    Operation {
        after_lost_reply: LostReply::Streamed,
        ..Operation::write("push from a reader", "POST /v1/files", |fixture| {
            Box::pin(async {
                let options = PushOptions::new();
                fixture.client.push_from(&fixture.path("file"), &*content(), &options).await?;
                check_written_file(fixture);
                Ok(())
            })
        })
    },
    Operation {
        succeeds_after_kill: true,
        ..Operation::write("make a folder", "POST /v1/files", |fixture| {
            Box::pin(async {
                fixture.client.make_dir(&fixture.path("new"), &DirOptions::new()).await?;
                assert!(fixture.folder().join("new").is_dir());
                Ok(())
            })
        })
    },
    Operation {
        succeeds_after_kill: true,
        prepare: write_file,
        ..Operation::write("remove a file", "POST /v1/files", |fixture| {
            Box::pin(async {
                fixture.client.remove(&fixture.path("file"), &RemoveOptions::new()).await?;
                assert!(!fixture.folder().join("file").exists());
                Ok(())
            })
        })
    },
];
