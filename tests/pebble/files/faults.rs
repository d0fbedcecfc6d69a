//! These tests lose replies of file calls and cut the streams at many places.

use std::time::Duration;

use charmwright_pebble::{Error, ErrorKind, FileResult, PushFile, RetryPolicy};
use charmwright_testing::proxy::{Fault, Rule};
use charmwright_tests::{names_in, noise};

use super::{options, start_fixture};

/// Returns a rule that injects a fault into the next list or read.
fn get(fault: Fault) -> Rule {
    Rule::new("GET", "/v1/files", fault)
}

/// Returns a rule that injects a fault into the next write.
fn post(fault: Fault) -> Rule {
    Rule::new("POST", "/v1/files", fault)
}

#[tokio::test]
async fn a_push_that_can_be_repeated_is_repeated() {
    let Some(fixture) = start_fixture("a_push_that_can_be_repeated_is_repeated") else {
        return;
    };
    let content = noise(200_000);
    let source = fixture.put("source", &content);
    for fault in [Fault::CutRequestBefore, Fault::DropReply, Fault::CutReplyAfter(40)] {
        fixture.proxy.forget();
        let target = fixture.path("target");
        fixture.proxy.add(post(fault.clone()));
        fixture.client_with_new_budget().push(&target, content.clone(), &options()).await.unwrap();
        assert!(fixture.content("target") == content, "{fault:?}");
        std::fs::remove_file(&target).unwrap();
        fixture.proxy.add(post(fault.clone()));
        fixture.client_with_new_budget().push_file(&source, &target, &options()).await.unwrap();
        assert!(fixture.content("target") == content, "{fault:?}");
        std::fs::remove_file(&target).unwrap();
        fixture.proxy.add(post(fault.clone()));
        let files = [PushFile::new(&target, content.clone())];
        assert!(fixture.client_with_new_budget().push_all(&files).await.unwrap()[0].is_ok());
        assert!(fixture.content("target") == content, "{fault:?}");
        assert_eq!(fixture.proxy.count("POST", "/v1/files"), 6, "{fault:?}");
    }
    assert_eq!(fixture.names(), ["source", "target"]);
}

#[tokio::test]
async fn a_pull_that_is_cut_anywhere_is_repeated_or_says_so() {
    let Some(fixture) = start_fixture("a_pull_that_is_cut_anywhere_is_repeated_or_says_so") else {
        return;
    };
    let content = noise(100_000);
    let path = fixture.put("x", &content);
    let local = tempfile::tempdir().unwrap();
    let target = local.path().join("x");
    // The reply is cut in its head, in the head of the part, in the content, in the results, before
    // the closing boundary, and before the end.
    for cut in [0, 20, 160, 330, 50_000, 100_330, 100_500, 100_620, 100_660, 100_700] {
        fixture.proxy.add(get(Fault::CutReplyAfter(cut)));
        assert!(
            fixture.client_with_new_budget().pull(&path).await.unwrap() == content,
            "cut after {cut}"
        );
        fixture.proxy.add(get(Fault::CutReplyAfter(cut)));
        assert_eq!(
            fixture.client_with_new_budget().pull_file(&path, &target).await.unwrap(),
            100_000
        );
        assert!(std::fs::read(&target).unwrap() == content, "cut after {cut}");
        std::fs::remove_file(&target).unwrap();

        fixture.proxy.add(get(Fault::CutReplyAfter(cut)));
        let mut copy = Vec::new();
        match fixture.client_with_new_budget().pull_to(&path, &mut copy).await {
            Ok(size) => assert!(size == 100_000 && copy == content, "cut after {cut}"),
            Err(error) => {
                assert!(cut > 330, "cut after {cut}: {error}");
                assert_eq!(
                    error.kind(),
                    &ErrorKind::Interrupted { bytes: copy.len() as u64 },
                    "{error}"
                );
                assert!(content.starts_with(&copy));
            }
        }
        fixture.proxy.add(get(Fault::CutReplyAfter(cut)));
        let read = async {
            let mut stream = fixture.client_with_new_budget().pull_all([&path]).await?;
            while let Some(mut file) = stream.next_file().await? {
                while file.chunk().await?.is_some() {}
            }
            stream.finish().await
        };
        if let Ok(results) = read.await {
            assert!(cut <= 160, "a stream that was cut after {cut} bytes ended well: {results:?}");
        }
        fixture.proxy.clear();
    }
    assert!(names_in(local.path()).is_empty());
}

#[tokio::test]
async fn a_pull_that_is_given_up_leaves_nothing() {
    let Some(fixture) = start_fixture("a_pull_that_is_given_up_leaves_nothing") else {
        return;
    };
    let path = fixture.put("x", noise(100_000));
    let local = tempfile::tempdir().unwrap();
    let target = local.path().join("x");
    std::fs::write(&target, "before").unwrap();
    fixture.proxy.add(get(Fault::CutReplyAfter(50_000)).times(100));
    let error = fixture.client.pull_file(&path, &target).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Unreachable, "{error}");
    assert_eq!(fixture.proxy.count("GET", "/v1/files"), 8, "as often as the policy allows");
    assert_eq!(names_in(local.path()), ["x"]);
    fixture.proxy.clear();

    // The reply comes a byte at a time, and the future is dropped once the temporary file is there.
    fixture.proxy.add(get(Fault::DripFeed(Duration::from_micros(200))));
    let client = fixture.client_with_new_budget();
    let begun = async {
        while names_in(local.path()).len() < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        result = client.pull_file(&path, &target) => panic!("it was over too soon: {result:?}"),
        () = begun => {}
    }
    assert_eq!(names_in(local.path()), ["x"], "the temporary file goes with the future");
    assert_eq!(std::fs::read(&target).unwrap(), b"before");
}

#[tokio::test]
async fn slow_is_not_silent() {
    let Some(fixture) = start_fixture("slow_is_not_silent") else {
        return;
    };
    let path = fixture.put("x", noise(3_000));
    let client = fixture.client.clone().with_retry(RetryPolicy::once(Duration::from_millis(600)));
    // The reply takes far longer than the timeout as a whole, but no pause in it is as long: the
    // timeout counts from the last byte.
    let started = std::time::Instant::now();
    fixture.proxy.add(get(Fault::DripFeed(Duration::from_micros(500))));
    assert_eq!(client.pull(&path).await.unwrap().len(), 3_000);
    assert!(started.elapsed() > Duration::from_millis(1200), "{:?}", started.elapsed());
    fixture.proxy.add(get(Fault::Silence));
    let error = client.pull(&path).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Unreachable, "{error}");
    fixture.proxy.add(post(Fault::HoldReply));
    let error = client
        .clone()
        .with_budget(charmwright_pebble::Budget::new())
        .push(&path, "x", &options())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Unreachable, "{error}");
    assert!(error.may_have_acted(), "{error}");
}

#[tokio::test]
async fn what_is_not_pebbles_is_told_apart() {
    let Some(fixture) = start_fixture("what_is_not_pebbles_is_told_apart") else {
        return;
    };
    let path = fixture.put("x", "content");
    let head = "HTTP/1.1 200 OK\r\nContent-Type: multipart/form-data; \
                boundary=bbbb\r\nConnection: close\r\n\r\n";
    let part = format!(
        "--bbbb\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{path}\"\r\n\r\nxx"
    );
    let results = |path: &str| {
        format!(
            "\r\n--bbbb\r\nContent-Disposition: form-data; \
             name=\"response\"\r\n\r\n{{\"type\":\"sync\",\"result\":[{{\"path\":\"{path}\"}}]}}"
        )
    };
    for (what, answer) in [
        (
            "not multipart",
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n".to_owned(),
        ),
        (
            "JSON",
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
                .to_owned(),
        ),
        ("no boundary at first", format!("{head}xx")),
        (
            "another file",
            format!(
                "{head}--bbbb\r\nContent-Disposition: form-data; name=\"files\"; \
                 filename=\"/y\"\r\n\r\n"
            ),
        ),
        ("the file twice", format!("{head}{part}\r\n{part}")),
        ("results of another", format!("{head}{part}{}\r\n--bbbb--\r\n", results("/y"))),
        ("success without content", format!("{head}{}\r\n--bbbb--\r\n", &results(&path)[2..])),
        ("something after the results", format!("{head}{part}{}\r\n{part}", results(&path))),
        ("an endless head", format!("{head}--bbbb\r\nX: {}", "y".repeat(20_000))),
    ] {
        fixture.proxy.forget();
        fixture.proxy.add(get(Fault::Garbage(answer.into_bytes())));
        let error = fixture.client.pull(&path).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Protocol, "{what}: {error}");
        assert_eq!(fixture.proxy.count("GET", "/v1/files"), 1, "{what}");
    }
    let complete = format!("{head}{part}{}\r\n--bbbb--\r\n", results(&path));
    fixture.proxy.add(get(Fault::Garbage(complete.into_bytes())));
    assert_eq!(fixture.client.pull(&path).await.unwrap(), b"xx");
}

#[tokio::test]
async fn several_files_cut_anywhere_are_never_taken_for_complete() {
    let Some(fixture) = start_fixture("several_files_cut_anywhere_are_never_taken_for_complete")
    else {
        return;
    };
    let contents: Vec<Vec<u8>> = [0, 1, 700, 5_000].map(noise).into();
    let paths: Vec<String> = contents
        .iter()
        .enumerate()
        .map(|(index, content)| fixture.put(&index.to_string(), content))
        .collect();
    let mut cuts = 0;
    for random in noise(400).chunks_exact(4) {
        // The complete reply has about 7,000 bytes, so a few cuts come too late to do harm.
        let cut = u32::from_be_bytes(random.try_into().unwrap()) as usize % 8_000;
        let rule = fixture.proxy.add(get(Fault::CutReplyAfter(cut)));
        let client = fixture.client_with_new_budget();
        let read = async {
            let mut stream = client.pull_all(&paths).await?;
            let mut received = vec![None; contents.len()];
            while let Some(mut file) = stream.next_file().await? {
                let mut content = Vec::new();
                while let Some(piece) = file.chunk().await? {
                    content.extend_from_slice(piece);
                }
                received[file.index()] = Some(content);
            }
            let results = stream.finish().await?;
            assert!(results.iter().all(FileResult::is_ok));
            Ok::<_, Error>(received)
        };
        match read.await {
            Ok(received) => assert!(
                received.into_iter().map(Option::unwrap).eq(contents.iter().cloned()),
                "cut after {cut}"
            ),
            Err(error) => {
                cuts += 1;
                assert!(
                    matches!(error.kind(), ErrorKind::Interrupted { .. } | ErrorKind::Unreachable),
                    "cut after {cut}: {error}"
                );
            }
        }
        assert_eq!(fixture.proxy.fired(rule), 1);
    }
    assert!(cuts > 50, "only {cuts} of 100 broke in the middle");
}

#[tokio::test]
async fn what_follows_the_end_is_not_waited_for_without_end() {
    let Some(fixture) = start_fixture("what_follows_the_end_is_not_waited_for_without_end") else {
        return;
    };
    let path = fixture.put("x", "content");
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: multipart/form-data; boundary=bbbb\r\n\
         Connection: close\r\n\r\n\
         --bbbb\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{path}\"\r\n\r\n\
         xx\r\n--bbbb\r\nContent-Disposition: form-data; name=\"response\"\r\n\r\n\
         {{\"type\":\"sync\",\"result\":[{{\"path\":\"{path}\"}}]}}\r\n--bbbb--\r\n"
    );
    fixture
        .proxy
        .add(get(Fault::EndlessBody { head: answer.into_bytes(), part: vec![b'x'; 64 * 1024] }));
    let pulled = tokio::time::timeout(Duration::from_secs(20), fixture.client.pull(&path)).await;
    let error = pulled.expect("it has no end").unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Protocol, "{error}");
}
