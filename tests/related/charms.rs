//! The example charms, with everything that they declare.

#![allow(dead_code, reason = "a charm's `main` is called by its executable alone")]

#[path = "../../examples/actions/main.rs"]
pub mod actions;
#[path = "../../examples/database_provider/main.rs"]
pub mod database_provider;
#[path = "../../examples/database_requirer/main.rs"]
pub mod database_requirer;
#[path = "../../examples/network/main.rs"]
pub mod network;
#[path = "../../examples/peers/main.rs"]
pub mod peers;
#[path = "../../examples/resources/main.rs"]
pub mod resources;
#[path = "../../examples/storage/main.rs"]
pub mod storage;
#[path = "../../examples/token_observer/main.rs"]
pub mod token_observer;
#[path = "../../examples/token_owner/main.rs"]
pub mod token_owner;
