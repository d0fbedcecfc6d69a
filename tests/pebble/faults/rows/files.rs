//! Files: read, written, listed, made and removed.

use charmwright_pebble::{DirOptions, ListOptions, PushOptions, RemoveOptions};

use crate::faults::fault_fixture::FaultFixture;
use crate::faults::operations::{Lost, Operation, Soon, Way};

/// More than one frame of a stream, and no two parts of it alike.
fn content() -> Vec<u8> {
    (0..30_000_u32).flat_map(u32::to_le_bytes).collect()
}

fn written<'a>(fixture: &'a mut FaultFixture) -> Soon<'a, ()> {
    Box::pin(async { std::fs::write(fixture.folder().join("file"), content()).unwrap() })
}

/// Looks at the file that was written.
fn look(fixture: &FaultFixture) {
    assert!(std::fs::read(fixture.folder().join("file")).unwrap() == content());
}

/// A stream that is no multipart, though it says so.
const MULTIPART: Way =
    Way::Stream("multipart/form-data; boundary=01234567890123456789012345678901234567890123456789");

pub(crate) static ROWS: &[Operation] = &[
    Operation {
        prepare: written,
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
        way: MULTIPART,
        prepare: written,
        ..Operation::read("pull", "GET /v1/files", |fixture| {
            Box::pin(async {
                assert!(fixture.client.pull(&fixture.path("file")).await? == content());
                Ok(())
            })
        })
    },
    Operation {
        way: MULTIPART,
        prepare: written,
        ..Operation::read("pull a file", "GET /v1/files", |fixture| {
            Box::pin(async {
                let copy = fixture.folder().join("copy");
                let result = fixture.client.pull_file(&fixture.path("file"), &copy).await;
                // Whole or not at all, and nothing beside it.
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
        way: MULTIPART,
        prepare: written,
        lost: Lost::Partly,
        survives: false,
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
        survives: true,
        ..Operation::write("push", "POST /v1/files", |fixture| {
            Box::pin(async {
                fixture.client.push(&fixture.path("file"), content(), &PushOptions::new()).await?;
                look(fixture);
                Ok(())
            })
        })
    },
    Operation {
        survives: true,
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
                look(fixture);
                Ok(())
            })
        })
    },
    Operation {
        lost: Lost::Partly,
        ..Operation::write("push from a reader", "POST /v1/files", |fixture| {
            Box::pin(async {
                let options = PushOptions::new();
                fixture.client.push_from(&fixture.path("file"), &*content(), &options).await?;
                look(fixture);
                Ok(())
            })
        })
    },
    Operation {
        survives: true,
        ..Operation::write("make a folder", "POST /v1/files", |fixture| {
            Box::pin(async {
                fixture.client.make_dir(&fixture.path("new"), &DirOptions::new()).await?;
                assert!(fixture.folder().join("new").is_dir());
                Ok(())
            })
        })
    },
    Operation {
        survives: true,
        prepare: written,
        ..Operation::write("remove a file", "POST /v1/files", |fixture| {
            Box::pin(async {
                fixture.client.remove(&fixture.path("file"), &RemoveOptions::new()).await?;
                assert!(!fixture.folder().join("file").exists());
                Ok(())
            })
        })
    },
];
