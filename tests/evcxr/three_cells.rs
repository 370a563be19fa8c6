//! Trains the small model in three steps and saves it. As a program these run in one process; the
//! tests of Rust notebooks run each as a cell of its own, and want the same bits.

use std::path::Path;

use u2ad::prelude::*;

fn main() -> Result<()> {
    // cell
    let study = study(11);
    let people = study.phantom_cohort(3)?;
    let mut model = study.model(Config::small())?;
    let options = TrainingOptions::default().batch_size(4);

    // cell
    study.pretrain(&mut model, &people.healthy()?, 2, &options)?;
    let uncertainty = study.estimate_uncertainty(&mut model, &people, &MonteCarlo::default())?;

    // cell
    let masks = study.regenerate_masks(&uncertainty, MaskingStrategy::Eu)?;
    study.train_epoch(&mut model, &people, Some(&masks), &options)?;
    model.save(Path::new(&std::env::var("U2AD_WEIGHTS").unwrap_or_default()))?;

    // end
    Ok(())
}
