//! Comparison with a stored text or figure.

/// Compares `text` with `stored/FOLDER/NAME.snap`.
pub fn check(folder: &str, name: &str, text: &str) {
    settings(folder).bind(|| insta::assert_snapshot!(name, text));
}

/// Compares an SVG document with `stored/FOLDER/NAME.snap.svg`, which a browser shows.
pub fn check_svg(folder: &str, name: &str, svg: String) {
    settings(folder).bind(|| insta::assert_binary_snapshot!(&format!("{name}.svg"), svg.into()));
}

fn settings(folder: &str) -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(format!("stored/{folder}"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

/// The text with every number after `word` replaced by "N".
pub fn without_numbers_after(text: &str, word: &str) -> String {
    let mut parts = text.split(word);
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|letter: char| letter.is_ascii_digit());
        plain.push_str(word);
        plain.push_str(if rest.len() < part.len() { "N" } else { "" });
        plain.push_str(rest);
    }
    plain
}
