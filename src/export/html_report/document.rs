//! The frame of a page: head, style, scripts. A page loads nothing from anywhere, and its policy forbids
//! it to.

use std::fmt::Display;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, Render, html};
use serde::Serialize;

use super::Page;
use super::viewer::{Viewer, colour_maps};
use crate::cohort::Cohort;
use crate::figures::Figure;
use crate::files::{check_file_place, write_whole};
use crate::report::Table;
use crate::{Error, Result};

const STYLE: &str = include_str!("assets/style.css");
/// Takes the place of some colours of [`STYLE`] in the dark.
const DARK: &str = include_str!("assets/dark.css");
/// Within one function, so that the parts see each other's names and nothing else does.
const SCRIPT: &str = concat!(
    "\"use strict\";\n(() => {\n",
    include_str!("assets/tables.js"),
    include_str!("assets/elements.js"),
    include_str!("assets/layers.js"),
    include_str!("assets/pictures.js"),
    include_str!("assets/curve.js"),
    include_str!("assets/viewer.js"),
    include_str!("assets/page.js"),
    "})();\n",
);

/// Nothing is fetched: pictures stand in the page, style and scripts too.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; \
                      script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// A page of titled sections. `curve_unit` names the axis of the anomaly curves, if there are any.
pub(super) fn document(
    title: &str,
    introduction: &Markup,
    sections: &[(&str, &str, Markup)],
    curve_unit: &str,
) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(title))
            body {
                a.skip href="#main" { "Skip to the content" }
                header {
                    h1 { (title) }
                    (introduction)
                    nav aria-label="Sections" {
                        ul { @for (id, heading, _) in sections { li { a href={ "#" (id) } { (heading) } } } }
                    }
                    button.print.screen type="button" hidden { "Print, with all subjects drawn" }
                    noscript { p {
                        "The pictures of the subjects are drawn by JavaScript, which is off here. In JupyterLab, “Trust HTML” "
                        "above this page switches it on; elsewhere the settings of the browser do."
                    } }
                }
                main #main {
                    @for (id, heading, content) in sections {
                        section aria-labelledby=(id) { h2 #(id) { (heading) } (content) }
                    }
                }
                footer {
                    p { "For research, not for diagnosis. Made by u2ad " (env!("CARGO_PKG_VERSION")) "." }
                }
                (scripts(curve_unit))
            }
        }
    }
}

/// The subjects of a cohort that cannot be used, with the reasons; nothing if all can.
pub(super) fn left_out(cohort: &Cohort) -> Markup {
    let broken = cohort.broken();
    html! {
        @if !broken.is_empty() {
            p { "Left out, because they cannot be used:" }
            ul.notes { @for (name, reason) in broken { li { (name) ": " (cohort.without_folders(reason)) } } }
        }
    }
}

/// A page of one panel, for a frame in a notebook.
pub(super) fn panel_page(title: &str, panel: &Markup, curve_unit: &str) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(title))
            body.framed { main { (panel) } (scripts(curve_unit)) }
        }
    }
}

fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta http-equiv="Content-Security-Policy" content=(POLICY);
            meta name="generator" content=(format!("u2ad {}", env!("CARGO_PKG_VERSION")));
            title { (title) }
            style { (PreEscaped(STYLE)) }
            style #dark media="screen and (prefers-color-scheme: dark)" { (PreEscaped(DARK)) }
        }
    }
}

fn scripts(curve_unit: &str) -> Markup {
    let shared = serde_json::json!({ "colours": colour_maps(), "curve_unit": curve_unit });
    html! {
        script #shared type="application/json" { (json(&shared)) }
        script { (PreEscaped(SCRIPT)) }
    }
}

/// JSON for a script element: no text in it can end the element.
fn json(value: &impl Serialize) -> PreEscaped<String> {
    let text = serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned());
    PreEscaped(text.replace('<', "\\u003c"))
}

/// The panel of one subject: what is known of it, its viewer, what stands beside that, and what under it.
pub(super) fn panel(
    name: &str,
    facts: &Markup,
    viewer: &Viewer,
    beside: &Markup,
    under: &Markup,
) -> Markup {
    html! {
        section.panel id=(anchor(name)) aria-label=(name) {
            header { h3 { (name) } (facts) }
            div.beside {
                div.viewer { p.quiet { "The pictures are drawn when they come into view." } }
                div { (beside) }
            }
            (under)
            script type="application/json" { (json(viewer)) }
        }
    }
}

/// The address of a subject's panel within the page. Different names have different addresses.
pub(super) fn anchor(name: &str) -> String {
    let plain = |letter: char| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' => letter.to_string(),
        other => format!("_{:x}_", u32::from(other)),
    };
    format!("subject-{}", name.chars().map(plain).collect::<String>())
}

/// A figure as vector graphics on white, in light and dark alike.
pub(super) fn chart(figure: &Figure, alternative: &str) -> Result<Markup> {
    let source = format!("data:image/svg+xml;base64,{}", STANDARD.encode(figure.svg()?));
    let (width, height) = figure.size_on_page();
    Ok(html! {
        figure.chart { div.scroll {
            img src=(source) alt=(alternative) width=(width) height=(height) style={ "--width: " (width) "px" };
        } }
    })
}

/// A table that may be wider than the window.
pub(super) fn table(table: &Table) -> Markup {
    html! { div.scroll { (PreEscaped(table.to_html())) } }
}

/// Names and values.
pub(super) fn facts(rows: &[(&str, String)]) -> Markup {
    html! {
        div.scroll { table { tbody {
            @for (name, value) in rows { tr { th.fact scope="row" { (name) } td { (value) } } }
        } } }
    }
}

/// Numbers that come first.
pub(super) fn counts<N: Render>(numbers: &[(&str, N)]) -> Markup {
    html! { dl.counts { @for (name, number) in numbers { div { dt { (name) } dd { (number) } } } } }
}

/// A word in colour: `kind` is "positive", "negative" or empty.
pub(super) fn badge(kind: &str, text: impl Display) -> Markup {
    html! { span.badge.(kind) { (text.to_string()) } }
}

/// Whether a page may be written to `path`: before a long computation, so that it is not in vain.
///
/// # Errors
/// If it is a folder, does not end in ".html", or cannot be written there.
pub fn check_page_path(path: &Path) -> Result<()> {
    let is_page = path.extension().is_some_and(|ending| {
        ["html", "htm"].iter().any(|known| ending.eq_ignore_ascii_case(known))
    });
    if !is_page || fs::metadata(path).is_ok_and(|there| there.is_dir()) {
        return Err(Error::file(path, "a report is one file whose name ends in .html"));
    }
    check_file_place(path)
}

/// Writes a page to a file; an earlier one is replaced when the new one is complete.
///
/// # Errors
/// If `path` is a folder or does not end in ".html", or the disk refuses.
pub(super) fn write(path: &Path, page: Markup, subjects: usize) -> Result<Page> {
    check_page_path(path)?;
    let text = page.into_string();
    write_whole(path, text.as_bytes())?;
    Ok(Page { path: path.to_path_buf(), subjects, bytes: text.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_alike_have_addresses_of_their_own() {
        assert_eq!(anchor("sub-01"), "subject-sub-01");
        assert_ne!(anchor("sub_1"), anchor("sub-1"));
        assert_ne!(anchor("é"), anchor("_e9_"));
    }
}
