//! A live kernel, talked to over its sockets as Jupyter does: what the protocol's own suite
//! (tests/jupyter) does not look at.

mod cells;
mod client;
mod floods;
mod interrupts;
mod jobs;
mod lifecycle;
mod memory;
mod strangers;
mod temporary;
