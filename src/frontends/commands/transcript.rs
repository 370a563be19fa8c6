//! `:transcript FILE`: what was typed, as a script.

use super::{CommandHost, Next, refused};
use crate::context::counted;
use crate::files::{user_path, write_whole};
use crate::frontends::tools::convert::{NotebookCell, notebook_of};
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
    write_whole(path, text.as_bytes()).map_err(refused)?;
    host.show(Display::text(format!("{} in {file}", counted(transcript.cells.len(), "cell"))));
    Ok(Next::Stay)
}
