//! `u2ad train-segmentation`: trains the network of `segment`.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use crate::Result;
use crate::context::Context;
use crate::frontends::documentation::print_whole;
use crate::segmentation::SegmentationTraining;

/// Trains from the weights in `from`, or from fresh ones, also on the shapes in `anatomies`, writes them to `out` and
/// prints the loss on the way.
///
/// # Errors
/// As [`SegmentationTraining::train`].
pub fn run(
    from: Option<&Path>,
    anatomies: Option<&Path>,
    out: &Path,
    training: &SegmentationTraining,
    seed: u64,
) -> Result<ExitCode> {
    let started = Instant::now();
    let mut printed = Ok(ExitCode::SUCCESS);
    training.train(from, anatomies, out, &Context::new(seed), |step, loss| {
        let seconds = started.elapsed().as_secs_f64();
        let line = format!("step {step} loss {loss:.4} after {seconds:.0} s\n");
        if printed.is_ok() {
            printed = print_whole(line.as_bytes());
        }
    })?;
    printed
}
