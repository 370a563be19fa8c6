//! The methods to beat.
