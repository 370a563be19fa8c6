//! Positions and stretches as the language writes them: counted from 0, from the end if negative.

use std::ops::Range;

use starlark::values::Value;

use crate::{Error, Result};

/// An index: the value in square brackets.
pub(super) enum Index<'v> {
    Position(usize),
    Name(&'v str),
}

impl<'v> Index<'v> {
    /// Reads an index into `length` things, each one called `thing`.
    pub fn of(index: Value<'v>, length: usize, thing: &str) -> Result<Self> {
        if let Some(name) = index.unpack_str() {
            return Ok(Self::Name(name));
        }
        position(index, length, thing).map(Self::Position)
    }
}

/// Why there is nothing of a name: "no findings for subject sub-9; there are findings for sub-1, sub-2". Names may repeat.
pub(super) fn unknown<'a>(things: &str, name: &str, names: impl Iterator<Item = &'a str>) -> Error {
    /// As many as fit on a line.
    const MOST_NAMES: usize = 5;
    let mut known: Vec<&str> = names.collect();
    known.dedup();
    let rest = match known.len().saturating_sub(MOST_NAMES) {
        0 => String::new(),
        rest => format!(" and {rest} more"),
    };
    let there = match known.len() {
        0 => "there are none".to_owned(),
        _ => {
            known.truncate(MOST_NAMES);
            format!("there are {things} for {}{rest}", known.join(", "))
        }
    };
    Error::input(format!("no {things} for subject {name}; {there}"))
}

/// Reads a position among `length` things, each one called `thing`.
pub(super) fn position(index: Value, length: usize, thing: &str) -> Result<usize> {
    let Some(given) = index.unpack_i32() else {
        return Err(Error::input(format!(
            "a {thing} is selected by position or name, not by a value of type {}",
            index.get_type()
        )));
    };
    let counted = if given < 0 { i64::from(given) + length as i64 } else { i64::from(given) };
    match usize::try_from(counted) {
        Ok(position) if position < length => Ok(position),
        _ => Err(Error::input(match length {
            0 => format!("there is no {thing} {given}: there are none"),
            _ => format!("there is no {thing} {given}: positions go from 0 to {}", length - 1),
        })),
    }
}

/// Reads `start:stop` of `length` things; parts beyond the ends are left out, as in Python.
pub(super) fn range(
    start: Option<Value>,
    stop: Option<Value>,
    stride: Option<Value>,
    length: usize,
) -> Result<Range<usize>> {
    let number = |value: Option<Value>, default: usize| match value.filter(|v| !v.is_none()) {
        None => Ok(default),
        Some(value) => match value.unpack_i32() {
            Some(given) if given < 0 => Ok((i64::from(given) + length as i64).max(0) as usize),
            Some(given) => Ok((given as usize).min(length)),
            None => Err(Error::input(format!(
                "start and stop of a slice must be whole numbers, not of type {}",
                value.get_type()
            ))),
        },
    };
    if stride.is_some_and(|stride| stride.unpack_i32() != Some(1)) {
        return Err(Error::input("a slice is written start:stop; steps are not supported"));
    }
    let start = number(start, 0)?;
    Ok(start..number(stop, length)?.max(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_told_with_some_that_there_are() {
        let said = |names: &[&str]| unknown("findings", "x", names.iter().copied()).to_string();
        assert_eq!(said(&[]), "no findings for subject x; there are none");
        assert_eq!(
            said(&["a", "a", "b"]),
            "no findings for subject x; there are findings for a, b"
        );
        assert_eq!(
            said(&["a", "b", "c", "d", "e", "f", "g"]),
            "no findings for subject x; there are findings for a, b, c, d, e and 2 more"
        );
    }
}
