//! Text inside SVG and HTML.

/// Text for the inside of an element or of a quoted attribute; control characters that XML forbids
/// are dropped, line breaks and tabs stay.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            c if c.is_control() && !matches!(c, '\n' | '\t') => {}
            c => escaped.push(c),
        }
    }
    escaped
}

/// The text that [`escape`] made this of.
#[cfg(feature = "rust-cells")]
pub(crate) fn unescape(markup: &str) -> String {
    let plain = markup.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    plain.replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_lines_and_nothing_becomes_markup() {
        assert_eq!(escape("a < b & \"c\"\n\td\u{1b}>"), "a &lt; b &amp; &quot;c&quot;\n\td&gt;");
    }

    #[cfg(feature = "rust-cells")]
    #[test]
    fn what_was_escaped_comes_back() {
        assert_eq!(unescape(&escape("&lt; <b> \"&\"")), "&lt; <b> \"&\"");
    }
}
