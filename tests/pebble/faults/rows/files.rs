//! Files: read, written, listed, made and removed.

use charmwright_pebble::{DirOptions, ListOptions, PushOptions, RemoveOptions};

use crate::faults::operations::{Lost, Operation, Soon, Way};
use crate::faults::stage::Stage;

/// More than one frame of a stream, and no two parts of it alike.
fn content() -> Vec<u8> {
    (0..30_000_u32).flat_map(u32::to_le_bytes).collect()
}

fn written<'a>(stage: &'a mut Stage) -> Soon<'a, ()> {
    Box::pin(async { std::fs::write(stage.folder().join("file"), content()).unwrap() })
}

/// Looks at the file that was written.
fn look(stage: &Stage) {
    assert!(std::fs::read(stage.folder().join("file")).unwrap() == content());
}

/// A stream that is no multipart, though it says so.
const MULTIPART: Way =
    Way::Stream("multipart/form-data; boundary=01234567890123456789012345678901234567890123456789");

pub(crate) static ROWS: &[Operation] = &[
    Operation {
        prepare: written,
        ..Operation::read("list files", "GET /v1/files", |stage| {
            Box::pin(async {
                let folder = stage.path("");
                let files = stage
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
        ..Operation::read("pull", "GET /v1/files", |stage| {
            Box::pin(async {
                assert!(stage.client.pull(&stage.path("file")).await? == content());
                Ok(())
            })
        })
    },
    Operation {
        way: MULTIPART,
        prepare: written,
        ..Operation::read("pull a file", "GET /v1/files", |stage| {
            Box::pin(async {
                let copy = stage.folder().join("copy");
                let result = stage.client.pull_file(&stage.path("file"), &copy).await;
                // Whole or not at all, and nothing beside it.
                assert_eq!(copy.exists(), result.is_ok());
                assert_eq!(
                    std::fs::read_dir(stage.folder()).unwrap().count(),
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
        ..Operation::read("pull to a writer", "GET /v1/files", |stage| {
            Box::pin(async {
                let mut copy = Vec::new();
                stage.client.pull_to(&stage.path("file"), &mut copy).await?;
                assert!(copy == content());
                Ok(())
            })
        })
    },
    Operation {
        survives: true,
        ..Operation::write("push", "POST /v1/files", |stage| {
            Box::pin(async {
                stage.client.push(&stage.path("file"), content(), &PushOptions::new()).await?;
                look(stage);
                Ok(())
            })
        })
    },
    Operation {
        survives: true,
        prepare: |stage| {
            Box::pin(async { std::fs::write(stage.folder().join("source"), content()).unwrap() })
        },
        ..Operation::write("push a file", "POST /v1/files", |stage| {
            Box::pin(async {
                let source = stage.folder().join("source");
                stage.client.push_file(source, &stage.path("file"), &PushOptions::new()).await?;
                look(stage);
                Ok(())
            })
        })
    },
    Operation {
        lost: Lost::Partly,
        ..Operation::write("push from a reader", "POST /v1/files", |stage| {
            Box::pin(async {
                let options = PushOptions::new();
                stage.client.push_from(&stage.path("file"), &*content(), &options).await?;
                look(stage);
                Ok(())
            })
        })
    },
    Operation {
        survives: true,
        ..Operation::write("make a folder", "POST /v1/files", |stage| {
            Box::pin(async {
                stage.client.make_dir(&stage.path("new"), &DirOptions::new()).await?;
                assert!(stage.folder().join("new").is_dir());
                Ok(())
            })
        })
    },
    Operation {
        survives: true,
        prepare: written,
        ..Operation::write("remove a file", "POST /v1/files", |stage| {
            Box::pin(async {
                stage.client.remove(&stage.path("file"), &RemoveOptions::new()).await?;
                assert!(!stage.folder().join("file").exists());
                Ok(())
            })
        })
    },
];
