//! Command line of u2ad.

fn main() {}
