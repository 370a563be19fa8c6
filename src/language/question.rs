//! The question mark: `?`, `train_epoch?`, `?clinic[3]`.

use super::tokens::{Token, tokens};

/// What a cell asks instead of running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// What there is.
    Overview,
    /// What this is: the source of a name, call or index.
    About(String),
}

/// Whether a cell is nothing but a question: a line that begins or ends with a question mark and
/// is otherwise empty, a name, or something reached from one.
pub fn question(source: &str) -> Option<Question> {
    let line = source.trim();
    let about = line.trim_start_matches('?').trim_end_matches('?').trim();
    if about.len() == line.len() || line.contains('\n') {
        return None;
    }
    if about.is_empty() {
        return Some(Question::Overview);
    }
    let tokens = tokens(about);
    let unfit = |token| matches!(token, Token::OpenText { .. } | Token::Comment | Token::Invalid);
    let begins = matches!(tokens.first()?.token, Token::Word | Token::Keyword | Token::Text);
    (begins && !tokens.iter().any(|placed| unfit(placed.token)))
        .then(|| Question::About(about.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_mark_before_or_behind_asks() {
        let about = |text: &str| Some(Question::About(text.to_owned()));
        assert_eq!(question(" ? \n"), Some(Question::Overview));
        assert_eq!(question("train_epoch?"), about("train_epoch"));
        assert_eq!(question("?train_epoch"), about("train_epoch"));
        assert_eq!(question("clinic[3].slices[0].image??"), about("clinic[3].slices[0].image"));
        assert_eq!(question("phantom_cohort()?"), about("phantom_cohort()"));
    }

    #[test]
    fn source_with_a_question_mark_in_it_is_no_question() {
        for source in
            ["", "x = 1", "# what?", "'what?'", "x = 1 # why?", "print(1)\nx?", "f(1?, 2)", "$?"]
        {
            assert_eq!(question(source), None, "{source:?}");
        }
    }
}
