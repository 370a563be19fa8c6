//! Verbs about the session itself.

use std::time::{Duration, Instant};

use starlark::environment::GlobalsBuilder;
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::Value;
use starlark::values::float::UnpackFloat;
use starlark::values::none::NoneType;

use super::long_work::work;
use crate::Error;
use crate::context::device_name;
use crate::language::RustStop;
use crate::session::engine::jobs::Later;
use crate::session::rust;
use crate::session::show::written::{float_text, text_of};
use crate::session::show::{figures_of, warn_of_letters};
use crate::session::state::State;
use crate::session::{Output, open_device};
use crate::study::Study;

/// How long an interrupt may go unnoticed while a cell sleeps.
const MOST_ASLEEP: Duration = Duration::from_millis(20);
/// The longest sleep, about three years.
const LONGEST_SLEEP: Duration = Duration::from_secs(100_000_000);

#[starlark_module]
pub(super) fn verbs(builder: &mut GlobalsBuilder) {
    /// Sets the seed of all randomness: the same script with the same seed gives the same bits.
    ///
    /// Every random draw comes from its own named stream of the seed, so a training does not depend on what
    /// was looked at before. The Monte-Carlo passes of `detect`, `calibrate` and `estimate_uncertainty` are numbered for
    /// each model: repeated, they draw new masks.
    ///
    /// # Arguments
    /// * `number`: a whole number, 0 or more.
    ///
    /// Examples:
    /// ```python
    /// seed(7)
    /// ```
    fn seed(number: i64, eval: &mut Evaluator) -> anyhow::Result<NoneType> {
        let number = u64::try_from(number)
            .map_err(|_| Error::input(format!("seed: `number` must be 0 or more, not {number}")))?;
        let state = State::of(eval);
        state.check_outside_job("seed")?;
        state.set_seed(number);
        Ok(NoneType)
    }

    /// Chooses the device that computes tensors and returns its name.
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
        let state = State::of(eval);
        state.check_outside_job("device")?;
        let device = open_device(name)?;
        let name = device_name(&device).to_owned();
        state.set_device(device);
        Ok(name)
    }

    /// The folder for files that a cell or script writes itself. In a script, it is the run folder, which also holds figures and tables.
    /// In the shell and in notebooks, it is the working directory.
    ///
    /// Examples:
    /// ```python
    /// save_model(u2ad(), output_dir() + "/model.safetensors")
    /// ```
    fn output_dir(eval: &mut Evaluator) -> anyhow::Result<String> {
        Ok(State::of(eval).folder.display().to_string())
    }

    /// Returns a number, text or boolean that the command line can set: `u2ad run study.star
    /// -p epochs=50`.
    ///
    /// # Arguments
    /// * `name`: its name on the command line.
    /// * `default`: its value if the command line sets none; also determines its type.
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
        let parameters = &State::of(eval).parameters;
        let Some(text) = parameters.get(name) else {
            parameters.note_default(name, text_of(default));
            return Ok(default);
        };
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

    /// Writes a line to standard error, for what readers of the results should not miss.
    ///
    /// # Arguments
    /// * `text`: what to write.
    ///
    /// Examples:
    /// ```python
    /// warn("only 4 subjects have a lesion")
    /// ```
    fn warn(text: Value, eval: &mut Evaluator) -> anyhow::Result<NoneType> {
        let line = format!("{}\n", text_of(text));
        State::of(eval).sink().emit(Output::ErrorText(line));
        Ok(NoneType)
    }

    /// Asks the user a question and returns the line typed in answer. A script reads the answer
    /// from standard input.
    ///
    /// # Arguments
    /// * `prompt`: what to ask.
    /// * `hidden`: whether to hide the typed text.
    ///
    /// Examples:
    /// ```python
    /// reader = ask("Who reads this study? ")
    /// ```
    fn ask(
        prompt: &str,
        #[starlark(require = named, default = false)] hidden: bool,
        eval: &mut Evaluator,
    ) -> anyhow::Result<String> {
        let state = State::of(eval);
        state.check_at_once("ask")?;
        Ok(state.sink().ask(prompt, hidden, &state.context().cancel)?)
    }

    /// Asks the user a question and returns the line typed in answer, as `ask` does: the name that
    /// Python has for it.
    ///
    /// # Arguments
    /// * `prompt`: what to ask.
    ///
    /// Examples:
    /// ```python
    /// reader = input("Who reads this study? ")
    /// ```
    fn input(
        #[starlark(require = pos, default = "")] prompt: &str,
        eval: &mut Evaluator,
    ) -> anyhow::Result<String> {
        let state = State::of(eval);
        state.check_at_once("input")?;
        Ok(state.sink().ask(prompt, false, &state.context().cancel)?)
    }

    /// Waits for some time. An interrupt ends the wait at once.
    ///
    /// # Arguments
    /// * `seconds`: how long.
    ///
    /// Examples:
    /// ```python
    /// sleep(0.1)
    /// ```
    fn sleep(seconds: UnpackFloat, eval: &mut Evaluator) -> anyhow::Result<Later<NoneType>> {
        let wait =
            Duration::try_from_secs_f64(seconds.0).ok().filter(|wait| *wait <= LONGEST_SLEEP);
        let wait = wait.ok_or_else(|| {
            let (most, given) = (LONGEST_SLEEP.as_secs(), float_text(seconds.0));
            Error::input(format!("sleep: `seconds` must be a number from 0 to {most}, not {given}"))
        })?;
        work("sleep", eval, move |Study { context }| {
            let started = Instant::now();
            let left = || wait.checked_sub(started.elapsed()).filter(|left| !left.is_zero());
            while let Some(left) = left() {
                context.check()?;
                std::thread::sleep(left.min(MOST_ASLEEP));
            }
            context.check()?;
            Ok(NoneType)
        })
    }

    /// Runs Rust code and shows the value of its last expression. In the shell and in notebooks, a
    /// cell that begins with the line `%%rust` does the same.
    ///
    /// Variables, functions and dependencies (`:dep rand = "0.9"`) are kept for later Rust
    /// code. `use u2ad::exchange::session;` gives access to this session: `session.get("name")?`
    /// returns the tensors of a value, and `session.set("name", &tensor)?` makes a value. The first
    /// use compiles this library, which takes minutes.
    ///
    /// # Arguments
    /// * `code`: what to run.
    ///
    /// Examples:
    /// ```python
    /// def first_use():
    ///     rust("1 + 1")
    /// ```
    fn rust(code: &str, eval: &mut Evaluator) -> anyhow::Result<NoneType> {
        let state = State::of(eval);
        state.check_at_once("rust")?;
        match rust::run(state, eval.module(), code) {
            Ok(Some(display)) => {
                warn_of_letters(figures_of(&display), &state.context());
                state.sink().emit(Output::Display(display));
            }
            Ok(None) => {}
            Err(error) => return Err(RustStop { error, code: code.to_owned() }.into()),
        }
        Ok(NoneType)
    }
}
