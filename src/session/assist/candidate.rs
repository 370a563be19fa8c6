//! What completion offers.

/// Something that could stand there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What to put there.
    pub text: String,
    pub kind: CandidateKind,
    /// Its type, signature or default.
    pub detail: Option<String>,
}

/// What a candidate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CandidateKind {
    Verb,
    Function,
    Variable,
    Attribute,
    Method,
    KeywordArgument,
    Value,
    Path,
    Keyword,
}

impl CandidateKind {
    /// The kind that [`Self::name`] calls so.
    pub fn from_name(name: &str) -> Option<Self> {
        use CandidateKind::*;
        let all =
            [Verb, Function, Variable, Attribute, Method, KeywordArgument, Value, Path, Keyword];
        all.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind in words, such as "parameter".
    pub fn name(self) -> &'static str {
        match self {
            Self::Verb => "verb",
            Self::Function => "function",
            Self::Variable => "variable",
            Self::Attribute => "attribute",
            Self::Method => "method",
            Self::KeywordArgument => "parameter",
            Self::Value => "value",
            Self::Path => "path",
            Self::Keyword => "keyword",
        }
    }
}
