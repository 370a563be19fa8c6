//! Verbs about the session itself.

use starlark::environment::GlobalsBuilder;
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::Value;
use starlark::values::none::{NoneOr, NoneType};

use crate::Error;
use crate::session::device::device_name;
use crate::session::manual::nearest;
use crate::session::state::State;
use crate::session::{Display, Manual, Output, open_device};

#[starlark_module]
pub(super) fn verbs(builder: &mut GlobalsBuilder) {
    /// Sets the seed of all randomness: the same script with the same seed gives the same bits.
    ///
    /// Every draw comes from its own named stream of the seed, so what ran before does not
    /// matter.
    ///
    /// # Arguments
    /// * `number`: any whole number from 0.
    ///
    /// Examples:
    /// ```python
    /// seed(7)
    /// ```
    fn seed(number: i64, eval: &mut Evaluator) -> anyhow::Result<NoneType> {
        let number = u64::try_from(number)
            .map_err(|_| Error::input(format!("seed: `number` must be 0 or more, not {number}")))?;
        State::of(eval).set_seed(number);
        Ok(NoneType)
    }

    /// Chooses where tensors are computed and returns its name.
    ///
    /// "auto" takes the fastest device that this build supports and this machine has; results
    /// are bit-identical only on the CPU.
    ///
    /// # Arguments
    /// * `name`: "auto", "cpu", "cuda" or "metal".
    ///
    /// Examples:
    /// ```python
    /// device("cpu")
    /// ```
    fn device(
        #[starlark(default = "auto")] name: &str,
        eval: &mut Evaluator,
    ) -> anyhow::Result<String> {
        let device = open_device(name)?;
        let name = device_name(&device).to_owned();
        State::of(eval).set_device(device);
        Ok(name)
    }

    /// The folder of this run, where figures and tables go: the place for files of your own. In
    /// the shell, the working directory.
    ///
    /// Examples:
    /// ```python
    /// save_model(u2ad(), folder() + "/model.safetensors")
    /// ```
    fn folder(eval: &mut Evaluator) -> anyhow::Result<String> {
        Ok(State::of(eval).folder.display().to_string())
    }

    /// Gives a number, text or truth value that the command line can set: `u2ad run study.star
    /// -p epochs=50`.
    ///
    /// # Arguments
    /// * `name`: what the command line calls it.
    /// * `default`: its value otherwise, which also fixes its type.
    ///
    /// Examples:
    /// ```python
    /// epochs = parameter("epochs", 20)
    /// ```
    fn parameter<'v>(
        name: &str,
        default: Value<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> anyhow::Result<Value<'v>> {
        let Some(text) = State::of(eval).parameters.get(name) else { return Ok(default) };
        let heap = eval.heap();
        let value = match default.get_type() {
            "int" => text.parse::<i64>().ok().map(|number| heap.alloc(number)),
            "float" => text.parse::<f64>().ok().map(|number| heap.alloc(number)),
            "bool" => text.to_lowercase().parse::<bool>().ok().map(Value::new_bool),
            _ => Some(heap.alloc(text)),
        };
        let kind = default.get_type();
        let refused = || format!("parameter {name} must be of type {kind}, not \"{text}\"");
        Ok(value.ok_or_else(|| Error::input(refused()))?)
    }

    /// Explains a verb, a type or a value; without an argument, lists all verbs by task.
    ///
    /// # Arguments
    /// * `about`: a verb, its name in quotes, a value, or one of your own functions.
    ///
    /// Examples:
    /// ```python
    /// help()
    /// help(seed)
    /// help("device")
    /// ```
    fn help<'v>(
        #[starlark(default = NoneOr::None)] about: NoneOr<Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> anyhow::Result<NoneType> {
        let manual = Manual::get();
        let text = match about.into_option() {
            None => manual.overview(),
            Some(value) => match value.unpack_str() {
                Some(name) => page_by_name(manual, name, eval)?,
                None => page_of(manual, value),
            },
        };
        State::of(eval).sink().emit(Output::Display(Display::text(text)));
        Ok(NoneType)
    }
}

/// The page of a verb, a type or one of the user's names.
fn page_by_name(manual: &Manual, name: &str, eval: &Evaluator) -> crate::Result<String> {
    if let Some(verb) = manual.verb(name) {
        return Ok(verb.page());
    }
    if let Some(value) = eval.module().get(name) {
        return Ok(page_of(manual, value));
    }
    manual.type_page(name).ok_or_else(|| {
        let names: Vec<_> = manual.verbs().map(|verb| verb.name.clone()).collect();
        let hint = match nearest(name, &names) {
            Some(nearest) => format!("did you mean \"{nearest}\"?"),
            None => "help() lists all verbs".to_owned(),
        };
        Error::input(format!("there is no verb \"{name}\"; {hint}"))
    })
}

fn page_of(manual: &Manual, value: Value) -> String {
    if value.get_type() == "function" || value.get_type() == "native_function" {
        let name = value.to_str();
        // A verb's value knows its types but prints as its name: the manual has its page.
        return match manual.verb(&name) {
            Some(verb) => verb.page(),
            None => Manual::page(&name, &value.documentation()),
        };
    }
    manual
        .type_page(value.get_type())
        .unwrap_or_else(|| Manual::page(value.get_type(), &value.documentation()))
}
