//! Ways in: each turns [`crate::session::Output`] into what its user sees.
