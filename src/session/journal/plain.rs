//! Values of the language that hold no others, and sets, which the language lets only itself make.

use std::num::NonZeroI32;
use std::sync::LazyLock;

use starlark::environment::{Globals, LibraryExtension, Module};
use starlark::eval::Evaluator;
use starlark::values::float::UnpackFloat;
use starlark::values::list::AllocList;
use starlark::values::{Heap, UnpackValue, Value};

use super::recipe::Recipe;
use crate::{Error, Result};

/// Decimal digits that a number of 64 bits holds in any case.
const DIGITS: usize = 18;
/// Decimal digits of the largest whole number that is kept: reading takes time with the square of them.
const MOST_DIGITS: usize = 10_000;

/// The language's own functions.
static LANGUAGE: LazyLock<Globals> =
    LazyLock::new(|| Globals::extended_by(&[LibraryExtension::SetType]));

/// The recipe of None, a number, a boolean, a text or a range.
pub(super) fn plain(value: Value) -> Option<Recipe> {
    match value.get_type() {
        "NoneType" => Some(Recipe::None),
        "bool" => value.unpack_bool().map(Recipe::Bool),
        "int" => match i64::unpack_value(value).ok().flatten() {
            Some(number) => Some(Recipe::Int(number)),
            None => {
                let text = value.to_str();
                (text.len() <= MOST_DIGITS).then_some(Recipe::LargeInt(text))
            }
        },
        "float" => {
            let float = UnpackFloat::unpack_value(value).ok().flatten();
            float.map(|float| Recipe::Float(format!("{:?}", float.0)))
        }
        "string" => value.unpack_str().map(|text| Recipe::Text(text.to_owned())),
        "range" => range_recipe(&value.to_str()),
        _ => None,
    }
}

/// The recipe of a range, which tells its numbers only as text: "range(5)", "range(2, 5)" or "range(2, 5, 2)".
fn range_recipe(text: &str) -> Option<Recipe> {
    let inside = text.strip_prefix("range(")?.strip_suffix(')')?;
    let numbers: Vec<i32> =
        inside.split(", ").map(str::parse).collect::<std::result::Result<_, _>>().ok()?;
    let (start, stop, step) = match *numbers.as_slice() {
        [stop] => (0, stop, 1),
        [start, stop] => (start, stop, 1),
        [start, stop, step] => (start, stop, step),
        _ => return None,
    };
    Some(Recipe::Range { start, stop, step: NonZeroI32::new(step)? })
}

/// A whole number of any size, from its decimal digits.
///
/// # Errors
/// If the text is no whole number.
pub(super) fn whole_number<'v>(text: &str, heap: Heap<'v>) -> Result<Value<'v>> {
    let foreign = || Error::input("it is not a whole number");
    let (digits, sign) = text.strip_prefix('-').map_or((text, 1_i64), |digits| (digits, -1));
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    if !is_number || digits.len() > MOST_DIGITS {
        return Err(foreign());
    }
    let mut number = heap.alloc(0);
    for part in digits.as_bytes().chunks(DIGITS) {
        let scale = heap.alloc(10_i64.pow(part.len() as u32));
        let part: i64 = std::str::from_utf8(part)
            .ok()
            .and_then(|part| part.parse().ok())
            .ok_or_else(foreign)?;
        let next = number.mul(scale, heap).and_then(|n| n.add(heap.alloc(sign * part), heap));
        number = next.map_err(|_| foreign())?;
    }
    Ok(number)
}

/// A set of these values.
///
/// # Errors
/// If one of them cannot be in a set.
pub(super) fn set<'v>(items: Vec<Value<'v>>, module: &Module<'v>) -> Result<Value<'v>> {
    let refused = |error: starlark::Error| Error::input(error.without_diagnostic().to_string());
    let make = LANGUAGE.iter().find(|(name, _)| *name == "set");
    let make = make.ok_or_else(|| Error::input("the language has no sets"))?.1.to_value();
    let items = module.heap().alloc(AllocList(items));
    Evaluator::new(module).eval_function(make, &[items], &[]).map_err(refused)
}

#[cfg(test)]
mod tests {
    use starlark::values::range::Range;

    use super::*;

    #[test]
    fn whole_numbers_of_any_size_are_read_as_they_were_written() {
        Heap::temp(|heap| {
            for text in [
                "0",
                "-7",
                "9223372036854775807",
                "-9223372036854775809",
                "100000000000000000000000000000000000001",
            ] {
                assert_eq!(whole_number(text, heap).unwrap().to_str(), text);
            }
            for wrong in ["", "-", "+1", "1.5", "twelve"] {
                assert!(whole_number(wrong, heap).is_err(), "{wrong}");
            }
        });
    }

    #[test]
    fn ranges_are_read_off_their_text() {
        let of = |start, stop, step| Range::new(start, stop, NonZeroI32::new(step).unwrap());
        for (start, stop, step) in [(0, 5, 1), (2, 5, 1), (5, -5, -3), (0, 0, 2)] {
            let recipe = range_recipe(&of(start, stop, step).to_string());
            let step = NonZeroI32::new(step).unwrap();
            assert_eq!(recipe, Some(Recipe::Range { start, stop, step }));
        }
        assert_eq!(range_recipe("range(0, 5, 0)"), None);
    }
}
