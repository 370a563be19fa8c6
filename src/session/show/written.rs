//! The text of values: as the language writes it, but with floats as Python writes them.
//!
//! The language writes floats of six digits and more wrongly: `19999999.0` as `1e+07`. So everything that
//! makes text of a value comes here (but for floats inside sets and records, which the language does not show to
//! others without its heap): `print`, `str`, `repr`, the echo of a cell, `format`, `%` and f-strings.

use starlark::values::dict::DictRef;
use starlark::values::float::StarlarkFloat;
use starlark::values::list::ListRef;
use starlark::values::structs::StructRef;
use starlark::values::tuple::TupleRef;
use starlark::values::{Value, ValueLike};

/// Powers of ten from which floats are written with an exponent, and below which.
const PLAIN: std::ops::Range<i32> = -4..16;

/// The text of a value as `repr` gives it.
pub(in crate::session) fn written(value: Value) -> String {
    let mut text = String::new();
    write(value, &mut text, &mut Vec::new());
    text
}

/// The text of a value as `str` gives it: a text is itself.
pub(in crate::session) fn text_of(value: Value) -> String {
    value.unpack_str().map_or_else(|| written(value), str::to_owned)
}

/// The shortest digits that are read as this number, as Python writes them.
pub(in crate::session) fn float_text(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let exponent = scientific.split_once('e').and_then(|(_, exponent)| exponent.parse().ok());
    if !exponent.is_some_and(|exponent: i32| PLAIN.contains(&exponent)) {
        return python_exponent(&scientific);
    }
    let plain = number.to_string();
    if plain.contains('.') { plain } else { plain + ".0" }
}

/// A number such as `1.5e7` with at least two digits of the exponent and its sign: `1.5e+07`.
pub(in crate::session) fn python_exponent(text: &str) -> String {
    let parts = text.split_once('e');
    let parts = parts.and_then(|(digits, power)| Some((digits, power.parse::<i32>().ok()?)));
    let Some((digits, power)) = parts else { return text.to_owned() };
    let sign = if power < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", power.abs())
}

/// `around` are the values that this one is a part of.
fn write<'v>(value: Value<'v>, text: &mut String, around: &mut Vec<Value<'v>>) {
    if let Some(float) = value.downcast_ref::<StarlarkFloat>() {
        return text.push_str(&float_text(float.0));
    }
    if let Some(content) = value.unpack_str() {
        return quote(content, text);
    }
    let is_part_of_itself = around.iter().any(|outer| outer.ptr_eq(value));
    around.push(value);
    if let Some(list) = ListRef::from_value(value) {
        match is_part_of_itself {
            true => text.push_str("[...]"),
            false => enclosed("[", list.iter(), "]", text, |part, text| write(part, text, around)),
        }
    } else if let Some(tuple) = TupleRef::from_value(value) {
        let close = if tuple.len() == 1 { ",)" } else { ")" };
        match is_part_of_itself {
            true => text.push_str("(...)"),
            false => {
                enclosed("(", tuple.iter(), close, text, |part, text| write(part, text, around));
            }
        }
    } else if let Some(dictionary) = DictRef::from_value(value) {
        match is_part_of_itself {
            true => text.push_str("{...}"),
            false => enclosed("{", dictionary.iter(), "}", text, |(key, part), text| {
                write(key, text, around);
                text.push_str(": ");
                write(part, text, around);
            }),
        }
    } else if let Some(fields) = StructRef::from_value(value) {
        match is_part_of_itself {
            true => text.push_str("struct(...)"),
            false => enclosed("struct(", fields.iter(), ")", text, |(name, part), text| {
                text.push_str(name.as_str());
                text.push('=');
                write(part, text, around);
            }),
        }
    } else {
        text.push_str(&value.to_repr());
    }
    around.pop();
}

/// Writes a text as code. Letters of any script stay as they are, as in Python.
fn quote(content: &str, text: &mut String) {
    text.push('"');
    for letter in content.chars() {
        match letter {
            '"' | '\\' => text.extend(['\\', letter]),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            ' '..='~' => text.push(letter),
            _ if !letter.is_ascii() && letter.escape_debug().count() == 1 => text.push(letter),
            _ => text.push_str(&match u32::from(letter) {
                code @ ..=0xff => format!("\\x{code:02x}"),
                code @ ..=0xffff => format!("\\u{code:04x}"),
                code => format!("\\U{code:08x}"),
            }),
        }
    }
    text.push('"');
}

/// Writes parts between brackets, with commas.
fn enclosed<T>(
    open: &str,
    parts: impl Iterator<Item = T>,
    close: &str,
    text: &mut String,
    mut write: impl FnMut(T, &mut String),
) {
    text.push_str(open);
    for (number, part) in parts.enumerate() {
        if number > 0 {
            text.push_str(", ");
        }
        write(part, text);
    }
    text.push_str(close);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_python_writes_them() {
        for (number, text) in [
            (19_999_999.0, "19999999.0"),
            (99_999_999.0, "99999999.0"),
            (1_999_999.96, "1999999.96"),
            (4_999_999.999_9, "4999999.9999"),
            (123_456_789.0, "123456789.0"),
            (1.999_999_9e-7, "1.9999999e-07"),
            (9.999_999_6e-6, "9.9999996e-06"),
            (1e-7, "1e-07"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (0.1, "0.1"),
            (-0.0, "-0.0"),
            (0.0, "0.0"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (-1.5e300, "-1.5e+300"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ] {
            assert_eq!(float_text(number), text);
        }
    }

    #[test]
    fn letters_of_any_script_stay_as_they_are() {
        let mut text = String::new();
        quote("18 × 36 \"é\"\n\u{7}\u{200b}𝄞\\", &mut text);
        assert_eq!(text, r#""18 × 36 \"é\"\n\x07\u200b𝄞\\""#);
    }

    #[test]
    fn what_is_written_is_read_as_the_same_number() {
        let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..20_000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let number = f64::from_bits(bits);
            if number.is_finite() {
                assert_eq!(float_text(number).parse::<f64>().unwrap().to_bits(), bits);
            }
        }
    }
}
