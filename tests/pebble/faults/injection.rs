//! What can go wrong on the way to Pebble and back.

use std::time::Duration;

use charmwright_testing::proxy::{AfterReply, Fault, Rule};
use charmwright_tests::Random;

use super::fault_fixture::FaultFixture;
use super::operations::{self, Operation, Way};

/// How long Pebble is away when it comes back.
pub(crate) const AWAY: Duration = Duration::from_millis(60);

/// One thing that goes wrong, once, with the request that an operation is about.
#[derive(Debug, Clone)]
pub(crate) enum Injection {
    /// Nobody listens, for a while.
    Refused,
    /// Nobody listens, for longer than anybody waits.
    RefusedForLong,
    /// There is no socket, for a while.
    Missing,
    /// The request is taken and not answered.
    Silence,
    /// The request is done and not answered.
    HeldReply,
    /// Reset before the request was read.
    ResetUnread,
    /// Reset when it was read and not passed on.
    ResetRead,
    /// The answer breaks off after so many bytes.
    Cut(usize),
    /// The answer comes one byte at a time.
    Drip,
    /// An answer with status 200 that is a web page.
    WrongType,
    /// An answer of the right type that is not what it says.
    NotJson,
    /// Bytes that are no HTTP at all.
    NotHttp,
    EndlessHeader,
    EndlessBody,
    /// A websocket whose frames break the rules.
    Frames(&'static [u8]),
    /// Pebble is killed before the request arrives, and comes back.
    KilledBefore,
    /// Pebble is killed when it has answered, and comes back.
    KilledAfter,
}

/// Frames that no server may send (RFC 6455, section 5).
const BAD_FRAMES: &[&[u8]] = &[
    // A reserved opcode.
    b"\x83\x00",
    // A reserved bit.
    b"\xc2\x00",
    // A masked frame of a server.
    b"\x82\x80\0\0\0\0",
    // A ping in two parts.
    b"\x09\x00",
    // A text that is not UTF-8.
    b"\x81\x02\xff\xff",
    // A part of nothing.
    b"\x80\x01x",
    // Longer than anything that Pebble sends: 2 to the 62.
    b"\x82\x7f\x40\0\0\0\0\0\0\0",
    // A control frame of more than 125 bytes.
    b"\x89\x7e\x00\x80",
];

impl Injection {
    pub(crate) fn all() -> Vec<Self> {
        let mut all = vec![
            Self::Refused,
            Self::RefusedForLong,
            Self::Missing,
            Self::Silence,
            Self::HeldReply,
            Self::ResetUnread,
            Self::ResetRead,
            Self::Cut(0),
            Self::Cut(20),
            Self::Cut(150),
            Self::Drip,
            Self::WrongType,
            Self::NotJson,
            Self::NotHttp,
            Self::EndlessHeader,
            Self::EndlessBody,
            Self::KilledBefore,
            Self::KilledAfter,
        ];
        all.extend(BAD_FRAMES.iter().map(|frames| Self::Frames(frames)));
        all
    }

    pub(crate) fn random(random: &mut Random) -> Self {
        match random.below(24) {
            0 => Self::Refused,
            1 => Self::RefusedForLong,
            2 => Self::Missing,
            3 => Self::Silence,
            4 => Self::HeldReply,
            5 => Self::ResetUnread,
            6 => Self::ResetRead,
            7 => Self::Drip,
            8 => Self::WrongType,
            9 => Self::NotJson,
            10 => Self::NotHttp,
            11 => Self::EndlessHeader,
            12 => Self::EndlessBody,
            13 => Self::KilledBefore,
            14 => Self::KilledAfter,
            15 | 16 => Self::Frames(random.one_of::<&[u8]>(BAD_FRAMES)),
            _ => Self::Cut(usize::try_from(random.below(700)).unwrap()),
        }
    }

    /// Whether there is any sense in the pair.
    pub(crate) fn concerns(&self, operation: &Operation) -> bool {
        match self {
            Self::Frames(_) => operation.way == Way::Websocket,
            // Whoever follows a stream waits for as long as it is quiet.
            Self::Silence | Self::HeldReply | Self::EndlessBody => operation.way != Way::Watch,
            Self::KilledBefore | Self::KilledAfter => operation.outlives,
            // A text is a text.
            Self::NotJson => operation.content_type() != operations::TEXT,
            _ => true,
        }
    }

    /// What the proxy does about it; `None` for what is done to the door or the daemon.
    pub(crate) fn rule(&self, fixture: &FaultFixture, operation: &Operation) -> Option<Rule> {
        let fault = match self {
            Self::Refused
            | Self::RefusedForLong
            | Self::Missing
            | Self::KilledBefore
            | Self::KilledAfter => {
                return None;
            }
            Self::Silence => Fault::Silence,
            Self::HeldReply => Fault::HoldReply,
            Self::ResetUnread => Fault::CutRequestUnread,
            Self::ResetRead => Fault::CutRequestBefore,
            Self::Cut(0) => Fault::DropReply,
            Self::Cut(bytes) => Fault::CutReplyAfter(*bytes),
            Self::Drip => Fault::DripFeed(Duration::ZERO),
            Self::WrongType => {
                Fault::reply_of_type(200, "text/html", b"<html><body>Hello</body></html>")
            }
            Self::NotJson => Fault::reply_of_type(
                200,
                operation.content_type(),
                b"{\"type\":\"sync\",\"result\"",
            ),
            Self::NotHttp => Fault::Garbage(b"\x16\x03\x01 this is no HTTP\r\n\r\n".to_vec()),
            Self::EndlessHeader => Fault::EndlessHeader,
            Self::EndlessBody => {
                Fault::endless_body(operation.content_type(), vec![b' '; 64 * 1024])
            }
            Self::Frames(bytes) => {
                Fault::ReplaceFrames { bytes: bytes.to_vec(), then: AfterReply::Hold }
            }
        };
        Some(operation.spoiled(fixture, fault))
    }
}
