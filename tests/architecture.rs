//! The structure of `src/`, checked on its `use` lines: modules import from lower layers only, no
//! files import from each other in a circle, and no folder grows without end.
//!
//! `docs/architecture.md` explains the layers. Tests inside `src/` may import what they like.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The top-level modules, highest layer first. A module may import from the layers below its own.
const LAYERS: &[&[&str]] = &[
    &["main"],
    &["frontends"],
    &["session"],
    &["prelude"],
    &["notebook"],
    &["language", "study", "rust_cells"],
    &["export"],
    &["report"],
    &["figures"],
    &["benchmark"],
    &["baselines", "evaluation"],
    &["detection"],
    &["training"],
    &["masking", "scoring", "segmentation"],
    &["uncertainty"],
    &["exchange", "model", "simulation"],
    &["cohort"],
    &["dicom", "phantom"],
    &["volume"],
    &["ops"],
    &["context"],
    &["files"],
    &["options", "statistics"],
    &["error"],
];

/// Folders whose files still import from each other in a circle. An entry that is no longer needed
/// fails the test.
const CIRCULAR: &[&str] = &[];

/// Files and folders that a folder may hold.
const MOST_SIBLINGS: usize = 20;

/// Folders that hold more, and how many. They may only shrink.
const CROWDED: &[(&str, usize)] = &[("", 34)];

/// A module path such as `["cohort", "entry"]`; the crate's root is empty.
type Module = Vec<String>;

struct Source {
    /// Whether it is the `mod.rs` (or root) of its folder.
    is_facade: bool,
    /// Without comments and tests.
    text: String,
}

#[test]
fn modules_import_from_lower_layers_only() {
    let sources = sources();
    let layer = |module: &Module| -> usize {
        let top = module.first().expect("no arrow leads to the crate's root");
        let layer = LAYERS.iter().position(|layer| layer.contains(&top.as_str()));
        layer.unwrap_or_else(|| panic!("`{top}` is in no layer; add it to LAYERS"))
    };
    let mut upward = Vec::new();
    for (from, to) in arrows(&sources) {
        if from.first() != to.first() && layer(&from) >= layer(&to) {
            upward.push(format!("{} -> {}", from.join("::"), to.join("::")));
        }
    }
    assert!(upward.is_empty(), "these arrows do not lead down:\n{}", upward.join("\n"));
}

#[test]
fn files_do_not_import_from_each_other_in_a_circle() {
    let mut found = BTreeSet::new();
    for circle in circles(&arrows(&sources())) {
        let names: Vec<_> = circle.iter().map(|module| module.join("::")).collect();
        let top = circle[0][0].clone();
        let is_known = circle.iter().all(|module| module[0] == top);
        let is_known = is_known && CIRCULAR.contains(&top.as_str());
        assert!(is_known, "these files import from each other:\n{}", names.join("\n"));
        found.insert(top);
    }
    let known: BTreeSet<String> = CIRCULAR.iter().map(|top| (*top).to_owned()).collect();
    assert_eq!(found, known, "a circle is gone; take it out of CIRCULAR");
}

#[test]
fn no_folder_holds_too_many_files() {
    let mut siblings: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in rust_files() {
        let mut folder = PathBuf::new();
        for part in path.strip_prefix(root()).unwrap() {
            let name = folder.to_string_lossy().into_owned();
            siblings.entry(name).or_default().insert(part.to_string_lossy().into_owned());
            folder.push(part);
        }
    }
    for (folder, members) in siblings {
        let known = CROWDED.iter().find(|(name, _)| *name == folder).map(|(_, most)| *most);
        let most = known.unwrap_or(MOST_SIBLINGS);
        assert!(members.len() <= most, "src/{folder} holds {} files and folders", members.len());
        if known.is_some() {
            assert!(members.len() > MOST_SIBLINGS, "take src/{folder} out of CROWDED");
        }
    }
}

#[test]
fn nested_imports_are_read_whole() {
    let text = "use crate::{a::{B, c::D}, e};\nlet x = crate::f::g(1);";
    let found: Vec<String> = paths(text, "crate").iter().map(|path| path.join("::")).collect();
    assert_eq!(found, ["a::B", "a::c::D", "e", "f::g"]);
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn rust_files() -> Vec<PathBuf> {
    fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    let mut files = Vec::new();
    collect(&root(), &mut files);
    files.sort();
    files
}

/// All files but tests, by the module that each one is.
fn sources() -> BTreeMap<Module, Source> {
    let mut sources = BTreeMap::new();
    for path in rust_files() {
        let inside = path.strip_prefix(root()).unwrap().with_extension("");
        let mut module: Module =
            inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        let is_test = |part: &String| {
            part == "tests"
                || part.ends_with("_tests")
                || part == "test_support"
                || part == "fixture"
        };
        if module.iter().any(is_test) {
            continue;
        }
        let is_facade = module.last().is_some_and(|name| name == "mod" || name == "lib");
        if is_facade {
            module.pop();
        }
        let text = fs::read_to_string(&path).unwrap();
        sources.insert(module, Source { is_facade, text: without_tests(&text) });
    }
    sources
}

/// Source without comments and without what stands behind its first `#[cfg(test)]` module.
fn without_tests(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let is_tests = |at: &usize| {
        lines[*at] == "#[cfg(test)]"
            && lines.get(at + 1).is_some_and(|next| next.starts_with("mod ") && next.ends_with('{'))
    };
    let end = (0..lines.len()).find(is_tests).unwrap_or(lines.len());
    let code = lines[..end].iter().map(|line| line.split("//").next().unwrap_or_default());
    code.collect::<Vec<_>>().join("\n")
}

/// Who imports from whom: (module, module that defines what it imports), both with a file each.
fn arrows(sources: &BTreeMap<Module, Source>) -> BTreeSet<(Module, Module)> {
    let exports = exports(sources);
    let mut arrows = BTreeSet::new();
    for (module, source) in sources {
        let outward = |count: usize| module[..module.len().saturating_sub(count)].to_vec();
        // `super` of a file is its folder's module.
        let mut named: Vec<Module> = paths(&source.text, "crate");
        named.extend(paths(&source.text, "u2ad"));
        for (word, base) in [("super::super", outward(2)), ("super", outward(1))] {
            let relative = paths(&source.text, word).into_iter();
            named.extend(
                relative
                    .filter(|path| path.first().is_none_or(|first| first != "super"))
                    .map(|path| base.iter().cloned().chain(path).collect::<Module>()),
            );
        }
        for path in named {
            let defined = resolve(&path, sources, &exports);
            if !defined.is_empty() && defined != *module && !module.starts_with(&defined) {
                arrows.insert((module.clone(), defined));
            }
        }
    }
    arrows
}

/// What facades pass on: the path that it has there, and the module that it comes from.
fn exports(sources: &BTreeMap<Module, Source>) -> BTreeMap<Module, Module> {
    let mut exports = BTreeMap::new();
    for (module, source) in sources.iter().filter(|(_, source)| source.is_facade) {
        for line in source.text.split("pub").skip(1) {
            let Some(at) = line.find("use ").filter(|at| *at < 24) else { continue };
            let statement = line[at + 4..].split(';').next().unwrap_or_default();
            for path in expand(statement) {
                let full: Module = module.iter().cloned().chain(path.clone()).collect();
                if let Some(name) = path.last()
                    && sources.contains_key(&full[..module.len() + 1])
                {
                    let mut exported = module.clone();
                    exported.push(name.clone());
                    exports.insert(exported, full);
                }
            }
        }
    }
    exports
}

/// The module whose file defines the thing at a path, as far as files tell.
fn resolve(
    path: &Module,
    sources: &BTreeMap<Module, Source>,
    exports: &BTreeMap<Module, Module>,
) -> Module {
    for length in (1..=path.len()).rev() {
        let is_module = sources.contains_key(&path[..length]);
        // A module and a function may have one name; only a module's goes on.
        if let Some(target) = exports.get(&path[..length])
            && target != path
            && !(is_module && length < path.len())
        {
            return resolve(target, sources, exports);
        }
        if is_module {
            return path[..length].to_vec();
        }
    }
    Module::new()
}

/// The paths that begin with `word::`, without it.
fn paths(text: &str, word: &str) -> Vec<Module> {
    let start = format!("{word}::");
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find(&start) {
        let begin = from + at;
        from = begin + start.len();
        let before = text[..begin].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        found.extend(expand(&text[from..]));
    }
    found
}

/// The paths that the text begins with: `a::{b, c::d}` are two.
fn expand(text: &str) -> Vec<Module> {
    let text = text.trim_start();
    let name: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    if let Some(group) = text.strip_prefix('{') {
        return members(group).iter().flat_map(|member| expand(member)).collect();
    }
    match text[name.len()..].strip_prefix("::") {
        _ if name.is_empty() => Vec::new(),
        Some(rest) => {
            let mut inner = expand(rest);
            if inner.is_empty() {
                inner.push(Module::new());
            }
            let with_name = |path: Module| std::iter::once(name.clone()).chain(path).collect();
            inner.into_iter().map(with_name).collect()
        }
        None => vec![vec![name]],
    }
}

/// The members of a group in braces, whose opening brace is gone.
fn members(group: &str) -> Vec<String> {
    let (mut depth, mut member, mut members) = (0, String::new(), Vec::new());
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                members.push(std::mem::take(&mut member));
                continue;
            }
            _ => {}
        }
        member.push(c);
    }
    members.push(member);
    members
}

/// Groups of modules that reach each other.
fn circles(arrows: &BTreeSet<(Module, Module)>) -> Vec<Vec<Module>> {
    let mut next: BTreeMap<&Module, Vec<&Module>> = BTreeMap::new();
    for (from, to) in arrows {
        next.entry(from).or_default().push(to);
    }
    let reached = |start: &Module| {
        let mut seen: BTreeSet<&Module> = BTreeSet::new();
        let mut todo: Vec<&Module> = next.get(start).into_iter().flatten().copied().collect();
        while let Some(module) = todo.pop() {
            if seen.insert(module) {
                todo.extend(next.get(module).into_iter().flatten().copied());
            }
        }
        seen.into_iter().cloned().collect::<BTreeSet<Module>>()
    };
    let reach: BTreeMap<&Module, BTreeSet<Module>> =
        next.keys().map(|module| (*module, reached(module))).collect();
    let mut left: BTreeSet<&Module> =
        reach.iter().filter(|(module, reach)| reach.contains(**module)).map(|(m, _)| *m).collect();
    let mut circles = Vec::new();
    while let Some(first) = left.pop_first() {
        let others = left
            .iter()
            .filter(|other| reach[first].contains(**other) && reach[*other].contains(first));
        let others: Vec<&Module> = others.copied().collect();
        left.retain(|module| !others.contains(module));
        circles.push(std::iter::once(first).chain(others).cloned().collect());
    }
    circles
}
