//! How the value that ends a cell is shown.

pub(super) mod tabulated;
pub(super) mod written;

use starlark::any::ProvidesStaticType;
use starlark::values::Value;
use starlark::values::dict::DictRef;
use starlark::values::list::ListRef;
use starlark::values::tuple::TupleRef;
use unicode_width::UnicodeWidthStr;

use self::written::written;
use super::{Display, Part};
use crate::context::Context;
use crate::figures::Figure;
use crate::report::TEXT_WIDTH;
use crate::{Error, Result};

/// Parts of a list, tuple or dictionary that are shown of it; `print` writes all.
const MOST_PARTS: usize = 1000;

/// A value that can be shown in more detail than as text.
pub(super) trait ShowValue {
    fn show(&self) -> Result<Display>;

    /// Names that pick one of its parts in square brackets; without work, for completion.
    fn keys(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What a value type offers in `StarlarkValue::provide`: itself, as something that shows.
#[derive(ProvidesStaticType)]
pub(super) struct Showable(pub Box<dyn ShowValue>);

/// An error of ours as the language passes it on.
pub(super) fn failed(error: Error) -> starlark::Error {
    starlark::Error::new_native(error)
}

/// Warns of letters in figures that a PNG cannot show, such as those of names in Chinese.
pub(super) fn warn_of_letters<'f>(
    figures: impl IntoIterator<Item = &'f Figure>,
    context: &Context,
) {
    for figure in figures {
        // Where it cannot be drawn, its front end says so.
        let letters = figure.letters_without_a_sign().unwrap_or_default();
        if !letters.is_empty() {
            context.warn_once(format!(
                "the font of figures has no {letters}: PNG pictures show \u{FFFD} there; `.save(\"figure.svg\")` keeps the \
                 letters"
            ));
        }
    }
}

/// The figures of a display.
pub(super) fn figures_of(display: &Display) -> impl Iterator<Item = &Figure> {
    display.parts.iter().filter_map(|part| match part {
        Part::Figure(figure) => Some(figure),
        _ => None,
    })
}

/// The display of a value: `None` shows nothing, our own values their richest form, all others
/// their text as the language writes it.
pub(super) fn display(value: Value) -> Result<Option<Display>> {
    if value.is_none() {
        return Ok(None);
    }
    match value.request_value::<Showable>() {
        Some(showable) => showable.0.show().map(Some),
        // A method without its brackets, such as `found.lesions`, was probably meant to be called.
        None if value.get_type() == "function" => {
            let name = value.to_repr();
            let text = format!(
                "{name}: a function; brackets behind its name call it, help(…) explains it"
            );
            Ok(Some(Display::text(text)))
        }
        None => Ok(Some(Display::text(in_lines(value, 0, &mut Vec::new())))),
    }
}

/// A value as `repr` writes it, with at most [`MOST_PARTS`] parts of each list, tuple or dictionary. The parts of one
/// that is wider than a line stand in lines: each in one of its own if one of them has parts itself, else as many beside
/// each other as fit. `before` is the number of columns before it, `around` are the values that it is a part of.
fn in_lines<'v>(value: Value<'v>, before: usize, around: &mut Vec<Value<'v>>) -> String {
    // A list may be a part of itself.
    let is_part_of_itself = around.iter().any(|outer| outer.ptr_eq(value));
    let Some(Parts { open, parts, left_out, close }) = Parts::of(value) else {
        return written(value);
    };
    if left_out == 0 || is_part_of_itself {
        let whole = written(value);
        if before + whole.width() <= TEXT_WIDTH || is_part_of_itself {
            return whole;
        }
    }
    let has_parts = |value: Value| {
        ListRef::from_value(value).is_some()
            || TupleRef::from_value(value).is_some()
            || DictRef::from_value(value).is_some()
    };
    let is_nested = parts.iter().any(|(_, part)| has_parts(*part));
    let indent = before + open.len();
    around.push(value);
    let mut text = open.to_owned();
    let mut column = indent;
    for (number, (key, part)) in parts.iter().enumerate() {
        let part = format!("{key}{}", in_lines(*part, indent + key.width(), around));
        // With a comma or bracket behind it.
        let wide = part.width() + 1;
        if number > 0 && (is_nested || column + 2 + wide > TEXT_WIDTH) {
            text.push_str(",\n");
            text.push_str(&" ".repeat(indent));
            column = indent;
        } else if number > 0 {
            text.push_str(", ");
            column += 2;
        }
        text.push_str(&part);
        column += wide - 1;
    }
    around.pop();
    if left_out > 0 {
        text.push_str(&format!(",\n{}… and {left_out} more", " ".repeat(indent)));
    }
    text + close
}

/// The parts of a value that are shown.
struct Parts<'v> {
    open: &'static str,
    /// Each with what stands before it.
    parts: Vec<(String, Value<'v>)>,
    /// How many more there are.
    left_out: usize,
    close: &'static str,
}

impl<'v> Parts<'v> {
    /// The parts of a list, tuple or dictionary.
    fn of(value: Value<'v>) -> Option<Self> {
        let items = |open, items: &[Value<'v>], close| {
            let shown = &items[..items.len().min(MOST_PARTS)];
            let parts = shown.iter().map(|part| (String::new(), *part)).collect();
            Self { open, parts, left_out: items.len() - shown.len(), close }
        };
        if let Some(list) = ListRef::from_value(value) {
            return Some(items("[", list.content(), "]"));
        }
        if let Some(tuple) = TupleRef::from_value(value) {
            let close = if tuple.len() == 1 { ",)" } else { ")" };
            return Some(items("(", tuple.content(), close));
        }
        let dictionary = DictRef::from_value(value)?;
        let shown = dictionary.iter().take(MOST_PARTS);
        let parts: Vec<_> =
            shown.map(|(key, part)| (format!("{}: ", written(key)), part)).collect();
        let left_out = dictionary.len() - parts.len();
        Some(Self { open: "{", parts, left_out, close: "}" })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::context::{Event, Reporter};

    /// Remembers what was warned of.
    #[derive(Default)]
    struct Warnings(Mutex<Vec<String>>);

    impl Reporter for Warnings {
        fn report(&self, event: Event) {
            if let Event::Warning(warning) = event {
                self.0.lock().unwrap().push(warning);
            }
        }
    }

    #[test]
    fn letters_that_figures_cannot_show_are_warned_of_once() {
        let warnings = Arc::new(Warnings::default());
        let context = Context::new(0).with_reporter(warnings.clone());
        let named = |title: &str| Figure::own(title, "", (300, 80), |_| Ok(()));
        let parts = ["sub-01", "sub-患者01", "患者"].map(|title| Part::Figure(named(title)));
        let display = Display::of(parts);
        warn_of_letters(figures_of(&display), &context);
        let said = warnings.0.lock().unwrap();
        let begin = "the font of figures has no 患者: PNG pictures show \u{FFFD} there";
        assert!(said.len() == 1 && said[0].starts_with(begin), "{said:?}");
    }
}
