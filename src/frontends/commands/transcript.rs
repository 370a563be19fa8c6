//! `:transcript FILE`: what was typed, as a script.

use std::path::Path;

use super::{CommandHost, Next, refused};
use crate::context::counted;
use crate::files::{check_no_input, user_path, write_whole};
use crate::frontends::tools::convert::{NotebookCell, notebook_cells, notebook_of};
use crate::language::CellError;
use crate::session::Display;

/// Writes the transcript in the form that the file's ending asks for.
pub(super) fn write_transcript(host: &mut dyn CommandHost, file: &str) -> Result<Next, CellError> {
    if file.is_empty() {
        return Err(CellError::new(":transcript needs a file, such as `:transcript study.star`"));
    }
    let path = &user_path(file).map_err(refused)?;
    let transcript = host.session().transcript();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let text = match path.extension().and_then(|ending| ending.to_str()) {
        Some("star") => transcript.to_script(&name),
        Some("ipynb") => {
            let cells = transcript.script_cells(&name).into_iter().map(NotebookCell::from);
            notebook_of(cells).map_err(refused)?
        }
        _ => {
            return Err(CellError::new(format!(
                "a transcript is a .star or .ipynb file, not \"{file}\""
            )));
        }
    };
    if path.exists() && !is_earlier_transcript(path, &text) {
        return Err(CellError::new(format!(
            "{file} holds something else than an earlier transcript of this session; give another name, or remove it first"
        )));
    }
    check_no_input(path).map_err(refused)?;
    write_whole(path, text.as_bytes()).map_err(refused)?;
    let mut written = format!("{} in {file}", counted(transcript.cells.len(), "cell"));
    let sources = transcript.cells.iter().map(|cell| &*cell.source);
    let loaded: Vec<&str> =
        sources.filter_map(|source| source.lines().next()?.strip_prefix("# :load ")).collect();
    if !loaded.is_empty() {
        written = format!(
            "{written}; `:load` works in a session only: add lines that make or load {} (such as load_model) before you run it",
            loaded.join(", ")
        );
    }
    host.show(Display::text(written));
    Ok(Next::Stay)
}

/// Whether a file holds the beginning of this transcript, as it does if it was written earlier in the session.
fn is_earlier_transcript(path: &Path, text: &str) -> bool {
    let Ok(earlier) = std::fs::read_to_string(path) else { return false };
    match (notebook_cells(&earlier), notebook_cells(text)) {
        (Ok(earlier), Ok(now)) => now.starts_with(&earlier),
        _ => text.starts_with(earlier.trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::ScriptCell;

    #[test]
    fn only_an_earlier_transcript_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("study.star");
        let is_earlier = |earlier: &str, now: &str| {
            std::fs::write(&path, earlier).unwrap();
            is_earlier_transcript(&path, now)
        };
        assert!(is_earlier("# %%\nx = 1\n", "# %%\nx = 1\n\n# %%\ny = 2\n"));
        assert!(!is_earlier("# my handwritten study\n", "# %%\nx = 1\n"));
        let notebook = |cells: &[&str]| {
            let cell = |source: &&str| ScriptCell::code(*source);
            notebook_of(cells.iter().map(cell).map(NotebookCell::from)).unwrap()
        };
        assert!(is_earlier(&notebook(&["x = 1"]), &notebook(&["x = 1", "y = 2"])));
        assert!(!is_earlier(&notebook(&["z = 1"]), &notebook(&["x = 1", "y = 2"])));
    }
}
