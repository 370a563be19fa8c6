//! Verbs that explain the others.

use starlark::environment::GlobalsBuilder;
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::Value;
use starlark::values::none::{NoneOr, NoneType};

use crate::context::panics;
use crate::files::{user_path, write_new};
use crate::session::manual::{Manual, Tutorial, Type};
use crate::session::state::State;
use crate::session::{Display, Output, Page, Part, snapshot};
use crate::{Error, Result};

#[starlark_module]
pub(super) fn verbs(builder: &mut GlobalsBuilder) {
    /// Explains a verb, a type or a value, or finds what you look for by words; without an argument,
    /// lists all verbs by task.
    ///
    /// Words are looked for in names, summaries, parameters and texts, also in other forms.
    ///
    /// # Arguments
    /// * `about`: a verb, its name in quotes, a value, one of your own functions, a member such as
    ///   "Cohort.masks", or words to search for.
    ///
    /// Examples:
    /// ```python
    /// help()
    /// help(seed)
    /// help("device")
    /// help("export map")
    /// ```
    fn help<'v>(
        #[starlark(default = NoneOr::None)] about: NoneOr<Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> anyhow::Result<NoneType> {
        let page = match about.into_option() {
            None => State::of(eval).manual.overview(),
            Some(value) => match value.unpack_str() {
                Some(name) => page_by_name(name, eval)?,
                None => page_of(value, State::of(eval).manual),
            },
        };
        State::of(eval).sink().emit(Output::Display(Display::of([Part::Page(page)])));
        Ok(NoneType)
    }

    /// Lists the tutorials that come with the program, by task; shows one of them, or writes it to a file.
    ///
    /// # Arguments
    /// * `name`: the tutorial, such as "quickstart"; None: lists all.
    /// * `path`: the file to write, such as "quickstart.star", which must not exist; None: shows the script.
    ///
    /// Examples:
    /// ```python
    /// examples()
    /// examples("quickstart", "quickstart.star")
    /// ```
    fn examples(
        #[starlark(default = NoneOr::None)] name: NoneOr<&str>,
        #[starlark(default = NoneOr::None)] path: NoneOr<&str>,
        eval: &mut Evaluator,
    ) -> anyhow::Result<NoneType> {
        let state = State::of(eval);
        let shown = match (name.into_option(), path.into_option()) {
            (None, None) => Display::of([Part::Page(state.manual.tutorials())]),
            (None, Some(_)) => {
                let message =
                    "examples: say which tutorial is to be written; examples() lists them";
                return Err(Error::input(message).into());
            }
            (Some(name), None) => {
                let tutorial = Tutorial::named(name)?;
                Display::text(tutorial.text(tutorial.file).trim_end())
            }
            (Some(name), Some(path)) => {
                let tutorial = Tutorial::named(name)?;
                write_new(&user_path(path)?, tutorial.text(path).as_bytes())?;
                Display::text(format!("wrote {path}; `u2ad run {path}` runs it"))
            }
        };
        state.sink().emit(Output::Display(shown));
        Ok(NoneType)
    }
}

/// The page of a verb, a type, a member or one of the user's names; else what has these words.
fn page_by_name(name: &str, eval: &Evaluator) -> Result<Page> {
    let manual = State::of(eval).manual;
    if name.trim().is_empty() {
        return Ok(manual.overview());
    }
    if let Some(verb) = manual.verb(name) {
        return Ok(verb.page());
    }
    // A failed cell leaves names without values; these have no page.
    if let Some(value) = panics::catch(|| eval.module().get(name)).ok().flatten() {
        return Ok(page_of(value, manual));
    }
    manual.page(name).or_else(|| manual.search(name)).ok_or_else(|| {
        let near = manual.nearest_names(name);
        let hint = match near.as_slice() {
            [] => "help() lists all verbs".to_owned(),
            names => format!("did you mean {}?", names.join(" or ")),
        };
        Error::input(match name.trim().contains(' ') {
            true => format!("nothing in the manual has words of \"{name}\"; {hint}"),
            false => format!(
                "there is no verb \"{name}\", and nothing in the manual has this word; {hint}"
            ),
        })
    })
}

fn page_of(value: Value, manual: &Manual) -> Page {
    if let Some(function) = snapshot::function(&value.to_str(), value, manual) {
        return function.page();
    }
    let kind = manual.kind(value.get_type());
    kind.map_or_else(
        || Page::titled(format!("{}: {}", value.to_repr(), value.get_type())),
        Type::page,
    )
}
