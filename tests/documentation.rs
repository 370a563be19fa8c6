//! Links in the documentation lead to files and headings that exist, and the book holds every page.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The Markdown files below a folder, relative to the root.
fn pages_below(folder: &str) -> Vec<PathBuf> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let path = entry.unwrap().path();
        let relative = path.strip_prefix(root()).unwrap().to_path_buf();
        if path.is_dir() {
            pages.extend(pages_below(relative.to_str().unwrap()));
        } else if path.extension().is_some_and(|ending| ending == "md") {
            pages.push(relative);
        }
    }
    pages.sort();
    pages
}

/// A text without its blocks of code.
fn prose(text: &str) -> Vec<&str> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if !inside && !line.starts_with("    ") {
            lines.push(line);
        }
    }
    lines
}

/// A line without code in backquotes.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("")
}

/// Targets of the links and images of a page.
fn links(text: &str) -> Vec<String> {
    let mut links = Vec::new();
    for line in prose(text) {
        let line = without_code(line);
        for part in line.split("](").skip(1) {
            links.extend(part.split_once(')').map(|(target, _)| target.to_owned()));
        }
    }
    links
}

/// What a link can lead to inside a page: its headings, as GitHub and mdBook name them, and names that are set.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut seen = BTreeMap::new();
    let mut anchors = BTreeSet::new();
    for line in prose(text) {
        if let Some(name) = line.split("<a name=\"").nth(1).and_then(|rest| rest.split('"').next())
        {
            anchors.insert(name.to_owned());
        }
        let title = line.trim_start_matches('#');
        if title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let kept = |letter: &char| letter.is_alphanumeric() || " -_".contains(*letter);
        let name = title.trim().to_lowercase().chars().filter(kept).collect::<String>();
        let name = name.replace(' ', "-");
        let count = seen.entry(name.clone()).or_insert(0);
        anchors.insert(if *count == 0 { name } else { format!("{name}-{count}") });
        *count += 1;
    }
    anchors
}

/// A path without `.` and `..`; `None` if it leads out of the root.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => normal.pop().then_some(())?,
            Component::CurDir => {}
            other => normal.push(other),
        }
    }
    Some(normal)
}

/// Why a link is broken, if it is.
fn fault(page: &Path, text: &str, link: &str) -> Option<String> {
    if ["http://", "https://", "mailto:"].iter().any(|start| link.starts_with(start)) {
        return None;
    }
    let (path, anchor) =
        link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let target = match path {
        "" => Some(page.to_path_buf()),
        path => normal(&page.parent().unwrap().join(path)),
    };
    let Some(target) = target.filter(|target| root().join(target).exists()) else {
        return Some("leads to no file".to_owned());
    };
    if page.starts_with("docs") && !target.starts_with("docs") {
        return Some("leads out of the book; write the path as code instead".to_owned());
    }
    let anchor = anchor.filter(|_| target.extension().is_some_and(|ending| ending == "md"))?;
    let text = if path.is_empty() {
        text.to_owned()
    } else {
        fs::read_to_string(root().join(target)).unwrap()
    };
    (!anchors(&text).contains(anchor)).then(|| "leads to no heading".to_owned())
}

#[test]
fn every_link_leads_somewhere() {
    let mut pages = pages_below("docs");
    pages.extend(["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(PathBuf::from));
    let (mut faults, mut count) = (Vec::new(), 0);
    for page in pages {
        let text = fs::read_to_string(root().join(&page)).unwrap();
        for link in links(&text) {
            count += 1;
            let fault = fault(&page, &text, &link);
            faults.extend(fault.map(|fault| format!("{}: {link} {fault}", page.display())));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(count > 50, "{count}");
}

#[test]
fn the_book_holds_every_page_once() {
    let summary = fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    let mut listed: Vec<PathBuf> =
        links(&summary).iter().map(|link| Path::new("docs").join(link)).collect();
    listed.sort();
    let pages = pages_below("docs").into_iter().filter(|page| !page.ends_with("SUMMARY.md"));
    assert_eq!(listed, pages.collect::<Vec<_>>());
}

#[test]
fn faults_are_found() {
    let text = "# A title: `code`, _x_\n\n[a](b.md) `[c](d)`\n```\n[e](f)\n```\n<a name=\"old\"></a>\n## Two\n## Two\n";
    assert_eq!(links(text), ["b.md"]);
    let expected = ["a-title-code-_x_", "old", "two", "two-1"].map(str::to_owned);
    assert_eq!(anchors(text), expected.into());
    let page = Path::new("docs/shell.md");
    assert_eq!(fault(page, text, "#two-1"), None);
    assert_eq!(fault(page, text, "data.md"), None);
    assert!(fault(page, text, "#three").is_some());
    assert!(fault(page, text, "nothing.md").is_some());
    assert!(fault(page, text, "../../../etc").is_some());
    assert!(fault(page, text, "../README.md").unwrap().contains("out of the book"));
    assert!(fault(page, text, "data.md#nothing").is_some());
}
