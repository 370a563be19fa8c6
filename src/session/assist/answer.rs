//! Answers to questions such as `train_epoch?`.

use super::inspect::inspect;
use crate::language::{CellError, Question, nearest};
use crate::session::catalogue::manual;
use crate::session::{Name, Page};

/// Answers a question from the documentation and the values of earlier cells. Runs nothing.
///
/// # Errors
/// If nothing is known about what it asks.
pub(crate) fn answer(values: &[Name], question: &Question) -> Result<Page, CellError> {
    let about = match question {
        Question::Overview => return Ok(manual().overview()),
        Question::About(about) => about.trim_matches(['"', '\'']),
    };
    inspect(values, about, about.chars().count()).ok_or_else(|| {
        let verbs = manual().verbs().map(|verb| verb.name.clone());
        let known: Vec<_> = verbs.chain(values.iter().map(|value| value.name.clone())).collect();
        CellError {
            hint: Some(match nearest(about, &known) {
                Some(nearest) => format!("did you mean {nearest}?"),
                None => "? lists all verbs".to_owned(),
            }),
            ..CellError::new(format!("nothing is known about `{about}`"))
        }
    })
}
