//! The endpoints that a charm declares, as types: their name, interface, role and limit.

use crate::const_text::is_same;
use crate::juju::EndpointName;

/// An endpoint is a unit struct that stands for an endpoint of the charm's YAML. It is passed by
/// value, as in `hook.related(Database)`.
///
/// ```
/// use charmwright::{Endpoint, LimitOne, Requires};
///
/// #[derive(Clone, Copy)]
/// struct Database;
///
/// // requires: {database: {interface: postgresql_client, limit: 1}}
/// impl Endpoint for Database {
///     const NAME: &'static str = "database";
///     const INTERFACE: &'static str = "postgresql_client";
///     type Role = Requires;
///     type Limit = LimitOne;
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an endpoint",
    note = "an endpoint is a unit struct that implements `charmwright::Endpoint`; a name that is \
            known only at run time goes to `related_named`"
)]
pub trait Endpoint: Copy + 'static {
    /// The name of the endpoint.
    const NAME: &'static str;

    /// The interface of the endpoint.
    const INTERFACE: &'static str;

    /// The role: [`Requires`], [`Provides`] or [`Peer`].
    type Role: Role;

    /// The largest number of relations: [`LimitOne`] or [`NoLimit`].
    type Limit: Limit;

    /// Returns the endpoint's name as an [`EndpointName`].
    #[must_use]
    fn name(self) -> EndpointName {
        const { EndpointName::from_static(Self::NAME) }
    }
}

mod sealed {
    pub trait Sealed {}
}

/// A role is the side of its relations that an endpoint takes. No other type can implement it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the role of an endpoint",
    note = "the roles are `charmwright::Requires`, `charmwright::Provides` and `charmwright::Peer`"
)]
pub trait Role: sealed::Sealed + 'static {}

/// This trait marks the roles whose relations have another application on their other side.
#[diagnostic::on_unimplemented(
    message = "a peer endpoint has no other application",
    note = "ask for its relation by `hook.peers::<Shared>(…)`, not by `hook.related(…)`"
)]
pub trait Related: Role {}

/// This role requires what the other application provides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requires {}

/// This role provides what the other application requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provides {}

/// This role relates the units of one application to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {}

impl sealed::Sealed for Requires {}
impl sealed::Sealed for Provides {}
impl sealed::Sealed for Peer {}
impl Role for Requires {}
impl Role for Provides {}
impl Role for Peer {}
impl Related for Requires {}
impl Related for Provides {}

/// A limit is the largest number of relations of an endpoint, and decides what
/// [`Unit::related`](crate::Unit::related) returns. No other type can implement it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the limit of an endpoint",
    note = "the limits are `charmwright::LimitOne` (`limit: 1`) and `charmwright::NoLimit`"
)]
pub trait Limit: sealed::Sealed + 'static {
    /// The type that holds the relations: an `Option` or a `Vec`.
    type Of<T>;

    #[doc(hidden)]
    fn of<T>(relations: Vec<T>) -> Self::Of<T>;
}

/// This limit is that of an endpoint with `limit: 1`: it has one relation or none.
///
/// While one relation is being removed and the next is there already, it is the older one, until
/// the older one breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitOne {}

/// This limit is that of an endpoint with any number of relations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoLimit {}

impl sealed::Sealed for LimitOne {}
impl sealed::Sealed for NoLimit {}

impl Limit for LimitOne {
    type Of<T> = Option<T>;

    fn of<T>(relations: Vec<T>) -> Option<T> {
        relations.into_iter().next()
    }
}

impl Limit for NoLimit {
    type Of<T> = Vec<T>;

    fn of<T>(relations: Vec<T>) -> Vec<T> {
        relations
    }
}

/// Checks at compile time that an endpoint has the interface that a component speaks.
///
/// ```
/// # use charmwright::{Endpoint, NoLimit, Requires, interface};
/// # #[derive(Clone, Copy)]
/// # struct Ingress;
/// # impl Endpoint for Ingress {
/// #     const NAME: &'static str = "route";
/// #     const INTERFACE: &'static str = "ingress";
/// #     type Role = Requires;
/// #     type Limit = NoLimit;
/// # }
/// struct Requirer<E>(E);
///
/// impl<E: Endpoint> Requirer<E> {
///     fn new(endpoint: E) -> Self {
///         const { interface::<E>("ingress") }
///         Self(endpoint)
///     }
/// }
///
/// let _ = Requirer::new(Ingress);
/// ```
///
/// Another interface does not compile:
///
/// ```compile_fail,E0080
/// # use charmwright::{Endpoint, NoLimit, Requires, interface};
/// # #[derive(Clone, Copy)]
/// # struct Ingress;
/// # impl Endpoint for Ingress {
/// #     const NAME: &'static str = "route";
/// #     const INTERFACE: &'static str = "ingress";
/// #     type Role = Requires;
/// #     type Limit = NoLimit;
/// # }
/// const CHECK: () = interface::<Ingress>("tracing");
/// ```
///
/// # Panics
///
/// Panics if the interface is another one; in a `const` that is an error of the compiler, which
/// names the endpoint and both interfaces.
pub const fn interface<E: Endpoint>(wanted: &str) {
    if is_same(E::INTERFACE, wanted) {
        return;
    }
    // The message of a panic at compile time cannot be formatted, so it is put together here.
    let mut text = [0; 200];
    let mut room: &mut [u8] = &mut text;
    room = append(room, "the endpoint \"");
    room = append(room, E::NAME);
    room = append(room, "\" has the interface \"");
    room = append(room, E::INTERFACE);
    room = append(room, "\"; this component speaks \"");
    room = append(room, wanted);
    room = append(room, "\"");
    let left = room.len();
    let (written, _) = text.split_at(text.len() - left);
    // Names that fill the room may be cut within a character.
    let text = match std::str::from_utf8(written) {
        Ok(text) => text,
        Err(_) => "the interface of the endpoint is not the one that this component speaks",
    };
    fail(text);
}

#[expect(clippy::panic, reason = "it is how a check at compile time fails")]
const fn fail(text: &str) -> ! {
    panic!("{}", text)
}

/// Copies a text to the start of `room`, as far as it fits, and returns the room after it.
const fn append<'a>(room: &'a mut [u8], text: &str) -> &'a mut [u8] {
    let (mut room, mut text) = (room, text.as_bytes());
    while let [byte, others @ ..] = text {
        match room {
            [first, rest @ ..] => {
                *first = *byte;
                room = rest;
            }
            [] => return &mut [],
        }
        text = others;
    }
    room
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy)]
    struct Route;

    impl Endpoint for Route {
        const NAME: &'static str = "route";
        const INTERFACE: &'static str = "ingress";
        type Role = Requires;
        type Limit = NoLimit;
    }

    #[test]
    fn another_interface_is_named_in_the_panic() {
        const { interface::<Route>("ingress") }
        let wanted = "x".repeat(400);
        for (wanted, expected) in [
            (
                "tracing",
                "the endpoint \"route\" has the interface \"ingress\"; this component speaks \
                 \"tracing\"",
            ),
            (&wanted, &wanted[..100]),
        ] {
            let panicked = std::panic::catch_unwind(|| interface::<Route>(wanted)).unwrap_err();
            let text = panicked.downcast_ref::<String>().unwrap();
            assert!(text.contains(expected) && text.len() <= 200, "{text}");
        }
    }

    #[test]
    fn a_limit_of_one_takes_the_oldest() {
        assert_eq!(LimitOne::of(vec![3, 7]), Some(3));
        assert_eq!(LimitOne::of(Vec::<u8>::new()), None);
        assert_eq!(NoLimit::of(vec![3, 7]), [3, 7]);
    }
}
