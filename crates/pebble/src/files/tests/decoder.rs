//! Tests properties of the decoder: the events do not depend on how the bytes are cut into chunks,
//! and what was written is read back.

use proptest::prelude::*;

use super::super::encoder::Boundary;
use super::*;

const TYPE: &str = "multipart/form-data; boundary=0123456789abcdef0123456789abcdef";
const DELIMITER: &[u8] = b"\r\n--0123456789abcdef0123456789abcdef";

fn events(pieces: &[&[u8]]) -> (Vec<Event>, Option<Fault>) {
    super::events(Decoder::new(TYPE, 4).unwrap(), pieces.iter().copied())
}

/// Makes a part as Go's writer does. With `raw` it is as before Go 1.25, which left line ends in
/// names as they are.
fn part(path: &str, content: &[u8], raw: bool) -> Vec<u8> {
    let mut name = path.replace('\\', "\\\\").replace('"', "\\\"");
    if !raw {
        name = name.replace('\r', "%0D").replace('\n', "%0A");
    }
    let head = format!(
        "\r\n--0123456789abcdef0123456789abcdef\r\nContent-Disposition: form-data; \
         name=\"files\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
    );
    [head.as_bytes(), content].concat()
}

fn body(parts: &[Vec<u8>]) -> Vec<u8> {
    let all = [parts.concat(), [DELIMITER, b"--\r\n"].concat()].concat();
    all[2..].to_vec()
}

/// Makes contents that are hard for a search: the bytes of the delimiter, and its beginnings.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let bit = prop_oneof![
        3 => (0..DELIMITER.len()).prop_map(|end| DELIMITER[..end].to_vec()),
        2 => Just(b"\r".to_vec()),
        1 => Just(b"\r\n".to_vec()),
        1 => Just(b"\r\r\n--".to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..8),
    ];
    proptest::collection::vec(bit, 0..12).prop_map(|bits| bits.concat())
}

fn cut<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    ends.extend([0, bytes.len()]);
    ends.sort_unstable();
    ends.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

proptest! {
    #[test]
    fn what_go_writes_is_read_however_it_is_cut(
        files in proptest::collection::vec((".{0,12}", content()), 0..4),
        raw: bool,
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        // A content with the delimiter in it cannot be written at all.
        prop_assume!(files.iter().all(|(_, content)| {
            memmem::find(&[content.as_slice(), b"\r\n--"].concat(), DELIMITER).is_none()
        }));
        let parts: Vec<Vec<u8>> =
            files.iter().map(|(path, content)| part(path, content, raw)).collect();
        let bytes = body(&parts);
        let (events, fault) = events(&cut(&bytes, &cuts));
        prop_assert_eq!(fault, None);
        let mut expected = Vec::new();
        for (path, content) in &files {
            let name = if raw {
                path.clone()
            } else {
                path.replace('\r', "%0D").replace('\n', "%0A")
            };
            expected.push(Event::Part(Head {
                name: Some(b"files".to_vec()),
                filename: Some(name.into_bytes()),
            }));
            if !content.is_empty() {
                expected.push(Event::Data(content.clone().into()));
            }
            expected.push(Event::PartEnd);
        }
        expected.push(Event::End);
        prop_assert_eq!(events, expected);
    }

    #[test]
    fn what_is_written_here_can_be_read_here(
        path in "[^\\x00-\\x1f\\x7f]{0,20}",
        content in content(),
    ) {
        let boundary = Boundary::random().unwrap();
        let body = [
            boundary.request_part(&serde_json::json!({"a": path})).into_bytes(),
            boundary.file_head(&path).into_bytes(),
            content.clone(),
            boundary.end().into_bytes(),
        ]
        .concat();
        let (events, fault) = super::events(
            Decoder::new(&boundary.content_type(), 2).unwrap(),
            [body.as_slice()],
        );
        prop_assert_eq!(fault, None);
        let heads: Vec<&Head> = events.iter().filter_map(|event| match event {
            Event::Part(head) => Some(head),
            _ => None,
        }).collect();
        prop_assert_eq!(heads[0].name.as_deref(), Some(b"request".as_slice()));
        prop_assert_eq!(heads[1].filename.as_deref(), Some(path.as_bytes()));
        let data = Event::Data(content.clone().into());
        prop_assert_eq!(events.contains(&data), !content.is_empty());
        prop_assert_eq!(events.last(), Some(&Event::End));
    }

    #[test]
    fn any_bytes_give_the_same_however_they_are_cut(
        noise in content(), more in content(), at: prop::sample::Index,
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let mut bytes = body(&[part("/a", &noise, false), part("/b", &more, true)]);
        bytes.remove(at.index(bytes.len()));
        prop_assert_eq!(events(&[&bytes]), events(&cut(&bytes, &cuts)));
    }

    #[test]
    fn a_cut_stream_has_no_end(content in content(), length: prop::sample::Index) {
        prop_assume!(memmem::find(&content, DELIMITER).is_none());
        let bytes = body(&[part("/a", &content, false)]);
        // The body is also complete without the line end after the closing boundary.
        let short = &bytes[..length.index(bytes.len() - 2)];
        let (events, fault) = events(&[short]);
        prop_assert!(!events.contains(&Event::End) && fault.is_none(), "{:?}", events);
    }

    #[test]
    fn any_content_type_has_an_answer(text in ".{0,40}", boundary in "[ -~]{0,80}") {
        let _ = Decoder::new(&text, 1);
        let _ = Decoder::new(&format!("multipart/form-data; boundary={boundary}"), 1);
    }
}

#[test]
fn what_is_no_such_body_says_why() {
    let fault = |bytes: &[u8]| events(&[bytes]).1;
    assert_eq!(fault(b"{}"), Some(Fault::Start));
    assert_eq!(fault(&[&DELIMITER[2..], b"x"].concat()), Some(Fault::AfterBoundary));
    assert_eq!(fault(&[&DELIMITER[2..], b"\r\n\r\nx"].concat()), Some(Fault::Nameless));
    let five: Vec<Vec<u8>> = (0..5).map(|_| part("/a", b"", false)).collect();
    assert_eq!(fault(&body(&five)), Some(Fault::Parts));
    let end = [&DELIMITER[2..], b"--\r\n"].concat();
    assert_eq!(fault(&end), None);
    assert_eq!(fault(&[&end[..], b"x"].concat()), Some(Fault::AfterEnd));
    assert_eq!(fault(&[&end[..end.len() - 1], b"\r"].concat()), Some(Fault::AfterEnd));
    let long = part(&"x".repeat(LONGEST_HEAD), b"", false);
    assert_eq!(fault(&body(&[long])), Some(Fault::LongHead));
    let open = [&DELIMITER[2..], b"\r\nA: \"", &vec![b'x'; 2 * LONGEST_HEAD][..]].concat();
    assert_eq!(fault(&open), Some(Fault::LongHead));
    assert_eq!(
        events(&[&open[..100], &open[100..]]),
        events(&[&open]),
        "the limit is the same in pieces"
    );
}

#[test]
fn a_boundary_must_be_one() {
    for wrong in [
        "",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"a\r\"",
        "text/plain; boundary=abc",
    ] {
        assert_eq!(Decoder::new(wrong, 1).unwrap_err(), Fault::Boundary, "{wrong}");
    }
    assert!(
        Decoder::new("Multipart/Form-Data; charset=x; Boundary=\"a;b\"", 1).is_err(),
        "; is for no boundary"
    );
    assert!(Decoder::new("multipart/form-data; boundary=\"a b\"", 1).is_ok());
}

#[test]
fn contents_are_slices_of_what_came() {
    let bytes = Bytes::from(body(&[part("/a", b"content", false)]));
    let mut decoder = Decoder::new(TYPE, 1).unwrap();
    decoder.push(bytes.clone());
    assert!(matches!(decoder.next(), Ok(Some(Event::Part(_)))));
    let Ok(Some(Event::Data(data))) = decoder.next() else {
        panic!("no content");
    };
    assert!(bytes.as_ptr_range().contains(&data.as_ptr()));
}
