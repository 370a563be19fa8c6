//! Functions on numbers that the language lacks and everybody expects.

use starlark::environment::GlobalsBuilder;
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::float::UnpackFloat;
use starlark::values::{UnpackValue, Value, ValueOf};

use super::builtins::Watch;
use crate::session::show::written::python_exponent;
use crate::{Error, Result, statistics};

/// Most decimals that a number is rounded or written to.
const MOST_DECIMALS: i32 = 300;
/// More columns are hardly meant.
const MOST_COLUMNS: usize = 100;

#[starlark_module]
pub(super) fn verbs(builder: &mut GlobalsBuilder) {
    /// Adds numbers. The sum of whole numbers is a whole number.
    ///
    /// # Arguments
    /// * `numbers`: a list or another sequence of numbers.
    ///
    /// Examples:
    /// ```python
    /// sum([1, 2, 3])
    /// ```
    fn sum<'v>(
        numbers: Value<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let (mut watch, heap) = (Watch::new("sum", eval), eval.heap());
        let mut total = heap.alloc(0);
        for number in numbers.iterate(heap)? {
            watch.step()?;
            total = total.add(number, heap)?;
        }
        Ok(total)
    }

    /// Rounds a number; halves go to the even neighbour, as in Python. Without decimals, the result is
    /// a whole number.
    ///
    /// # Arguments
    /// * `number`: what to round.
    /// * `decimals`: digits after the point.
    ///
    /// Examples:
    /// ```python
    /// round(2.345, 1)
    /// round(7.0)
    /// ```
    fn round<'v>(
        number: ValueOf<'v, UnpackFloat>,
        #[starlark(default = 0)] decimals: i32,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> anyhow::Result<Value<'v>> {
        let heap = eval.heap();
        if number.value.get_type() == "int" && decimals >= 0 {
            return Ok(number.value);
        }
        let number = number.typed;
        if decimals == 0 {
            let rounded = number.0.round_ties_even();
            // Beyond these a float has no fraction anyway.
            return Ok(if rounded.abs() < i64::MAX as f64 {
                heap.alloc(rounded as i64)
            } else {
                heap.alloc(rounded)
            });
        }
        let decimals =
            usize::try_from(decimals).ok().filter(|count| *count <= MOST_DECIMALS as usize);
        let Some(decimals) = decimals else {
            return Err(Error::input("round: `decimals` must be 0 to 300").into());
        };
        // Formatting rounds the exact value of the number, as Python does.
        Ok(heap.alloc(format!("{:.decimals$}", number.0).parse::<f64>()?))
    }

    /// Mean of numbers.
    ///
    /// # Arguments
    /// * `numbers`: a list or another sequence of numbers.
    ///
    /// Examples:
    /// ```python
    /// mean([0.2, 0.4])
    /// ```
    fn mean<'v>(numbers: Value<'v>, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<f64> {
        let mut watch = Watch::new("mean", eval);
        let mut values = Vec::new();
        for number in numbers.iterate(eval.heap())? {
            watch.step()?;
            let UnpackFloat(value) = UnpackFloat::unpack_value(number)?.ok_or_else(|| {
                starlark::Error::new_other(Error::input(format!(
                    "mean: all items must be numbers, not of type {}",
                    number.get_type()
                )))
            })?;
            values.push(value);
        }
        statistics::mean(values)
            .ok_or_else(|| starlark::Error::new_other(Error::input("mean: there are no numbers")))
    }

    /// Square root of a number.
    ///
    /// # Arguments
    /// * `number`: 0 or more.
    ///
    /// Examples:
    /// ```python
    /// sqrt(2)
    /// ```
    fn sqrt(number: UnpackFloat) -> anyhow::Result<f64> {
        if number.0 < 0.0 {
            let message = format!("sqrt: `number` must be 0 or more, not {}", number.0);
            return Err(Error::input(message).into());
        }
        Ok(number.0.sqrt())
    }

    /// Writes a number as text.
    ///
    /// # Arguments
    /// * `number`: what to write.
    /// * `style`: as in Python: ".2f" for decimals, ".3e" for powers of ten, ".1%" for percent, "d" for
    ///   whole numbers; a width before it fills up with spaces, as in "8.2f", or with zeros, as in "03d".
    ///
    /// Examples:
    /// ```python
    /// format(0.12345, ".2f")
    /// format(0.5, ".0%")
    /// format(7, "03d")
    /// ```
    fn format<'v>(
        number: ValueOf<'v, UnpackFloat>,
        #[starlark(default = ".3f")] style: &str,
    ) -> anyhow::Result<String> {
        // A float would lose digits of large whole numbers.
        let whole = (number.value.get_type() == "int").then(|| number.value.to_str());
        Ok(formatted(number.typed.0, whole, style)?)
    }
}

/// `whole` is the number as text, if it is a whole one.
fn formatted(number: f64, whole: Option<String>, style: &str) -> Result<String> {
    let refuse = || {
        Error::input(format!(
            "format: `style` must be written like \".2f\", \".3e\", \".1%\", \"d\", \"8.2f\" or \"03d\", not {style:?}"
        ))
    };
    let kind = style.chars().last().ok_or_else(refuse)?;
    let body = style.strip_suffix(kind).unwrap_or_default();
    let (width, decimals) = match body.split_once('.') {
        Some((width, decimals)) => (width, Some(decimals)),
        None => (body, None),
    };
    let parsed = |digits: &str, most: usize| -> Result<usize> {
        let is_number = digits.bytes().all(|digit| digit.is_ascii_digit());
        let number = digits.parse().ok().filter(|number| is_number && *number <= most);
        number.ok_or_else(refuse)
    };
    let columns = if width.is_empty() { 0 } else { parsed(width, MOST_COLUMNS)? };
    let text = match (kind, decimals) {
        ('d', None) => whole.unwrap_or_else(|| format!("{number:.0}")),
        ('d', Some(_)) | (_, None) => return Err(refuse()),
        (kind, Some(decimals)) => {
            let decimals = parsed(decimals, MOST_DECIMALS as usize)?;
            match kind {
                'f' => format!("{number:.decimals$}"),
                '%' => format!("{:.decimals$}%", 100.0 * number),
                'e' => python_exponent(&format!("{number:.decimals$e}")),
                _ => return Err(refuse()),
            }
        }
    };
    let missing = columns.saturating_sub(text.len());
    let (sign, digits) = text.strip_prefix('-').map_or(("", &*text), |digits| ("-", digits));
    Ok(match width.starts_with('0') && number.is_finite() {
        true => format!("{sign}{}{digits}", "0".repeat(missing)),
        false => format!("{}{text}", " ".repeat(missing)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_python_writes_them() {
        let text = |number, style| formatted(number, None, style).unwrap();
        assert_eq!(text(0.12345, ".2f"), "0.12");
        assert_eq!(text(0.00012345, ".3e"), "1.234e-04");
        assert_eq!(text(12345.0, ".1e"), "1.2e+04");
        assert_eq!(text(0.5, ".0%"), "50%");
        assert_eq!(text(7.0, "d"), "7");
        assert_eq!(
            (&*text(7.0, "03d"), &*text(-7.0, "04d"), &*text(7.0, "3d")),
            ("007", "-007", "  7")
        );
        assert_eq!((&*text(1.5, "8.2f"), &*text(-1.5, "07.2f")), ("    1.50", "-001.50"));
        let large = formatted(1e18, Some("1000000000000000001".into()), "021d").unwrap();
        assert_eq!(large, "001000000000000000001");
        for wrong in ["", "f", ".f", ".2x", "2f", ".999f", "é", "999d", "+3d", ".2d", "-3d"] {
            assert!(formatted(1.0, None, wrong).is_err(), "{wrong}");
        }
    }
}
