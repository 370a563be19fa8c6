//! The context of every evaluator of a session.

use starlark::environment::{Globals, Module};
use starlark::eval::{Evaluator, FileLoader};
use starlark::syntax::AstModule;
use starlark::values::Value;

use super::activity::Activity;
use crate::language::dialect;
use crate::session::state::State;
use crate::session::verbs::guard;

/// The context of every evaluator of a session, in cells and in loaded files alike.
#[derive(Clone, Copy)]
pub(in crate::session) struct EvaluatorContext<'a> {
    pub state: &'a State,
    pub globals: &'a Globals,
    pub activity: &'a Activity,
}

impl EvaluatorContext<'_> {
    /// Runs parsed code in `module`; the value is the last statement's.
    pub fn evaluate<'v>(
        &self,
        module: &Module<'v>,
        mut ast: AstModule,
        loader: &dyn FileLoader,
    ) -> starlark::Result<Value<'v>> {
        guard(&mut ast);
        let mut eval = Evaluator::new(module);
        eval.extra = Some(self.state);
        eval.set_loader(loader);
        eval.set_check_cancelled(Box::new(|| self.activity.cancel.is_cancelled()));
        eval.set_max_callstack_size(dialect::MAX_CALL_DEPTH)?;
        eval.eval_module(ast, self.globals)
    }
}
