//! `u2ad train-segmentation`: trains the network of `segment`.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use crate::Result;
use crate::context::Context;
use crate::frontends::documentation::print_whole;
use crate::segmentation::SegmentationTraining;

/// Trains from fresh weights, writes them to `out` and prints the loss on the way.
///
/// # Errors
/// As [`SegmentationTraining::train`].
pub fn run(out: &Path, steps: usize, width: usize, seed: u64) -> Result<ExitCode> {
    let training = SegmentationTraining { steps, width, ..SegmentationTraining::default() };
    let started = Instant::now();
    let mut printed = Ok(ExitCode::SUCCESS);
    training.train(out, &Context::new(seed), |step, loss| {
        let seconds = started.elapsed().as_secs_f64();
        let line = format!("step {step} loss {loss:.4} after {seconds:.0} s\n");
        if printed.is_ok() {
            printed = print_whole(line.as_bytes());
        }
    })?;
    printed
}
