//! The faults that are injected between the client and Pebble.

use std::time::Duration;

use charmwright_testing::proxy::{AfterReply, Fault, Rule};
use charmwright_tests::Random;

use super::fault_fixture::FaultFixture;
use super::operations::{self, Operation, ReplyForm};

/// The time for which Pebble is down, where a case has it come back.
pub(crate) const AWAY: Duration = Duration::from_millis(60);

/// One fault. It happens once, to the request that an operation is about.
#[derive(Debug, Clone)]
pub(crate) enum Injection {
    /// The socket refuses connections for [`AWAY`].
    Refused,
    /// The socket refuses connections for longer than the call's deadline.
    RefusedForLong,
    /// The socket does not exist for [`AWAY`].
    Missing,
    /// The request never reaches Pebble, and there is no reply.
    Silence,
    /// Pebble handles the request, and its reply never arrives.
    HeldReply,
    /// The connection is reset before the request was read.
    ResetUnread,
    /// The connection is closed after the request was read, and Pebble never gets it.
    ResetRead,
    /// The connection is closed after this many bytes of the reply.
    Cut(usize),
    /// The reply arrives one byte at a time.
    Drip,
    /// The reply has status 200 and is a web page.
    WrongType,
    /// The reply has the right content type, and its JSON is cut off.
    NotJson,
    /// The reply is not HTTP.
    NotHttp,
    /// The head of the reply never ends.
    EndlessHeader,
    /// The body of the reply never ends.
    EndlessBody,
    /// The websocket sends these frames, which break the protocol.
    Frames(&'static [u8]),
    /// Pebble is killed before it gets the request, and started again.
    KilledBefore,
    /// Pebble is killed when it has replied, and started again.
    KilledAfter,
}

/// Frames that a server must not send (RFC 6455, section 5).
const BAD_FRAMES: &[&[u8]] = &[
    // A reserved opcode.
    b"\x83\x00",
    // A reserved bit.
    b"\xc2\x00",
    // A masked frame, which only a client may send.
    b"\x82\x80\0\0\0\0",
    // A fragmented ping.
    b"\x09\x00",
    // A text that is not UTF-8.
    b"\x81\x02\xff\xff",
    // A continuation without a first frame.
    b"\x80\x01x",
    // A frame of 2^62 bytes, far longer than any that Pebble sends.
    b"\x82\x7f\x40\0\0\0\0\0\0\0",
    // A control frame of more than 125 bytes.
    b"\x89\x7e\x00\x80",
];

impl Injection {
    /// Returns every fault of the table.
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

    /// Returns a fault by chance.
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

    /// Returns `true` if the fault can happen to the operation and its result can be predicted.
    pub(crate) fn applies_to(&self, operation: &Operation) -> bool {
        match self {
            Self::Frames(_) => operation.reply_form == ReplyForm::Websocket,
            // A watch waits for as long as its stream is silent, so the case would never end.
            Self::Silence | Self::HeldReply | Self::EndlessBody => {
                operation.reply_form != ReplyForm::Watch
            }
            Self::KilledBefore | Self::KilledAfter => operation.may_be_killed,
            // The call returns any text as it is.
            Self::NotJson => operation.content_type() != operations::TEXT,
            _ => true,
        }
    }

    /// Returns the proxy's rule for this fault, or `None` if it happens to the socket or the
    /// daemon.
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
        Some(operation.rule_for(fixture, fault))
    }
}
