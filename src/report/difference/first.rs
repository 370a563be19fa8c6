//! A place in which two files differ.

/// Where two files differ first, and what stands there in each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstDifference {
    /// Such as "row 3 (sub-02), column score" or "pixel at column 10, row 4".
    pub place: String,
    pub first: String,
    pub second: String,
}

impl FirstDifference {
    pub(super) fn new(
        place: impl Into<String>,
        first: impl ToString,
        second: impl ToString,
    ) -> Self {
        Self { place: place.into(), first: first.to_string(), second: second.to_string() }
    }
}
